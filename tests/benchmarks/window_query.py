"""The 24 h query over a full-size, vacuumed day, and with 30 days of history behind it."""

from collections.abc import Callable
from statistics import median

from tests.benchmarks.asking import WARM_UP, Dashboard, counted
from tests.benchmarks.figures import Figure, interleaved, percentile
from tests.benchmarks.full_day import full_day, noon, vacuum, with_history
from tests.benchmarks.stand import Stand

COUNTED = 200
"""Answers of which the reads are counted."""


def measure(stand: Stand) -> None:
    """Tell the figures of the vacuumed window."""
    url, end = stand.shared(full_day), noon(stand)
    vacuum(url)
    with counted(url) as reads, stand.product(url) as server:
        Dashboard(server, stand.scale.devices, end).ask(COUNTED)
    stand.report.add(
        Figure("query_shared_buffers", reads.shared_buffers / COUNTED, "buffers/answer"),
        Figure("query_heap_fetches", reads.heap_fetches / COUNTED, "rows/answer"),
    )
    vehicles = min(stand.scale.history_devices, stand.scale.devices)  # both sides are asked about the same ones
    p99s_s: list[float] = []
    with with_history(stand, url) as long_url, stand.product(url) as of_short, stand.product(long_url) as of_long:
        short, long = Dashboard(of_short, vehicles, end), Dashboard(of_long, vehicles, end)
        for dashboard in (short, long):
            dashboard.ask(WARM_UP)
        p50, p50_long = interleaved(
            stand.scale.rounds,
            _round(stand, "1 day of history", short, p99s_s),
            _round(stand, f"{stand.scale.history_days} days of history", long, []),
        )
    stand.report.add(
        Figure("query_p50", p50 * 1000, "ms"),
        Figure("query_p99", median(p99s_s) * 1000, "ms"),
        Figure("query_p50_30_days_vs_1_day", p50_long * 1000, "ms", p50 * 1000),
    )


def _round(stand: Stand, name: str, dashboard: Dashboard, p99s_s: list[float]) -> Callable[[], float]:
    """One round of questions each time it is called: the median of the seconds; the 99th percentile joins the list."""

    def measure_round() -> float:
        seconds = dashboard.ask(stand.scale.queries)
        p99s_s.append(percentile(seconds, 0.99))
        stand.report.say(f"  {name}: p50 {median(seconds) * 1000:.2f} ms, p99 {p99s_s[-1] * 1000:.2f} ms")
        return median(seconds)

    return measure_round
