"""The faults of a day: a function of its sessions, standby, silences and mappings, and of what was carried."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

import polars as pl

from warehouse.contract.energy import Flag
from warehouse.contract.findings import Rule
from warehouse.contract.partitions import midnight
from warehouse.contract.tables import DeviceKind
from warehouse.data_faults.clock import clocks_off, pairs_apart
from warehouse.data_faults.dc_exceeds_ac import dc_above_ac
from warehouse.data_faults.episodes import with_state
from warehouse.data_faults.frozen_meter import frozen_meters, frozen_sessions
from warehouse.data_faults.leakage import leakage
from warehouse.data_faults.mapping import wrong_mappings
from warehouse.data_faults.matching import is_matched, side_of
from warehouse.data_faults.paired import paired_sessions
from warehouse.data_faults.recent import kept, recent_sessions
from warehouse.data_faults.rules import all_found, with_names
from warehouse.data_faults.schemas import DATA_FAULTS, RECENT_SESSIONS, STANDBY_HISTORY
from warehouse.data_faults.settings import SETTINGS, FaultSettings
from warehouse.data_faults.silence import SILENCES, silences_of_day, silent_devices


class Carried(NamedTuple):
    """What the day before knew: the three datasets that come out."""

    data_faults: pl.DataFrame
    recent_sessions: pl.DataFrame
    standby_history: pl.DataFrame

    @staticmethod
    def nothing() -> "Carried":
        """Before the first day."""
        return Carried(*(pl.DataFrame(schema=schema) for schema in (DATA_FAULTS, RECENT_SESSIONS, STANDBY_HISTORY)))


class FaultInputs(NamedTuple):
    """What the faults of a day are found in."""

    sessions: pl.DataFrame
    """``charging_sessions`` of the day."""
    standby: pl.DataFrame
    """``daily_standby`` of the day."""
    flagged_steps: pl.DataFrame
    """Of the day."""
    last: pl.DataFrame
    """``device_last`` of the day: kind, device_id, ts."""
    devices: Mapping[DeviceKind, pl.DataFrame]
    """device_id, external_id, resolution_kwh, expected_interval_s, model."""
    mappings: pl.DataFrame
    """vehicle_id, meter_id, valid_from, valid_to."""
    carried: Carried


def faults_of_day(inputs: FaultInputs, day: date, settings: FaultSettings = SETTINGS) -> Carried:
    """Apply the rules in order of precedence; returns what is published of the day, and carried to the next one."""
    end = midnight(day + timedelta(days=1))
    mapped = mapped_devices(inputs.mappings, day)
    silences = _silences(inputs, mapped, end, settings)
    fresh = recent_sessions(inputs.sessions, inputs.devices, silences)
    recent = kept(inputs.carried.recent_sessions, fresh, end, settings)
    known = recent.with_columns(is_matched=is_matched(settings))
    ac, dc = (side_of(known, side, settings) for side in ("ac", "dc"))
    apart = pairs_apart(ac, dc, known.filter(pl.col("clock_lag_s").is_not_null())["session_id"], settings)
    ac, dc = (_matched_too(sides, apart[f"{side}_session_id"]) for side, sides in (("ac", ac), ("dc", dc)))
    clocks = clocks_off(ac, dc, settings)
    mappings = wrong_mappings(ac, dc, clocks.found["vehicle_id"], settings)
    explained = pl.concat([clocks.found["vehicle_id"], mappings.found["vehicle_id"]])
    frozen = frozen_sessions(known, settings)
    meters = frozen_meters(known, frozen, explained, settings)
    paired = paired_sessions(known, pl.concat([apart, clocks.pairs, mappings.pairs]))
    excess = dc_above_ac(paired, frozen["session_id"], settings)
    leaks = leakage(_standby(inputs), _meters(inputs, mapped, known, settings), inputs.carried.standby_history, day)
    found = all_found([silent_devices(silences), clocks.found, mappings.found, meters, excess, leaks.found])
    named = with_names(found, inputs.devices)
    return Carried(with_state(named, inputs.carried.data_faults, day, settings), recent, leaks.history)


def mapped_devices(mappings: pl.DataFrame, day: date) -> pl.DataFrame:
    """kind, device_id of the devices that were mapped at any time of a day."""
    holds = (pl.col("valid_from") < midnight(day + timedelta(days=1))) & (
        pl.col("valid_to").is_null() | (pl.col("valid_to") > midnight(day))
    )
    return pl.concat(
        mappings.filter(holds).select(kind=pl.lit(kind.value), device_id=pl.col(kind.device_id).cast(pl.Int32)).unique()
        for kind in DeviceKind
    ).sort("kind", "device_id")


def _matched_too(sides: pl.DataFrame, session_ids: pl.Series) -> pl.DataFrame:
    return sides.with_columns(pl.col("is_matched") | pl.col("session_id").is_in(session_ids.implode()))


def _silences(inputs: FaultInputs, mapped: pl.DataFrame, end: datetime, settings: FaultSettings) -> pl.DataFrame:
    gaps = inputs.flagged_steps.filter(pl.col("flag") == Flag.GAP.value)
    of_yesterday = inputs.carried.data_faults.filter(pl.col("rule") == Rule.SILENCE.value, pl.col("state") != "closed")
    before = of_yesterday.select(
        kind=pl.when(pl.col("meter_id").is_null()).then(pl.lit("vehicle")).otherwise(pl.lit("meter")),
        device_id=pl.coalesce("meter_id", "vehicle_id"),
        from_ts="onset_at",
        to_ts="last_seen_at",
        is_over=pl.col("severity") == "info",
    ).cast(SILENCES)
    return silences_of_day(gaps, inputs.last, inputs.devices, mapped, before, end, settings)


def _standby(inputs: FaultInputs) -> pl.DataFrame:
    of_meters = inputs.standby.filter(pl.col("kind") == DeviceKind.METER.value)
    return of_meters.select("idle_watts", "idle_hours", "idle_span_count", meter_id="device_id")


def _meters(inputs: FaultInputs, mapped: pl.DataFrame, recent: pl.DataFrame, settings: FaultSettings) -> pl.DataFrame:
    size = recent.group_by("meter_id").agg(is_large=pl.col("ac_plateau_kw").max() > settings.most_ac_kw)
    ids = mapped.filter(pl.col("kind") == DeviceKind.METER.value).select(meter_id="device_id")
    return (
        inputs.devices[DeviceKind.METER]
        .select("resolution_kwh", "model", meter_id="device_id")
        .join(ids, on="meter_id", how="semi")
        .join(size, on="meter_id", how="left")
    )
