"""Reads a TOML file of tables that have nothing but keys: exposures, metrics. Each key's form is its JSON schema's."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dbt_like_sql.declarations import suggestion
from dbt_like_sql.declared_keys import NAME, Key
from dbt_like_sql.model import Problem
from dbt_like_sql.text_files import read_text
from dbt_like_sql.toml_lines import TomlLines

_NAME = re.compile(NAME, re.ASCII).fullmatch


@dataclass(frozen=True)
class DeclaredTable:
    """A table whose keys are all known and of their forms. What is optional and left out is not in ``values``."""

    name: str
    values: Mapping[str, Any]
    path: Path
    line: int


@dataclass
class TableFile:
    """A file of tables of one kind. What is wrong with it is noted in ``problems``."""

    kind: str
    """What a table is, in a word: exposure."""
    keys: Mapping[str, Key]
    shown: Path
    """The file's path from the folder that holds the project."""
    problems: list[Problem] = field(default_factory=list)
    _lines: TomlLines = field(default_factory=lambda: TomlLines(""))

    def read(self, path: Path) -> list[DeclaredTable]:
        """The tables that are right; none where there is no such file."""
        if not path.exists():
            return []
        text = read_text(path, self.shown, self.problems)
        self._lines = TomlLines(text)
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"at line (\d+)", str(error))
            line = int(place[1]) if place else len(text.splitlines())
            self.problems.append(Problem(self.shown, line, f"not valid TOML: {error}"))
            return []
        return [found for name, table in tables.items() if (found := self._table(name, table))]

    def note(self, message: str, *place: str) -> None:
        """Note what is wrong with a table or a key of it."""
        self.problems.append(Problem(self.shown, self._lines.of(*place), message))

    def _table(self, name: str, table: Any) -> DeclaredTable | None:
        before = len(self.problems)
        if not isinstance(table, dict):
            self.note(f"{name} is not a table; begin with [name of the {self.kind}]", name)
            return None
        if not _NAME(name):
            self.note(f"{name} is no name: it is lower case letters, digits and _ and begins with a letter", name)
        for key in table:
            if key not in self.keys:
                self.note(f"{key} is no key of this {self.kind}{suggestion(key, self.keys)}", name, key)
        for key, known in self.keys.items():
            if (key in table or known.is_required) and (wanted := _wanted(known.form, table.get(key))):
                self.note(f"{name} needs {key}, {wanted}", name, key)
        if len(self.problems) > before:
            return None
        return DeclaredTable(name, table, self.shown, self._lines.of(name))


def _wanted(form: Mapping[str, Any], value: Any) -> str | None:
    """What a value should be that is not of its form, in words."""
    if "enum" in form:
        return None if value in form["enum"] else f"one of {', '.join(form['enum'])}"
    if form["type"] == "string":
        return None if isinstance(value, str) and re.search(form.get("pattern", ""), value) else "a text"
    is_list = isinstance(value, list) and all(isinstance(each, str) for each in value)
    if not is_list or len(value) < form.get("minItems", 0):
        return "a list of names"
    known = form["items"].get("enum", value)
    if unknown := [each for each in value if each not in known]:
        return f"of {', '.join(known)}, and not {', '.join(unknown)}{suggestion(unknown[0], known)}"
    return None
