"""The numbers of the energy rule and of efficiency are defined in the contract, and no SQL has others.

Statements of PostgreSQL get them from there. A model is a plain SELECT that any DuckDB shell runs, so it keeps its
numbers: each of them is listed here beside the constant that it must equal.
"""

import re
from pathlib import Path

import pytest

from tests.markdown import ROOT
from warehouse.contract import efficiency, energy
from warehouse.contract import findings as finding_rules
from warehouse.losses.settings import SETTINGS as LOSSES
from warehouse.losses.verdict_settings import VERDICTS
from warehouse.postgres.hours.energy_rule import CONSTANTS

ENERGY = {name: value for name, value in vars(energy).items() if name.isupper() and isinstance(value, int | float)}
EFFICIENCY = {
    name: value for name, value in vars(efficiency).items() if name.isupper() and isinstance(value, int | float)
}
STATEMENTS = sorted(path for package in ("ingest_api", "warehouse") for path in (ROOT / package).rglob("sql/*.sql"))
"""Migrations are not among them: they say what was done once. What they left is held to the constants of today by
tests/integration/postgres/test_rule_functions.py."""
MODELS = sorted((ROOT / "dbt_like_sql").rglob("*.sql"))
DECLARATIONS = sorted((ROOT / "dbt_like_sql").rglob("*.toml"))

TOO_COMMON = {1.0, 2.0}
"""Numbers that say nothing by themselves."""
OTHER_MEANINGS = {
    ("classify_steps.sql", 3.0): "the shape of the query: runs of up to LONGEST_RUN rows, one branch each",
    ("find_loose_indexes.sql", 0.9): "the fill factor of the leaves of an index",
    ("quarantine_readings.sql", 0.25): "of the quarantine's space",
}

WEEK = 7
BIN_SHOWN = 10**efficiency.SHOWN_DIGITS / efficiency.RATIO_BINS
BIN_PERCENT = 100 / efficiency.RATIO_BINS
HELD: dict[str, list[tuple[str, float]]] = {
    "daily_meter_efficiency": [
        ("# AS threshold_ratio", efficiency.THRESHOLD_RATIO),
        ("# AS target_ratio", efficiency.TARGET_RATIO),
        ("# AS low_energy_kwh", efficiency.LOW_ENERGY_KWH_A_DAY),
    ],
    "daily_vehicle_efficiency": [
        ("# AS threshold_ratio", efficiency.THRESHOLD_RATIO),
        ("# AS target_ratio", efficiency.TARGET_RATIO),
        ("# AS low_energy_kwh", efficiency.LOW_ENERGY_KWH_A_DAY),
        ("# AS coarse_share", efficiency.COARSE_SHARE),
        ("INTERVAL # HOUR AS first_step_after", efficiency.COARSE_FIRST_STEP * 24),
    ],
    "daily_vehicle_edges": [("# AS target_ratio", efficiency.TARGET_RATIO)],
    "hourly_vehicle_efficiency": [("hour - INTERVAL # MINUTE", efficiency.COARSE_FIRST_STEP * 60)],
    "efficiency_distribution": [
        ("range(-1, #)", efficiency.RATIO_BINS + 1),
        ("least(#, greatest(-1, floor(", efficiency.RATIO_BINS),
        ("round(shown_ratio * #)", 10**efficiency.SHOWN_DIGITS),
        (") / #)))", BIN_SHOWN),
        ("bins.bin * # / 100", BIN_PERCENT),
        ("bins.bin < #", efficiency.RATIO_BINS),
        ("(bins.bin + 1) * # / 100", BIN_PERCENT),
    ],
    "bins_hold_every_ratio": [
        ("bin < #", efficiency.THRESHOLD_RATIO * efficiency.RATIO_BINS),
        ("shown_ratio < #", efficiency.THRESHOLD_RATIO),
    ],
    "findings": [
        ("# AS days_a_month", finding_rules.DAYS_A_MONTH),
        ("# AS confidence_sigmas", finding_rules.CONFIDENCE_SIGMAS),
        ("# AS critical_points", finding_rules.CRITICAL_POINTS),
        ("# AS history_days", LOSSES.history_days),
        ("24 / # AS kwh_a_day_of_watt", 1000),
    ],
    "costs_of_findings_add_up": [
        ("> # * greatest(1, abs(found.", energy.TOLERANCE_KWH),
        ("> # * greatest(1, abs(costs.", energy.TOLERANCE_KWH),
    ],
    "charger_ratio_is_of_its_sums": [("qualified_ac_kwh) > #", energy.TOLERANCE_KWH)],
    "charger_sessions_add_up": [("ac_kwh) > # * greatest(", energy.TOLERANCE_KWH)],
    "corrupt_rows_and_restarts_are_bounded": [("max_reset_kwh + #", energy.TOLERANCE_KWH)],
    "energy_is_somebodys": [("> # * greatest(1, abs(fleet.", energy.TOLERANCE_KWH)],
    "fleet_adds_up": [("> # * greatest(1, abs(vehicles_of_day.", energy.TOLERANCE_KWH)],
    "hourly_energy_is_conserved": [("expected_kwh) > #, TRUE)", energy.TOLERANCE_KWH)],
    "hours_add_up_to_the_day": [("_kwh) > #", energy.TOLERANCE_KWH)],
    "losses_are_of_their_session": [("dc_kwh - 1)) > #", energy.TOLERANCE_KWH)],
    "mapped_energy_is_booked": [("END) > #", energy.TOLERANCE_KWH)],
    "meter_status_explains_a_missing_ratio": [("dc_kwh) > #", energy.TOLERANCE_KWH)],
    "meters_add_up_to_the_vehicles": [("> # * greatest(1, abs(vehicles_of_day.", energy.TOLERANCE_KWH)],
    "restarted_registers_are_conserved": [("expected_kwh) > #, TRUE)", energy.TOLERANCE_KWH)],
    "session_energy_is_conserved": [("gained_kwh, 0)) > #", energy.TOLERANCE_KWH)],
    "sessions_add_up_by_device": [("session_kwh, 0)) > #", energy.TOLERANCE_KWH)],
    "status_explains_a_missing_ratio": [("dc_kwh) > #", energy.TOLERANCE_KWH)],
    "what_is_undecided_says_why": [("(probability >= #)", VERDICTS.told_probability)],
    "first_days_follow_from_peers": [("(peer_count >= #)", VERDICTS.least_peers)],
    "vehicle_trend_28_days": [("BETWEEN getvariable('day') - #", 4 * WEEK - 1), ("day > getvariable('day') - #", WEEK)],
    "weekly_vehicle_losses": [("BETWEEN getvariable('day') - #", WEEK - 1)],
    "week_adds_up": [
        ("BETWEEN getvariable('day') - #", WEEK - 1),
        ("> # * greatest(1, days.", energy.TOLERANCE_KWH),
        ("> # * greatest(1, abs(days.", energy.TOLERANCE_KWH),
    ],
}
"""By model or check: the text around a number, with ``#`` in its place, and what the number must be."""
UNITS = {0.0, 1.0, 24.0, 100.0, 3600.0, 86400.0, 1e6, 60e6, 3600e6}
"""Of time and of shares: numbers that nobody chose."""

_NUMBER = r"(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?(?!\w)"


def numbers_in(sql: str) -> list[str]:
    """The numbers of a statement, as they are written; not those in comments, strings and placeholders."""
    return re.findall(_NUMBER, re.sub(r"--[^\n]*|'[^']*'|%\(\w+\)s|\{\w+\}", " ", sql))


def without_held(path: Path) -> str:
    """The SQL of a model but for the numbers that are listed."""
    sql = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
    for place, _ in HELD.get(path.stem, []):
        before, _, after = place.partition("#")
        sql = re.sub(f"({re.escape(before)}){_NUMBER}(?={re.escape(after)})", r"\1", sql)
    return sql


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.stem)
def test_a_statement_types_no_number_of_the_contract(path: Path) -> None:
    of_the_contract = {*ENERGY.values(), *EFFICIENCY.values()} - TOO_COMMON
    typed = {float(number) for number in numbers_in(path.read_text(encoding="utf-8"))} & of_the_contract
    assert {number for number in typed if (path.name, number) not in OTHER_MEANINGS} == set(), (
        "set it in by with_the_rule, or bind it"
    )


def test_no_exception_is_left_over() -> None:
    typed = {(path.name, float(n)) for path in STATEMENTS for n in numbers_in(path.read_text(encoding="utf-8"))}
    assert OTHER_MEANINGS.keys() <= typed


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_each_number_of_a_model_is_listed(path: Path) -> None:
    assert {number for number in numbers_in(without_held(path)) if float(number) not in UNITS} == set(), (
        "name it in warehouse/contract and list it in HELD"
    )


@pytest.mark.parametrize(
    ("stem", "place", "constant"),
    [(stem, place, constant) for stem, places in HELD.items() for place, constant in places],
)
def test_a_listed_number_is_the_contracts(stem: str, place: str, constant: float) -> None:
    (path,) = [path for path in MODELS if path.stem == stem]
    before, _, after = place.partition("#")
    found = re.findall(
        f"{re.escape(before)}({_NUMBER}){re.escape(after)}", re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
    )
    assert found
    assert [float(number) for number in found] == pytest.approx([constant] * len(found), rel=1e-12)


SAID = [
    (r"ratio of (0\.8\d*)", efficiency.THRESHOLD_RATIO),
    (r"below (0\.\d+)", efficiency.THRESHOLD_RATIO),
    (r'"efficiency_ratio", max = ([\d.]+)', efficiency.THRESHOLD_RATIO),
    (r"takes at (0\.9\d*)", efficiency.TARGET_RATIO),
    (r"ratio of (0\.9\d*)", efficiency.TARGET_RATIO),
    (r"DC over (0\.\d+)", efficiency.TARGET_RATIO),
    (r"dc_kwh / (0\.8\d*)", efficiency.THRESHOLD_RATIO),
    (r"dc_kwh / (0\.9\d*)", efficiency.TARGET_RATIO),
    (r"both below ([\d.]+) kWh", efficiency.LOW_ENERGY_KWH_A_DAY),
    (r"bins of (0\.\d+)", 1 / efficiency.RATIO_BINS),
    (r"(\d+) expected intervals", energy.GAP_INTERVALS),
    (r'"missing_reading_count", min = (\d+)', energy.GAP_INTERVALS),
]
"""What declarations and the glossary tell of these numbers."""


@pytest.mark.parametrize(("pattern", "constant"), SAID)
def test_what_is_said_of_a_number_is_so(pattern: str, constant: float) -> None:
    pages = [*DECLARATIONS, ROOT / "docs/glossary.md"]
    said = [number for page in pages for number in re.findall(pattern, page.read_text(encoding="utf-8"))]
    assert said
    assert {float(number) for number in said} == {constant}


def test_postgresql_knows_each_constant_of_the_rule() -> None:
    in_functions = {"CAP_MARGIN", "CAP_BASE_KWH", "LARGEST_DIP_SHARE", "LONGEST_DIP_S"}
    declared_by_device = {"MAX_RESET_KWH"}
    assert {name.upper() for name in CONSTANTS} == ENERGY.keys() - in_functions - declared_by_device
    for name, literal in CONSTANTS.items():
        assert float(literal.as_string()) == ENERGY[name.upper()]


def test_runs_are_looked_for_as_far_as_the_rule_says() -> None:
    sql = (ROOT / "warehouse/postgres/hours/sql/classify_steps.sql").read_text(encoding="utf-8")
    every_run = list(range(1, energy.LONGEST_RUN + 1))
    assert [int(run) for run in re.findall(r"segment\.max_power_kw\) THEN ([1-9])", sql)] == every_run
    assert [int(run) for run in re.findall(r"\brun(?:, \d, 0\) OVER by_time)? >= (\d)", sql)] == every_run
