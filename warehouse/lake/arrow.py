"""Between the columns that ``warehouse.postgres`` speaks, and Arrow, which DuckDB reads and writes without a copy."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager

import duckdb
import pyarrow as pa

from warehouse.contract.partitions import Stream
from warehouse.postgres.binary_arrays import Float4Array, Float8Array, Int4Array, TimestamptzArray
from warehouse.postgres.partitions.partition_rows import COLUMNS, Rows

_TYPES = {
    Int4Array: pa.int32(),
    TimestamptzArray: pa.timestamp("us", "UTC"),
    Float8Array: pa.float64(),
    Float4Array: pa.float32(),
}


@contextmanager
def arriving(stream: Stream, rows: Generator[Rows]) -> Iterator[pa.RecordBatchReader]:
    """Rows for DuckDB to read, which asks for more as it goes.

    What goes wrong where they come from leaves the block as itself, not in DuckDB's words.
    """
    schema = pa.schema([(name, _TYPES[array]) for name, array in COLUMNS[stream].items()])
    failed: list[Exception] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for some in rows:
                columns = [pa.array(some[field.name], field.type, from_pandas=True) for field in schema]
                yield pa.record_batch(columns, schema=schema)
        except Exception as error:
            failed.append(error)
            raise

    with closing(rows):
        try:
            yield pa.RecordBatchReader.from_batches(schema, batches())
        except duckdb.Error as error:
            if failed:
                raise failed[0] from error
            raise


def rows_of(batch: pa.RecordBatch) -> Rows:
    """A batch as ``warehouse.postgres`` takes it."""
    return {
        name: (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_numpy(zero_copy_only=False)
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    }
