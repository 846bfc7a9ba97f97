"""What the lake's files are called, and the folder that holds them."""

import os
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from warehouse.lake.storage.keys import FileKey, folder_of
from warehouse.lake.storage.lake import Lake
from warehouse.lake.storage.local_folder import LocalFolder

DAY = date(2026, 2, 8)
NOBODY = 65534
KEY = "meters/day=2026-02-08/v3-1a2b3c4d.parquet"


def test_a_key_says_what_it_holds() -> None:
    key = FileKey.of("meters", DAY, 3, bytes.fromhex("1a2b3c4d" + "00" * 28))
    assert str(key) == KEY
    assert FileKey.parse(KEY) == key
    assert folder_of("meters", DAY) == "meters/day=2026-02-08"


@pytest.mark.parametrize(
    "other",
    [
        "meters/day=2026-02-08/data.parquet",
        "meters/day=2026-02-08/v0-1a2b3c4d.parquet",
        "meters/day=2026-02-08/v3-1A2B3C4D.parquet",
        "meters/day=2026-02-08/v3-1a2b3c4d.parquet.tmp",
        "meters/day=2026-2-8/v3-1a2b3c4d.parquet",
        ".aside/meters/day=2026-02-08/v3-1a2b3c4d.parquet",
        "../meters/day=2026-02-08/v3-1a2b3c4d.parquet",
    ],
)
def test_other_names_are_no_keys(other: str) -> None:
    assert FileKey.parse(other) is None


def test_versions_are_in_order() -> None:
    keys = [FileKey("meters", DAY, version, "00000000") for version in (10, 1, 2)]
    assert [key.version for key in sorted(keys)] == [1, 2, 10]


@pytest.fixture
def store(tmp_path: Path) -> LocalFolder:
    return LocalFolder(tmp_path / "lake")


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "written"
    path.write_bytes(content)
    return path


def test_what_was_put_is_opened_listed_and_deleted(store: LocalFolder, tmp_path: Path) -> None:
    store.put(KEY, written(tmp_path, b"content"))
    assert not (tmp_path / "written").exists()
    with store.open(KEY) as file:
        assert file.read() == b"content"
    assert Path(store.location(KEY)).read_bytes() == b"content"
    assert list(store.list()) == list(store.list("meters")) == list(store.list("meters/day=2026-02-08")) == [KEY]
    assert list(store.list("vehicles")) == list(store.list("meters/day=2026-02-09")) == []
    store.delete(KEY)
    store.delete(KEY)
    assert list(store.list()) == []
    with pytest.raises(FileNotFoundError):
        store.open(KEY)


def test_the_same_file_is_put_again(store: LocalFolder, tmp_path: Path) -> None:
    for _ in range(2):
        store.put(KEY, written(tmp_path, b"content"))
    assert list(store.list()) == [KEY]


def test_what_is_no_file_of_the_lake_is_not_listed(store: LocalFolder, tmp_path: Path) -> None:
    store.put(KEY, written(tmp_path, b"content"))
    for other in ("meters/day=2026-02-08/data.parquet", ".aside/meters-2026-02-08.parquet", "README.md"):
        path = store.root / other
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"other")
    assert list(store.list()) == [KEY]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for another account")
def test_root_follows_no_links_that_the_lakes_account_laid() -> None:
    """Somebody's lake, in which the folder of a day leads to one that is root's alone."""
    with TemporaryDirectory() as folder:  # not pytest's own, which other accounts cannot enter
        Path(folder).chmod(0o755)
        roots, store = Path(folder) / "roots", LocalFolder(Path(folder) / "lake")
        roots.mkdir(mode=0o700)
        (roots / Path(KEY).name).write_bytes(b"root's")
        (store.root / "meters").mkdir(parents=True)
        (store.root / KEY).parent.symlink_to(roots)
        made = store.root / "made"
        made.write_bytes(b"content")
        for each in (store.root, store.root / "meters", made):
            os.chown(each, NOBODY, NOBODY)
        with pytest.raises(PermissionError):
            store.put(KEY, made)
        with pytest.raises(PermissionError):
            store.delete(KEY)
        assert (roots / Path(KEY).name).read_bytes() == b"root's"


@pytest.mark.parametrize("linked", ["meters", "meters/day=2026-02-08"])
def test_a_folder_may_be_a_link_to_another_disk(store: LocalFolder, tmp_path: Path, linked: str) -> None:
    with TemporaryDirectory(dir="/dev/shm") as folder:
        if Path(folder).stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("there is one file system alone")
        (store.root / linked).parent.mkdir(parents=True)
        (store.root / linked).symlink_to(folder)
        for content in (b"content", b"content"):
            store.put(KEY, written(tmp_path, content))
        with store.open(KEY) as file:
            assert file.read() == b"content"
        assert [path.name for path in Path(folder).rglob("*") if path.is_file()] == [Path(KEY).name]
        assert not (tmp_path / "written").exists()


def test_who_lost_the_day_and_still_writes_does_not_write_into_the_next_ones_file(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    with lake.aside("meters", DAY) as first, first.open("wb", buffering=0) as still_open:
        still_open.write(b"old")
        with lake.aside("meters", DAY) as second:
            second.write_bytes(b"new")
            still_open.write(b" and more of it")
            assert second.read_bytes() == b"new"


def test_a_file_that_cannot_be_put_is_an_error(store: LocalFolder, tmp_path: Path) -> None:
    store.root.write_text("no folder")
    with pytest.raises(OSError, match=r"File exists|Not a directory"):
        store.put(KEY, written(tmp_path, b"content"))
