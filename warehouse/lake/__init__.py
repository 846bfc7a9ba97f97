"""The lake: closed days as Parquet, made, verified, published, read."""
