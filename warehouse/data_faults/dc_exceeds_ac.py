"""R5: more energy came out than went in. A meter counts too little, or a vehicle's register too much."""

import polars as pl

from warehouse.contract.efficiency import surplus_kwh
from warehouse.contract.findings import Rule
from warehouse.contract.tables import DeviceKind
from warehouse.data_faults.rules import fault, found_rows
from warehouse.data_faults.settings import SETTINGS, FaultSettings


def excess_limit_kwh(settings: FaultSettings = SETTINGS) -> pl.Expr:
    """3 sqrt(7 (r_ac^2 + r_dc^2) / 6 + (0.01 AC)^2 + (0.02 DC)^2), kWh, of n = 7 sessions (findings.md, R5).

    r: resolutions, whose error at either end of a session is uniform, with a variance of r^2 / 12 each; 1 % and 2 %
    are what registers err in the whole. Takes n, ac_kwh, dc_kwh (sums), ac_resolution_kwh, dc_resolution_kwh.
    """
    of_ticks = pl.col("n") * (pl.col("ac_resolution_kwh") ** 2 + pl.col("dc_resolution_kwh") ** 2) / 6
    of_gains = (settings.sigma_ac * pl.col("ac_kwh")) ** 2 + (settings.sigma_dc * pl.col("dc_kwh")) ** 2
    return settings.excess_sigmas * (of_ticks + of_gains).sqrt()


def dc_above_ac(paired: pl.DataFrame, frozen: pl.Series, settings: FaultSettings = SETTINGS) -> pl.DataFrame:
    """R5: over a meter's last 7 sessions DC is above AC by more than their registers explain.

    ``paired``: as ``paired_sessions`` gives them. ``frozen``: the sessions that R6 explains. Sessions count with both
    coverages of 0.9 or more and without a jump or rebase.
    """
    is_covered = pl.min_horizontal("ac_coverage", "dc_coverage") >= settings.least_coverage
    counted = paired.filter(is_covered, "is_known", ~pl.col("session_id").is_in(frozen.implode()))
    back = pl.int_range(pl.len()).reverse().over("meter_id")
    window = counted.filter(back < settings.excess_sessions)
    sums = (
        window.group_by("meter_id")
        .agg(
            pl.col("ac_kwh", "dc_kwh").sum(),
            pl.col("ac_resolution_kwh", "dc_resolution_kwh").max(),
            pl.col("session_id"),
            n=pl.len(),
            vehicles=pl.col("vehicle_id").unique(),
            onset_at=pl.col("ac_started_at").min(),
            last_at=pl.col("ac_ended_at").max(),
        )
        .filter(pl.col("n") == settings.excess_sessions)
        .with_columns(limit_kwh=excess_limit_kwh(settings), surplus_kwh=surplus_kwh(pl.col("ac_kwh"), pl.col("dc_kwh")))
        .filter(pl.col("surplus_kwh") > pl.col("limit_kwh"))
        .sort("meter_id")
    )
    return found_rows(
        fault(
            Rule.DC_EXCEEDS_AC,
            DeviceKind.METER,
            row["meter_id"],
            vehicle_id=row["vehicles"][0] if len(row["vehicles"]) == 1 else None,
            onset_at=row["onset_at"],
            last_seen_at=row["last_at"],
            observed=row["surplus_kwh"],
            allowed=row["limit_kwh"],
            unit="kWh",
            session_count=row["n"],
            evidence_count=row["n"],
            session_ids=row["session_id"],
            ac_kwh=row["ac_kwh"],
            dc_kwh=row["dc_kwh"],
            detail=f"over {row['n']} sessions the vehicle took {row['dc_kwh']:.2f} kWh "
            f"and the meter counted {row['ac_kwh']:.2f} kWh",
        )
        for row in sums.iter_rows(named=True)
    )
