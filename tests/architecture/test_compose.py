"""``docker-compose.yml`` and the Dockerfile: closed to the outside, complete, and in step with the product."""

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.architecture.test_settings_example import settings
from tests.compose import OURS, ROOT, compose, copied, image_environment, instructions, let_in
from warehouse.contract.database_roles import Role
from warehouse.postgres.embedded import server as embedded
from warehouse.postgres.embedded.cluster import DATABASE, MAJOR_VERSION, SUPERUSER
from warehouse.secrets import SECRET_SETTINGS
from warehouse.settings import SECRETS

FILE: dict[str, Any] = compose()
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
DATABASES = {"FLEET_DATABASE_URL": SUPERUSER, "FLEET_INGEST_URL": Role.INGEST} | {
    "FLEET_PIPELINE_URL": Role.PIPELINE,
    "FLEET_READ_DSN": Role.READ,
}
"""As whom one works by an address."""
every_service = pytest.mark.parametrize("name", SERVICES)


@pytest.mark.parametrize("command", [["docker-compose"], ["docker", "compose"]], ids=" ".join)
def test_compose_itself_takes_it(command: list[str]) -> None:
    tool = shutil.which(command[0])
    if not tool or subprocess.run([*command, "version"], capture_output=True, check=False).returncode:
        pytest.skip(f"{' '.join(command)} is not installed")
    run = subprocess.run([*command, "config", "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


@every_service
def test_a_service_may_do_nothing_but_its_work(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] not in ("root", "0", "0:0")
    assert "/tmp" in service["tmpfs"]  # noqa: S108 - a folder of the container's own


@every_service
def test_ports_are_open_to_this_machine_alone(name: str) -> None:
    assert [port for port in SERVICES[name].get("ports", ()) if not port.startswith("127.0.0.1:")] == []


def test_only_the_api_has_a_port() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"api"}


def test_dagsters_ui_is_reached_through_the_api_which_shares_a_secret_with_it() -> None:
    have_it = {name for name, service in SERVICES.items() if "fleet_dagster_secret" in service["secrets"]}
    assert have_it == {"api", "dagster"}
    port = SERVICES["dagster"]["environment"]["FLEET_DAGSTER_PORT"]
    assert SERVICES["api"]["environment"]["FLEET_DAGSTER_URL"] == f"http://dagster:{port}"
    assert set(SERVICES["api"]["networks"]) & set(SERVICES["dagster"]["networks"]) >= {"database"}


def test_what_stays_is_watched_and_comes_back() -> None:
    stays = {name: service for name, service in SERVICES.items() if name != "migrate"}
    assert {service["restart"] for service in stays.values()} == {"unless-stopped"}
    assert all(service["healthcheck"]["test"][0] == "CMD" for service in stays.values())
    assert SERVICES["migrate"]["restart"] == "no"


def test_nothing_starts_before_what_it_depends_on() -> None:
    order = {name: service["depends_on"] for name, service in SERVICES.items() if "depends_on" in service}
    migrated = {"migrate": {"condition": "service_completed_successfully"}}
    assert order == {
        "migrate": {"postgres": {"condition": "service_healthy"}},
        "api": migrated,
        "dagster": migrated,
    }


def test_there_is_one_image_of_ours_and_it_is_built_once() -> None:
    assert len({SERVICES[name]["image"] for name in OURS}) == 1
    assert [name for name, service in SERVICES.items() if "build" in service] == ["migrate"]


def test_images_are_named_without_a_registry() -> None:
    arguments = dict(assignment.split("=", 1) for words in instructions("ARG") for assignment in words)
    bases = {arguments[words[0].strip("${}")] for words in instructions("FROM")}
    images = {service["image"] for service in SERVICES.values()}
    assert [image for image in bases | images if not re.fullmatch(r"[a-z]+(:[a-z0-9.-]+)?", image)] == []


def test_the_image_runs_as_the_user_that_the_services_name() -> None:
    assert instructions("USER") == [[SERVICES[name]["user"]] for name in OURS[:1]]
    assert {SERVICES[name]["user"] for name in OURS} == {"10001:10001"}


def test_volumes_are_declared_and_lie_where_the_data_does() -> None:
    mounted = {name: service["volumes"] for name, service in SERVICES.items() if "volumes" in service}
    assert mounted == {
        "postgres": ["postgres:/var/lib/postgresql"],  # since 18 the image keeps its data below, in a folder a version
        "migrate": [f"home:{image_environment()['FLEET_HOME']}"],
        "dagster": [f"home:{image_environment()['FLEET_HOME']}"],
    }
    assert set(FILE["volumes"]) == {"postgres", "home"}


def test_secrets_are_files_that_the_settings_look_for() -> None:
    used = {secret for service in SERVICES.values() for secret in service["secrets"]}
    assert FILE["secrets"] == {name: {"file": f"./.secrets/{name}"} for name in used}
    ours = {secret.upper() for name in OURS for secret in SERVICES[name]["secrets"]}
    assert ours == {"FLEET_ADMIN_TOKEN", "FLEET_DAGSTER_SECRET", *DATABASES}
    assert ours <= settings().keys()
    assert Path(SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD_FILE"]).parent == SECRETS
    assert ".secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_every_setting_reaches_the_containers_and_nothing_else_does() -> None:
    not_variables = {
        "FLEET_HOME",  # set in the image
        "FLEET_HOST",  # a flag of each command
        *("FLEET_TLS_CERT", "FLEET_TLS_KEY"),  # files of the host: a proxy in a container of its own speaks TLS
        *(name.upper() for name in FILE["secrets"]),
        # Secrets that few have.
        *(f"FLEET_{name.upper()}" for name in SECRET_SETTINGS),
    }
    for name in OURS:
        assert SERVICES[name]["environment"].keys() == settings().keys() - not_variables, "add it to x-fleetwatt"


def test_postgres_is_set_as_the_embedded_one() -> None:
    service = SERVICES["postgres"]
    assert service["image"] == f"postgres:{MAJOR_VERSION}"
    assert (service["environment"]["POSTGRES_USER"], service["environment"]["POSTGRES_DB"]) == (SUPERUSER, DATABASE)
    in_place = dict(embedded._SETTINGS)
    in_place.pop("listen_addresses")  # a container's addresses are its own
    assert dict(re.findall(r"-c (\w+)=(\S+)", service["command"])) == in_place


def test_what_the_image_is_built_from_is_there_and_let_in() -> None:
    assert set(copied()) == let_in()
    assert [name for name in copied() if not (ROOT / name).exists()] == []


def test_the_secrets_that_the_page_makes_open_the_database(tmp_path: Path) -> None:
    section = (ROOT / "docs/deployment.md").read_text(encoding="utf-8").partition("## With Docker Compose")[2]
    block = section.partition("```console\n")[2].partition("```")[0].replace("\\\n>", "\\\n")
    before_the_start = block.partition("$ docker compose up")[0]
    making = "\n".join(line.removeprefix("$ ") for line in before_the_start.splitlines())
    subprocess.run(["sh", "-euc", f"umask 077\n{making}"], cwd=tmp_path, check=True)
    folder = tmp_path / ".secrets"
    assert {path.name for path in folder.iterdir()} == FILE["secrets"].keys()
    # A container's user is not ours, and finds the files as they are: they are open, their folder is not.
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}
    addresses = {name: conninfo_to_dict((folder / name.lower()).read_text().strip()) for name in DATABASES}
    passwords = {name: address.pop("password") for name, address in addresses.items()}
    assert passwords["FLEET_DATABASE_URL"] == (folder / "postgres_password").read_text().strip()
    assert len(set(passwords.values())) == len(DATABASES)
    assert addresses == {
        name: {"user": user, "host": "postgres", "dbname": DATABASE} for name, user in DATABASES.items()
    }


def test_only_what_migrates_knows_the_owner_of_the_tables_and_dagster_no_way_to_store_as_the_api() -> None:
    known = {name: {*SERVICES[name]["secrets"]} - {"fleet_admin_token", "fleet_dagster_secret"} for name in OURS}
    assert known == {
        "migrate": {name.lower() for name in DATABASES},
        "api": {"fleet_ingest_url", "fleet_read_dsn"},
        "dagster": {"fleet_pipeline_url", "fleet_read_dsn"},
    }


def test_everybody_is_asked_who_they_are_and_nothing_is_published_beyond_this_machine() -> None:
    assert {SERVICES[name]["environment"]["FLEET_AUTH"] for name in OURS} == {"auto"}
    assert all(port.startswith("127.0.0.1:") for name in OURS for port in SERVICES[name].get("ports", ()))


@every_service
def test_a_service_can_take_neither_all_memory_nor_all_processes(name: str) -> None:
    assert re.fullmatch(r"\d+[mg]", SERVICES[name]["mem_limit"])
    assert 0 < SERVICES[name]["pids_limit"] <= 2000


def test_the_database_is_in_a_network_of_its_own_out_of_which_nothing_leads() -> None:
    assert FILE["networks"]["database"] == {"internal": True}
    assert SERVICES["postgres"]["networks"] == SERVICES["migrate"]["networks"] == ["database"]
    outside = {name for name, service in SERVICES.items() if "outside" in service["networks"]}
    assert outside == {"api", "dagster"}, "a port needs a way out, and so do alerts"
    assert not any("network_mode" in service for service in SERVICES.values())
