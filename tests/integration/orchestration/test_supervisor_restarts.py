"""What dies under the supervisor is started again, later and later."""

import os
import signal
import sys

import pytest

from orchestration.processes.child_process import Child, Service
from tests.integration.orchestration.supervised import (
    FIRST_DELAY_S,
    SLEEPS,
    House,
    parent_of,
    runs,
)


def test_a_dead_service_is_started_again_though_its_first_try_fails(house: House) -> None:
    alive = {1: True, 3: True}
    starts: list[int] = []

    def start() -> None:
        starts.append(len(starts) + 1)
        if starts[-1] == 2:
            raise OSError("still locked")

    def crash_then_wait() -> bool:
        alive.pop(1, None)
        return "postgres is back" in house.said

    service = Service("postgres", start=start, is_alive=lambda: alive.get(starts[-1], False), stop=starts.clear)
    house.supervisor.add(service)
    assert house.run_until(crash_then_wait)
    assert house.said == [
        "postgres died, restarting in 0.05 s",
        "postgres did not start (still locked), restarting in 0.1 s",
        "postgres is back",
    ]


def test_a_dead_child_is_restarted_and_its_workers_end_before(house: House) -> None:
    house.add("api", parent_of(SLEEPS), ready_text="worker")
    first: list[int] = []

    def kill_then_wait() -> bool:
        if not first:
            first.extend([*house.pids(), house.worker("api")])
            os.kill(first[0], signal.SIGKILL)
        return "api is back" in house.said

    assert house.run_until(kill_then_wait)

    assert house.said == ["api died (exit 137), restarting in 0.05 s", "api is back"]
    assert house.log("api").count("\n--- ") + 1 == 2
    assert not any(map(runs, first))
    assert house.worker("api") != first[-1]


def test_what_is_done_is_left_alone_and_tried_again_where_it_failed(house: House) -> None:
    tries = house.folder / "tries"
    house.add(
        "history",
        f"""
        import pathlib, sys
        tries = pathlib.Path({str(tries)!r})
        with tries.open("a") as file: file.write("x")
        sys.exit(1 if len(tries.read_text()) < 3 else 0)
        """,
        essential=False,
        ends=True,
    )
    house.add("api", SLEEPS, ready_text="asleep")
    looks: list[str] = []

    def it_is_done_for_a_while() -> bool:
        looks.extend(tries.read_text() if tries.exists() else "")
        return looks[-30:] == ["x"] * 30 and len(tries.read_text()) == 3

    assert house.run_until(it_is_done_for_a_while)
    assert len(tries.read_text()) == 3
    assert house.said[-1].startswith("history died (exit 1), restarting in ")
    assert house.supervisor.down() == []


def test_a_child_with_new_settings_is_started_again(house: House) -> None:
    environment = {"PORT": "1"}
    log = house.folder / "api.log"
    command = [sys.executable, "-c", "import os, time; print('port', os.environ['PORT']); time.sleep(600)"]

    def has_said_its_port() -> bool:
        return "\nport " in log.read_text().rpartition("--- ")[2]

    house.supervisor.add(Child(name="api", command=command, log=log, environment=environment, ready=has_said_its_port))

    def change_then_wait() -> bool:
        environment["PORT"] = "2"  # as a database does that comes back on another port
        return "api is back" in house.said

    assert house.run_until(change_then_wait)
    assert house.said == ["api was stopped for its new settings, restarting in 0.05 s", "api is back"]
    assert [line for line in log.read_text().splitlines() if line.startswith("port")] == ["port 1", "port 2"]


def test_a_crash_loop_backs_off_and_disturbs_nobody(house: House) -> None:
    house.add("steady", SLEEPS, ready_text="asleep")
    house.add("looping", "import time; print('up'); time.sleep(0.3); raise SystemExit(3)", ready_text="up")

    assert house.run_until(lambda: sum("looping died" in message for message in house.said) == 3)

    deaths = [message for message in house.said if "died" in message]
    assert deaths == [f"looping died (exit 3), restarting in {delay} s" for delay in ("0.05", "0.1", "0.2")]
    (why,) = [message for message in house.said if message.startswith("looping does not stay up")]
    assert why.endswith("\n  up"), "with its last words"
    assert house.supervisor.down() == ["looping"]
    assert house.log("steady").count("--- ") == 1


@pytest.mark.parametrize(("limit", "value"), [("_LONGEST_DELAY_S", FIRST_DELAY_S), ("_STEADY_S", 0.1)])
def test_the_delay_has_an_upper_end_and_begins_again_after_a_steady_run(
    house: House, monkeypatch: pytest.MonkeyPatch, limit: str, value: float
) -> None:
    monkeypatch.setattr(f"orchestration.processes.supervisor.{limit}", value)
    house.add("looping", "import time; print('up'); time.sleep(0.3)", ready_text="up")
    assert house.run_until(lambda: sum("looping died" in message for message in house.said) == 2)
    deaths = [message for message in house.said if "died" in message]
    assert deaths == ["looping died (exit 0), restarting in 0.05 s"] * 2


def test_an_optional_child_may_fail_at_the_start(house: House) -> None:
    code = f"""
        import pathlib, time
        marker = pathlib.Path({str(house.folder / "marker")!r})
        if not marker.exists():
            marker.touch(); raise SystemExit("not yet")
        print("ready"); time.sleep(600)
    """
    house.add("simulator", code, essential=False, ready_text="ready")
    assert house.run_until(lambda: "simulator is back" in house.said)
    assert house.said[0].startswith("simulator died (exit 1) before it was ready")
    assert house.said[1:] == ["simulator died (exit 1), restarting in 0.05 s", "simulator is back"]
