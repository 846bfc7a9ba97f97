"""Parquet is read in a process of its own: what crashes it, or asks for all memory, is a damaged file and no more."""

import base64
import tempfile
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.parquet import encryption

from tests.unit.lake.test_parquet_lines import GOOD
from warehouse.lake.parquet_process import DamagedParquetError, read_parquet
from warehouse.lake.reading_files import UnreadableReadingsError, chunks


def write(path: Path, rows: int = 100) -> bytes:
    pq.write_table(pa.table({name: pa.concat_arrays([each] * (rows // 2)) for name, each in GOOD.items()}), path)
    return path.read_bytes()


def test_its_rows_come_in_batches(tmp_path: Path) -> None:
    write(tmp_path / "readings.parquet", 250)
    with (tmp_path / "readings.parquet").open("rb") as file:
        batches = list(read_parquet(file, 130, 100))
    assert [(len(lines), share) for lines, share in batches] == [(70, 0.8), (50, 1.0)]


@pytest.mark.parametrize("place", [391, 411, 431, 445, -1, -5, -6, -200])
def test_a_flipped_bit_is_refused_or_does_no_harm(tmp_path: Path, place: int) -> None:
    """The first four are segmentation faults of the library, as the file is written today."""
    damaged = bytearray(write(tmp_path / "readings.parquet"))
    damaged[place] ^= 0x5A
    with tempfile.TemporaryFile() as file:
        file.write(damaged)
        file.flush()
        try:
            assert sum(len(lines) for lines, _ in read_parquet(file, 0, 100)) == 100
        except DamagedParquetError as error:
            assert "\n" not in str(error)


def children() -> set[psutil.Process]:
    """Of this process, those that other tests have left behind too."""
    return set(psutil.Process().children())


def test_a_reader_that_dies_is_a_damaged_file(tmp_path: Path) -> None:
    write(tmp_path / "readings.parquet", 100_000)
    with (tmp_path / "readings.parquet").open("rb") as file:
        others = children()
        batches = read_parquet(file, 0, 100)
        next(batches)
        (child,) = children() - others
        child.kill()
        with pytest.raises(DamagedParquetError, match="its reader crashed, or ran out of memory"):
            list(batches)
    assert not child.is_running()


def test_who_asks_for_no_more_leaves_no_process_behind(tmp_path: Path) -> None:
    write(tmp_path / "readings.parquet", 100_000)
    with (tmp_path / "readings.parquet").open("rb") as file:
        others = children()
        batches = read_parquet(file, 0, 100)
        next(batches)
        assert children() > others
        batches.close()  # type: ignore[attr-defined] # it is a generator
    assert children() <= others


def test_a_page_that_takes_more_memory_than_it_may_is_refused(tmp_path: Path) -> None:
    def counts(characters: int) -> list[int]:
        path = tmp_path / "bomb.parquet"
        table = pa.table({"meterId": pa.array(["m"]), "type": pa.array(["x" * characters])})
        pq.write_table(table, path, compression="zstd", use_dictionary=False, write_statistics=False)
        assert path.stat().st_size < 1_000_000
        with path.open("rb") as file:
            return [len(lines) for lines, _ in read_parquet(file, 0, 100, memory_bytes=400 * 1024**2)]

    assert counts(1_000_000) == [1]
    with pytest.raises(DamagedParquetError, match=r"takes more than 400 MiB|ran out of memory"):
        counts(100_000_000)


class OpenKeys(encryption.KmsClient):  # type: ignore[misc] # no type information is published
    """Keys that are wrapped in nothing."""

    def wrap_key(self, key_bytes: bytes, _master_key_identifier: str) -> bytes:
        return base64.b64encode(key_bytes)


@pytest.mark.parametrize("plaintext_footer", [True, False])
def test_an_encrypted_file_is_refused_in_words(tmp_path: Path, plaintext_footer: bool) -> None:
    """Where its footer is not, the library crashes."""
    keys = encryption.CryptoFactory(lambda _configuration: OpenKeys())
    configuration = encryption.EncryptionConfiguration(
        footer_key="key", column_keys={"key": ["meterId"]}, plaintext_footer=plaintext_footer
    )
    properties = keys.file_encryption_properties(encryption.KmsConnectionConfig(), configuration)
    path = tmp_path / "encrypted.parquet"
    table = pa.table({"meterId": ["m"]})
    with pq.ParquetWriter(path, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    with path.open("rb") as file, pytest.raises(UnreadableReadingsError, match="encrypted"):
        list(chunks(file, path.stat().st_size, 0))
