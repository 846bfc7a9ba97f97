"""The simulated fleet's past: imported once, in the answers at once, and its days made without a run of Dagster's."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from orchestration.local.fleet_history import DUE_NAME, FILE_NAME, FleetHistory
from orchestration.local.history_filling import IMPORTED, HistoryFilling
from warehouse.postgres.hours.device_hours import write_closed_hours
from warehouse.postgres.ledger.day_ledger import days_to_run
from warehouse.postgres.ledger.lake_files import oldest_releases
from warehouse.settings import FleetSettings

DAYS = 3
FILLED = re.compile(r"history: [0-9,]+ readings of ([34]) days imported \([0-9]+ s after the start\)")
"""Four in the first hours of a day: yesterday is not closed by then, and part of the past all the same."""


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> FleetSettings:
    return FleetSettings(_env_file=None, home=tmp_path, database_url=database_url)


def filling(settings: FleetSettings, *, makes_days: bool) -> HistoryFilling:
    url = str(settings.database_url)
    return HistoryFilling(settings, url, vehicles=2, days=DAYS, makes_days=makes_days, began_s=0)


def test_hours_that_were_written_before_the_past_was_there_are_put_right(
    settings: FleetSettings, connection: psycopg.Connection, capfd: pytest.CaptureFixture[str]
) -> None:
    write_closed_hours(connection, lambda _: None)
    first = FleetHistory(settings, 2, DAYS).prepare(str(settings.database_url))
    assert first in {datetime.now(UTC).date() - timedelta(days=days) for days in (DAYS, DAYS + 1)}
    filling(settings, makes_days=False).run()
    told = capfd.readouterr().out.splitlines()
    assert FILLED.fullmatch(told[-1]), told
    assert not (settings.home / FILE_NAME).exists()
    assert not (settings.home / DUE_NAME).exists()
    stored = "SELECT (SELECT count(*) FROM meter_readings) + (SELECT count(*) FROM vehicle_readings)"
    (readings,) = connection.execute(stored).fetchone() or (0,)
    assert readings > 4 * 1440, "each minute of the last two days, and each fifth of those before"
    assert connection.execute("SELECT sum(reading_count) FROM device_hourly").fetchone() == (readings,)
    assert FleetHistory(settings, 2, DAYS).prepare(str(settings.database_url)) is None, "it is filled in once"
    assert len(days_to_run(connection)) == DAYS


@pytest.mark.long
def test_its_days_are_made_the_oldest_first_also_where_that_was_interrupted(
    settings: FleetSettings,
    connection: psycopg.Connection,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("orchestration.local.history_filling.PROVISIONED_WITHIN_S", 0.0)
    FleetHistory(settings, 2, DAYS).prepare(str(settings.database_url))
    with monkeypatch.context() as patched:
        patched.setattr(HistoryFilling, "_make_days", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            filling(settings, makes_days=True).run()
    assert (settings.home / DUE_NAME).read_text() == IMPORTED
    assert FleetHistory(settings, 2, DAYS).prepare(str(settings.database_url)), "the next start goes on with it"
    capfd.readouterr()
    filling(settings, makes_days=True).run()
    told = capfd.readouterr().out.splitlines()
    assert told[-1].startswith(f"history: {DAYS} of {DAYS} days in the lake; so far 0 losses and ")
    assert days_to_run(connection) == []
    released = oldest_releases(connection)
    assert [each.day for each in sorted(released, key=lambda each: each.released_at)] == [each.day for each in released]
    assert not (settings.home / DUE_NAME).exists()
