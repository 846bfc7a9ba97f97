"""Files of what runs measured, a JSON object a line: a line that says which run it is, then a line for each figure.

``docs/benchmarks`` keeps those that ``docs/benchmarks.md`` is made of.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_PATHS = ("--json", "--folder", "--kept")


@dataclass(frozen=True)
class Run:
    """What was run, where and when; ``commit`` is of the code that was measured."""

    command: str
    date: str
    """UTC, to the minute or the day."""
    commit: str
    machine: str
    is_quick: bool = False
    """Everything was small: it shows that the bench works, and measures nothing."""
    note: str = ""


@dataclass
class Recorded:
    """A run and what it told."""

    run: Run
    lines: list[dict[str, Any]] = field(default_factory=list)


class RecordError(Exception):
    """A file of records is not what it has to be."""


@dataclass(frozen=True)
class Recorder:
    """Adds one run to the end of a file, line by line as it is known."""

    path: Path

    @classmethod
    def begin(cls, path: Path, command: str, *, is_quick: bool) -> "Recorder":
        """Write which run it is.

        Raises:
            subprocess.CalledProcessError: this is no clone, so nobody could say what was measured.
        """
        arguments = " ".join(_asked(sys.argv[1:]))
        run = Run(
            f'{command} ARGS="{arguments}"' if arguments else command,
            datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
            _commit(),
            machine(),
            is_quick,
        )
        recorder = cls(path.absolute())
        recorder.add(json.dumps({name: value for name, value in asdict(run).items() if value}))
        return recorder

    def add(self, line: str) -> None:
        """Write one more line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def read(path: Path) -> Sequence[Recorded]:
    """Every run of a file, oldest first.

    Raises:
        RecordError: a line is none, belongs to no run, or the run measured nothing.
    """
    runs: list[Recorded] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            content: Mapping[str, Any] = json.loads(line)
            if "command" in content:
                runs.append(Recorded(Run(**content)))
            else:
                runs[-1].lines.append(dict(content))
        except (ValueError, TypeError, IndexError) as error:
            raise RecordError(f"{path.name}:{number}: {error}") from error
        if runs[-1].run.is_quick:
            raise RecordError(f"{path.name}:{number}: a quick run measures nothing")
    return runs


def machine() -> str:
    """What a reader needs to know of it."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory_gb:.0f} GB, {platform.system()} {platform.machine()}"


def _commit() -> str:
    changed = _git("status", "--porcelain", "--", ".", ":!docs")  # a record that the run before has added to
    return f"{_git('rev-parse', '--short', 'HEAD')}{' with changes' if changed else ''}"


def _asked(arguments: Sequence[str]) -> Iterator[str]:
    """The command line, without the paths of this machine."""
    is_path = False
    for argument in arguments:
        if not is_path and not argument.startswith(_PATHS):
            yield argument
        is_path = argument in _PATHS


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
