"""Where a child starts, and what it finds in its environment: the settings that it needs, no secret of another one's.

A child that started in the user's folder would read all of its ``.env``, and Dagster loads it into its environment: so
it starts elsewhere, and is told what it needs.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from dotenv import dotenv_values

from warehouse.behind_sign_in import SECRET_VARIABLE
from warehouse.contract.database_roles import Role
from warehouse.env_file import ENCODING, ENV_FILE, env_file
from warehouse.settings import FleetSettings
from warehouse.user_path import expanded

PREFIX = "FLEET_"
PATHS = {"FLEET_TLS_CERT", "FLEET_TLS_KEY"}
"""Settings that may be written as seen from the folder where a command began. Its home each child is told."""
_OF_PIPELINE = ("FLEET_DAGSTER_", "FLEET_ALERT_")
ADDRESSES = {Role.INGEST: "FLEET_INGEST_URL", Role.PIPELINE: "FLEET_PIPELINE_URL"}
"""The setting of a role's own address."""
_WHERE_DAGSTER_IS = {"FLEET_DAGSTER_PORT", "FLEET_DAGSTER_URL", SECRET_VARIABLE}


def none_of_ours(_name: str) -> bool:
    """Of a child that is given its settings one by one."""
    return False


def of_the_api(name: str) -> bool:
    """All but what the pipeline alone needs, and the API's clients."""
    if name in _WHERE_DAGSTER_IS:
        return True
    return not name.startswith(_OF_PIPELINE) and name not in {*ADDRESSES.values(), "FLEET_TOKEN"}


def of_a_job(name: str) -> bool:
    """Of what works on the data and answers nobody: none of the secrets of others."""
    return of_the_api(name) and name not in ("FLEET_ADMIN_TOKEN", "FLEET_READ_DSN", SECRET_VARIABLE)


def of_a_client(name: str) -> bool:
    """Of who sends readings and maps devices: no way into the database."""
    return name in ("FLEET_ADMIN_TOKEN", "FLEET_TOKEN")


def inherited(environment: Mapping[str, str], takes: Callable[[str], bool]) -> dict[str, str]:
    """Of this environment all that is not a setting of ours, and the settings that a child takes, by their names.

    Names are compared as settings are found, in upper case.
    """
    return {
        name: value for name, value in environment.items() if not name.upper().startswith(PREFIX) or takes(name.upper())
    }


def for_a_child(takes: Callable[[str], bool]) -> dict[str, str]:
    """What a child inherits of this process, with the settings of ``.env`` that it takes.

    Raises:
        EnvFileError: the ``.env`` of this folder cannot be used.
    """
    return inherited(with_env_file(os.environ), takes)


def with_env_file(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for a process in another folder: with our settings of this folder's ``.env``, overruled by it.

    Raises:
        EnvFileError: the ``.env`` of this folder cannot be used.
    """
    known = {name.upper() for name in environment}
    file = env_file()
    found = dotenv_values(file, encoding=ENCODING) if file else {}
    ours = {name: value for name, value in found.items() if value and name.upper().startswith(PREFIX)}
    whole = {**{name: value for name, value in ours.items() if name.upper() not in known}, **environment}
    for name, value in whole.items():
        if name.upper() in PATHS and value:
            whole[name] = str(expanded(Path(value)).absolute())
    if path := search_path(whole):
        whole["PYTHONPATH"] = os.pathsep.join(path)
    return whole


def search_path(environment: Mapping[str, str]) -> list[str]:
    """The folders of ``PYTHONPATH``, which may be written as seen from this folder, for a process in another one."""
    given = environment.get("PYTHONPATH")
    return [os.path.abspath(each) for each in given.split(os.pathsep)] if given else []  # noqa: PTH100 - not resolved


def working_as(role: Role, url: str) -> dict[str, str]:
    """What tells a child as whom it works in the database, whatever the files of secrets say that it finds."""
    return {"FLEET_DATABASE_URL": url, ADDRESSES[role]: url}


def folder_without_env_file() -> Path:
    """Where a process finds no ``.env``: a folder that only the system's administrator writes to."""
    folders = map(Path, ("/", "/usr", "/dev"))
    return next(folder for folder in folders if not os.path.lexists(folder / ENV_FILE))


def as_environment(settings: FleetSettings) -> dict[str, str]:
    """The settings that were set, wherever they came from, as a child finds them again; of databases none."""
    fields = FleetSettings.model_fields.keys() - {"database_url", "ingest_url", "pipeline_url", "read_dsn"}
    given = {name: getattr(settings, name) for name in settings.model_fields_set & fields}
    return {f"{PREFIX}{name.upper()}": str(value) for name, value in given.items() if value is not None}
