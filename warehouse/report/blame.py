"""Whose loss it is, in a sentence, and what would decide where nobody can say."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from warehouse.contract.findings import Rule
from warehouse.losses.verdict_settings import VERDICTS
from warehouse.report import words

_DECIDED = {
    "charger": "The charger {meter}: others charge at it with the same loss.",
    "vehicle": "The vehicle {vehicle}: it loses as much at other chargers.",
    "charger_or_car": "Energy is really lost, in the charger or in the car. No register is to blame.",
    "meter_reads_high": "No energy is lost: the meter {meter} counts more than flows through it. Where it bills, that "
    "is paid for.",
    "dc_register_reads_low": "No energy is lost: the register of {vehicle} counts less than reaches the battery.",
}
_OF_RULE = {Rule.LEAKAGE: "The charger, or what else is connected behind the meter {meter}."}


class Blame(NamedTuple):
    """Who or what it is, how sure, and what would decide."""

    text: str
    probability: str
    deciding_test: str
    is_decided: bool


def blame(finding: Mapping[str, Any]) -> Blame:
    """Of a finding, as ``list_findings.sql`` has it."""
    cause, test = finding["cause"], finding["deciding_test"] or ""
    names = {
        "meter": words.device(finding["meter_external_id"], finding["meter_name"]),
        "vehicle": words.device(finding["vehicle_external_id"], finding["vehicle_name"]),
    }
    probability = finding["cause_probability"]
    said = "" if probability is None else words.probability(probability)
    if cause in _DECIDED:
        return Blame(_DECIDED[cause].format(**names), said, test, is_decided=True)
    if finding["rule"] in _OF_RULE:
        return Blame(_OF_RULE[finding["rule"]].format(**names), "", test, is_decided=True)
    why = finding["why_undecided"] or _why_undecided(probability)
    return Blame(f"Undecided: {why}.", "", test, is_decided=False)


def _why_undecided(probability: float | None) -> str:
    if probability is None:
        return "its charges do not say yet whether it is the charger, the car or a register"
    least = words.percent(VERDICTS.told_probability)
    return f"the most probable answer has {words.probability(probability)}, and is told from {least} on"
