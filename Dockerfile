# The one image of migrate, the API and Dagster; docker-compose.yml says what each container of it runs.

# By digest where you have looked one up: --build-arg PYTHON_IMAGE=python@sha256:... (SECURITY.md, "Supply chain").
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
RUN python -m venv /opt/fleetwatt
ENV PATH=/opt/fleetwatt/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# First what changes seldom: a change of our own code installs our own code alone.
COPY requirements requirements
RUN pip install --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY dbt_like_sql dbt_like_sql
COPY ingest_api ingest_api
COPY orchestration orchestration
COPY warehouse warehouse
RUN pip install --no-deps --no-build-isolation .

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/fleetwatt /opt/fleetwatt
# Nothing is imported from the folder a command runs in; what is said is said at once.
ENV PATH=/opt/fleetwatt/bin:$PATH PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1 FLEET_HOME=/var/lib/fleetwatt
# By number, so that it can be seen from outside that it is not root. A new volume takes over the folder's owner.
RUN useradd --uid 10001 --home-dir /var/lib/fleetwatt --shell /usr/sbin/nologin fleetwatt \
    && install --directory --owner fleetwatt --group fleetwatt /var/lib/fleetwatt
USER 10001:10001
WORKDIR /var/lib/fleetwatt
CMD ["fleetwatt", "--help"]
