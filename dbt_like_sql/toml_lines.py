"""The line of a key in a TOML file: errors name it, and ``tomllib`` does not keep it. Why not by a parser: ADR 90."""

import re
from collections.abc import Iterator

_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_.-]+)\s*=")
_LONG_TEXT = re.compile(r"\"{3}|'{3}")
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")

Path = tuple[str, ...]
"""A key with the tables around it, e.g. ``("devices", "columns", "kind")``."""


class TomlLines:
    """Line numbers, from 1, of the tables and keys of a file in the style of this folder: one key a line."""

    def __init__(self, text: str) -> None:
        self._lines = [_STRING.sub('""', line).split("#")[0] for line in _without_long_texts(text)]
        self._written = text.splitlines()
        self._places: dict[Path, int] = {}
        table: Path = ()
        for number, line in enumerate(self._lines, start=1):
            if header := _HEADER.match(line):
                table = tuple(part.strip() for part in header[1].split("."))
                self._note(table, number)
            elif key := _KEY.match(line):
                self._note((*table, *key[1].split(".")), number)

    def _note(self, path: Path, number: int) -> None:
        """Here is a key or table, and here the tables around it begin that were not seen before."""
        for end in range(1, len(path) + 1):
            self._places.setdefault(path[:end], number)

    def of(self, *path: str) -> int:
        """The line of a table or key; of the nearest table around it, if the key itself is not there."""
        while path:
            if path in self._places:
                return self._places[path]
            path = path[:-1]
        return 1

    def of_text(self, *path: str) -> int:
        """The line where a key's text begins: one over several lines begins below its key."""
        line = self.of(*path)
        return line + 1 if self._written and self._written[line - 1].rstrip().endswith(('"""', "'''")) else line

    def of_item(self, path: Path, index: int) -> int:
        """The line where the item of an array of inline tables begins."""
        first, depth, seen = self.of(*path), 0, 0
        for number, line in enumerate(self._lines[first - 1 :], start=first):
            for character in line:
                if character == "{":
                    seen += depth == 0
                    depth += 1
                elif character == "}":
                    depth -= 1
            if seen > index:
                return number
        return first


def _without_long_texts(text: str) -> Iterator[str]:
    """The lines, those within a text of several lines empty: nothing in it is a key."""
    within = ""
    for line in text.splitlines():
        rest = line
        if within:
            _, end, rest = line.partition(within)
            if not end:
                yield ""
                continue
        kept, within = rest, ""
        if (opened := _LONG_TEXT.search(rest)) and opened[0] not in rest[opened.end() :]:
            kept, within = rest[: opened.start()] + '""', opened[0]
        yield kept
