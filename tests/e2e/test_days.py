"""Closed days on the running product: reported with no click, whatever comes late or is killed."""

import json
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psutil
import psycopg
import pytest

from orchestration.definitions import RUNS_NICENESS
from tests.e2e.conftest import Platform, eventually, history_with_a_closed_day, kill_all, processes_of, run, traits
from tests.factories import iso, vehicle_payload
from tests.ports import free_port

VEHICLES = 5
REPORTED = ": sealed, exported, rolled up and reported; see "
OPTIONS = ("--vehicles", str(VEHICLES), *history_with_a_closed_day())


def first_reported_day(platform: Platform) -> date:
    return date.fromisoformat(platform.wait_for(REPORTED).partition(":")[0])


def post_late(platform: Platform, day: date, second: int) -> None:
    noon = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=12, seconds=second)
    assert platform.post(vehicle_payload(vehicleId="veh-late", timestamp=iso(noon))) == 201


def wait_for_version(platform: Platform, day: date, version: int) -> None:
    """Returns in the middle of a day's run: its vehicles' readings are exported again, and little else is done."""

    def is_exported() -> bool:
        try:
            stand = "SELECT version FROM partition_ledger WHERE stream = 'vehicle_readings' AND day = %s"
            return platform.query(stand, day) == [(version,)]
        except psycopg.OperationalError:
            return False

    assert eventually(is_exported), platform.said


def worker(platform: Platform) -> psutil.Process:
    """The process of the run under way."""
    ours = [each for each in processes_of(platform.home) if any("forkserver" in word for word in traits(each))]
    server = {each.pid for each in ours}
    found = []
    for each in ours:
        with suppress(psutil.NoSuchProcess):  # Dagster's server takes turns with short-lived ones
            if each.ppid() in server:
                found.append(each)
    (run_under_way,) = found
    return run_under_way


def in_the_lake(platform: Platform, day: date) -> int:
    done = run(
        "query",
        f"SELECT count(*) FROM vehicle_readings WHERE day = '{day}'",
        *("--format", "json", "--home", str(platform.home)),
        home=platform.home,
    )
    ((count,),) = [row.values() for row in json.loads(done.stdout)]
    return int(count)


@pytest.mark.long
def test_late_readings_reach_the_lake_whatever_is_killed_meanwhile(home: Path) -> None:
    home = home / "with spaces, $HOME and (brackets)"
    folder = home.parent.parent
    for module in ("logging.py", "dagster.py", "orchestration.py"):
        (folder / module).write_text("raise SystemExit('imported from the folder it was started from')")
    closed = f"http://127.0.0.1:{free_port()}"
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy"), closed)
    with Platform(home, *OPTIONS, cwd=folder, environment=proxies) as first:
        day = first_reported_day(first)
        assert first.error_of_dagsters_code() is None
        before = in_the_lake(first, day)

        said = len(first.said)
        post_late(first, day, second=1)
        wait_for_version(first, day, 2)
        run_under_way = worker(first)
        assert eventually(lambda: run_under_way.nice() == RUNS_NICENESS)
        run_under_way.kill()
        psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split()[0])).kill()
        first.wait_for("postgres is back", said)
        first.wait_for(f"{day} rebuilt (v", said)
        assert in_the_lake(first, day) == before + 1

        assert eventually(first.answers)
        post_late(first, day, second=2)
        wait_for_version(first, day, 3)
        kill_all(home)

    with Platform(home, *OPTIONS, port=first.port) as second:
        second.wait_for(f"{day} rebuilt (v")
        assert in_the_lake(second, day) == before + 2
        assert second.stop() == 0
