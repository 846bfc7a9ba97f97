"""Files of readings: stored once, whatever happens on the way, and every line accounted for."""

import contextlib
import gzip
import json
import os
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import psycopg
import pytest
from backports import zstd

from tests.factories import iso, meter_payload, ramp, vehicle_payload
from warehouse.lake import reading_files
from warehouse.lifecycle.readings_import import ImportReport, import_file
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.day_locks import is_held
from warehouse.settings import FleetSettings

ROOT = Path(__file__).parents[3]
LONG_AGO = datetime(2020, 12, 31, 22, tzinfo=UTC)


def write(path: Path, items: list[Any]) -> Path:
    lines = [item if isinstance(item, bytes) else json.dumps(item).encode() for item in items]
    data = b"\n".join(lines) + b"\n"
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def run(url: str, path: Path) -> ImportReport:
    return import_file(url, path, FleetSettings(_env_file=None))


def failure(report: ImportReport) -> str:
    assert report.failure is not None
    return report.failure.detail


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
    with path.open("rb") as file:
        assert [len(chunk.lines) for chunk in reading_files.chunks(file, path.stat().st_size, skip=130)] == [70, 50]
    path.write_bytes(path.read_bytes()[:-20])
    assert "is not readable as Parquet" in failure(run(database_url, path))


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few thousand lines are several chunks."""
    monkeypatch.setattr(reading_files, "CHUNK_LINES", 1_000)


@pytest.mark.usefixtures("small_chunks")
def test_a_broken_line_is_reported_by_number_and_kept_and_the_others_are_in(
    tmp_path: Path, connection: psycopg.Connection, database_url: str
) -> None:
    items: list[Any] = ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 2_500, 100.0, 0.01)
    items[1_499] = b'{"meterId":"meter-1","kwhCons'
    report = run(database_url, write(tmp_path / "broken.ndjson.gz", items))
    assert (report.accepted, report.rejected) == (2_499, 1)
    assert [(each.index, each.code) for each in report.refused] == [(1_500, "malformed_json")]
    kept = connection.execute("SELECT code, raw, source FROM quarantined_readings").fetchall()
    assert kept == [("malformed_json", items[1_499], "broken.ndjson.gz")]
    assert count(connection, "SELECT count(*) FROM meter_readings") == 2_499


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


@pytest.mark.usefixtures("small_chunks")
def test_a_damaged_gzip_says_so_and_keeps_what_came_before(
    tmp_path: Path, connection: psycopg.Connection, database_url: str
) -> None:
    path = write(tmp_path / "cut.ndjson.gz", ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 6_000, 1.0, 0.1))
    path.write_bytes(path.read_bytes()[:-200])
    report = run(database_url, path)
    assert re.fullmatch(
        r"the gzip data ends in the middle; what came before is stored \(up to line .*\)", failure(report)
    )
    assert report.accepted == count(connection, "SELECT count(*) FROM meter_readings") >= 5_800
    assert report.refused == []  # of the line that is cut, the failure speaks
    again = run(database_url, path)
    assert (again.accepted, again.duplicates) == (0, report.accepted)


def test_a_file_that_is_not_there(tmp_path: Path, connection: psycopg.Connection, database_url: str) -> None:
    assert failure(run(database_url, tmp_path / "nowhere.ndjson")) == "No such file or directory"


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


# --- what cannot be read twice, and what is no file -------------------------------------------------------------------


def through_a_pipe(data: bytes) -> tuple[Path, threading.Thread]:
    """What a shell makes of ``<(cat file)``."""
    reading, writing = os.pipe()

    def feed() -> None:
        with os.fdopen(writing, "wb") as pipe, contextlib.suppress(BrokenPipeError):
            pipe.write(data)

    thread = threading.Thread(target=feed)
    thread.start()
    return Path(f"/dev/fd/{reading}"), thread


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd.compress])
def test_what_comes_through_a_pipe_is_stored_and_leaves_nothing_behind(
    tmp_path: Path, connection: psycopg.Connection, database_url: str, pack: Callable[[bytes], bytes]
) -> None:
    readings = ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 3_000, 100.0, 0.01)
    data = pack(b"\n".join(json.dumps(each).encode() for each in [*readings, "bad"]))
    settings = FleetSettings(_env_file=None, home=tmp_path / "home")
    for accepted, duplicates in ((3_000, 0), (0, 3_000)):
        path, thread = through_a_pipe(data)
        report = import_file(database_url, path, settings)
        thread.join()
        os.close(int(path.name))
        assert (report.failure, report.accepted, report.duplicates, report.rejected) == (None, accepted, duplicates, 1)
        assert list(settings.home.iterdir()) == []


def test_parquet_comes_through_a_named_pipe(tmp_path: Path, database_url: str) -> None:
    pl.DataFrame(ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 30, 1.0, 0.1)).write_parquet(tmp_path / "a.parquet")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes((tmp_path / "a.parquet").read_bytes()))
    writer.start()
    report = run(database_url, pipe)
    writer.join()
    assert (report.failure, report.accepted) == (None, 30)


def test_an_import_that_is_killed_while_it_copies_a_pipe_leaves_nothing_behind(tmp_path: Path) -> None:
    home = tmp_path / "home"
    code = f"from warehouse.lake.opened_file import *\nwith opened(Path('-'), Path({str(home)!r})): pass"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdin is not None
        child.stdin.write(bytes(10_000_000))
        child.stdin.flush()
        while not any(str(home) in str(fd.readlink()) for fd in Path(f"/proc/{child.pid}/fd").iterdir()):
            time.sleep(0.05)
        child.kill()
    assert list(home.iterdir()) == []


def test_no_room_for_a_copy_is_said(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.lake.opened_file._SPARE_SHARE", 1.0)
    path, thread = through_a_pipe(b"{}\n" * 100_000)
    settings = FleetSettings(_env_file=None, home=tmp_path)
    report = import_file(database_url, path, settings)
    os.close(int(path.name))
    thread.join()
    assert failure(report) == f"cannot be read twice, and {tmp_path} has no room for a copy of it"


def test_an_empty_file_or_pipe_is_no_success(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "empty").touch()
    path, thread = through_a_pipe(b"")
    thread.join()
    for each in (tmp_path / "empty", path):
        assert failure(run(database_url, each)) == "is empty: no reading was read"
    os.close(int(path.name))


def test_what_is_no_file_is_told_what_it_is(tmp_path: Path, database_url: str) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        assert failure(run(database_url, tmp_path / "socket")) == "is a socket, no file"
    assert failure(run(database_url, tmp_path)) == "is a directory; name the files in it"
    assert failure(run(database_url, Path("/dev/zero"))).startswith("is a device or a terminal, no file")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "Too many levels of symbolic links" in failure(run(database_url, tmp_path / "loop"))


def test_a_file_that_grows_while_it_is_read_is_no_success(
    tmp_path: Path, connection: psycopg.Connection, database_url: str
) -> None:
    lines = [json.dumps(each) + "\n" for each in ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 20, 1.0, 0.1)]
    path = tmp_path / "growing.ndjson"
    path.write_text("".join(lines[:10]))

    def grow(_share: float, _report: ImportReport) -> None:
        with path.open("a") as file:
            file.write("".join(lines[10:]))

    report = import_file(database_url, path, FleetSettings(_env_file=None), grow)
    assert "was changed while it was read" in failure(report)
    assert report.accepted >= 10
    again = run(database_url, path)
    assert (again.failure, again.accepted + again.duplicates) == (None, 20)


def test_a_name_that_is_no_utf8_is_kept_with_backslashes(
    tmp_path: Path, connection: psycopg.Connection, database_url: str
) -> None:
    path = tmp_path / os.fsdecode(b"m\xe4rz\x1b[31m.ndjson")
    assert run(database_url, write(path, ["bad"])).rejected == 1
    assert connection.execute("SELECT source FROM quarantined_readings").fetchall() == [("m\\xe4rz\\x1b[31m.ndjson",)]


# --- damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
@pytest.mark.parametrize("behind", [b"\r\n", b"garbage"])
def test_five_good_lines_and_something_behind_the_compressed_data(
    tmp_path: Path, connection: psycopg.Connection, database_url: str, pack: Callable[[bytes], bytes], behind: bytes
) -> None:
    readings = ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 5, 1.0, 0.1)
    path = tmp_path / "told by its first bytes"
    path.write_bytes(pack(b"".join(json.dumps(each).encode() + b"\n" for each in readings)) + behind)
    report = run(database_url, path)
    assert (report.accepted, report.rejected) == (5, 0)
    assert "something else follows the" in failure(report)
    assert failure(report).endswith("; what came before is stored (up to line 5)")
    assert count(connection, "SELECT count(*) FROM meter_readings") == 5


@pytest.mark.usefixtures("small_chunks")
def test_without_its_checksum_every_line_of_a_file_is_stored(
    tmp_path: Path, connection: psycopg.Connection, database_url: str
) -> None:
    path = write(tmp_path / "cut.ndjson.gz", ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 2_500, 1.0, 0.01))
    path.write_bytes(path.read_bytes()[:-8])
    report = run(database_url, path)
    assert (report.accepted, report.rejected) == (2_500, 0)
    assert "ends in the middle" in failure(report)


def test_a_line_without_end_costs_itself_and_no_memory(
    tmp_path: Path, connection: psycopg.Connection, database_url: str
) -> None:
    good = [json.dumps(each).encode() for each in ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 3, 1.0, 0.1)]
    path = tmp_path / "bomb.ndjson.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(good[0] + b'\n{"meterId":"')
        for _ in range(150):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n' + good[1] + b"\n" + good[2])
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = run(database_url, path)
    assert (report.failure, report.accepted) == (None, 3)
    assert [(each.index, each.code) for each in report.refused] == [(2, "line_too_long")]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 100_000
    assert count(connection, "SELECT length(raw) FROM quarantined_readings") == 4096


def test_an_import_that_ends_early_leaves_no_process_behind(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_files, "CHUNK_LINES", 100)
    path = tmp_path / "readings.parquet"
    pl.DataFrame(ramp(meter_payload, "kwhConsumedAc", LONG_AGO, 50_000, 1.0, 0.001)).write_parquet(path)

    def children() -> list[int]:
        """Of ours, and alive: one that has just ended has no command line any more."""
        found = [each.info for each in psutil.process_iter(["pid", "ppid", "cmdline"])]
        of_ours = [each for each in found if each["ppid"] == os.getpid()]
        return [each["pid"] for each in of_ours if "warehouse.lake.parquet_child" in (each["cmdline"] or [])]

    def end(_share: float, _report: ImportReport) -> None:
        assert children()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        import_file(database_url, path, FleetSettings(_env_file=None), end)
    assert children() == []
