"""``make bench-docs``: writes the tables of ``docs/benchmarks.md`` from the records beside it.

No figure is typed there.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.catalog import INGEST, WAREHOUSE, Kind, kind_of, pattern_of
from tests.benchmarks.figures import shown
from tests.benchmarks.records import ROOT, Recorded, read

PAGE = ROOT / "docs/benchmarks.md"
RECORDS = ROOT / "docs/benchmarks"
EARLIER = 3
"""Of a figure's earlier values, so many are shown."""
FINDINGS = (
    ("kills", "kills"),
    ("acknowledged", "acknowledged"),
    ("stored", "stored"),
    ("slow_clients", "slow clients"),
    ("stalled_bodies", "stalled bodies"),
    ("connections", "connections"),
    ("bad_bodies", "bad bodies"),
    ("others_before_p99_s", "s, p99 of the others before"),
    ("others_p99_s", "s, p99 of the others"),
    ("database_mb", "MB of PostgreSQL"),
    ("backup_s", "s to back up"),
    ("restore_s", "s to restore"),
    ("p99_before_ms", "ms, p99 of ingest before"),
    ("p99_meanwhile_ms", "ms, p99 of ingest meanwhile"),
    ("p99_while_slowed_ms", "ms, p99 of ingest while a slowed one was made"),
    ("took_s", "s in all"),
)
"""What a table tells of a scenario, where it has it; a record has all."""

Table = Callable[[Sequence[Recorded]], str]


def rendered(page: str, folder: Path = RECORDS) -> str:
    """The page with its tables as the records have them.

    Raises:
        RecordError: a record cannot be read.
        ValueError: the page has no place for a table.
    """
    for name, table in TABLES.items():
        begin, end = f"<!-- begin {name}.jsonl: written by make bench-docs -->\n", f"<!-- end {name}.jsonl -->"
        pattern = re.compile(f"({re.escape(begin)}).*?({re.escape(end)})", re.S)
        written = f"\n{table(read(folder / f'{name}.jsonl'))}\n\n"
        if len(places := pattern.findall(page)) != 1:
            raise ValueError(f"{PAGE.name} has {len(places)} places for {name}.jsonl")
        page = pattern.sub("".join((places[0][0], written, places[0][1])).replace("\\", r"\\"), page)
    return page


def figures_table(catalog: Mapping[str, Kind]) -> Table:
    """The newest of each figure that the catalog names, in its order, and the ones before."""

    def table(runs: Sequence[Recorded]) -> str:
        found: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        for number, recorded in enumerate(runs, start=1):
            for line in recorded.lines:
                found.setdefault(line["name"], []).append((number, line))
        places = list(catalog)
        rows = [
            _figure_row(name, found[name]) for name in sorted(found, key=lambda name: places.index(pattern_of(name)))
        ]
        head = ("figure", "printed", "baseline", "ratio", "bar (stretch)", "reached", "run", "runs before")
        return f"{_runs(runs)}\n\n{_markdown(head, rows)}"

    return table


def _figure_row(name: str, told: Sequence[tuple[int, Mapping[str, Any]]]) -> tuple[str, ...]:
    kind, (number, newest) = kind_of(name), told[-1]
    compared = "ratio" if kind.bar and kind.bar.of == "ratio" else "value"
    reached = newest[compared]
    before = [line[compared] if line[compared] is not None else line["ratio"] for _, line in told[:-1][-EARLIER:]]
    baseline = "" if newest["baseline"] is None else f"{shown(newest['baseline'])}, {kind.baseline}"
    return (
        f"`{name}`: {kind.says}",
        f"{shown(newest['value'])} {newest['unit']}",
        baseline,
        shown(newest["ratio"]),
        str(kind.bar or ""),
        kind.bar.verdict(reached) if kind.bar else "",
        str(number),
        ", ".join(shown(value) for value in before),
    )


def faults_table(runs: Sequence[Recorded]) -> str:
    """The newest findings of each scenario."""
    found = {
        line["scenario"]: (number, line) for number, recorded in enumerate(runs, start=1) for line in recorded.lines
    }
    rows = [
        (
            f"`{name}`",
            line["verdict"],
            "; ".join(line["failed"]) or line.get("not_run", ""),
            ", ".join(f"{line['figures'][key]:,} {says}" for key, says in FINDINGS if key in line["figures"]),
            str(number),
        )
        for name, (number, line) in found.items()
    ]
    return f"{_runs(runs)}\n\n{_markdown(('scenario', 'verdict', 'what failed', 'figures', 'run'), rows)}"


def commands_table(runs: Sequence[Recorded]) -> str:
    """What other commands printed."""
    rows = [
        (f"`{each.run.command}`{f', {each.run.note}' if each.run.note else ''}", line["prints"], each.run.date)
        for each in runs
        for line in each.lines
    ]
    return _markdown(("command", "prints", "date"), rows)


def findings_table(runs: Sequence[Recorded]) -> str:
    """The newest figures of each rule, fleet and size, a table a bench."""
    newest: dict[str, dict[tuple[str, ...], dict[str, Any]]] = {}
    for number, recorded in enumerate(runs, start=1):
        for line in recorded.lines:
            words = tuple(value for value in line.values() if isinstance(value, str))
            newest.setdefault(line["bench"], {})[words] = {**line, "run": number}
    tables = [_runs(runs)]
    for lines in newest.values():
        head = [name for name in dict.fromkeys(key for line in lines.values() for key in line) if name != "bench"]
        tables.append(_markdown(head, [[_cell(line.get(name)) for name in head] for line in lines.values()]))
    return "\n\n".join(tables)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return "" if value is None else str(value)


TABLES: Mapping[str, Table] = {
    "commands": commands_table,
    "faults": faults_table,
    "findings": findings_table,
    "ingest": figures_table(INGEST),
    "warehouse": figures_table(WAREHOUSE),
}
"""By the name of the record."""


def _runs(runs: Sequence[Recorded]) -> str:
    said = (
        f"{number}. {run.date}, `{run.command}`, commit {run.commit}, {run.machine}"
        + (f"; {run.note}" if run.note else "")
        for number, run in enumerate((each.run for each in runs), start=1)
    )
    return "Runs:\n\n" + "\n".join(said)


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
