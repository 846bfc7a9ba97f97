"""How the files of the lake are written, whoever writes them."""

ROW_GROUP_ROWS = 122_880
"""What a reader must take at least. Some 85 devices of a full-size day, so a question about one reads little."""

PARQUET = f"FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, ROW_GROUP_SIZE {ROW_GROUP_ROWS}"
"""DuckDB's options. Version 2 stores instants as differences: two thirds of an export were its ``ts``, and are 2 %."""
