"""Dagster's own folder, ``HOME/dagster``: made, with its database, and told to Dagster."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from orchestration.dagster_runtime.own_database import (
    DagsterDatabaseError,
    address_of_database,
    has_database,
    make_database,
    require_usable,
    storage_url,
)
from orchestration.processes.child_environment import search_path
from warehouse.postgres.connection import connect
from warehouse.scratch_folder import scratch_folder
from warehouse.settings import FleetSettings

if TYPE_CHECKING:
    import dagster as dg

STORAGE_URL = "FLEET_DAGSTER_STORAGE_URL"
"""Where Dagster's processes find their database: not in the file, because it holds a password."""
LOCATION = "fleetwatt"


@dataclass(frozen=True)
class DagsterHome:
    """The folder and the database of one installation's Dagster."""

    home: Path
    database: str
    code_socket: Path
    """Where the code server listens: only its owner can talk to it, and no proxy comes between."""

    @property
    def folder(self) -> Path:
        """What Dagster calls DAGSTER_HOME."""
        return self.home.resolve() / "dagster"

    @property
    def logs(self) -> Path:
        """What the processes write, and below it what each step of a run writes."""
        return self.home.resolve() / "logs" / "dagster"

    @property
    def workspace(self) -> Path:
        """The file that names the code server."""
        return self.folder / "workspace.yaml"

    def prepare(self, database_url: str) -> dict[str, str]:
        """Make folder, files and database where they are missing; returns the environment of Dagster's processes.

        Raises:
            DagsterDatabaseError: we may not make the database, or its tables.
            DatabaseUnfitError: it cannot be used as it is set up.
            DatabaseUnavailableError: the server cannot be reached.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "dagster.yaml").write_text(_as_yaml(instance_settings(self.folder, self.logs / "steps")))
        self.workspace.write_text(_as_yaml({"load_from": [{"grpc_server": self._code_server}]}))
        make_database(database_url, self.database)
        require_usable(database_url, self.database)
        return {
            "DAGSTER_HOME": str(self.folder),
            STORAGE_URL: storage_url(database_url, self.database),
            "PYTHONSAFEPATH": "1",  # nothing is imported from the user's folder, by Dagster's own children neither
            # Without the user's folder, what comes first is somebody's; Dagster takes the first one away all the same.
            "PYTHONPATH": os.pathsep.join([str(self.folder), *search_path(os.environ)]),
        }

    @property
    def _code_server(self) -> dict[str, str]:
        return {"socket": str(self.code_socket), "location_name": LOCATION}


def instance_settings(folder: Path, logs: Path) -> dict[str, Any]:
    """The content of dagster.yaml."""
    return {
        "storage": {
            "custom": {
                "module": "orchestration.dagster_runtime.storage",
                "class": "PooledPostgresStorage",
                "config": {"postgres_url": {"env": STORAGE_URL}},
            }
        },
        "local_artifact_storage": {
            "module": "dagster._core.storage.root",
            "class": "LocalArtifactStorage",
            "config": {"base_dir": str(folder)},
        },
        "compute_logs": {
            "module": "dagster._core.storage.local_compute_log_manager",
            "class": "LocalComputeLogManager",
            "config": {"base_dir": str(logs)},
        },
        "run_launcher": {"module": "orchestration.dagster_runtime.run_launcher", "class": "WatchedRunLauncher"},
        "run_coordinator": {
            "module": "orchestration.dagster_runtime.run_coordinator",
            "class": "PooledRunCoordinator",
            "config": {
                "dequeue_interval_seconds": 1,
                # A code server that is restarted is back within seconds: a queued run waits for it.
                "max_user_code_failure_retries": 10,
                "user_code_failure_retry_delay": 5,
            },
        },
        "concurrency": {
            "pools": {"granularity": "run", "default_limit": 1},
            "runs": {"max_concurrent_runs": 2},  # a day's, and one of what is not a day: the hours, the maintenance
        },
        "run_monitoring": {
            "enabled": True,
            "poll_interval_seconds": 10,
            "start_timeout_seconds": 60,
            "cancel_timeout_seconds": 60,
            "max_resume_run_attempts": 0,
        },
        # A run whose worker died is repeated; one that failed for a reason waits for a person.
        "run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False},
        "retention": {
            "sensor": {"purge_after_days": {"skipped": 1, "started": 1, "failure": 30, "success": 30}},
            "schedule": {"purge_after_days": {"skipped": 30, "started": 30, "failure": 90, "success": 90}},
        },
        "python_logs": {"python_log_level": "INFO"},  # of what goes to log files: the storage has every event anyway
        "auto_materialize": {"enabled": False},
        "freshness": {"enabled": True},
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
    }


@contextmanager
def opened(database_url: str, settings: FleetSettings) -> Iterator["dg.DagsterInstance | None"]:
    """Dagster's instance, for a look from outside its own processes; ``None`` where it has no database yet.

    Raises:
        DagsterDatabaseError: its database cannot be read.
    """
    name = settings.dagster_database
    with connect(database_url) as connection:
        if not has_database(connection, name):
            yield None
            return
    address = address_of_database(settings, database_url)
    import dagster as dg  # a second, which only who looks inside pays
    from dagster._core.instance import InstanceRef
    from dagster_postgres.utils import DagsterPostgresException
    from sqlalchemy.exc import SQLAlchemyError

    with scratch_folder("dagster") as folder:
        overrides = instance_settings(folder, folder)
        overrides["storage"]["custom"]["config"] = {"postgres_url": storage_url(address, name)}
        try:
            with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder), overrides=overrides)) as instance:
                yield instance
        except (SQLAlchemyError, DagsterPostgresException) as error:
            cause = error.__cause__ or error
            said = str(getattr(cause, "orig", None) or cause).strip().splitlines()[0]
            raise DagsterDatabaseError(f"the database {name} cannot be read: {said}") from error


@contextmanager
def connected(settings: FleetSettings, jobs_url: str) -> Iterator[psycopg.Connection | None]:
    """A connection to Dagster's database; ``None`` where there is none yet. ``jobs_url``: the fleet's, as jobs find it.

    Raises:
        DatabaseUnavailableError: it cannot be reached.
        DagsterDatabaseError: its role is not let in.
    """
    name = settings.dagster_database
    with connect(jobs_url) as connection:
        is_there = has_database(connection, name)
    if not is_there:
        yield None
        return
    with connect(storage_url(address_of_database(settings, jobs_url), name)) as connection:
        yield connection


def _as_yaml(settings: dict[str, Any]) -> str:
    """JSON is YAML."""
    return f"# Written by fleetwatt at each start.\n{json.dumps(settings, indent=2)}\n"
