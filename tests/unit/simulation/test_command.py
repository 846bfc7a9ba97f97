"""``fleetwatt simulate``, as far as it needs no API."""

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from orchestration.cli.simulate import simulate
from warehouse.simulation.fleet import Fleet

app = typer.Typer()
app.command()(simulate)


def test_faults_as_json_are_the_fleets_own() -> None:
    result = CliRunner().invoke(app, ["--faults", "--json", "--vehicles", "60"])
    assert result.exit_code == 0
    listed = msgspec.json.decode(result.stdout)
    assert [(each["kind"], each["vehicleId"]) for each in listed] == [
        (fault.kind.value, fault.vehicle_id) for fault in Fleet(60).faults()
    ]


def test_faults_are_a_table() -> None:
    result = CliRunner().invoke(app, ["--faults"])
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) >= 9
    assert "leakage" in result.stdout


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
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_the_help_shows_how_to_begin() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert "fleetwatt simulate --vehicles 100 --since today" in result.stdout
