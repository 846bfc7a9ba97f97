"""Which files of the lake have rows of a device: one that cannot be read is no file without any."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tests.lake_folder import folder_snapshot, put_next
from warehouse.contract.device_rows import Device
from warehouse.contract.partitions import Stream
from warehouse.contract.tables import DeviceKind
from warehouse.lake.device_rows import files_with_rows
from warehouse.lake.storage.lake import Lake
from warehouse.lake.views import UnreadableFileError, start_engine
from warehouse.postgres.ledger.lake_files import LakeFile

DAY = date(2026, 2, 8)
METER = Device(DeviceKind.METER, 7, "meter-7")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A day of meter readings: two rows of meter 7, one of another."""
    lake, written = Lake(tmp_path), tmp_path / "written.parquet"
    pl.DataFrame({"meter_id": [7, 7, 8]}).write_parquet(written)
    put_next(lake, Stream.METER_READINGS, DAY, written)
    return lake


def files(lake: Lake) -> list[LakeFile]:
    return list(folder_snapshot(lake).files[Stream.METER_READINGS].values())


def held(lake: Lake, asked: list[LakeFile]) -> list[int]:
    with start_engine(None) as engine:
        return [each.rows for each in files_with_rows(engine, lake, asked, METER)]


def test_its_rows_are_counted(lake: Lake) -> None:
    assert held(lake, files(lake)) == [2]


def test_a_file_that_is_gone_has_none(lake: Lake) -> None:
    asked = files(lake)
    Path(lake.location(asked[0])).unlink()
    assert held(lake, asked) == []


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no Parquet", b"PAR1" + bytes(100) + b"PAR1"])
def test_a_file_that_cannot_be_read_may_have_some(lake: Lake, content: bytes) -> None:
    asked = files(lake)
    Path(lake.location(asked[0])).write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"may have rows of meter meter-7 or not; fleetwatt scrub"):
        held(lake, asked)


def test_a_file_of_flipped_bits_may_have_some(lake: Lake) -> None:
    asked = files(lake)
    path = Path(lake.location(asked[0]))
    content = path.read_bytes()
    path.write_bytes(content[:-8] + bytes(each ^ 0xFF for each in content[-8:-4]) + content[-4:])  # where the footer is
    with pytest.raises(UnreadableFileError):
        held(lake, asked)
