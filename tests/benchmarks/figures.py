"""What is measured is told here: one JSON line a figure as soon as it is known, and one table at the end."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.benchmarks.catalog import Bar, kind_of
from tests.benchmarks.records import Recorder


@dataclass(frozen=True)
class Figure:
    """One line of the report. ``baseline`` is in the same unit, and measured in the same run."""

    name: str
    value: float
    unit: str
    baseline: float | None = None

    @property
    def bar(self) -> Bar | None:
        """What it is held to."""
        return kind_of(self.name).bar

    @property
    def ratio(self) -> float | None:
        """value / baseline"""
        return self.value / self.baseline if self.baseline else None

    @property
    def verdict(self) -> str:
        """What of its bar it reached."""
        reached = self.ratio if self.bar and self.bar.of == "ratio" else self.value
        return self.bar.verdict(reached) if self.bar and reached is not None else ""

    def json_line(self) -> str:
        """For machines."""
        fields = {name: _rounded(getattr(self, name)) for name in ("value", "baseline", "ratio")}
        line = {"name": self.name, "value": fields["value"], "unit": self.unit}
        return json.dumps({**line, "baseline": fields["baseline"], "ratio": fields["ratio"]})


@dataclass
class Report:
    """Collects figures: JSON lines and the table go to standard output, progress to standard error.

    The lines go to ``recorder`` too, where there is one.
    """

    recorder: Recorder | None = None
    figures: list[Figure] = field(default_factory=list)

    def add(self, *figures: Figure) -> None:
        """Tell these at once."""
        self.figures += figures
        for figure in figures:
            print(figure.json_line(), flush=True)
            if self.recorder:
                self.recorder.add(figure.json_line())

    def say(self, text: str) -> None:
        """Tell how far it is."""
        print(text, file=sys.stderr, flush=True)

    def table(self) -> str:
        """All figures, in Markdown."""
        head = ("figure", "value", "unit", "baseline", "ratio", "bar (stretch)", "reached")
        rows = [
            (
                figure.name,
                shown(figure.value),
                figure.unit,
                shown(figure.baseline),
                "" if figure.ratio is None else f"{figure.ratio:.2f}",
                str(figure.bar or ""),
                figure.verdict,
            )
            for figure in self.figures
        ]
        widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
        lines = [head, tuple("-" * width for width in widths), *rows]
        return "\n".join(
            f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |" for line in lines
        )


def interleaved(rounds: int, *contenders: Callable[[], float]) -> list[float]:
    """Run the contenders in turns, A B A B: what disturbs the machine disturbs all of them. The median of each."""
    results: list[list[float]] = [[] for _ in contenders]
    for _ in range(rounds):
        for contender, result in zip(contenders, results, strict=True):
            result.append(contender())
    return [median(result) for result in results]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}") if abs(value) < 1000 else round(value)


def shown(value: float | None) -> str:
    """As tables have it; nothing is empty."""
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
