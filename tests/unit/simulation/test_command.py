"""``fleetwatt simulate``, as far as it needs no API."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import polars as pl
import pytest
import typer
from typer.testing import CliRunner, Result

from orchestration.cli.simulate import simulate
from orchestration.cli.simulate_progress import LineWatcher
from warehouse.simulation.fleet import Fleet
from warehouse.simulation.models import VEHICLE_MODELS
from warehouse.simulation.payloads import readings

app = typer.Typer()
app.command()(simulate)


NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
MANY = ["--vehicles", "60", "--fault-share", "1", "--until", "2027-01-01T00:00:00Z"]


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result


def many() -> Fleet:
    return Fleet(60, fault_share=1.0)


def test_faults_as_json_are_the_fleets_own() -> None:
    listed = msgspec.json.decode(run("--faults", "--json", *MANY).stdout)
    assert listed == [fault.record() for fault in many().faults(NEW_YEAR)]
    assert len(listed) > 40


def test_faults_are_a_table() -> None:
    printed = run("--faults", *MANY).stdout
    assert len(printed.splitlines()) >= 40
    assert "charger_step" in printed


def test_the_truth_is_a_file_and_nothing_is_sent(tmp_path: Path) -> None:
    run("--truth", str(tmp_path / "truth.ndjson"), *MANY)
    written = [msgspec.json.decode(line) for line in (tmp_path / "truth.ndjson").read_bytes().splitlines()]
    assert written == [fault.record() for fault in many().faults(NEW_YEAR)]


HOUR = ["--since", "2026-05-04T12:00:00Z", "--until", "2026-05-04T13:00:00Z"]


def test_readings_as_parquet_are_those_that_would_be_sent(tmp_path: Path) -> None:
    run("--write", str(tmp_path / "fleet"), "--vehicles", "20", *HOUR)
    noon_s = int(datetime(2026, 5, 4, 12, tzinfo=UTC).timestamp())
    sent = [each.payload for some in readings(Fleet(20), noon_s, noon_s + 3600) for each in some]
    for name, key in (("meters", "meterId"), ("vehicles", "vehicleId")):
        table = pl.read_parquet(tmp_path / "fleet" / f"{name}.parquet")
        expected = pl.DataFrame([payload for payload in sent if key in payload]).with_columns(
            pl.col.timestamp.str.to_datetime(time_zone="UTC", time_unit="ms")
        )
        columns = sorted(expected.columns)
        assert (
            table.select(columns)
            .cast({key: pl.String})
            .sort(key, "timestamp")
            .equals(expected.select(columns).sort(key, "timestamp"))
        )
    beside = {"devices.ndjson", "mappings.json", "sessions.parquet", "faults.ndjson"}
    assert {each.name for each in (tmp_path / "fleet").iterdir()} == {"meters.parquet", "vehicles.parquet"} | beside


def test_the_devices_of_a_fleet_are_told_with_their_models_and_registers(tmp_path: Path) -> None:
    run("--write", str(tmp_path), "--vehicles", "60", *HOUR)
    devices = [msgspec.json.decode(line) for line in (tmp_path / "devices.ndjson").read_bytes().splitlines()]
    assert len(devices) == 120
    assert {each["resolutionKwh"] for each in devices} == {0.001, 0.01, 0.1}
    assert {each["model"] for each in devices if "vehicleId" in each} == {each.name for each in VEHICLE_MODELS}


def test_readings_as_ndjson_are_in_the_order_in_which_they_arrive(tmp_path: Path) -> None:
    run("--write", str(tmp_path), "--ndjson", "--vehicles", "20", *HOUR)
    noon_s = int(datetime(2026, 5, 4, 12, tzinfo=UTC).timestamp())
    sent = [each.payload for some in readings(Fleet(20), noon_s, noon_s + 3600) for each in some]
    assert [msgspec.json.decode(line) for line in (tmp_path / "readings.ndjson").read_bytes().splitlines()] == sent


def test_at_a_depot_mappings_last_as_long_as_a_vehicle_is_plugged_in(tmp_path: Path) -> None:
    span = ["--since", "2026-05-04T00:00:00Z", "--until", "2026-05-05T00:00:00Z"]
    run("--write", str(tmp_path), "--vehicles", "15", "--depot-share", "1", *span)
    mappings = msgspec.json.decode((tmp_path / "mappings.json").read_bytes())
    of_pair = [each for each in mappings if "validFrom" not in each]
    assert of_pair == [{"vehicleId": "veh-00015", "meterId": "meter-00011"}]
    assert len(mappings) > 6
    charged = pl.read_parquet(tmp_path / "sessions.parquet").filter(
        pl.col.kind == "charge", pl.col.meter_id <= "meter-00010"
    )
    for row in charged.iter_rows(named=True):
        assert any(
            each["vehicleId"] == row["vehicle_id"]
            and each["meterId"] == row["meter_id"]
            and each["validFrom"] <= f"{row['started_at']:%Y-%m-%dT%H:%M:%SZ}"
            and f"{row['ended_at']:%Y-%m-%dT%H:%M:%SZ}" <= each["validTo"]
            for each in mappings
            if "validFrom" in each
        )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--since", "yesterday"],
        ["--since", "2026-02-08T04:00:00"],
        ["--since", "2025-12-31T00:00:00Z"],
        ["--since", "2999-01-01T00:00:00Z"],
        ["--url", "127.0.0.1:3000"],
        ["--url", "ftp://127.0.0.1"],
        ["--vehicles", "0"],
        ["--json"],
        ["--ndjson"],
        ["--until", "2026-05-04T12:00:00Z"],
        ["--write", "/dev/null/fleet", "--since", "2026-05-04T12:00:00Z"],
        ["--write", "fleet", "--since", "2026-05-04T12:00:00Z", "--until", "2026-05-04T12:00:00Z"],
        ["--truth", "/dev/null/truth"],
        ["--fault-share", "1.5"],
        ["--depot-share", "0.5"],
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_the_help_shows_how_to_begin() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert "fleetwatt simulate --vehicles 100 --since today" in result.stdout


@pytest.mark.parametrize("form", [[], ["--ndjson"]], ids=["parquet", "ndjson"])
def test_files_that_were_not_written_to_their_end_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: list[str]
) -> None:
    """Half of the NDJSON would be imported as if it were all."""
    run("--write", str(tmp_path), *form, "--vehicles", "5", *HOUR)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LineWatcher, "writing", interrupted)
    CliRunner().invoke(app, ["--write", str(tmp_path), *form, "--vehicles", "6", *HOUR])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
