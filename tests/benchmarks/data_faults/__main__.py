"""How many faults of the data the rules find in simulated fleets, how soon, and how often they are wrong.

Prints a table beside what the contract's own trial reached, and one JSON line a rule. Each fleet is simulated reading
by reading, its sessions are found as the daily pipeline finds them, and the rules run day after day. The constants were
looked at with the tuning seed; the reporting seeds were not used before.
"""

import argparse
import json
import sys
from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from statistics import median

import polars as pl

from tests.benchmarks.data_faults.fleet_days import FleetDays
from tests.benchmarks.data_faults.scoring import RULE_OF, Score, score
from warehouse.contract.findings import Rule
from warehouse.data_faults.rules import NAMES
from warehouse.simulation.fleet import Fleet

TUNING_SEED = 7
REPORTING_SEEDS = (101, 102, 103)
FIRST = date(2026, 1, 26)
"""Faults begin after the fortieth day of the simulated history."""
CONTRACT = {
    Rule.SILENCE: "-",
    Rule.CLOCK: "16/16",
    Rule.MAPPING: "24/24, named 24/24",
    Rule.FROZEN_METER: "1.0, 0 false",
    Rule.DC_EXCEEDS_AC: "1.0, 0 false",
    Rule.LEAKAGE: "20 W 0.96, 30..120 W 1.0, 0 false",
}
SMALL_LEAK_WATTS = 30.0


def scored(seed: int, pairs: int, days: int, fault_share: float, rules: Collection[str]) -> Score:
    """Simulate a fleet with faults that these rules should find, apply all rules, and hold that against the truth."""
    kinds = frozenset(kind for kind, rule in RULE_OF.items() if rule.value in rules)
    fleet = Fleet(pairs, seed, fault_share=fault_share, fault_kinds=kinds)
    found = [
        carried.data_faults.with_columns(day=pl.lit(each.day)) for each, carried in FleetDays(fleet).faults(FIRST, days)
    ]
    return score(fleet.faults(), pl.concat(found), pairs, FIRST, FIRST + timedelta(days=days - 1))


def lines(scores: Sequence[Score], seeds: Sequence[int]) -> Iterable[dict[str, object]]:
    """One line a rule; of leakage a second one for leaks below 30 W."""
    years = sum(each.charger_years for each in scores)
    for rule in NAMES:
        of_rule = [found for each in scores for found in each.found if found.known.rule is rule]
        parts = {"": of_rule}
        if rule is Rule.LEAKAGE:
            small = [found for found in of_rule if found.known.size < SMALL_LEAK_WATTS]
            parts = {" from 30 W": [each for each in of_rule if each not in small], " below 30 W": small}
        false = sum(row["rule"] == rule.value for each in scores for row in each.false)
        for part, known in parts.items():
            hit = [found for found in known if found.opened_on]
            delays = [(found.opened_on - found.known.since.date()).days for found in hit if found.opened_on]
            yield {
                "rule": rule.value,
                "name": NAMES[rule] + part,
                "contract": CONTRACT[rule],
                "known": len(known),
                "found": len(hit),
                "right": sum(found.is_right for found in hit),
                "median_delay_days": median(delays) if delays else None,
                "longest_delay_days": max(delays, default=None),
                "false": false if rule is not Rule.SILENCE else None,
                "charger_years": round(years, 1),
                "seeds": list(seeds),
            }


def table(rows: Iterable[dict[str, object]]) -> str:
    """For people."""
    heads = ("rule", "name", "contract", "known", "found", "right", "median_delay_days", "longest_delay_days", "false")
    written = [heads, *(tuple(str(row[head]) for head in heads) for row in rows)]
    widths = [max(len(row[place]) for row in written) for place in range(len(heads))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in written)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser("make bench-data-faults", description=__doc__)
    parser.add_argument("--pairs", type=int, default=60, help="chargers of each fleet")
    parser.add_argument("--days", type=int, default=100, help="days of each fleet")
    parser.add_argument("--fault-share", type=float, default=1.0, help="faults a charger and year")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(REPORTING_SEEDS))
    known = [rule.value for rule in NAMES]
    parser.add_argument("--rules", nargs="+", choices=known, default=known, help="whose faults the fleets have")
    options = parser.parse_args(arguments)
    scores = []
    for seed in options.seeds:
        scores.append(scored(seed, options.pairs, options.days, options.fault_share, options.rules))
        for row in scores[-1].false:
            sys.stderr.write(f"seed {seed}: false: {row['day']} {row['rule']} {row['subject']}: {row['detail']}\n")
        for found in scores[-1].found:
            if not found.opened_on:
                sys.stderr.write(f"seed {seed}: not found: {found.known}\n")
    rows = list(lines(scores, options.seeds))
    sys.stdout.write(table(rows) + "\n\n" + "".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    main()
