"""Files of readings: stored once, whatever happens on the way, and every line accounted for."""

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest

from tests.factories import iso, meter_payload, ramp, vehicle_payload
from warehouse.lake import reading_files
from warehouse.lake.reading_files import UnreadableReadingsError
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger import is_held
from warehouse.readings_import import ImportReport, import_file
from warehouse.settings import FleetSettings

LONG_AGO = datetime(2020, 12, 31, 22, tzinfo=UTC)


def write(path: Path, items: list[Any]) -> Path:
    lines = [item if isinstance(item, bytes) else json.dumps(item).encode() for item in items]
    data = b"\n".join(lines) + b"\n"
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def run(url: str, path: Path) -> ImportReport:
    return import_file(url, path, FleetSettings(_env_file=None))


def count(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("name", ["readings.ndjson", "readings.ndjson.gz"])
def test_days_long_gone_are_stored_and_counted_as_late(
    tmp_path: Path, connection: psycopg.Connection, database_url: str, name: str
) -> None:
    meters = ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 240, 100.0, 0.1)
    vehicles = ramp(vehicle_payload, "kwhDeliveredDc", LONG_AGO, 240, 100.0, 0.1)
    report = run(database_url, write(tmp_path / name, [*meters, *vehicles]))
    assert (report.accepted, report.lines, report.refused) == (480, 480, [])
    assert report.days == {date(2020, 12, 31), date(2021, 1, 1)}
    late = connection.execute("SELECT stream, day, sum(row_count) FROM late_rows GROUP BY 1, 2").fetchall()
    assert sorted(late) == [
        (stream, day, 120)
        for stream in ("meter_readings", "vehicle_readings")
        for day in (date(2020, 12, 31), date(2021, 1, 1))
    ]


def test_a_sensor_that_is_left_out_counts_as_null(
    tmp_path: Path, connection: psycopg.Connection, database_url: str
) -> None:
    meter, vehicle = meter_payload(), vehicle_payload()
    del meter["voltage"], vehicle["soc"], vehicle["batteryTemp"]
    report = run(database_url, write(tmp_path / "sparse.ndjson", [meter, vehicle]))
    assert report.accepted == 2
    assert connection.execute("SELECT voltage_volts FROM meter_readings").fetchall() == [(None,)]
    stored = connection.execute("SELECT soc_percent, battery_temp_celsius FROM vehicle_readings").fetchall()
    assert stored == [(None, None)]


def test_parquet_is_read_as_the_lines_it_would_have_been(
    tmp_path: Path, connection: psycopg.Connection, database_url: str
) -> None:
    readings = [
        *ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 30, 100.0, 0.1),
        *ramp(vehicle_payload, "kwhDeliveredDc", LONG_AGO, 30, 100.0, 0.1),
    ]
    table = pl.DataFrame(readings, infer_schema_length=None).with_columns(
        pl.col("timestamp").str.to_datetime(time_zone="UTC")
    )
    bad = table.head(1).with_columns(kwhConsumedAc=pl.lit(-1.0))
    path = tmp_path / "readings.parquet"
    pl.concat([table, bad]).write_parquet(path)
    report = run(database_url, path)
    assert (report.accepted, report.rejected, report.refused[0].index) == (60, 1, 61)
    lines = write(tmp_path / "readings.ndjson", readings)
    assert run(database_url, lines).duplicates == 60
    kept = connection.execute("SELECT convert_from(raw, 'UTF8')::jsonb ->> 'kwhConsumedAc' FROM quarantined_readings")
    assert kept.fetchall() == [("-1.0",)]


def test_parquet_goes_on_where_it_was_and_says_when_it_is_damaged(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_files, "CHUNK_LINES", 100)
    path = tmp_path / "readings.parquet"
    pl.DataFrame(ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 250, 1.0, 0.1)).write_parquet(path)
    assert [len(lines) for lines, _ in reading_files.chunks(path, skip=130)] == [70, 50]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UnreadableReadingsError, match="not readable as Parquet"):
        run(database_url, path)


def test_a_broken_line_is_reported_by_number_and_kept_and_the_others_are_in(
    tmp_path: Path, connection: psycopg.Connection, database_url: str
) -> None:
    items: list[Any] = ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 45_000, 100.0, 0.01)
    items[29_999] = b'{"meterId":"meter-1","kwhCons'
    report = run(database_url, write(tmp_path / "broken.ndjson.gz", items))
    assert (report.accepted, report.rejected) == (44_999, 1)
    assert [(each.index, each.code) for each in report.refused] == [(30_000, "malformed_json")]
    kept = connection.execute("SELECT code, raw, source FROM quarantined_readings").fetchall()
    assert kept == [("malformed_json", items[29_999] + b"\n", "broken.ndjson.gz")]
    assert count(connection, "SELECT count(*) FROM meter_readings") == 44_999


def test_the_same_file_again_is_all_duplicates_and_no_late_rows(
    tmp_path: Path, connection: psycopg.Connection, database_url: str
) -> None:
    path = write(tmp_path / "twice.ndjson", ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 50, 1.0, 0.1))
    run(database_url, path)
    again = run(database_url, path)
    assert (again.accepted, again.duplicates, again.lines_skipped) == (0, 50, 0)
    assert count(connection, "SELECT sum(row_count) FROM late_rows") == 50


def test_an_interrupted_import_goes_on_where_it_was(
    tmp_path: Path, connection: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_files, "CHUNK_LINES", 100)
    path = write(tmp_path / "long.ndjson", ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 450, 1.0, 0.1))

    class Killed(BaseException):
        """Stands for a kill: nothing catches it."""

    def die_after_two_chunks(_share: float, report: ImportReport) -> None:
        if report.accepted >= 200:
            raise Killed

    with pytest.raises(Killed):
        import_file(database_url, path, FleetSettings(_env_file=None), die_after_two_chunks)
    went_on = run(database_url, path)
    assert (went_on.lines_skipped, went_on.accepted, went_on.duplicates) == (200, 250, 0)
    assert count(connection, "SELECT count(*) FROM meter_readings") == 450


def test_a_future_timestamp_is_refused(tmp_path: Path, connection: psycopg.Connection, database_url: str) -> None:
    tomorrow = iso(datetime.now(UTC) + timedelta(days=1))
    report = run(database_url, write(tmp_path / "future.ndjson", [meter_payload(timestamp=tomorrow)]))
    assert [(each.index, each.code) for each in report.refused] == [(1, "timestamp_in_future")]


def test_blank_lines_and_a_missing_newline_at_the_end_are_nothing(
    tmp_path: Path, connection: psycopg.Connection, database_url: str
) -> None:
    path = tmp_path / "blank.ndjson"
    path.write_bytes(
        b"\n\n" + json.dumps(meter_payload()).encode() + b"\r\n\n" + json.dumps(vehicle_payload()).encode()
    )
    assert (run(database_url, path).lines, run(database_url, path).duplicates) == (2, 2)


def test_a_damaged_gzip_says_so_and_keeps_what_came_before(
    tmp_path: Path, connection: psycopg.Connection, database_url: str
) -> None:
    path = write(tmp_path / "cut.ndjson.gz", ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 60_000, 1.0, 0.1))
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(UnreadableReadingsError, match=r"cut\.ndjson\.gz is a damaged gzip file"):
        run(database_url, path)
    assert count(connection, "SELECT count(*) FROM meter_readings") >= 40_000


def test_a_file_that_is_not_there(tmp_path: Path, connection: psycopg.Connection, database_url: str) -> None:
    with pytest.raises(UnreadableReadingsError, match="No such file"):
        run(database_url, tmp_path / "nowhere.ndjson")


def test_an_imported_partition_answers_from_the_index_alone(
    tmp_path: Path, connection: psycopg.Connection, database_url: str
) -> None:
    run(database_url, write(tmp_path / "day.ndjson", ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 100, 1.0, 0.1)))
    visible = count(connection, "SELECT relallvisible FROM pg_class WHERE oid = 'meter_readings_2020_12_31'::regclass")
    assert visible > 0


def test_a_day_before_the_first_one_is_refused(
    tmp_path: Path, connection: psycopg.Connection, database_url: str
) -> None:
    path = write(tmp_path / "early.ndjson", [meter_payload(timestamp="2019-12-31T23:59:59Z")])
    report = run(database_url, path)
    assert [(each.index, each.code) for each in report.refused] == [(1, "timestamp_too_old")]
    assert "2020-01-01" in report.refused[0].detail


def test_the_days_of_an_import_are_held_until_it_is_done(
    tmp_path: Path, connection: psycopg.Connection, database_url: str
) -> None:
    seen = []
    with connect(database_url) as other:

        def look(_share: float, _report: ImportReport) -> None:
            seen.append((is_held(other, date(2020, 12, 31)), is_held(other, date(2020, 12, 30))))

        path = write(tmp_path / "held.ndjson", ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 10, 1.0, 0.1))
        import_file(database_url, path, FleetSettings(_env_file=None), look)
        assert seen == [(True, False)]
        assert not is_held(other, date(2020, 12, 31))
