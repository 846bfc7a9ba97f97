"""What each role may do with each table, view and sequence: the one place that says it.

A letter is a privilege (``LETTERS``). Nobody but the owner truncates, alters or drops, and a table without a line here
is the owner's alone, which a test finds. A partition is granted what its stream is.
"""

from collections.abc import Mapping
from typing import NamedTuple

from warehouse.contract.database_roles import APART, Role
from warehouse.contract.partitions import Stream

LETTERS: Mapping[str, str] = {
    **{"S": "SELECT", "I": "INSERT", "U": "UPDATE", "D": "DELETE"},
    "M": "MAINTAIN",  # to vacuum, to analyze and to reindex; PostgreSQL has it from 17 on
    "N": "USAGE",  # of a sequence: to take the next number
}


class Grants(NamedTuple):
    """The letters of one table."""

    ingest: str
    read: str
    pipeline: str

    def of(self, role: Role) -> frozenset[str]:
        """The privileges of one role by their names."""
        letters = {Role.INGEST: self.ingest, Role.READ: self.read, Role.PIPELINE: self.pipeline}
        return frozenset(LETTERS[letter] for letter in letters.get(role, ""))


_LAKE_LEDGER = Grants("S", "S", "SIUD")

TABLES: Mapping[str, Grants] = {
    "alembic_version": Grants("S", "S", "S"),
    # Devices and readings. No role changes or deletes a reading; the pipeline drops whole days.
    "meters": Grants("SIU", "S", "SID"),
    "vehicles": Grants("SIU", "S", "SID"),
    "meter_readings": Grants("SI", "S", "SIM"),
    "vehicle_readings": Grants("SI", "S", "SIM"),
    "meter_latest": Grants("SIU", "S", "SIUD"),
    "vehicle_latest": Grants("SIU", "S", "SIUD"),
    # What people say of readings: they add to it, and nobody rewrites it.
    "reading_corrections": Grants("SI", "S", "S"),
    "vehicle_meter_map": Grants("SIUD", "S", "S"),  # ingest: a mapping that was a mistake is taken back by the API
    "late_rows": Grants("SI", "S", "SI"),
    "imports": Grants("", "S", "SIU"),
    # What was refused holds bytes of strangers and their addresses: no dashboard needs them.
    "quarantined_readings": Grants("SIU", "", "SIUD"),
    "quarantine_counts": Grants("SIU", "S", "SIU"),
    # Hours of today.
    "device_hourly": Grants("S", "S", "SIUDM"),
    "hourly_ledger": Grants("S", "S", "SIUD"),
    "hourly_checks": Grants("S", "S", "SIUD"),
    "hourly_requests": Grants("I", "S", "SD"),
    # The truth about days and files.
    "partition_ledger": Grants("S", "S", "SIU"),
    "day_builds": Grants("SIU", "S", "SIU"),
    "lake_files": _LAKE_LEDGER,
    "lake_file_versions": _LAKE_LEDGER,
    "lake_file_inputs": _LAKE_LEDGER,
    "lake_releases": _LAKE_LEDGER,
    "lake_release_files": _LAKE_LEDGER,
    "lake_restatements": Grants("S", "S", "SIU"),
    "lake_restated_sums": Grants("S", "S", "SIU"),
    "pipeline_status": Grants("S", "S", "SIU"),
    # Findings: people act on them by the API. What happened is added to, and nothing else.
    "findings": Grants("SU", "S", "SIU"),
    "finding_events": Grants("SI", "S", "SI"),
    "untold_events": Grants("I", "", "SID"),
    "alert_events": Grants("", "", "SIU"),
    "alert_deliveries": Grants("", "", "SIUD"),
    "alert_attempts": Grants("", "", "SI"),
    # Tokens are made by people, through the API or as it, and people sign in there; jobs have to do with neither.
    "tokens": Grants("SIU", "", ""),
    "token_changes": Grants("N", "", ""),
    "users": Grants("SIUD", "", ""),
    "user_sessions": Grants("SIUD", "", ""),
    "failed_sign_ins": Grants("SIUD", "", ""),
    # Whoever changes something says so; nobody says anything else afterwards.
    "audit_log": Grants("SI", "", "I"),
    # To forget a device takes readings out of history: the owner alone does it. The sums of days know what they lost.
    "forgettings": Grants("", "", "S"),
    "forgetting_days": Grants("", "", "S"),
    "forgotten_energy": Grants("", "S", "S"),
    # What the pipeline releases for the API.
    "charging_sessions": Grants("S", "S", "SID"),
    "meter_standby": Grants("S", "S", "SID"),
    "daily_vehicle_efficiency": Grants("S", "S", "SID"),
}

VIEWS: Mapping[str, Grants] = {f"corrected_{stream}": Grants("S", "S", "S") for stream in Stream}
"""The readings that count, read with the owner's rights."""

FUNCTIONS_OF_PIPELINE = (
    "make_partition_table(text, date, boolean)",
    "attach_partition(text, date)",
    "detach_partition(text, date)",
    "drop_partition_table(text, date, boolean)",
    "rename_restored_table(text, date)",
    "drop_unfinished_index(text)",
)
"""They run with the owner's rights; the pipeline alone may call them."""


def privileges_of(roles: Mapping[Role, str], table: str) -> dict[str, frozenset[str]]:
    """What each of these roles is to have on a table, by their names here; of two roles of one name, what both have."""
    found: dict[str, frozenset[str]] = {}
    granted = TABLES.get(table) or VIEWS.get(table)
    for role in APART:
        if role in roles and granted:
            found[roles[role]] = found.get(roles[role], frozenset()) | granted.of(role)
    return found
