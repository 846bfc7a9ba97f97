"""Breaks texts byte by byte: flips, cuts, repeats, splices, and puts in what parsers stumble over."""

import random
from collections.abc import Sequence

_STUMBLING_BLOCKS = (
    *(b'"', b"'", b"{", b"}", b"[", b"]", b",", b":", b"\\", b"/", b"\n", b"\r\n", b"\t", b" ", b"\x0b", b"\x85"),
    *(b"\x00", b"\xff", b"\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\xe2\x80\xa8"),
    *(b"null", b"true", b"false", b"NaN", b"Infinity", b"-Infinity", b"undefined", b"//", b"/*", b"#"),
    *(b"-", b"+", b"-0", b"00", b".5", b"5.", b"1e400", b"-1e400", b"1e-400", b"0x10", b"1_0", b"9" * 400, b"9" * 5000),
    *(
        b"\\u0000",
        b"\\ud800",
        b"\\udc00",
        b"\\ud83d\\ude00",
        b"\\x41",
        b"\\u12",
        b"[" * 200,
        b"[" * 3000,
        b'{"a":' * 500,
    ),
    *(b'"meterId":', b'"vehicleId":"v",', b'"type":"meter",', b'"timestamp":null,', b"T24:00:00", b":60Z", b"+0000"),
)


class ByteFuzzer:
    """Makes broken texts out of others."""

    def __init__(self, texts: Sequence[bytes], drawn: random.Random) -> None:
        self._texts = texts
        self._drawn = drawn

    def next(self) -> bytes:
        """One of the texts, broken in one to three places."""
        return self.broken(self._pick())

    def broken(self, whole: bytes) -> bytes:
        """These bytes, broken in one to three places."""
        text = bytearray(whole)
        for _ in range(self._drawn.choice((1, 1, 1, 2, 3))):
            self._break(text)
        return bytes(text)

    def _break(self, text: bytearray) -> None:
        at = self._at(text)
        match self._drawn.randrange(8):
            case 0 if text:
                text[at % len(text)] ^= 1 << self._drawn.randrange(8)
            case 1 if text:
                text[at % len(text)] = self._drawn.randrange(256)
            case 2:
                del text[at : at + self._drawn.randrange(1, 9)]
            case 3:
                del text[at:]
            case 4:
                text[at:at] = text[at : at + self._drawn.randrange(1, 33)]
            case 5:
                other = self._pick()
                text[at:] = other[self._at(other) :]
            case _:
                text[at:at] = self._drawn.choice(_STUMBLING_BLOCKS)

    def _pick(self) -> bytes:
        return self._drawn.choice(self._texts)

    def _at(self, text: bytes | bytearray) -> int:
        return self._drawn.randrange(len(text) + 1)
