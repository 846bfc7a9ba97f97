"""How the files of the lake are written, whoever writes them."""

from pathlib import Path

Location = Path | str
"""Where a file lies: a path, or whatever else of a store Polars opens."""

ROW_GROUP_ROWS = 122_880
"""What a reader must take at least. Some 85 devices of a full-size day, so a question about one reads little."""

DICTIONARY_VALUES = 1_000
"""A column of more values than that in a row group is written as it is. Registers never come twice, and the sensors of
some 85 devices hardly do: to number their values took longer, and a quarter more room."""

PARQUET = (
    f"FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, ROW_GROUP_SIZE {ROW_GROUP_ROWS}, "
    f"DICTIONARY_SIZE_LIMIT {DICTIONARY_VALUES}"
)
"""DuckDB's options. Version 2 stores instants as differences: two thirds of an export were its ``ts``, and are 2 %."""
