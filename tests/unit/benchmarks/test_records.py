"""Records of benches: a run is added line by line, and the page shows the newest of each figure."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.benchmarks import records
from tests.benchmarks.catalog import INGEST, kind_of
from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.page import TABLES, rendered
from tests.benchmarks.records import Recorder, RecordError, machine, read
from tests.integration.benchmarks.test_bench_ingest import ALL_FIGURES
from tests.integration.benchmarks.test_bench_warehouse import FIGURES

EARLIER = '{"command": "make bench-ingest", "date": "2026-02-08", "commit": "abc1234", "machine": "2 cores"}\n'


GIT = ("git", "-c", "user.name=nobody", "-c", "user.email=nobody@example.org")


@pytest.fixture(autouse=True)
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of one commit, which is measured."""
    clone = tmp_path / "clone"
    subprocess.run([*GIT, "init", "--quiet", clone], check=True)
    subprocess.run([*GIT, "commit", "--quiet", "--allow-empty", "-m", "all of it"], cwd=clone, check=True)
    monkeypatch.setattr(records, "ROOT", clone)
    return clone


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ingest.jsonl"


def told(path: Path, *figures: Figure, is_quick: bool = False) -> None:
    """A run that tells these."""
    Report(Recorder.begin(path, "make bench-ingest", is_quick=is_quick)).add(*figures)


def rows(path: Path) -> list[list[str]]:
    """The cells of the table."""
    lines = TABLES["ingest"](read(path)).splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]


def test_a_run_says_what_it_is_and_then_its_figures_as_they_are_printed(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told(path, Figure("query_p99", 7.25, "ms"), Figure("single_64_vs_noop", 500, "readings/s", 1000))
    ((run, lines),) = [(each.run, each.lines) for each in read(path)]
    assert run.command.startswith("make bench-ingest")
    assert run.machine == machine()
    assert [json.dumps(line) for line in lines] == capsys.readouterr().out.splitlines()


def test_a_run_says_which_code_was_measured(path: Path, clone: Path) -> None:
    told(path)
    (clone / "docs").mkdir()
    (clone / "docs/another.jsonl").write_text("a record that another run has added to\n")
    told(path)
    (clone / "code.py").write_text("changed = True\n")
    told(path)
    head = subprocess.run([*GIT, "rev-parse", "--short", "HEAD"], cwd=clone, check=True, capture_output=True, text=True)
    commit = head.stdout.strip()
    assert [each.run.commit for each in read(path)] == [commit, commit, f"{commit} with changes"]


def test_a_run_says_what_was_asked_for_and_no_path_of_the_machine(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["bench", "single", "--json", str(path), "--rounds", "3", f"--folder={path.parent}"]
    monkeypatch.setattr("sys.argv", asked)
    told(path, Figure("query_p99", 7.25, "ms"))
    assert read(path)[0].run.command == 'make bench-ingest ARGS="single --rounds 3"'


def test_a_newer_run_stands_in_the_table_and_the_ones_before_beside_it(path: Path) -> None:
    path.write_text(
        EARLIER
        + '{"name": "query_p99", "value": 15, "unit": "ms", "baseline": null, "ratio": null}\n'
        + '{"name": "single_64_vs_noop", "value": null, "unit": "readings/s", "baseline": null, "ratio": 0.5}\n'
    )
    told(path, Figure("query_p99", 7.25, "ms"))
    told(path, Figure("single_64_vs_noop", 440, "readings/s", 1000))
    noop, p99 = rows(path)
    assert noop[1:] == [
        "440 readings/s",
        "1,000, no-op on the same server",
        "0.44",
        "ratio >= 0.45 (0.6)",
        "missed",
        "3",
        "0.5",
    ]
    assert p99[1:] == ["7.25 ms", "", "", "value <= 10 (5)", "bar", "2", "15"]


def test_a_quick_run_is_on_no_page(path: Path) -> None:
    told(path, Figure("query_p99", 7.25, "ms"), is_quick=True)
    with pytest.raises(RecordError, match=r"ingest\.jsonl:1: a quick run measures nothing"):
        read(path)


@pytest.mark.parametrize("line", ["no json", '{"name": "query_p99"}', '{"command": "make bench-ingest"}'])
def test_a_line_of_no_run_is_told_with_its_place(path: Path, line: str) -> None:
    path.write_text(f"{line}\n")
    with pytest.raises(RecordError, match=r"ingest\.jsonl:1: "):
        read(path)


def test_a_page_without_a_place_for_a_table_is_told() -> None:
    with pytest.raises(ValueError, match=r"0 places for commands\.jsonl"):
        rendered("# Benchmarks\n")


def test_every_figure_that_is_told_is_in_the_catalog() -> None:
    assert set(INGEST) == ALL_FIGURES
    assert all(kind_of(name).says for name in FIGURES)
    with pytest.raises(LookupError, match="does not say what nosuch is"):
        kind_of("nosuch")
