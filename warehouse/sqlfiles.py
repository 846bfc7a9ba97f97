"""The only source of query text: one statement a file, named verb_noun, in the ``sql`` folder beside its runner."""

from functools import cache
from importlib.resources import files

from psycopg.sql import SQL


@cache
def load(package: str, name: str) -> SQL:
    """The statement ``<package>/sql/<name>.sql``; ``.format(...)`` sets its ``{identifiers}``.

    Raises:
        FileNotFoundError: no such file; the name is a programming error.
    """
    text = files(package).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    return SQL(text)
