"""Where rows of a device lie: the only list, of every table of PostgreSQL and every dataset of the lake.

What gives a device's data out and what forgets it both ask here. A table or dataset that is not listed fails a test.
"""

import re
from typing import NamedTuple

from warehouse.contract.tables import DeviceKind

_SHOWN = 12
"""Hexadecimal digits of the hash in a stand-in."""


class Device(NamedTuple):
    """A device as the tables know it, and as it calls itself."""

    kind: DeviceKind
    device_id: int
    external_id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.external_id}"


class Holds(NamedTuple):
    """By which columns a row is a device's; by none of them: nothing here is anybody's.

    ``meters``, ``vehicles``: columns of surrogate ids. ``by_kind``: the columns ``kind`` and ``device_id`` name one.
    ``names``: columns of ids as devices send them, or of lists of such. ``texts``, ``raw``: texts and bytes that make
    the row a device's where they speak of it by such an id. These count where no surrogate id tells: who was forgotten
    and reports again has the same name, and is another device. ``through``: a column, a table and its column: the row
    is whose that table's row is.

    ``sentences`` may speak of a device, and the row is another one's all the same: a mapping's that names two meters.
    """

    what: str = ""
    """What a row is, for people; of a dataset its declaration says it."""
    meters: tuple[str, ...] = ()
    vehicles: tuple[str, ...] = ()
    by_kind: bool = False
    names: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    raw: tuple[str, ...] = ()
    through: tuple[str, str, str] | None = None
    sentences: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    """Columns that are nobody's business, the device's own included."""
    when: str = ""
    """The column that tells of which time a row is; none: of no time."""

    @property
    def columns(self) -> set[str]:
        """All that are looked at."""
        kind = ("kind", "device_id") if self.by_kind else ()
        referring = self.through[:1] if self.through else ()
        return {*self.meters, *self.vehicles, *kind, *self.names, *self.texts, *self.raw, *referring, *self.sentences}

    @property
    def is_anybodys(self) -> bool:
        """Whether a row may be a device's."""
        return bool(self.columns.difference(self.sentences))


NOBODYS = Holds()
_OF_METERS, _OF_VEHICLES = Holds(meters=("meter_id",)), Holds(vehicles=("vehicle_id",))
_OF_BOTH = Holds(meters=("meter_id",), vehicles=("vehicle_id",))
_BY_KIND = Holds(by_kind=True)

TABLES: dict[str, Holds] = {
    "meters": _OF_METERS._replace(what="The meter and its settings", names=("external_id",)),
    "vehicles": _OF_VEHICLES._replace(what="The vehicle and its settings", names=("external_id",)),
    "vehicle_meter_map": _OF_BOTH._replace(what="Which meter fed which vehicle, and when"),
    "meter_latest": _OF_METERS._replace(what="The newest reading, and when it came in", when="ts"),
    "vehicle_latest": _OF_VEHICLES._replace(what="The newest reading, and when it came in", when="ts"),
    "meter_readings": _OF_METERS._replace(what="Readings of the days that PostgreSQL still has", when="ts"),
    "vehicle_readings": _OF_VEHICLES._replace(what="Readings of the days that PostgreSQL still has", when="ts"),
    "quarantined_readings": Holds(
        "What was refused, its first 4 KiB, and why", texts=("detail",), raw=("raw",), when="first_seen_at"
    ),
    "reading_corrections": _BY_KIND._replace(
        what="What people said of false readings", sentences=("why",), when="ends_at"
    ),
    "device_hourly": _BY_KIND._replace(what="The energy of each hour of the last days", when="starts_at"),
    "hourly_requests": _BY_KIND._replace(what="Hours that are to be written again"),
    "charging_sessions": _OF_BOTH._replace(
        what="Charging sessions of the newest days, as the API answers with them", when="ended_at"
    ),
    "meter_standby": _OF_METERS._replace(what="What the meter gave while idle on the newest days", when="day"),
    "daily_vehicle_efficiency": _OF_VEHICLES._replace(
        what="The vehicle's efficiency on the newest days, as the API answers with it", when="day"
    ),
    "findings": _OF_BOTH._replace(
        what="What was found wrong, and what people made of it",
        sentences=("subject", "detail", "cause", "deciding_test", "resolved_because"),
        when="opened_on",
    ),
    "finding_events": Holds(
        "What happened to the findings", through=("finding_id", "findings", "finding_id"), sentences=("note", "details")
    ),
    "untold_events": Holds("Events that nobody was told of yet", through=("event_id", "finding_events", "event_id")),
    "alert_events": Holds("What people were told of the events", through=("finding_id", "findings", "finding_id")),
    "alert_deliveries": Holds("Messages about the device, sent or on their way", texts=("message",)),
    "alert_attempts": Holds(
        "What became of these messages", through=("delivery_id", "alert_deliveries", "delivery_id")
    ),
    "lake_restatements": Holds(
        "Why numbers of past days became others", names=("devices",), sentences=("reason", "summary")
    ),
    "day_builds": Holds(sentences=("reason",)),
    "imports": Holds("Imported files that are called after the device", texts=("file_name",)),
    "tokens": Holds("Tokens that name the device", names=("devices",), sentences=("name",), private=("secret_sha256",)),
    "forgettings": Holds("What is being forgotten of the device", by_kind=True, names=("external_id",)),
    # What was done stays, with a stand-in for the id; a name of a token may speak of a device, and a request's id.
    "audit_log": Holds(sentences=("actor_name", "subject", "before", "after", "request_id")),
    "forgetting_days": NOBODYS,
    "forgotten_energy": NOBODYS,
    "users": NOBODYS,
    "user_sessions": NOBODYS,
    "failed_sign_ins": NOBODYS,
    "partition_ledger": NOBODYS,
    "late_rows": NOBODYS,
    "hourly_ledger": NOBODYS,
    "hourly_checks": NOBODYS,
    "quarantine_counts": NOBODYS,
    "pipeline_status": NOBODYS,
    "lake_files": NOBODYS,
    "lake_file_versions": NOBODYS,
    "lake_file_inputs": NOBODYS,
    "lake_releases": NOBODYS,
    "lake_release_files": NOBODYS,
    "lake_restated_sums": NOBODYS,
}
"""Of PostgreSQL; what a row refers to comes before it."""

_NAMED_VEHICLE = _OF_VEHICLES._replace(names=("vehicle_external_id",))
_VEHICLE_AND_METERS = _OF_VEHICLES._replace(names=("vehicle_external_id", "meter_external_ids"))

DATASETS: dict[str, Holds] = {
    "meter_readings": _OF_METERS,
    "vehicle_readings": _OF_VEHICLES,
    "meters": _OF_METERS._replace(names=("external_id",)),
    "vehicles": _OF_VEHICLES._replace(names=("external_id",)),
    "vehicle_meter_map": _OF_BOTH,
    "accepted_losses": _OF_BOTH,
    "forgotten_energy": NOBODYS,
    "reading_corrections": _BY_KIND._replace(sentences=("why",)),
    "corrected_readings": _BY_KIND,
    "late_readings": _BY_KIND,
    "device_last": _BY_KIND,
    "carried_samples": _BY_KIND,
    "hourly_energy": _BY_KIND,
    "flagged_steps": _BY_KIND,
    "restatements": Holds(names=("devices",), sentences=("reason",)),
    "charging_sessions": _OF_BOTH,
    "daily_standby": _BY_KIND,
    "daily_charger_sessions": _OF_METERS,
    "open_islands": _BY_KIND,
    "recent_sessions": _OF_BOTH,
    "standby_history": _OF_METERS,
    "data_faults": Holds(
        meters=("meter_id", "other_meter_id"), vehicles=("vehicle_id",), sentences=("subject", "detail")
    ),
    "loss_samples": _OF_BOTH,
    "fleet_fits": NOBODYS,
    "common_modes": NOBODYS,
    "charger_scores": _OF_BOTH,
    "loss_findings": _OF_BOTH,
    "first_day_verdicts": _OF_BOTH,
    "register_verdicts": _OF_BOTH,
    "site_verdicts": Holds(meters=("meter_id", "site_meter_id"), vehicles=("vehicle_id",)),
    "loss_sources": NOBODYS,
    "devices": _BY_KIND._replace(names=("external_id",)),
    "mapped_devices": _BY_KIND._replace(vehicles=("vehicle_id",)),
    "hourly_vehicle_efficiency": _OF_VEHICLES,
    "daily_vehicle_edges": _OF_VEHICLES,
    "daily_vehicle_efficiency": _VEHICLE_AND_METERS,
    "daily_meter_efficiency": _OF_METERS._replace(names=("meter_external_id", "vehicle_external_ids")),
    "daily_fleet_efficiency": NOBODYS,
    "efficiency_distribution": NOBODYS,
    "reading_gaps": _BY_KIND._replace(names=("external_id",)),
    "low_efficiency_days": _VEHICLE_AND_METERS,
    "dc_exceeds_ac": _VEHICLE_AND_METERS,
    "weekly_vehicle_losses": _NAMED_VEHICLE,
    "vehicle_trend_28_days": _NAMED_VEHICLE,
    "daily_vehicle_costs": _NAMED_VEHICLE,
    "findings": _OF_BOTH._replace(
        names=("vehicle_external_id", "meter_external_id"), sentences=("subject", "detail", "cause", "deciding_test")
    ),
    "tariffs": NOBODYS,
}
"""Of the lake."""


def stand_in_of(hashed: str) -> str:
    """What stands in texts in place of an id, by its keyed hash."""
    return f"forgotten-{hashed[:_SHOWN]}"


def mention(external_id: str) -> str:
    """A regular expression (Python's and PostgreSQL's) that finds the id as a word of its own in a text.

    ``veh-1`` is neither in ``veh-10`` nor in ``DE.veh-1``; a full stop or colon behind it may end the sentence.
    """
    return rf"(?<![A-Za-z0-9_*-])(?<![A-Za-z0-9][.:]){re.escape(external_id)}(?![A-Za-z0-9_*-])(?![.:][A-Za-z0-9])"


def mention_without_looking_back(external_id: str) -> str:
    """The same for engines that look at what they match alone (RE2, as DuckDB has it)."""
    return rf"(^|[^A-Za-z0-9_.:*-]){re.escape(external_id)}($|[^A-Za-z0-9_.:*-]|[.:]($|[^A-Za-z0-9]))"
