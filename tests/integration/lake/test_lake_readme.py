"""The lake explains itself: what its README says is so, and every example, there and on the data team's page, runs."""

import errno
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest

from orchestration.cli.main import main
from tests.integration.lake.hand_made_lake import CATALOG, DAY, HandMadeLake, at
from tests.lake_folder import folder_snapshot
from warehouse import durability
from warehouse.lake.lake_readme import README, VIEWS, LakeNotExplainedError, explain_lake
from warehouse.lake.snapshot import MANIFEST, manifest_snapshot
from warehouse.lake.storage.lake import Lake
from warehouse.lake.views import open_lake
from warehouse.lifecycle.daily_pipeline import DailyPipeline
from warehouse.postgres.connection import connect
from warehouse.postgres.ledger.lake_files import publish_file
from warehouse.postgres.ledger.lake_overview import published_datasets

CORNER = (Path(__file__).parents[3] / "docs/data-team.md").read_text(encoding="utf-8")
LIBRARIES = ("duckdb", "polars", "pandas")


def blocks(text: str) -> dict[str, str]:
    """The Python examples of a text, by the library they are for."""
    found = re.findall(r"```python\n(.*?)```", text, re.S)
    return {str(re.search(rf"import ({'|'.join(LIBRARIES)})", block)[1]): block for block in found}  # type: ignore[index]


def run(block: str, folder: Path) -> str:
    """What an example prints, run as a program of its own; a warning is a failure."""
    program = [sys.executable, "-W", "error", "-c", block]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home whose lake has one day, built twice: of two vehicles one has an efficiency of 0.7. Its sums are right."""
    # Not pytest's own folder: that one is closed to the account that root's commands begin again as.
    with TemporaryDirectory(prefix="fleetwatt-explained-") as folder:
        Path(folder).chmod(0o755)
        yield _explained(Path(folder) / ".fleetwatt")


def _explained(home: Path) -> Path:
    lake = HandMadeLake(home / "lake")
    lake.pairs(1, 2)
    for kind, number, kwh in (("meter", 1, 10.0), ("vehicle", 1, 9.0), ("meter", 2, 10.0), ("vehicle", 2, 7.0)):
        lake.add(f"{kind}_readings", **{f"{kind}_id": number}, ts=at("08:30"), kwh=100 + kwh)
        lake.add("device_last", kind=kind, device_id=number, ts=at("08:30"), kwh=100 + kwh)
        lake.add("carried_samples", kind=kind, device_id=number, ts=at("00:00"), kwh=100.0)
        lake.energy(kind, number, 8, kwh, reading_count=1)
    lake.write()
    lake.build()
    lake.build()  # so there are two versions of each model's file
    explain_lake(lake.snapshot, CATALOG, {})
    return home


def test_every_column_of_every_dataset_is_explained(home: Path) -> None:
    readme = (home / "lake" / README).read_text(encoding="utf-8")
    for model in CATALOG.in_order():
        of_model = readme.partition(f"### {model.name}\n")[2].partition("\n### ")[0]
        assert model.description in of_model
        assert model.grain in of_model
        for column in model.columns:
            assert f"| {column.name} | {column.type} | {column.description} |" in of_model


COUNT_VEHICLES = {
    "duckdb": 'print(duckdb.sql("SELECT count(*) FROM daily_vehicle_efficiency").fetchall()[0][0])',
    "polars": "print(vehicles.select(pl.len()).collect().item())",
    "pandas": "print(len(vehicles))",
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_examples_of_the_readme_run_within_the_lake_and_count_a_day_once(home: Path, library: str) -> None:
    """However many versions the day has."""
    in_the_folder = duckdb.read_parquet(str(home / "lake/daily_vehicle_efficiency/*/*.parquet"))
    assert len(in_the_folder.fetchall()) == 2 * 2
    example = blocks((home / "lake" / README).read_text(encoding="utf-8"))[library]
    printed = run(f"{example}\n{COUNT_VEHICLES[library]}", home / "lake")
    assert {"duckdb": "0.8", "polars": "below_threshold", "pandas": "below_threshold"}[library] in printed
    assert printed.splitlines()[-1] == "2"


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_examples_of_the_page_run_beside_the_home(home: Path, library: str) -> None:
    printed = run(blocks(CORNER)[library], home.parent)
    assert {"duckdb": "vehicle-2", "polars": "below_threshold", "pandas": "below_threshold"}[library] in printed


def test_both_have_an_example_for_each_library(home: Path) -> None:
    assert set(blocks(CORNER)) == set(blocks((home / "lake" / README).read_text(encoding="utf-8"))) == set(LIBRARIES)


def commands() -> list[str]:
    """Those of the corner that need no database and no model of a reader's own; of a vehicle of this lake."""
    text = CORNER.replace("veh-00003", "vehicle-2")
    listed = re.findall(r"^\$ fleetwatt (.*?)(?:\s+#.*)?$", text, re.M)
    return [each for each in listed if re.match("models (?!build|freshness|.*my_model)|query (?!.*--as-of)", each)]


@pytest.mark.parametrize("command", commands())
def test_the_commands_of_the_page_run(home: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.chdir(home.parent)
    if command == "models docs":  # started by root it begins again as another account, in the place of its process
        program = [sys.executable, "-m", "orchestration.cli.main", *shlex.split(command)]
        done = subprocess.run(program, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return
    monkeypatch.setattr("sys.argv", ["fleetwatt", *shlex.split(command)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0


def test_there_are_commands() -> None:
    assert len(commands()) >= 7


def test_the_views_give_what_fleetwatt_reads(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home / "lake")
    with duckdb.connect() as shell, open_lake(manifest_snapshot(Lake(home / "lake")), CATALOG.in_order(), None) as ours:
        shell.execute(Path(VIEWS).read_text(encoding="utf-8"))
        for model in CATALOG.in_order():
            query = f"FROM {model.name} ORDER BY ALL"
            assert (
                shell.execute(f"DESCRIBE {model.name}").fetchall() == ours.execute(f"DESCRIBE {model.name}").fetchall()
            )
            assert shell.execute(query).fetchall() == ours.execute(query).fetchall()
        shell.execute(f"SET VARIABLE day = DATE '{DAY}'")
        assert shell.execute(str(CATALOG.models["low_efficiency_days"].sql)).fetchall() != []


def test_a_lake_without_files_has_empty_views(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    explain_lake(folder_snapshot(Lake(tmp_path / "lake")), CATALOG, {})
    monkeypatch.chdir(tmp_path / "lake")
    with duckdb.connect() as shell:
        shell.execute(Path(VIEWS).read_text(encoding="utf-8"))
        assert shell.execute("SELECT count(*) FROM daily_fleet_efficiency").fetchall() == [(0,)]


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    lake = folder_snapshot(Lake(tmp_path / "lake"))
    readme, manifest, views = (lake.lake.root / name for name in (README, MANIFEST, VIEWS))
    assert explain_lake(lake, CATALOG, {}) == [readme, manifest, views]
    before = readme.stat()
    assert explain_lake(lake, CATALOG, {}) == []
    assert (readme.stat().st_ino, readme.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    views.write_text("-- by hand")
    assert explain_lake(lake, CATALOG, {}) == [views]
    assert readme.stat().st_ino == before.st_ino
    assert sorted(path.name for path in lake.lake.root.iterdir()) == [README, MANIFEST, VIEWS]


@pytest.mark.parametrize("name", [README, MANIFEST, VIEWS])
def test_one_that_is_damaged_is_written_again(tmp_path: Path, name: str) -> None:
    """A flipped bit may leave what is no UTF-8, which must not keep a day from its end."""
    lake = folder_snapshot(Lake(tmp_path / "lake"))
    explain_lake(lake, CATALOG, {})
    path = lake.lake.root / name
    original = path.read_bytes()
    path.write_bytes(original[:20] + bytes([original[20] ^ 0x80]) + original[21:])
    assert explain_lake(lake, CATALOG, {}) == [path]
    assert path.read_bytes() == original


def test_a_disk_that_is_full_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = folder_snapshot(Lake(tmp_path / "lake"))

    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durability, "sync", full)
    with pytest.raises(LakeNotExplainedError, match="No space left"):
        explain_lake(lake, CATALOG, {})
    assert list(lake.lake.root.iterdir()) == []


def test_a_readme_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "lake" / README).mkdir(parents=True)
    with pytest.raises(LakeNotExplainedError, match="the day itself is in the lake"):
        explain_lake(folder_snapshot(Lake(tmp_path / "lake")), CATALOG, {})


def test_the_end_of_a_day_explains_the_lake_with_what_the_ledger_has(database_url: str, tmp_path: Path) -> None:
    with connect(database_url) as connection:
        for day, version, row_count in ((DAY, 4, 1_000), (at("00:00").replace(day=9).date(), 2, 2_000)):
            publish_file(
                connection, "meters", day, version=version, sha256=b"any", size_bytes=5000, row_count=row_count
            )
        known = published_datasets(connection)
    assert known.keys() == {"meters"}
    assert (known["meters"].version, known["meters"].row_count) == (2, 2_000)
    lake = Lake(tmp_path / "lake")
    DailyPipeline(database_url, lake, CATALOG).releases.finish(DAY)
    readme = (lake.root / README).read_text(encoding="utf-8")
    assert "| [meters](#meters) | 2 | 2026-02-08 | 2026-02-09 | 3,000 | 10.0 kB | 4 |" in readme
    assert "| [vehicles](#vehicles) | 0 | | | | | |" in readme
    assert "SET VARIABLE day = DATE '2026-02-09'" in readme
    assert (lake.root / VIEWS).stat().st_mode & 0o444 == 0o444  # others may read it, as the files themselves
