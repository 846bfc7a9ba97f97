"""The supervisor starts real processes in their order, and says why one does not start."""

import sys

import pytest

from orchestration.processes.child_process import Child, ChildStartError, Service
from tests.integration.orchestration.supervised import SLEEPS, House, eventually, parent_of, runs


def test_starts_in_order_when_ready_and_stops_in_reverse(house: House) -> None:
    events = house.folder / "events"
    code = """
        import pathlib, signal, sys, time
        events, name = pathlib.Path({events!r}), {name!r}
        def note(what):
            with events.open("a") as file: file.write(f"{{name}} {{what}}\\n")
        def stop(*_):
            note("stops"); sys.exit()
        signal.signal(signal.SIGTERM, stop)
        note("starts"); time.sleep(0.2); note("ready"); print("ready")
        time.sleep(600)
    """
    for name in ("first", "second", "third"):
        house.add(name, code.format(events=str(events), name=name), ready_text="ready")

    assert house.supervisor.start_all()
    house.supervisor.stop_all()

    up = [f"{name} {what}" for name in ("first", "second", "third") for what in ("starts", "ready")]
    assert events.read_text().splitlines() == [*up, "third stops", "second stops", "first stops"]
    assert house.said == []


def test_a_service_takes_part_in_the_order(house: House) -> None:
    events: list[str] = []
    house.supervisor.add(
        Service(
            "postgres",
            start=lambda: events.append("start"),
            is_alive=lambda: events[-1] != "stop",
            stop=lambda: events.append("stop"),
        )
    )
    house.add("api", SLEEPS, ready_text="asleep")

    assert house.supervisor.start_all()
    api = house.pids()
    house.supervisor.stop_all()

    assert events == ["start", "stop"]
    assert not any(map(runs, api))


def test_a_child_that_exits_at_once_stops_the_others_and_shows_its_log(house: House) -> None:
    log = house.folder / "logs" / "broken.log"
    log.parent.mkdir()
    log.write_text("from an earlier run\n")
    house.add("steady", parent_of(SLEEPS), ready_text="worker")
    house.add(
        "broken", "import sys; [print('line', n) for n in range(40)]; sys.exit('port 8000 is taken')", ready_text="up"
    )
    house.add("never", SLEEPS)

    with pytest.raises(ChildStartError) as caught:
        house.supervisor.start_all()

    head, *tail = caught.value.detail.splitlines()
    assert head == f"broken died (exit 1) before it was ready; the end of {log}:"
    assert tail == [f"  line {n}" for n in range(26, 40)] + ["  port 8000 is taken"]
    assert caught.value.code == "child_not_started"
    assert house.log("broken").startswith("from an earlier run\n--- 20")
    assert eventually(lambda: house.pids() == [])
    assert not runs(house.worker("steady"))
    assert not (house.folder / "logs" / "never.log").exists()


def test_a_child_that_is_never_ready_is_an_error_and_is_stopped(house: House) -> None:
    def refuse() -> bool:
        raise ConnectionRefusedError

    log = house.folder / "slow.log"
    command = [sys.executable, "-c", SLEEPS]
    house.supervisor.add(Child(name="slow", command=command, log=log, ready=refuse, ready_timeout_s=0.3))
    with pytest.raises(ChildStartError, match=r"^slow was not ready within 0\.3 s; the end of"):
        house.supervisor.start_all()
    assert house.pids() == []


def test_a_command_that_does_not_exist_is_named(house: House) -> None:
    log = house.folder / "ghost.log"
    house.supervisor.add(Child(name="ghost", command=["no-such-program"], log=log, ready=lambda: False))
    with pytest.raises(ChildStartError, match=r"ghost died \(exit 1\)(.|\n)*cannot run no-such-program: No such file"):
        house.supervisor.start_all()


def test_a_log_that_cannot_be_written_is_an_error(house: House) -> None:
    house.supervisor.add(Child(name="mute", command=[sys.executable, "-c", SLEEPS], log=house.folder))
    with pytest.raises(ChildStartError, match=r"mute cannot be started: .*directory"):
        house.supervisor.start_all()


def test_any_error_while_starting_stops_what_was_started(house: House) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    house.add("steady", SLEEPS, ready_text="asleep")
    house.supervisor.add(Service("postgres", start=fail, is_alive=lambda: False, stop=fail))
    with pytest.raises(ZeroDivisionError):
        house.supervisor.start_all()
    assert house.pids() == []
    assert house.said == ["postgres could not be stopped: "]
