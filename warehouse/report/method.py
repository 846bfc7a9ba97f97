"""The method in ten sentences, and how often it is wrong: figures that pages of the project print, with the command."""

from typing import NamedTuple

from warehouse.contract.findings import DAYS_A_MONTH
from warehouse.data_faults.settings import SETTINGS as FAULTS
from warehouse.losses.settings import SETTINGS as LOSSES
from warehouse.losses.verdict_settings import VERDICTS

_LIMITS = LOSSES.thresholds

SENTENCES = (
    "A meter counts what is paid for (AC), a vehicle what reached its battery (DC); they are compared charge by "
    "charge, not day by day.",
    "Faults of the data are taken out first, because they look like losses: silences, clocks that are off, wrong "
    "mappings, registers that stand still or count too little (rules R9 to R5).",
    "What a charge should lose is learned for each pair of vehicle and charger from its own older charges, at their "
    "power and in their cold; a pair with few charges is expected to be like the fleet.",
    f"Its newest {min(LOSSES.windows)} to {max(LOSSES.windows)} charges are compared with all older ones, of which "
    f"there must be {LOSSES.least_older_sessions}; what the whole fleet loses more at the same time is taken off.",
    f"A loss is told where they lose more by {_LIMITS.open_z:g} standard deviations, made stricter for few charges, "
    f"and the efficiency is lower by more than {_LIMITS.open_points:g} points, which are hundredths (rule R1).",
    f"A charger that leaks between charges is told after {FAULTS.leak_days} of {FAULTS.leak_of_days} days with at "
    f"least {FAULTS.leak_least_watts:g} W more than is usual there (R4), and a pair that was bad from its first day "
    f"where {VERDICTS.least_peers} others of the same two models are better (R2).",
    "The energy lost is what the charges since the onset took beyond what was expected of them; its interval holds the "
    "true loss with a probability of 95 %.",
    f"A month is {DAYS_A_MONTH:g} days at that rate, and money is this energy at the price of the last day.",
    f"Whose loss it is, is told from a probability of {100 * VERDICTS.told_probability:g} % on; below, it is "
    "undecided, and the charges that would decide are named.",
    "How often all this is wrong was measured on simulated fleets whose losses are known, and is in the table below.",
)


class Source(NamedTuple):
    """The page of the project that prints a figure, and the command that measures it again."""

    page: str
    command: str


class Measured(NamedTuple):
    """A measured rate. ``figure``: as the page prints it."""

    what: str
    figure: str
    source: Source


_FINDINGS = Source("docs/findings.md", 'make bench-findings ARGS="end_to_end --seeds 201 202 --seasons autumn winter"')
_VERDICTS = Source("docs/verdicts.md", 'make bench-findings ARGS="depots registers first_days"')

MEASURED = (
    Measured(
        "Share that is found of losses of 3, 5 and 8 points, from readings each minute, with gaps, wrong clocks and "
        "coarse registers",
        "0.949, 0.987, 1",
        _FINDINGS,
    ),
    Measured("Charges until then, median", "6, 3, 3", _FINDINGS),
    Measured("Share whose energy is told within 25 % of the true one", "0.973, 1, 0.986", _FINDINGS),
    Measured("False findings in 209 years of healthy pairs", "1 (0.48 in 100, upper bound 2.7)", _FINDINGS),
    Measured("Share whose cause is told after ten charges of a fixed pair, with poor signals", "0.69", _VERDICTS),
    Measured("Share of these that is right", "0.995", _VERDICTS),
    Measured("Healthy pairs that were called bad from the first day", "none was called bad", _VERDICTS),
)

LIMITS = (
    "Vehicle and charger that only meet each other lose together; charges elsewhere decide which of the two it is.",
    "A loss that grows as slowly as the seasons, a point a month through a first winter, is taken for the cold.",
    "A pair that was bad from its first day has no better time to be compared with, only peers whose models are known.",
    "Of two clocks it cannot say which is wrong, and where DC is above AC, which register.",
    "Behind a DC charger a loss looks like a meter that reads high.",
    "A coarse register (0.1 kWh) hides a small loss for longer, and a meter without a voltage is never called frozen.",
)
