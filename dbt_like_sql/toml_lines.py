"""The line of a key in a TOML file: errors name it, and ``tomllib`` does not keep it. Why not by a parser: ADR 90."""

import re

_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")

Path = tuple[str, ...]
"""A key with the tables around it, e.g. ``("devices", "columns", "kind")``."""


class TomlLines:
    """Line numbers, from 1, of the tables and keys of a file in the style of this folder (one key a line)."""

    def __init__(self, text: str) -> None:
        self._lines = [_STRING.sub('""', line).split("#")[0] for line in text.splitlines()]
        self._places: dict[Path, int] = {}
        table: Path = ()
        for number, line in enumerate(self._lines, start=1):
            if header := _HEADER.match(line):
                table = tuple(part.strip() for part in header[1].split("."))
                self._places.setdefault(table, number)
            elif key := _KEY.match(line):
                self._places.setdefault((*table, key[1]), number)

    def of(self, *path: str) -> int:
        """The line of a table or key; of the nearest table around it, if the key itself is not there."""
        while path:
            if path in self._places:
                return self._places[path]
            path = path[:-1]
        return 1

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
