"""Reads the files of the folder as text: UTF-8, with or without a byte order mark."""

from pathlib import Path

from dbt_like_sql.model import Problem


def read_text(path: Path, shown: Path, problems: list[Problem]) -> str:
    """The file's text. Where it is not UTF-8 or cannot be read that is noted, and what can be read is returned."""
    try:
        written = path.read_bytes()
    except OSError as error:
        problems.append(Problem(shown, 1, f"the file cannot be read: {error.strerror}"))
        return ""
    try:
        return written.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = written.count(b"\n", 0, error.start) + 1
        problems.append(Problem(shown, line, "this is not written in UTF-8; save the file as UTF-8"))
        return written.decode("utf-8-sig", errors="replace")
