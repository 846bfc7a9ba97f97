"""The command line through its entry point: what each command prints, what it answers to mistakes, its exit codes."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import ANY

import pytest
import typer

from orchestration.cli.commands import COMMANDS
from orchestration.cli.options import read_settings
from tests.conftest import fresh_database
from tests.factories import meter_payload, vehicle_payload
from tests.integration.orchestration.conftest import Fleetwatt
from warehouse.settings import FleetSettings


@pytest.fixture
def empty_database(server_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A database without any table, as the one of FLEET_DATABASE_URL."""
    with fresh_database(server_url, "template1") as url:
        monkeypatch.setenv("FLEET_DATABASE_URL", url)
        yield


@pytest.fixture
def migrated_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migrated one."""
    monkeypatch.setenv("FLEET_DATABASE_URL", database_url)


def ndjson(path: Path, *readings: object) -> Path:
    path.write_text("".join(f"{json.dumps(reading)}\n" for reading in readings))
    return path


# --- help -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_shows_an_example(fleetwatt: Fleetwatt, command: str) -> None:
    shown = fleetwatt(command, "--help")
    assert (shown.code, shown.err) == (0, "")
    assert re.search(rf"^ +(FLEET_\w+=\S+ )?fleetwatt {command}\b", shown.out, re.MULTILINE)


def test_the_help_names_every_command_and_how_to_begin(fleetwatt: Fleetwatt) -> None:
    shown = fleetwatt("-h")
    assert shown.code == 0
    assert "Begin with: fleetwatt up" in shown.out
    assert [command for command in COMMANDS if not re.search(rf"^ +{command} +\w", shown.out, re.MULTILINE)] == []


def test_a_command_loads_no_engine_that_it_does_not_need() -> None:
    asked = """
import sys
from orchestration.cli.commands import app
for command, unneeded in (("up", {"duckdb", "polars", "pyarrow", "dagster", "sqlglot"}),
                          ("import", {"polars", "dagster", "sqlglot"})):
    app([command, "--help"], standalone_mode=False)
    if loaded := unneeded & sys.modules.keys():
        sys.exit(f"{command}: {loaded}")
"""
    ended = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


# --- a database of one's own ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("empty_database")
def test_a_fresh_database_is_migrated_and_gets_its_partitions(fleetwatt: Fleetwatt) -> None:
    early = fleetwatt("status")
    assert early.code == 1
    assert early.err.startswith("The database's schema is not the one this version needs: ")
    assert early.err.endswith("run fleetwatt migrate\n")

    applied = fleetwatt("migrate")
    assert (applied.code, applied.out) == (0, "")
    assert applied.err.startswith("applied 0001")
    again = fleetwatt("migrate")
    assert again.code == 0
    assert again.err.startswith("nothing to do: the schema is at ")

    made = fleetwatt("partitions", "--json")
    listed = json.loads(made.out)
    assert (made.code, made.err) == (0, "")
    assert {each["stream"] for each in listed} == {"meter_readings", "vehicle_readings"}
    assert len({each["day"] for each in listed}) == 7 + 1 + 14
    assert fleetwatt("partitions") == (0, "", "nothing to do: every partition exists\n")
    assert fleetwatt("partitions", "--json") == (0, "[]\n", "")

    status = fleetwatt("status")
    assert status.code == 0
    assert "no readings yet" in status.out


@pytest.mark.usefixtures("migrated_database")
def test_what_is_imported_shows_in_the_status(fleetwatt: Fleetwatt, tmp_path: Path) -> None:
    good = ndjson(tmp_path / "good [1].ndjson", meter_payload(), vehicle_payload())
    imported = fleetwatt("import", good)
    assert (imported.code, imported.out) == (0, "")
    assert f"{good}: 2 stored, 0 duplicates" in imported.err, "in one line, whatever its length"

    bad = ndjson(tmp_path / "bad.ndjson", vehicle_payload(vehicleId="veh-2"), vehicle_payload(soc=101))
    refused = fleetwatt("import", "--json", bad)
    assert refused.code == 3
    (report,) = json.loads(refused.out)
    assert (report["file"], report["accepted"], report["rejected"]) == (str(bad), 1, 1)
    assert report["refused"][0]["code"] == "out_of_range"

    status = fleetwatt("status")
    assert status.code == 0
    assert "0 open mappings, 1 reading in quarantine" in status.out
    assert re.search(r"meters +1 +1 +0", status.out)
    assert re.search(r"vehicles +2 +2 +0", status.out)
    overview = json.loads(fleetwatt("status", "--json").out)
    assert overview["database"]["quarantined"] == 1
    assert overview["quarantine"] == [
        {"code": "out_of_range", "itemCount": 1, "countedOnly": 0, "keptRows": 1, "keptBytes": ANY}
    ]
    assert {disk["level"] for disk in overview["disks"]} <= {"ok", "low", "critical"}
    assert re.search(r"^disk of .+: \d+% used, .+ free", status.out, re.MULTILINE)
    days = [each for each in overview["partitions"] if each["rowCount"]]
    assert sum(each["rowCount"] for each in days) == 3
    assert {each["state"] for each in days} == {"open"}


@pytest.mark.usefixtures("migrated_database")
def test_what_quarantine_has_no_room_for_shows_in_the_status(
    fleetwatt: Fleetwatt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_QUARANTINE_MAX_ROWS", "4")
    bad = ndjson(tmp_path / "bad.ndjson", *[vehicle_payload(soc=101 + number) for number in range(10)])
    refused = fleetwatt("import", bad)
    assert "but for 7 that are only counted" in refused.err
    assert "or has room for: out_of_range 7" in fleetwatt("status").out
    (report,) = json.loads(fleetwatt("import", "--json", bad).out)
    assert report["countedOnly"] == 7
    one_more = ndjson(tmp_path / "one.ndjson", vehicle_payload(soc=200))
    assert "but for 1 that is only counted" in fleetwatt("import", one_more).err


# --- mistakes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["status", "api"])
def test_without_a_server_it_says_what_to_do_and_makes_nothing(
    fleetwatt: Fleetwatt, tmp_path: Path, command: str
) -> None:
    home = tmp_path / "a home whose name is long enough to be wrapped where lines are wrapped" / "none"
    ended = fleetwatt(command, "--home", home)
    remedy = "start everything with fleetwatt up, or set FLEET_DATABASE_URL"
    assert ended == (1, "", f"The database cannot be reached: no server runs in {home}; {remedy}\n")
    assert not home.parent.exists()


def test_a_file_that_is_not_there_starts_no_server(fleetwatt: Fleetwatt, tmp_path: Path) -> None:
    ended = fleetwatt("import", "good.ndjson", "--home", tmp_path / "home")
    assert ended == (1, "", "The file of readings cannot be read: good.ndjson: No such file or directory\n")
    assert not (tmp_path / "home").exists()


@pytest.mark.usefixtures("migrated_database")
def test_a_damaged_or_missing_file_among_several_is_reported_and_all_others_are_read(
    fleetwatt: Fleetwatt, tmp_path: Path
) -> None:
    good = [ndjson(tmp_path / f"{name}.ndjson", meter_payload(meterId=name)) for name in ("first", "last")]
    zipped = tmp_path / "x.ndjson"
    zipped.write_bytes(b"PK\3\4")
    bad = ndjson(tmp_path / "bad.ndjson", vehicle_payload(soc=101))
    files = [good[0], tmp_path / "nowhere", zipped, tmp_path, bad, good[1]]
    ended = fleetwatt("import", *files)
    assert (ended.code, ended.out) == (1, "")
    assert f"{good[0]}: 1 stored" in ended.err
    assert f"cannot be read: {tmp_path / 'nowhere'}: No such file or directory" in ended.err
    assert f"cannot be read: {zipped}: is a zip archive; unpack it and import what is in it" in ended.err
    assert f"cannot be read: {tmp_path}: is a directory" in ended.err
    assert f"{bad}: 0 stored, 0 duplicates, 0 conflicts, 1 rejected" in ended.err
    assert f"{good[1]}: 1 stored" in ended.err
    again = fleetwatt("import", "--json", *files)
    assert again.code == 1
    reports = json.loads(again.out)
    assert [each["file"] for each in reports] == list(map(str, files))
    assert [each["duplicates"] for each in reports] == [1, 0, 0, 0, 0, 1]
    assert [each["failure"] and each["failure"]["code"] for each in reports] == [
        None,
        *["unreadable_file"] * 3,
        None,
        None,
    ]
    assert fleetwatt("import", bad, good[0]).code == 3


@pytest.mark.usefixtures("migrated_database")
def test_a_name_that_only_looks_like_somebodys_home_is_a_name(
    fleetwatt: Fleetwatt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Office programs put such a file beside each that is open, and a shell hands it over with ``*``."""
    monkeypatch.chdir(tmp_path)
    ndjson(tmp_path / "~$first.ndjson", meter_payload(meterId="first"))
    ndjson(tmp_path / "last.ndjson", meter_payload(meterId="last"))
    ended = fleetwatt("import", "--json", "./~$first.ndjson", "~nobody-is-called-so/x", "last.ndjson")
    assert ended.code == 1
    assert [each["accepted"] for each in json.loads(ended.out)] == [1, 0, 1]
    assert "cannot be read: ~nobody-is-called-so/x: No such file or directory" in ended.err


@pytest.mark.usefixtures("migrated_database")
def test_a_file_of_something_else_is_refused(fleetwatt: Fleetwatt, tmp_path: Path) -> None:
    (tmp_path / "broken.ndjson.gz").write_bytes(b"\x1f\x8b no gzip at all")
    ended = fleetwatt("import", "broken.ndjson.gz")
    assert ended.code == 1
    assert "The file of readings cannot be read: broken.ndjson.gz" in ended.err
    assert fleetwatt("import", tmp_path).code == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FLEET_PORT", "http"),
        ("FLEET_PORT", "65536"),
        ("FLEET_ACCEPTED_AGE_DAYS", "0"),
        ("FLEET_DATABASE_URL", "postgresql://fleet:p@ss:s3cret@db/fleetwatt"),
        ("FLEET_DATABASE_URL", "s3cret"),
    ],
)
@pytest.mark.parametrize("command", ["up", "status", "migrate"])
def test_a_setting_that_cannot_be_is_named(
    fleetwatt: Fleetwatt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    ended = fleetwatt(command)
    assert (ended.code, ended.out) == (2, "")
    assert f"Invalid value for {name}: " in ended.err
    assert "s3cret" not in ended.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["up", "--port", "0"], "--port"),
        (["up", "--port", "http"], "--port"),
        (["up", "--vehicles", "0"], "--vehicles"),
        (["up", "--history-days", "-1"], "--history-days"),
        (["status", "--days", "0"], "--days"),
        (["import"], "FILE"),
        (["fly"], "fly"),
    ],
)
def test_wrong_usage_is_named(fleetwatt: Fleetwatt, tmp_path: Path, arguments: list[str], named: str) -> None:
    ended = fleetwatt(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert named in ended.err
    assert list(tmp_path.iterdir()) == []


# --- where settings come from ---------------------------------------------------------------------------------------


def test_a_flag_wins_over_the_environment_and_that_over_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def read(**flags: object) -> tuple[str, int]:
        settings = read_settings(FleetSettings, **flags)
        return str(settings.home), settings.port

    assert read() == (".fleetwatt", 3000)
    (tmp_path / ".env").write_text("FLEET_HOME=from-file\nFLEET_PORT=3001\n")
    assert read() == ("from-file", 3001)
    monkeypatch.setenv("FLEET_HOME", "from-environment")
    monkeypatch.setenv("FLEET_PORT", "3002")
    assert read() == ("from-environment", 3002)
    assert read(home=Path("from-flag"), port=None) == ("from-flag", 3002)
    assert read(home=None, port=3003) == ("from-environment", 3003)
    monkeypatch.setenv("FLEET_PORT", "")
    assert read() == ("from-environment", 3001), "an empty one is none"


def test_a_flag_that_cannot_be_is_not_blamed_on_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_PORT", "3000")
    with pytest.raises(typer.BadParameter) as refusal:
        read_settings(FleetSettings, port=70_000)
    assert refusal.value.param_hint == "--port"
