"""What a finding of excess loss is based on: each session of the pair beside what was expected of it."""

import numpy as np
import polars as pl

from warehouse.losses.panel import Floats, Panel
from warehouse.losses.schemas import LOSS_FINDINGS
from warehouse.losses.settings import SETTINGS, LossSettings
from warehouse.sessions.schemas import CHARGING_SESSIONS, INSTANT

EVIDENCE = pl.Schema(
    {
        "session_id": CHARGING_SESSIONS["session_id"],
        "ended_at": INSTANT,
        "dc_kwh": pl.Float64(),
        "efficiency_ratio": pl.Float64(),
        "expected_ratio": pl.Float64(),
        "deviation_points": pl.Float64(),
        "excess_points": pl.Float64(),
        "excess_kwh": pl.Float64(),
        "is_since_onset": pl.Boolean(),
    }
)
"""One row a session, oldest first.

``expected_ratio``: the efficiency that the baseline expects under the conditions of the session; ``deviation_points``:
one standard deviation of a session around it; ``excess_points``: by how much the efficiency is lower, in hundredths;
``excess_kwh``: AC lost more.
"""


def evidence(
    rows: pl.DataFrame, finding: pl.DataFrame, common_modes: pl.DataFrame, settings: LossSettings = SETTINGS
) -> pl.DataFrame:
    """``EVIDENCE`` of a finding.

    ``rows``: the sample of its pair; ``finding``: one row of ``LOSS_FINDINGS``; ``common_modes``: of the days of the
    sample: what the whole fleet lost more on a day is expected of the pair too.

    Raises:
        ValueError: it is not one finding, or the rows are not those of its pair.
    """
    ((vehicle_id, meter_id),) = finding.select("vehicle_id", "meter_id").iter_rows()
    if not rows.select(((pl.col("vehicle_id") == vehicle_id) & (pl.col("meter_id") == meter_id)).all()).item():
        raise ValueError(f"the sample has sessions of other pairs than vehicle {vehicle_id} at meter {meter_id}")
    finding = finding.select(LOSS_FINDINGS.names()).cast(LOSS_FINDINGS)
    panel = Panel.of(rows, settings)
    coefficients: Floats = np.array([finding["coefficients"][0].to_list()])
    of_fleet = rows.select("day").join(common_modes, on="day", how="left", maintain_order="left")["common_kw"]
    expected = panel.expected(coefficients) + of_fleet.fill_null(0.0).to_numpy() * panel.x[1]
    deviation = np.sqrt(finding["sigma_ratio"][0] ** 2 + panel.variance)
    efficiency, expected_ratio = 1 / (1 + panel.y), 1 / (1 + expected)
    return (
        rows.select("session_id", "ended_at", "dc_kwh")
        .with_columns(
            efficiency_ratio=efficiency,
            expected_ratio=expected_ratio,
            deviation_points=100 * deviation * expected_ratio**2,
            excess_points=100 * (expected_ratio - efficiency),
            excess_kwh=panel.dc_kwh * (panel.y - expected),
            is_since_onset=pl.col("ended_at") >= finding["onset_at"][0],
        )
        .cast(EVIDENCE)
        .sort("ended_at", "session_id")
    )
