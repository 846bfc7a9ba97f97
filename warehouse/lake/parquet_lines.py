"""The rows of a Parquet file as lines of JSON: of the columns that a reading has, whatever type they are stored in.

What JSON has no value for is written so that the validation refuses that row alone: a number that is none as its name,
an instant without a zone as one, a column of any other type as the name of the type.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.lake.parquet_process import DamagedParquetError

_TEXTS = ("meterId", "vehicleId", "type", "timestamp")
_NUMBERS = ("kwhConsumedAc", "voltage", "kwhDeliveredDc", "soc", "batteryTemp")
_AS_DIFFERENCES = frozenset({"DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"})
_LONGEST_TEXT = 256
"""Bytes, or characters. No id is as long, and no timestamp that anybody writes; what is longer is refused."""
_FIRST_NAMES, _LONGEST_NAME = 12, 40
"""So many columns are named where the right ones are missing, and so much of each name."""
_BUFFER_BYTES = 1024 * 1024
_MAX_COLUMN_BYTES = 1024**3
"""Of one column in one row group, as it says itself. A file of a whole day has 20 MB."""

Values = list[Any]


def parquet_lines(file: BinaryIO, skip: int, batch_rows: int) -> Iterator[tuple[list[bytes], float]]:
    """Batches of rows behind the first ``skip``, and the share of the rows (0..1) that has been read with each.

    Raises:
        DamagedParquetError: it is damaged or encrypted, or no reading can be in it.
        MemoryError: there is not enough of it.
    """
    try:
        metadata = pq.read_metadata(file)
        parquet = pq.ParquetFile(
            file,
            metadata=metadata,
            read_dictionary=_dictionaries(metadata),
            buffer_size=_BUFFER_BYTES,
            coerce_int96_timestamp_unit="us",
            page_checksum_verification=True,
        )
        names, fixed = _columns_of(parquet)
        done, total = 0, max(parquet.metadata.num_rows, 1)
        for batch in parquet.iter_batches(
            batch_rows, columns=[name for name in names if name not in fixed], use_threads=False
        ):
            before, done = done, done + batch.num_rows
            if done > skip:
                yield _lines(batch.slice(max(0, skip - before)), names, fixed), done / total
    except pa.ArrowMemoryError:
        raise MemoryError from None
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        words = str(error).partition("\n")[0]
        raise DamagedParquetError(f"is not readable as Parquet: {words}") from error


def _dictionaries(metadata: pq.FileMetaData) -> list[str]:
    """The texts to read as dictionaries: one long text in a million rows is there once.

    The library cannot do so with those that are stored as differences (DuckDB's and Java's version 2): they are read
    as they are.
    """
    encodings: dict[str, set[str]] = {}
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            if (name := metadata.schema.column(number).path) in _TEXTS:
                encodings.setdefault(name, set()).update(metadata.row_group(group).column(number).encodings)
    return [name for name, stored in encodings.items() if not stored & _AS_DIFFERENCES]


def _columns_of(parquet: pq.ParquetFile) -> tuple[list[str], dict[str, str]]:
    """The columns of a reading that the file has; and of those that are not even read, what takes the place of values.

    Raises:
        DamagedParquetError: it has none, one of them twice, or one that would not fit into memory.
    """
    schema = parquet.schema_arrow
    counts = Counter(schema.names)
    names = [name for name in (*_TEXTS, *_NUMBERS) if counts[name]]
    if not {"meterId", "vehicleId"} & set(names):
        raise DamagedParquetError(f"has neither a column meterId nor a column vehicleId, {_instead(schema.names)}")
    for name in names:
        if counts[name] > 1:
            raise DamagedParquetError(f"has the column {name} twice")
    types = {name: schema.field(name).type for name in names}
    fixed = {name: str(type_) for name, type_ in types.items() if not _is_read(type_)}
    _require_room(parquet.metadata, set(names) - set(fixed))
    return names, fixed


def _instead(names: list[str]) -> str:
    """Which columns a file has: often they are called so in lower case, or by other names."""
    if not names:
        return "and no other"
    first = ", ".join(f'"{name[:_LONGEST_NAME]}"' for name in names[:_FIRST_NAMES])
    others = f" and {len(names) - _FIRST_NAMES:,} more" if len(names) > _FIRST_NAMES else ""
    return f"but {first}{others}; name them as POST /v1/telemetry does"


def _require_room(metadata: pq.FileMetaData, names: set[str]) -> None:
    numbers = [number for number in range(metadata.num_columns) if metadata.schema.column(number).path in names]
    for group in range(metadata.num_row_groups):
        for number in numbers:
            if metadata.row_group(group).column(number).total_uncompressed_size > _MAX_COLUMN_BYTES:
                name = metadata.schema.column(number).path
                raise DamagedParquetError(f"has a row group whose {name} takes more than {_MAX_COLUMN_BYTES >> 20} MiB")


def _is_read(type_: pa.DataType) -> bool:
    if pa.types.is_nested(type_):
        return False
    return not (pa.types.is_fixed_size_binary(type_) and type_.byte_width > _LONGEST_TEXT)


def _lines(batch: pa.RecordBatch, names: list[str], fixed: dict[str, str]) -> list[bytes]:
    """Nulls are left out: a table of both kinds has the columns of both."""
    columns = [[fixed[name]] * batch.num_rows if name in fixed else _values(batch.column(name)) for name in names]
    encode = msgspec.json.Encoder().encode
    return [
        encode({name: value for name, value in zip(names, row, strict=True) if value is not None})
        for row in zip(*columns, strict=True)
    ]


def _values(column: pa.Array) -> Values:
    """The values as JSON has them."""
    type_ = column.type
    if isinstance(type_, pa.UuidType):
        return [None if value is None else str(value) for value in column.to_pylist()]
    if isinstance(type_, pa.BaseExtensionType):
        return _values(column.storage)
    if pa.types.is_dictionary(type_):
        values = _values(column.dictionary)
        ends = pc.min_max(column.indices)
        if ends["max"].is_valid and not 0 <= ends["min"].as_py() <= ends["max"].as_py() < len(values):
            raise DamagedParquetError("is damaged: a value is named that is not in its dictionary")
        return [None if index is None else values[index] for index in column.indices.to_pylist()]
    for holds, convert in _CONVERSIONS:
        if holds(type_):
            return convert(column)
    is_valid = column.is_valid().to_pylist()
    return [str(type_) if valid else None for valid in is_valid]


def _as_they_are(column: pa.Array) -> Values:
    values: Values = column.to_pylist()
    return values


def _texts(column: pa.Array) -> Values:
    """Text, or bytes that are text though nothing says so; what is no UTF-8 is shown with backslashes, as no id is."""
    binary = column.cast(pa.large_binary())
    return [None if value is None else _text(value) for value in binary.to_pylist()]


def _text(value: bytes) -> str:
    text = value[:_LONGEST_TEXT].decode("utf-8", "backslashreplace")
    return text if len(value) <= _LONGEST_TEXT else f"{text}..."


def _floats(column: pa.Array) -> Values:
    """Of a decimal the nearest one. JSON has no word for NaN and the infinities, and the validation refuses words."""
    return [None if value is None else _float(value) for value in column.to_pylist()]


def _float(value: Any) -> float | str:
    number = float(value)
    return number if math.isfinite(number) else str(number)


def _instants(column: pa.Array) -> Values:
    """In RFC 3339, cut to microseconds; whatever zone it names, what is stored is UTC, or has no zone at all."""
    type_ = column.type
    counts = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    unit = type_.unit
    if unit == "ns":
        counts, unit = counts // 1000, "us"
    texts = np.datetime_as_string(counts.astype(f"datetime64[{unit}]"))
    offset = "Z" if type_.tz is not None else ""
    return [
        f"{text}{offset}" if valid else None
        for text, valid in zip(texts.tolist(), column.is_valid().to_pylist(), strict=True)
    ]


_CONVERSIONS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], Values]], ...] = (
    (pa.types.is_floating, _floats),
    (pa.types.is_decimal, _floats),
    (pa.types.is_integer, _as_they_are),
    (pa.types.is_boolean, _as_they_are),
    (pa.types.is_null, _as_they_are),
    (pa.types.is_timestamp, _instants),
    (pa.types.is_string, _texts),
    (pa.types.is_large_string, _texts),
    (pa.types.is_string_view, _texts),
    (pa.types.is_binary, _texts),
    (pa.types.is_large_binary, _texts),
    (pa.types.is_binary_view, _texts),
    (pa.types.is_fixed_size_binary, _texts),
)
