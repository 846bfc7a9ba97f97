"""What the pages say, in one file for each language: ``words/en.toml``."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

_FILE = Path(__file__).parent / "words" / "en.toml"


@cache
def words() -> Mapping[str, Any]:
    """All of them: tables of tables of texts."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def script_of_words() -> bytes:
    """A module of those that scripts say; pages of HTML have theirs from the templates."""
    return b"export const words = " + msgspec.json.encode(words()["scripts"]) + b";\n"
