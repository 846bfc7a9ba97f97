"""What a file is and which lines it has, whatever it is written in; damage and endless lines cost themselves."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.ipc
import pytest
from backports import zstd

from tests.factories import meter_payload
from tests.integration.ingest_api.site import encode
from warehouse.contract.readings import AcceptedWindow
from warehouse.decoding.telemetry import decode_lines
from warehouse.lake.reading_files import KEPT_OF_A_LONG_LINE_BYTES, MAX_LINE_BYTES, UnreadableReadingsError, chunks

WINDOW = AcceptedWindow(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
LINE = encode(meter_payload(timestamp="2026-02-08T12:00:00Z"))
LINES = [encode(meter_payload(timestamp=f"2026-02-08T12:00:{second:02}Z")) for second in range(5)]
NDJSON = b"\n".join(LINES) + b"\n"
BOM = b"\xef\xbb\xbf"


def several_frames(data: bytes) -> bytes:
    skippable = bytes.fromhex("5a2a4d18") + (5).to_bytes(4, "little") + b"hello"
    return skippable + zstd.compress(data[:50]) + skippable + zstd.compress(b"") + zstd.compress(data[50:])


PACK: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "gzip members": lambda data: gzip.compress(data[:70]) + gzip.compress(b"") + gzip.compress(data[70:]),
    "gzip, padded": lambda data: gzip.compress(data) + bytes(512),
    "zstd": zstd.compress,
    "zstd frames": several_frames,
}


def read(data: bytes, skip: int = 0) -> tuple[list[bytes], set[int], str | None]:
    """The lines, which of them are cut, and the words of the failure."""
    lines: list[bytes] = []
    cut_lines: set[int] = set()
    try:
        for chunk in chunks(io.BytesIO(data), len(data), skip):
            assert 0 < chunk.share <= 1
            cut_lines |= {len(lines) + index for index in chunk.cut_lines}
            lines += chunk.lines
    except UnreadableReadingsError as error:
        return lines, cut_lines, error.detail
    return lines, cut_lines, None


@pytest.mark.parametrize("pack", PACK)
def test_the_lines_of_a_file_in_every_form(pack: str) -> None:
    assert read(PACK[pack](NDJSON)) == (LINES, set(), None)
    assert read(PACK[pack](NDJSON[:-1])) == (LINES, set(), None), "without a last newline"
    assert read(PACK[pack](NDJSON), skip=3) == (LINES[3:], set(), None)
    assert read(PACK[pack](NDJSON), skip=5) == ([], set(), None)


@pytest.mark.parametrize("pack", PACK)
def test_a_line_that_is_too_long_is_one_bad_line_and_the_next_ones_are_read(pack: str) -> None:
    at_most = LINE[:-1] + b" " * (MAX_LINE_BYTES - len(LINE)) + b"}"
    too_long = LINE + b" " * (MAX_LINE_BYTES + 1 - len(LINE))
    data = b"\n".join([LINE, too_long, at_most, b"x" * 10**7, LINE, b"y" * 10**7])
    lines, cut_lines, failure = read(PACK[pack](data))
    kept = KEPT_OF_A_LONG_LINE_BYTES
    assert (cut_lines, failure) == ({1, 3, 5}, None)
    assert [len(line) for line in lines] == [len(LINE), kept, MAX_LINE_BYTES, kept, len(LINE), kept]
    telemetry = decode_lines(lines, WINDOW, cut_lines=cut_lines)
    assert telemetry.indexes == [0, 2, 4]
    assert [(each.index, each.code) for each in telemetry.rejections] == [(n, "line_too_long") for n in (1, 3, 5)]


def test_a_line_that_is_too_long_keeps_its_number_where_an_import_goes_on() -> None:
    data = b"\n".join([LINE, b"x" * (MAX_LINE_BYTES + 1), LINE, LINE])
    for skip, cut_lines in enumerate([{1}, {0}, set(), set()]):
        lines, found, _ = read(data, skip)
        assert (len(lines), found) == (4 - skip, cut_lines)


def test_odd_lines_keep_their_numbers() -> None:
    data = b"\n".join(
        [BOM, b"  ", b"", b"\t\r", LINE + b"\r", b'{"a":"\0"}', b"\0" * 100, b"\r", LINE, LINE + b"\r" + LINE]
    )
    lines, _, failure = read(data)
    assert failure is None
    telemetry = decode_lines(lines, WINDOW)
    assert telemetry.indexes == [4, 8]
    assert [(each.index, each.code) for each in telemetry.rejections] == [
        (5, "malformed_json"),
        (6, "malformed_json"),
        (9, "malformed_json"),
    ]


@pytest.mark.parametrize("pack", PACK)
def test_a_byte_order_mark_and_carriage_returns_are_nothing(pack: str) -> None:
    lines, _, failure = read(PACK[pack](BOM + NDJSON.replace(b"\n", b"\r\n")))
    assert failure is None
    assert decode_lines(lines, WINDOW).indexes == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("end", [b"\r\n", b"\r\r\n", b" \r\n"])
@pytest.mark.parametrize("note", [0, 100, 160, 300, 600])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_lines_that_end_in_both_are_lines_however_many_and_long(number: int, note: int, end: bytes) -> None:
    """Windows ends lines so, and what is looked at first may hold one end of a line, and the last line has none."""
    items = [encode(meter_payload(timestamp=f"2026-02-08T12:00:0{each}Z", note="x" * note)) for each in range(number)]
    for data in (end.join(items), end.join([*items, b""]), BOM + end.join(items)):
        lines, _, failure = read(data)
        assert failure is None
        assert decode_lines(lines, WINDOW).indexes == list(range(number))


@pytest.mark.parametrize("pack", PACK)
@pytest.mark.parametrize("nothing", [b"", b"\n", b"\r\n \n\t", BOM, BOM + b"\n\n", b"\n" * 100_000])
def test_a_file_without_anything_on_its_lines_is_no_success(nothing: bytes, pack: str) -> None:
    assert decode_lines(read(PACK[pack](nothing))[0], WINDOW).reading_count == 0
    assert read(PACK[pack](nothing))[2] == "is empty: no reading was read"
    assert read(PACK[pack](nothing + b"\n" + LINE))[2] is None


@pytest.mark.parametrize("pack", ["gzip", "gzip members", "zstd", "zstd frames"])
@pytest.mark.parametrize("behind", [b"\r\n", b"\n", b"x", b"{}\n", NDJSON])
def test_what_follows_compressed_data_is_told_and_costs_nothing(pack: str, behind: bytes) -> None:
    lines, _, failure = read(PACK[pack](NDJSON) + behind)
    assert lines == LINES
    assert failure == f"something else follows the {pack[:4]} data; what came before is stored"


@pytest.mark.parametrize("pack", ["gzip", "zstd"])
def test_a_file_that_is_cut_short_gives_what_it_has(pack: str) -> None:
    many = b"".join(encode(meter_payload(kwhConsumedAc=n * 7919 % 9973)) + b"\n" for n in range(2_000))
    lines, _, failure = read(PACK[pack](many)[:-30])
    assert failure == f"the {pack} data ends in the middle; what came before is stored"
    assert lines == many.split(b"\n")[: len(lines)]  # none is half a line: the cut is told once
    assert len(lines) > (1_900 if pack == "gzip" else -1)


def gzip_that_ends_behind(data: bytes) -> bytes:
    """Of a file that is cut, what decodes to these bytes."""
    compressor = zlib.compressobj(wbits=31)
    return compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize(
    ("end", "left"),
    [
        (b"", []),
        (b'{"meterId":"m', []),
        (b'{"meterId":"m"}', [b'{"meterId":"m"}']),
        (b'{"meterId":"m"}\r', [b'{"meterId":"m"}\r']),
        (b"x" * (MAX_LINE_BYTES + 1), [b"x" * KEPT_OF_A_LONG_LINE_BYTES]),
    ],
    ids=["between lines", "within a line", "before a newline", "within a line's end", "within a line that is too long"],
)
def test_of_the_line_that_a_cut_goes_through_only_a_whole_one_is_left(end: bytes, left: list[bytes]) -> None:
    lines, _, failure = read(gzip_that_ends_behind(NDJSON + end))
    assert failure == "the gzip data ends in the middle; what came before is stored"
    assert lines == [*LINES, *left]


def archive(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo("readings.ndjson")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("readings.ndjson", data)
    return buffer.getvalue()


def arrow(_data: bytes) -> bytes:
    buffer = io.BytesIO()
    with pyarrow.ipc.new_file(buffer, pa.schema([("a", pa.int32())])):
        pass
    return buffer.getvalue()


def arrow_stream(_data: bytes) -> bytes:
    buffer = io.BytesIO()
    with pyarrow.ipc.new_stream(buffer, pa.schema([("a", pa.int32())])):
        pass
    return buffer.getvalue()


FOREIGN: dict[str, Callable[[bytes], bytes]] = {
    "zip archive": zipped,
    "compressed with xz": lzma.compress,
    "compressed with bzip2": bz2.compress,
    "tar archive": archive,
    "Arrow file": arrow,
    "stream of Arrow": arrow_stream,
    "7z archive": lambda data: b"7z\xbc\xaf\x27\x1c" + data,
    "Avro file": lambda data: b"Obj\1" + data,
    "SQLite database": lambda data: b"SQLite format 3\0" + data,
    "encrypted Parquet": lambda data: b"PARE" + data,
    "written in UTF-16": lambda data: data.decode().encode("utf-16"),
    "in UTF-16; write": lambda data: data.decode().encode("utf-16-be"),
    "written in UTF-32": lambda data: data.decode().encode("utf-32"),
    "a JSON array": lambda data: b"[" + data.strip().replace(b"\n", b",") + b"]",
    "JSON array; write": lambda data: BOM + b"[\r\n  {" + data,
    "over several lines": lambda data: b"{\n" + data[1:],
    "a carriage return alone": lambda data: data.replace(b"\n", b"\r"),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_file_of_something_else_is_told_what_it_is(what: str) -> None:
    data = FOREIGN[what](NDJSON)
    for form in (data, gzip.compress(data), zstd.compress(data)):
        lines, _, failure = read(form)
        assert lines == []
        assert failure is not None
        assert what in failure


@pytest.mark.parametrize("outer", [gzip.compress, zstd.compress])
@pytest.mark.parametrize("inner", [gzip.compress, zstd.compress])
def test_a_file_that_is_compressed_twice_is_told_so(
    outer: Callable[[bytes], bytes], inner: Callable[[bytes], bytes]
) -> None:
    assert read(outer(inner(NDJSON)))[::2] == ([], "is compressed twice; unpack it and import what is in it")
    _, _, failure = read(outer(b"PAR1" + bytes(100)))
    assert failure == "is a Parquet file inside a compressed one; unpack it and import the Parquet file"


@pytest.mark.parametrize("first", [b"[]", b"[1,2]", b"{", b"5", b"PK", b"x" * 600, b"\r"])
def test_a_first_line_that_is_no_reading_costs_only_itself(first: bytes) -> None:
    lines, _, failure = read(first + b"\n" + NDJSON) if first != b"{" else read(b"{ \x01\n" + NDJSON)
    assert failure is None
    assert len(lines) == 6


def test_a_window_as_large_as_the_tool_uses_is_read_and_a_larger_one_is_refused_in_words() -> None:
    def framed(window_log: int) -> bytes:
        compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: window_log})
        return compressor.compress(NDJSON) + compressor.flush()

    assert read(framed(27)) == (LINES, set(), None)
    assert "needs a window of more than 134217728 bytes" in str(read(framed(28))[2])
