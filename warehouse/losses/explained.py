"""What the rules for wrong data explain is no loss: such sessions are left out, and what leaked is taken off.

Of a fault it takes the columns of ``data_faults``: rule, meter_id, vehicle_id (null where it is not about one),
onset_at, last_seen_at, observed. Leakage (R4, watts) flows besides the charge and is a finding of its own; what is left
of the session is still compared. Of all others (R5 to R8) the sessions since the onset say nothing of a loss, but those
that the lag of a clock (R8) was taken off of, which have clock_lag_s: their sides are those of one charge.
"""

import polars as pl

from warehouse.contract.findings import Rule
from warehouse.losses.sample import PAIR
from warehouse.losses.settings import SETTINGS, LossSettings

LEAKAGE, CLOCK = Rule.LEAKAGE.value, Rule.CLOCK.value
SPOILING = {
    "meter_id": (Rule.DC_EXCEEDS_AC.value, Rule.FROZEN_METER.value),
    "vehicle_id": (Rule.DC_EXCEEDS_AC.value, Rule.MAPPING.value, CLOCK),
}
"""Whose sessions they explain. A wrong mapping and a wrong clock are the vehicle's: others charge at its meter as well.
A frozen register is the meter's, and R5 cannot say whose register it is."""


def unexplained(sessions: pl.DataFrame, faults: pl.DataFrame) -> pl.DataFrame:
    """The sessions that no fault explains, in their order, with ``ac_kwh`` less what leaked meanwhile.

    A fault has one row here, of the last day on which it was known. Sessions that began before its onset, or ended
    after it was last seen, are not its own.
    """
    numbered = sessions.with_row_index("number")
    is_spoiled = (pl.col("rule") != CLOCK) | pl.col("clock_lag_s").is_null()
    spoiled = [
        _within(numbered, faults.filter(pl.col("rule").is_in(rules)), device).filter(is_spoiled)
        for device, rules in SPOILING.items()
    ]
    out = pl.concat([each.select("number") for each in spoiled]).unique()
    leaks = (
        _within(numbered, faults.filter(pl.col("rule") == LEAKAGE), "meter_id")
        .group_by("number")
        .agg(leak_watts=pl.col("observed").max())
    )
    leaked_kwh = pl.col("leak_watts").fill_null(0.0) / 1000 * pl.col("ac_hours")
    return (
        numbered.join(out, on="number", how="anti", maintain_order="left")
        .join(leaks, on="number", how="left", maintain_order="left")
        .with_columns(ac_kwh=pl.col("ac_kwh") - leaked_kwh)
        .drop("leak_watts", "number")
    )


def standing(
    findings: pl.DataFrame, rows: pl.DataFrame, compared: pl.DataFrame, settings: LossSettings = SETTINGS
) -> pl.DataFrame:
    """The findings (``LOSS_FINDINGS``) but those at hand of whose sessions faults leave too few.

    A wrong mapping is told from six sessions on, a loss that it looks like from three, the shortest window; with fewer
    since its onset none would be found. ``rows``: the sessions (PAIR, ended_at) that are looked back on; ``compared``:
    those of them that no fault explains.
    """
    at_hand = findings.filter(pl.col("state").is_in(["suspected", "open"])).select("finding_id", *PAIR, "onset_at")

    def counted(of: pl.DataFrame) -> pl.DataFrame:
        since_onset = of.select(*PAIR, "ended_at").join(at_hand, on=PAIR)
        is_since = pl.col("ended_at") >= pl.col("onset_at")
        return since_onset.filter(is_since).group_by("finding_id").agg(sessions=pl.len())

    left = counted(rows).join(counted(compared), on="finding_id", how="left", suffix="_left")
    sessions_left = pl.col("sessions_left").fill_null(0)
    is_withdrawn = (sessions_left < pl.col("sessions")) & (sessions_left < min(settings.windows))
    return findings.join(left.filter(is_withdrawn), on="finding_id", how="anti", maintain_order="left")


def last_known(faults: pl.DataFrame) -> pl.DataFrame:
    """Of ``data_faults`` of several days (with their day) one row a fault: that of the last day on which it is known.

    A fault is one of a rule and a subject, from the day on which it opened; days on which it has closed are of it too.
    """
    return faults.sort("day").unique(["rule", "subject", "opened_on"], keep="last", maintain_order=True)


def _within(sessions: pl.DataFrame, faults: pl.DataFrame, device: str) -> pl.DataFrame:
    """Sessions of the devices of faults, from the onset on; a fault without an onset has always been there."""
    known = faults.filter(pl.col(device).is_not_null()).select(device, "rule", "onset_at", "last_seen_at", "observed")
    since = pl.col("onset_at").is_null() | (pl.col("ended_at") > pl.col("onset_at"))
    until = pl.col("last_seen_at").is_null() | (pl.col("started_at") <= pl.col("last_seen_at"))
    return sessions.join(known, on=device).filter(since, until)
