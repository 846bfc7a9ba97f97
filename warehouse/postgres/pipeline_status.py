"""What of Dagster's own work somebody stopped: noted by who runs Dagster, read by who only knows this database."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from warehouse import sqlfiles

_PACKAGE = "warehouse.postgres"


@dataclass(frozen=True)
class PipelineStatus:
    """Sensors and schedules by name, since ``changed_at``; of a pipeline that runs there are none."""

    stopped: Sequence[str]
    changed_at: datetime


def pipeline_status(connection: psycopg.Connection) -> PipelineStatus | None:
    """What was noted last; ``None`` where nobody ever ran Dagster."""
    with connection.cursor(row_factory=class_row(PipelineStatus)) as cursor:
        return cursor.execute(sqlfiles.load(_PACKAGE, "find_pipeline_status")).fetchone()


def set_pipeline_status(connection: psycopg.Connection, stopped: Sequence[str]) -> None:
    """Note what is stopped from now on."""
    connection.execute(sqlfiles.load(_PACKAGE, "set_pipeline_status"), {"stopped": list(stopped)})


def stopped_in(dagster: psycopg.Connection, ours: Collection[str]) -> list[str]:
    """Which of ours somebody stopped, by this connection to Dagster's own database.

    Raises:
        SchemaOutdatedError: Dagster has not made its tables yet.
    """
    rows = dagster.execute(sqlfiles.load(_PACKAGE, "find_stopped_automation")).fetchall()
    return [name for (name,) in rows if name in ours]
