"""Names of files as readers of Parquet take them."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from warehouse.lake.storage.patterns import path_of, readable


@pytest.mark.parametrize("name", ["plain", "a [b] c", "a*", "a?", "[[]]", 'it\'s "so"', "{a,b}", "back\\slash", "ä b"])
def test_a_file_is_read_by_its_own_name(tmp_path: Path, name: str) -> None:
    for number, each in enumerate((name, "ax", "a b c")):
        (tmp_path / each).mkdir()
        pl.DataFrame({"number": [number]}).write_parquet(tmp_path / each / "x.parquet")
    file = tmp_path / name / "x.parquet"
    opened = readable(file)
    assert (readable(opened), path_of(opened)) == (opened, str(file))
    assert pl.scan_parquet(opened).collect().rows() == [(0,)]
    assert duckdb.read_parquet(opened).fetchall() == [(0,)]
