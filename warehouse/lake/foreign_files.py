"""What a file is that is none of readings, told by its first bytes, in words that say what to do with it."""

import codecs
import re

from warehouse.decoding.compression import Compression
from warehouse.decoding.json_bodies import wide_encoding

HEAD_BYTES = 512

_UNPACK = "unpack it and import what is in it"
_REWRITE = "write its readings as NDJSON or Parquet"
_MAGICS = (
    (0, (b"PK\3\4", b"PK\5\6", b"PK\7\x08"), f"is a zip archive; {_UNPACK}"),
    (257, (b"ustar",), f"is a tar archive; {_UNPACK}"),
    (0, (b"\xfd7zXZ\0",), f"is compressed with xz; {_UNPACK}, or compress it with gzip or zstd"),
    (0, (b"BZh",), f"is compressed with bzip2; {_UNPACK}, or compress it with gzip or zstd"),
    (0, (b"\x04\x22\x4d\x18",), f"is compressed with lz4; {_UNPACK}, or compress it with gzip or zstd"),
    (0, (b"\x1f\x9d", b"\x1f\xa0"), f"is compressed with compress; {_UNPACK}, or compress it with gzip or zstd"),
    (0, (b"7z\xbc\xaf\x27\x1c",), f"is a 7z archive; {_UNPACK}"),
    (0, (b"Rar!\x1a",), f"is a rar archive; {_UNPACK}"),
    (0, tuple(magic for each in Compression for magic in each.magics), f"is compressed twice; {_UNPACK}"),
    (0, (b"PAR1",), "is a Parquet file inside a compressed one; unpack it and import the Parquet file"),
    (0, (b"PARE",), "is encrypted Parquet; decrypt it first"),
    (0, (b"ARROW1",), f"is an Arrow file; {_REWRITE}"),
    (0, (b"\xff\xff\xff\xff",), f"is a stream of Arrow; {_REWRITE}"),
    (0, (b"ORC",), f"is an ORC file; {_REWRITE}"),
    (0, (b"Obj\1",), f"is an Avro file; {_REWRITE}"),
    (0, (b"SQLite format 3\0",), f"is an SQLite database; {_REWRITE}"),
)
_ARRAY = re.compile(rb"\s*\[\s*(?:\{|\Z)").match
_SPREAD_OBJECT = re.compile(rb"\s*\{[ \t]*\r?\n").match
_CARRIAGE_RETURNS_ALONE = re.compile(rb"[^\n]*\}[ \t]*\r[ \t\r]*\{[^\n]*\Z").match


def what_else(head: bytes) -> str | None:
    """What a file is that begins like this, if it is not lines of JSON: what follows its name in a sentence."""
    for offset, magics, words in _MAGICS:
        if head.startswith(magics, offset):
            return words
    if wide := wide_encoding(head):
        return f"is written in {wide}; write it in UTF-8 (iconv -f {wide} -t UTF-8)"
    text = head.removeprefix(codecs.BOM_UTF8)
    if _ARRAY(text):
        return "is a JSON array; write one reading a line (jq -c '.[]')"
    if _SPREAD_OBJECT(text):
        return "spreads its JSON over several lines; write one reading a line (jq -c .)"
    if _CARRIAGE_RETURNS_ALONE(text):
        return "ends its lines in a carriage return alone; end them in a newline (tr '\\r' '\\n')"
    return None
