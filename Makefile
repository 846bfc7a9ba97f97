# Two commands to know: `make run` and `make test`. Both set up what they need in .venv with plain pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# What Python compiles is kept, whatever the shell says: the platform and its tests are many processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test test-newest test-long test-pages vendor test-models-mutated bench-ingest bench-warehouse bench-data-faults bench-findings bench-docs faults lint audit sbom coverage format lock clean

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/runtime.installed ## Make .venv with what the product runs on, locked by hash

run: setup ## Start the platform with a simulated fleet; Ctrl-C stops it
	@exec $(BIN)/fleetwatt up $(ARGS)

test: $(VENV)/dev.installed ## Run the tests
	@$(BIN)/python -m compileall -q ingest_api orchestration warehouse dbt_like_sql
	@# Four workers on two cores: each waits for its PostgreSQL for half of the time. Threads of Polars would only wait for
	@# each other; `make coverage` runs with them.
	POLARS_MAX_THREADS=1 $(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

# A name that is there may still be a shim of a version manager without that version: only what starts counts.
NEWEST = $(shell for python in python3.14 python3.13 python3.12; do $$python -c '' 2>/dev/null && echo $$python && break; done)

test-newest: ## Run the unit tests with the newest Python that is installed; NEWEST=python3.13 names another
	@test -n "$(NEWEST)" || echo "no Python newer than 3.11 is installed: its tests are left out"
	@test -z "$(NEWEST)" || $(MAKE) --no-print-directory VENV=.venv/newest PYTHON=$(NEWEST) test ARGS="tests/unit $(ARGS)"

test-models-mutated: $(VENV)/dev.installed ## Say how many faults in the models their unit tests notice; ARGS="NAME ..." for some
	@$(BIN)/python -m tests.mutated_models $(ARGS)

coverage: $(VENV)/dev.installed ## Run the unit tests, and say which lines and branches of the product they reach
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests/unit $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

test-pages: $(VENV)/dev.installed ## Look at every page in Chromium, in both themes, wide and narrow; pictures in build/pages
	$(BIN)/pytest -m "" tests/pages $(ARGS)

vendor: $(VENV)/dev.installed ## Bring the scripts of others that the pages use again, by npm, and hold them against their digests
	@$(BIN)/python -m tests.vendored

test-long: $(VENV)/dev.installed ## Run the tests that take long
	$(BIN)/pytest -m long $(ARGS)

bench-warehouse: setup ## Measure the life of a full-size day against baselines; ARGS as above
	@exec $(BIN)/python -m tests.benchmarks.warehouse $(ARGS)

bench-ingest: setup ## Measure ingest and the 24 h query against baselines; ARGS="single bulk" for some, "--help" for more
	@exec $(BIN)/python -m tests.benchmarks $(ARGS)

bench-data-faults: setup ## Hold the rules for data faults against simulated fleets whose faults are known; ARGS="--help"
	@exec $(BIN)/python -m tests.benchmarks.data_faults $(ARGS)

bench-findings: setup ## Hold the rules for losses against simulated fleets whose losses are known; ARGS="--quick", "--help"
	@exec $(BIN)/python -m tests.benchmarks.findings $(ARGS)

bench-docs: setup ## Write the tables of docs/benchmarks.md from the records beside it
	@$(BIN)/python -m tests.benchmarks.page

faults: $(VENV)/dev.installed ## Hurt the server in every way and hold a ledger against it; ARGS="kill-api frozen", "--quick", "--help"
	@exec $(BIN)/python -m tests.faults $(ARGS)

lint: $(VENV)/dev.installed ## Check style, types, layers and SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar ingest_api warehouse dbt_like_sql
	$(BIN)/codespell

audit: $(VENV)/dev.installed ## Ask for known vulnerabilities of the locked packages; says so where nobody can be asked
	@$(BIN)/python -m tests.audit $(ARGS)

sbom: $(VENV)/dev.installed ## Write sbom.json, the bill of materials (CycloneDX) of the locked packages
	$(BIN)/cyclonedx-py requirements requirements/runtime.txt --pyproject pyproject.toml --output-reproducible --output-file sbom.json

format: $(VENV)/dev.installed ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/dev.installed ## Write requirements/*.txt from requirements/*.in
	cd requirements && for name in runtime dev; do ../$(BIN)/uv pip compile --quiet --upgrade --universal \
		--python-version 3.11 --generate-hashes --no-strip-extras --custom-compile-command "make lock" \
		$$name.in --output-file $$name.txt; done

clean: ## Remove .venv and caches; data in .fleetwatt stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
		"Fleetwatt needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime.installed: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing into $(VENV), about half a minute"
	$(INSTALL) --require-hashes -r requirements/runtime.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@# As root, or no process could: the account that they run as does not write here.
	@$(BIN)/python -m compileall -q ingest_api orchestration warehouse dbt_like_sql
	@touch $@

$(VENV)/dev.installed: requirements/dev.txt $(VENV)/runtime.installed
	$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@
