"""What a finding is called and worth, alike in the lake, in PostgreSQL and in what people are told."""

from enum import StrEnum

DAYS_A_MONTH = 30.0
"""Losses and costs are told for so many days."""
CONFIDENCE_SIGMAS = 1.96
"""Energies are told with the interval that holds the true one with 95 % probability."""
CRITICAL_POINTS = 8.0
"""From so many points of the efficiency on a loss is critical."""
SAME_FINDING_DAYS = 14
"""What comes back within so many days is the same finding."""
WORSE_FACTOR = 1.5
"""A finding got worse where its points or its kWh a month are this many times what was told last."""


PIPELINE = "pipeline"
"""Who it is that opens, closes and reopens by itself; no person is called so."""


class Rule(StrEnum):
    """What finds faults, in the order in which they are looked for: what one explains is left out of those below it."""

    SILENCE = "R9"
    CLOCK = "R8"
    MAPPING = "R7"
    FROZEN_METER = "R6"
    DC_EXCEEDS_AC = "R5"
    LEAKAGE = "R4"
    WHOSE_LOSS = "R3"
    BAD_FROM_THE_FIRST_DAY = "R2"
    EXCESS_LOSS = "R1"


class State(StrEnum):
    """Where a finding stands. ``open`` also where a snooze ran out."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    ACCEPTED = "accepted"
    RESOLVED = "resolved"


ACTIVE = (State.OPEN, State.ACKNOWLEDGED, State.SNOOZED)
"""What is not over: somebody has it before them, or will."""


class Event(StrEnum):
    """What becomes of a finding."""

    OPENED = "opened"
    WORSE = "worse"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    NOTED = "noted"


class Severity(StrEnum):
    """The last is the worst."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"
