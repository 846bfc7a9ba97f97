"""``fleetwatt migrate`` and ``fleetwatt partitions``: the schema, and the days that stand ready."""

import json
import sys
from datetime import UTC, datetime

from orchestration.cli.by_hand import note_run
from orchestration.cli.options import AsJson, Home, notes, read_settings
from orchestration.dagster_runtime.own_database import give_to_pipeline
from orchestration.home.database import database, database_to_migrate
from orchestration.home.database_roles import settle_roles_of
from warehouse.counted import counted
from warehouse.lifecycle.take_over import open_lake_folder
from warehouse.postgres import migrate as migrations
from warehouse.postgres.connection import connect
from warehouse.postgres.partitions.creation import make_ahead
from warehouse.postgres.schema_version import head_revision
from warehouse.settings import FleetSettings


def migrate(*, home: Home = None) -> None:
    """Bring the database's schema to this version, and its roles to what each may do. Safe to repeat, or twice at once.

    \b
    Of a PostgreSQL of your own:
        FLEET_DATABASE_URL=postgresql://fleet@db.internal/fleetwatt fleetwatt migrate
    """
    settings = read_settings(FleetSettings, home=home)
    with database_to_migrate(settings) as url:
        applied = migrations.migrate(url, notes.print)
        give_to_pipeline(settings, url, settle_roles_of(settings, url, notes.print))
        open_lake_folder(url, settings.lake, notes.print)
    notes.print(f"applied {', '.join(applied)}" if applied else f"nothing to do: the schema is at {head_revision()}")


def partitions(*, home: Home = None, as_json: AsJson = False) -> None:
    """Make the partitions of the accepted window and of the next 14 days, where they are missing.

    \b
    Safe to repeat; run it daily where nothing else does:
        fleetwatt partitions
    """
    settings = read_settings(FleetSettings, home=home)
    with database(settings) as url, connect(url) as connection:
        note_run(connection, "partitions")
        made = make_ahead(connection, datetime.now(UTC), settings.accepted_age, settings.grace)
    if as_json:
        json.dump([{"stream": each.stream, "day": each.day.isoformat()} for each in made], sys.stdout)
        sys.stdout.write("\n")
    elif made:
        days = sorted({each.day for each in made})
        notes.print(f"made {counted(len(made), 'partition')}, {days[0]} to {days[-1]}")
    else:
        notes.print("nothing to do: every partition exists")
