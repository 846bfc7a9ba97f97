"""The columns of what is known of losses from day to day."""

import polars as pl

from warehouse.sessions.schemas import CHARGING_SESSIONS, INSTANT

FROZEN = pl.Schema(
    {
        "coefficients": pl.List(pl.Float64()),
        "covariance": pl.List(pl.Float64()),
        "spread": pl.Float64(),
        "mean_x": pl.List(pl.Float64()),
        "older_count": pl.Int32(),
        "sigma_ratio": pl.Float64(),
    }
)
"""The baseline of a pair when a shift began (``Baseline``): coefficients a, P, H1, H2, B; their covariance by rows."""

SHIFT = pl.Schema(
    {
        "onset_from": INSTANT,
        "onset_at": INSTANT,
        "onset_until": INSTANT,
        "session_count": pl.Int32(),
        "dc_kwh": pl.Float64(),
        "expected_loss_ratio": pl.Float64(),
        "shift_ratio": pl.Float64(),
        "points": pl.Float64(),
        "excess_kwh": pl.Float64(),
        "excess_deviation_kwh": pl.Float64(),
        "recent_shift_ratio": pl.Float64(),
        "recent_from": INSTANT,
        "last_ended_at": INSTANT,
    }
)
"""What the sessions since an onset tell.

``onset_at``: end of the first session that shows it; with 95 % probability it began in a session that ended after
``onset_from`` and not after ``onset_until``. ``shift_ratio``: kWh lost more for each kWh in the battery; ``points``:
the same of the efficiency, in hundredths; ``excess_kwh``: AC lost since, at most of the last 180 days;
``recent_shift_ratio``: median of the last sessions, of which ``recent_from`` is the end of the first; null while there
are too few.
"""

CHARGER_SCORES = pl.Schema(
    {
        "day": pl.Date(),
        "vehicle_id": pl.Int32(),
        "meter_id": pl.Int32(),
        "is_followed": pl.Boolean(),
        "z": pl.Float64(),
        "window_count": pl.Int32(),
        **SHIFT,
        **FROZEN,
    }
)
"""One row a pair with a session on the day that can be compared, or with an open finding.

``is_followed``: the finding is open, and its sessions are compared with what was expected at its onset. A row that is
not even suspected has null for what the shift did since its onset, and of its baseline the coefficients alone.
"""

LOSS_FINDINGS = pl.Schema(
    {
        "finding_id": pl.String(),
        "rule": pl.String(),
        "rule_version": pl.Int32(),
        "state": pl.String(),
        "vehicle_id": pl.Int32(),
        "meter_id": pl.Int32(),
        "opened_on": pl.Date(),
        "closed_on": pl.Date(),
        "why_closed": pl.String(),
        "excluded_until": INSTANT,
        "z": pl.Float64(),
        "window_count": pl.Int32(),
        "opened_shift_ratio": pl.Float64(),
        **SHIFT,
        **FROZEN,
    }
)
"""One row a finding that is suspected, open, closed or accepted as normal.

``why_closed``: ``as_before``, or ``not_seen`` since ``last_ended_at``; null where a release of before closed it.
``excluded_until``: of a closed one, the end of the first session after it; its own sessions stay out of the baseline.
"""

FLEET_FITS = pl.Schema(
    {
        "week": pl.Date(),
        "share_ratio": pl.Float64(),
        "fixed_kw": pl.Float64(),
        "cold_kw_per_kelvin": pl.Float64(),
        "frost_kw_per_kelvin": pl.Float64(),
        "heating_kwh_per_kelvin": pl.Float64(),
        "share_deviation_ratio": pl.Float64(),
        "fixed_deviation_kw": pl.Float64(),
        "cold_deviation_kw_per_kelvin": pl.Float64(),
        "frost_deviation_kw_per_kelvin": pl.Float64(),
        "heating_deviation_kwh_per_kelvin": pl.Float64(),
        "pair_count": pl.Int32(),
        "session_count": pl.Int32(),
    }
)
"""What is expected of a pair (``FleetFit``): one row, that of the week, whose sessions ended before its Monday; none
where there were no such sessions. a, P, H1, H2 and B, and the standard deviation of each.
"""

COMMON_MODES = pl.Schema({"day": pl.Date(), "common_kw": pl.Float64(), "session_count": pl.Int32()})
"""The fixed power that the whole fleet lost more on a day."""

ACCEPTED = pl.Schema(
    {
        "vehicle_id": CHARGING_SESSIONS["vehicle_id"],
        "meter_id": CHARGING_SESSIONS["meter_id"],
        "accepted_on": pl.Date(),
    }
)
"""Findings that a person called normal: the one that is open on the day."""

REGISTER_VERDICTS = pl.Schema(
    {
        "finding_id": pl.String(),
        "vehicle_id": pl.Int32(),
        "meter_id": pl.Int32(),
        "cause": pl.String(),
        "probability": pl.Float64(),
        "charger_or_car_probability": pl.Float64(),
        "meter_high_probability": pl.Float64(),
        "dc_register_low_probability": pl.Float64(),
        "before_count": pl.Int32(),
        "since_count": pl.Int32(),
        "why_undecided": pl.String(),
        "rule_version": pl.Int32(),
    }
)
"""Of an open finding of a fixed pair: whether it is a loss or one of the registers (``RegisterVerdict``)."""

SITE_VERDICTS = pl.Schema(
    {
        "site_meter_id": pl.Int32(),
        "place": pl.Int32(),
        "subject": pl.String(),
        "vehicle_id": pl.Int32(),
        "meter_id": pl.Int32(),
        "probability": pl.Float64(),
        "z": pl.Float64(),
        "shift_ratio": pl.Float64(),
        "deviation_ratio": pl.Float64(),
        "onset_from": INSTANT,
        "onset_at": INSTANT,
        "session_count": pl.Int32(),
        "counterpart_count": pl.Int32(),
        "largest_share": pl.Float64(),
        "deciding_charge": pl.String(),
        "rule_version": pl.Int32(),
    }
)
"""Whose loss it is where vehicles meet several chargers (``SiteVerdict``): one row a loss, the clearest first."""

FIRST_DAY_VERDICTS = pl.Schema(
    {
        "week": pl.Date(),
        "vehicle_id": pl.Int32(),
        "meter_id": pl.Int32(),
        "vehicle_model": pl.String(),
        "meter_model": pl.String(),
        "share_ratio": pl.Float64(),
        "fixed_kw": pl.Float64(),
        "hours_per_kwh": pl.Float64(),
        "session_count": pl.Int32(),
        "dc_kwh_per_day": pl.Float64(),
        "expected_efficiency": pl.Float64(),
        "peer_count": pl.Int32(),
        "peer_efficiency": pl.Float64(),
        "points_below": pl.Float64(),
        "points_allowed": pl.Float64(),
        "verdict": pl.String(),
        "rule_version": pl.Int32(),
    }
)
"""Whether a pair was bad from its first day (``first_day``): one row a pair with enough sessions, of the week."""

LOSS_SOURCES = pl.Schema(
    {"dataset": pl.String(), "source_day": pl.Date(), "sha256": pl.String(), "settings_version": pl.Int32()}
)
"""The files that the losses of a day were made from, and by which version of ``LossSettings``."""
