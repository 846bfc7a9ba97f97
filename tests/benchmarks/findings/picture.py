"""``python -m tests.benchmarks.findings.picture FILE``: the evidence of one finding of a simulated fleet, as SVG."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from tests.benchmarks.findings.excess import FAULTY_SHARE, SINCE_DAYS, TUNING_SEEDS
from tests.benchmarks.findings.injected import drawn, with_losses
from tests.benchmarks.findings.replayed import days_in_turn
from tests.benchmarks.findings.seasons import SEASONS, VARIANTS, healthy_sessions
from warehouse.losses.evidence import evidence
from warehouse.losses.evidence_picture import draw_evidence
from warehouse.losses.sample import PAIR, fleet_temperatures, sample

PAIRS = 40
POINTS = 5.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the finding of the first pair that lost 5 points at once."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.findings.picture", description=__doc__)
    parser.add_argument("file", type=Path)
    file: Path = parser.parse_args(arguments).file
    season, seed = SEASONS["autumn"], TUNING_SEEDS[0]
    sound = healthy_sessions(season, seed, PAIRS, VARIANTS["as drawn"])
    losses = drawn(sound["vehicle_id"].unique().to_list(), season, seed, FAULTY_SHARE, SINCE_DAYS)
    vehicle = next(each.vehicle_id for each in losses if each.points == POINTS)
    sessions = with_losses(sound, losses)
    rows = sample(sessions, fleet_temperatures(sessions))
    *_, known = days_in_turn(rows, season)
    found = known.findings.filter(pl.col("vehicle_id") == vehicle).head(1)
    of_pair = rows.filter(*(pl.col(name) == found[name][0] for name in PAIR))
    shown = evidence(of_pair, found, known.common_modes)
    file.write_text(draw_evidence(shown, found, f"veh-{vehicle:05} at meter-{vehicle:05}"), encoding="utf-8")


if __name__ == "__main__":
    main()
