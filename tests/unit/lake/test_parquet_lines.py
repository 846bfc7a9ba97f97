"""A row of Parquet is the line it would have been, whatever its columns are stored as; a bad value costs its row."""

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from warehouse.contract.readings import AcceptedWindow
from warehouse.decoding.telemetry import decode_lines
from warehouse.lake.parquet_lines import parquet_lines
from warehouse.lake.parquet_process import DamagedParquetError

WINDOW = AcceptedWindow(datetime(1900, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
TS = datetime(2026, 2, 8, 4, 0, 0, 123_456, UTC)
NAIVE = TS.replace(tzinfo=None)
TS_NS = int(TS.timestamp()) * 10**9 + 123_456_789
GOOD: dict[str, pa.Array] = {
    "meterId": pa.array(["m", "m"]),
    "kwhConsumedAc": pa.array([1.5, 1.5]),
    "voltage": pa.array([230.0, 230.0]),
    "timestamp": pa.array([TS, TS], pa.timestamp("us", "UTC")),
}


def write(columns: dict[str, pa.Array], **options: Any) -> io.BytesIO:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, **options)
    return buffer


def lines_of(buffer: io.BytesIO, skip: int = 0) -> list[bytes]:
    buffer.seek(0)
    return [line for lines, _ in parquet_lines(buffer, skip, 100) for line in lines]


def validated(columns: dict[str, pa.Array], **options: Any) -> list[Any]:
    """Of each row the reading (device, ts, kWh, sensor), or (code, pointer)."""
    telemetry = decode_lines(lines_of(write(columns, **options)), WINDOW, absent_sensor_is_null=True)
    found: dict[int, Any] = dict(zip(telemetry.indexes, map(tuple, telemetry.readings), strict=True))
    found |= {each.index: (each.code, each.pointer) for each in telemetry.rejections}
    return [found[index] for index in sorted(found)]


def column(values: Sequence[Any], type_: pa.DataType | None = None) -> pa.Array:
    return pa.array(values, type_)


def good(ts: datetime = TS, *, device: str = "m", kwh: float = 1.5, voltage: float | None = 230.0) -> tuple[Any, ...]:
    return (device, ts, kwh, voltage)


UUID_BYTES = bytes.fromhex("550e8400e29b41d4a716446655440000")
UUID = "550e8400-e29b-41d4-a716-446655440000"
IDS = {
    "binary": (column([b"met001", b"\xff\xfe"]), "met001", ("invalid_id", "/meterId")),
    "binary, no UTF-8": (column(["m", b"\xc3"], pa.binary()), "m", ("invalid_id", "/meterId")),
    "fixed": (column([b"met001", b"met\0\0\0"], pa.binary(6)), "met001", ("invalid_id", "/meterId")),
    "large": (column(["m", "_"], pa.large_string()), "m", ("invalid_id", "/meterId")),
    "view": (column(["m", "a b"], pa.string_view()), "m", ("invalid_id", "/meterId")),
    "large binary": (column([b"m", b""], pa.large_binary()), "m", ("invalid_id", "/meterId")),
    "dictionary": (column(["m", "x" * 65]).dictionary_encode(), "m", ("invalid_id", "/meterId")),
    "long": (column(["m", "x" * 100_000]), "m", ("invalid_id", "/meterId")),
    "uuid": (column([UUID_BYTES, None], pa.uuid()), UUID, ("unknown_kind", "")),
    "null": (column(["m", None]), "m", ("unknown_kind", "")),
}


@pytest.mark.parametrize("store_schema", [True, False], ids=["Arrow's schema", "Parquet's alone"])
@pytest.mark.parametrize("name", IDS)
def test_an_id_in_any_type_of_text(name: str, store_schema: bool) -> None:
    ids, device, refused = IDS[name]
    assert validated({**GOOD, "meterId": ids}, store_schema=store_schema) == [good(device=device), refused]


def test_text_that_says_it_is_utf8_and_is_none_costs_its_row() -> None:
    broken = pa.StringArray.from_buffers(2, pa.py_buffer(np.array([0, 1, 3], np.int32)), pa.py_buffer(b"m\xff\xfe"))
    assert validated({**GOOD, "meterId": broken}) == [good(), ("invalid_id", "/meterId")]


ODD_IDS = {
    "integers": column([17, 18]),
    "lists": column([["m"], ["m"]]),
    "structs": column([{"id": "m"}] * 2),
    "booleans": column([True, False]),
    "dates": column([date(2026, 2, 8)] * 2),
    "wide": column([b"m" * 1000] * 2, pa.binary(1000)),
}


@pytest.mark.parametrize("name", ODD_IDS)
def test_an_id_that_is_no_text_is_refused_row_by_row(name: str) -> None:
    assert {pointer for _, pointer in validated({**GOOD, "meterId": ODD_IDS[name]})} == {"/meterId"}


CUT = TS.replace(microsecond=123_456)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = {
    "ns": (column([TS_NS, None], pa.timestamp("ns", "UTC")), CUT, ("missing_field", "/timestamp")),
    "ns before 1970": (
        column([-1, None], pa.timestamp("ns", "UTC")),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
        ("missing_field", "/timestamp"),
    ),
    "ms": (
        column([TS_NS // 10**6, 2**62], pa.timestamp("ms", "UTC")),
        TS.replace(microsecond=123_000),
        ("invalid_timestamp", "/timestamp"),
    ),
    "s": (
        column([TS_NS // 10**9, 10**15], pa.timestamp("s", "UTC")),
        TS.replace(microsecond=0),
        ("invalid_timestamp", "/timestamp"),
    ),
    "a zone": (
        column([TS_NS // 1000, 0], pa.timestamp("us", "Europe/Berlin")),
        CUT,
        good(EPOCH),
    ),
    "no such zone": (
        column([TS_NS // 1000, -(2**63)], pa.timestamp("us", "Mars/Base")),
        CUT,
        ("invalid_timestamp", "/timestamp"),
    ),
    "after 9999": (
        column([TS_NS // 1000, 253_402_300_800_000_000], pa.timestamp("us", "UTC")),
        CUT,
        ("invalid_timestamp", "/timestamp"),
    ),
    "text": (column(["2026-02-08T04:00:00.123456789Z", "now"]), CUT, ("invalid_timestamp", "/timestamp")),
    "text as bytes": (column([b"2026-02-08T04:00:00.123456789Z", b"\xff"]), CUT, ("invalid_timestamp", "/timestamp")),
    "long text": (column(["2026-02-08T04:00:00.123456Z", "9" * 10**6]), CUT, ("invalid_timestamp", "/timestamp")),
    "dictionary": (
        column(["2026-02-08T04:00:00.123456Z", None]).dictionary_encode(),
        CUT,
        ("missing_field", "/timestamp"),
    ),
}


@pytest.mark.parametrize("name", TIMES)
def test_an_instant_in_any_unit_is_cut_to_microseconds_and_a_bad_one_costs_its_row(name: str) -> None:
    timestamps, expected, other = TIMES[name]
    assert validated({**GOOD, "timestamp": timestamps}) == [good(expected), other]


@pytest.mark.parametrize("options", [{}, {"use_deprecated_int96_timestamps": True}], ids=["local time", "INT96"])
def test_an_instant_without_a_zone_is_refused(options: dict[str, bool]) -> None:
    naive = column([NAIVE, NAIVE], pa.timestamp("us"))
    assert validated({**GOOD, "timestamp": naive}, **options) == [("naive_timestamp", "/timestamp")] * 2


ODD_TIMES = {
    "integers": column([TS_NS, 1]),
    "dates": column([date(2026, 2, 8)] * 2),
    "times": column([time(1)] * 2, pa.time64("ns")),
    "durations": column([timedelta(1)] * 2, pa.duration("ns")),
    "lists": column([[TS], [TS]]),
}


@pytest.mark.parametrize("name", ODD_TIMES)
def test_what_is_no_instant_is_refused_row_by_row(name: str) -> None:
    assert {pointer for _, pointer in validated({**GOOD, "timestamp": ODD_TIMES[name]})} == {"/timestamp"}


OUT_OF_RANGE = ("out_of_range", "/voltage")
NOT_A_NUMBER = ("invalid_type", "/voltage")
NUMBERS = {
    "decimal32": (column([Decimal("230.1"), None], pa.decimal32(5, 1)), 230.1, None),
    "decimal128": (
        column([Decimal("230.125"), Decimal("-1")], pa.decimal128(30, 3)),
        230.125,
        OUT_OF_RANGE,
    ),
    "decimal256": (
        column([Decimal("230.1"), Decimal("1e60")], pa.decimal256(70, 1)),
        230.1,
        OUT_OF_RANGE,
    ),
    "uint8": (column([230, 1], pa.uint8()), 230.0, 1.0),
    "uint64": (column([230, 2**64 - 1], pa.uint64()), 230.0, OUT_OF_RANGE),
    "int64": (column([230, -1]), 230.0, OUT_OF_RANGE),
    "float16": (column([np.float16(230.125), np.float16("nan")], pa.float16()), 230.125, NOT_A_NUMBER),
    "float32": (column([0.5, float("inf")], pa.float32()), 0.5, NOT_A_NUMBER),
    "float64": (column([230.1, float("-inf")]), 230.1, NOT_A_NUMBER),
    "NaN": (column([-0.0, float("nan")]), 0.0, NOT_A_NUMBER),
    "null": (column([None, None], pa.null()), None, None),
    "dictionary": (column([230.1, None]).dictionary_encode(), 230.1, None),
    "text": (column([None, "230"]), None, NOT_A_NUMBER),
    "boolean": (column([None, True]), None, NOT_A_NUMBER),
    "duration": (column([None, 1], pa.duration("ns")), None, NOT_A_NUMBER),
    "date": (column([None, date(9999, 12, 31)]), None, NOT_A_NUMBER),
    "bytes": (column([None, b"\0\0\0\1"], pa.binary(4)), None, NOT_A_NUMBER),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_in_any_type(name: str) -> None:
    voltages, first, second = NUMBERS[name]
    expected = [good(voltage=first), second if isinstance(second, tuple) else good(voltage=second)]
    assert validated({**GOOD, "voltage": voltages}) == expected


def test_a_register_as_a_decimal_is_the_nearest_number() -> None:
    kwh = column([Decimal("12034.123"), Decimal("0.1")], pa.decimal128(38, 10))
    assert [row[2] for row in validated({**GOOD, "kwhConsumedAc": kwh})] == [12034.123, 0.1]


def test_other_columns_are_not_even_read() -> None:
    others = {
        "note": column([["x"] * 3] * 2),
        "elapsed": column([2**62, None], pa.duration("ns")),
        "clock": column([1, None], pa.time64("ns")),
        "created": column([2**62, -(2**62)], pa.timestamp("us")),
        "nested": column([{"meterId": "no", "at": 1}] * 2),
        **{f"column{number}": column([number, None]) for number in range(2_000)},
    }
    assert validated({**others, **GOOD}) == [good(), good()]


def test_rows_of_both_kinds_and_the_type() -> None:
    columns = {
        "meterId": column(["m", None, "m"]),
        "vehicleId": column([None, b"v", "v"], pa.binary()),
        "type": column(["meter", "meter", None]).dictionary_encode(),
        "timestamp": column([TS] * 3, pa.timestamp("us", "UTC")),
        "kwhConsumedAc": column([1.5] * 3),
    }
    codes = [("type_mismatch", "/type"), ("ambiguous_kind", "")]
    assert validated(columns) == [good(voltage=None), *codes]


def test_no_rows_and_no_row_groups_are_no_lines() -> None:
    assert lines_of(write({name: each[:0] for name, each in GOOD.items()})) == []
    buffer = io.BytesIO()
    pq.ParquetWriter(buffer, pa.table(GOOD).schema).close()
    assert lines_of(buffer) == []


def test_one_long_text_in_many_rows_is_there_once() -> None:
    ids = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000, pa.int32()), pa.array(["x" * 5_000_000]))
    lines = lines_of(write({"meterId": ids}))  # 10 GB, were it repeated
    assert (len(lines), max(map(len, lines)) < 300) == (2_000, True)


def test_a_column_that_would_not_fit_into_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.lake.parquet_lines._MAX_COLUMN_BYTES", 1_000)
    buffer = write({**GOOD, "meterId": column(["a" * 2_000, "b"])})
    with pytest.raises(DamagedParquetError, match="has a row group whose meterId takes more than"):
        lines_of(buffer)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (pa.table({"id": ["m"]}), 'has neither a column meterId nor a column vehicleId, but "id"; name them as POST'),
        (pa.table({"meterid": ["m"], " meterId": ["m"]}), 'vehicleId, but "meterid", " meterId"; name them as POST'),
        (pa.table({f"{n}{'x' * 99}": ["m"] for n in range(14)}), '"11x{38}" and 2 more; name them'),
        (pa.table({}), "has neither a column meterId nor a column vehicleId, and no other"),
        (pa.Table.from_arrays([pa.array(["m"])] * 2, names=["meterId", "meterId"]), "has the column meterId twice"),
    ],
)
def test_a_file_that_can_hold_no_reading_is_refused_as_one(columns: pa.Table, words: str) -> None:
    buffer = io.BytesIO()
    pq.write_table(columns, buffer)
    with pytest.raises(DamagedParquetError, match=words):
        lines_of(buffer)


@pytest.mark.parametrize("encoding", ["PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
@pytest.mark.parametrize("text", [pa.string(), pa.binary(), pa.large_string()], ids=str)
@pytest.mark.parametrize("page", ["1.0", "2.0"])
def test_text_in_any_encoding(encoding: str, text: pa.DataType, page: str) -> None:
    """Java and DuckDB store text as differences where they are asked for version 2 of the format."""
    instants = pa.array(["2026-02-08T04:00:00.123456Z"] * 2, pa.string())
    columns = {**GOOD, "meterId": pa.array(["m", "n"]).cast(text), "timestamp": instants.cast(text)}
    stored = dict.fromkeys(("meterId", "timestamp"), encoding)
    options = {"use_dictionary": False, "column_encoding": stored, "data_page_version": page}
    assert validated(columns, **options) == [good(), good(device="n")]


def test_what_other_writers_write(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("parquet")
    duckdb.sql(
        f"""COPY (SELECT 'm'::BLOB AS "meterId", 1.5::DECIMAL(38, 3) AS "kwhConsumedAc", 230::UTINYINT AS voltage,
        TIMESTAMPTZ '2026-02-08 04:00:00.123456Z' AS timestamp, INTERVAL 1 DAY AS note)
        TO '{folder}/duckdb.parquet'"""
    )
    duckdb.sql(
        f"""COPY (SELECT 'm' AS "meterId", 1.5 AS "kwhConsumedAc", 230.0 AS voltage,
        '2026-02-08T04:00:00.123456Z' AS timestamp) TO '{folder}/duckdb v2.parquet' (PARQUET_VERSION v2)"""
    )
    pl.DataFrame(
        {
            "meterId": pl.Series(["m"], dtype=pl.Categorical),
            "kwhConsumedAc": pl.Series([Decimal("1.5")], dtype=pl.Decimal(38, 3)),
            "voltage": pl.Series([230], dtype=pl.UInt16),
            "timestamp": pl.Series([TS_NS], dtype=pl.Datetime("ns", "UTC")),
            "note": pl.Series([1], dtype=pl.Duration("us")),
        }
    ).write_parquet(folder / "polars.parquet")
    for name in ("duckdb", "duckdb v2", "polars"):
        telemetry = decode_lines(lines_of(io.BytesIO((folder / f"{name}.parquet").read_bytes())), WINDOW)
        assert [tuple(each) for each in telemetry.readings] == [good()], name
