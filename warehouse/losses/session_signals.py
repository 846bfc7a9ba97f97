"""What each session of a pair says of powers, energies and the state of charge: logs, and how well they are known."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from warehouse.losses.sample import Floats
from warehouse.losses.verdict_settings import VerdictSettings

SIGNALS = ("energy", "ac_power", "dc_power", "capacity")
ENERGY, AC, DC, CAPACITY = range(4)
LEAST_SOC_STEP = 0.05
"""Percent. Smaller differences of a state of charge are those of rounding."""


@dataclass(frozen=True)
class SessionSignals:
    """A row a session, a column for each of ``SIGNALS``: natural logs; NaN where a session does not tell."""

    values: Floats
    variances: Floats
    """By the steps of registers and of the state of charge alone."""


def signals_of(sessions: pl.DataFrame, expected_loss_ratio: Floats | None, settings: VerdictSettings) -> SessionSignals:
    """Of a pair's rows of ``SAMPLE``.

    With y0 the expected loss ratio (0 where none is given), r a register's step in kWh, h the hours of a side, P its
    plateau in kW, U the voltage, S the change of the state of charge in percent and s its step:

        energy    log(E_ac / E_dc) - log(1 + y0)      variance of SAMPLE / (E_ac / E_dc)^2
        ac_power  log(P_ac / U)                       r_ac^2 / 6 / (P_ac h_ac / 2)^2
        dc_power  log(P_dc / U) + log(1 + y0)         r_dc^2 / 6 / (P_dc h_dc / 2)^2
        capacity  log(E_dc / S)                       r_dc^2 / 6 / E_dc^2 + s^2 / 6 / S^2

    A session with a plateau of less than 20 minutes tells nothing of powers. Where fewer than four of five sessions
    have a voltage, ``ac_power`` is left out and ``dc_power`` is taken as it is; else those without are left out.
    """
    loss_ratio, dc_kwh = _column(sessions, "loss_ratio"), _column(sessions, "dc_kwh")
    ac_kw, dc_kw = _column(sessions, "ac_plateau_kw"), _column(sessions, "dc_plateau_kw")
    volts = np.where(
        _column(sessions, "voltage_share") >= settings.voltage_share, _column(sessions, "mean_voltage_volts"), np.nan
    )
    charged = _column(sessions, "soc_end_percent") - _column(sessions, "soc_start_percent")
    charged = np.where(charged >= settings.least_charged_percent, charged, np.nan)
    # A plateau is the middle half of a charge.
    middle_h = [_column(sessions, f"{side}_hours") / 2 for side in ("ac", "dc")]
    long_enough = 60 * np.minimum(middle_h[0], middle_h[1]) >= settings.least_plateau_minutes
    is_power = long_enough & (ac_kw > 0) & (dc_kw > 0)
    expected = np.zeros(len(sessions)) if expected_loss_ratio is None else np.log1p(expected_loss_ratio)
    has_volts = bool((~np.isnan(volts[is_power])).mean() >= settings.voltage_share) if is_power.any() else False
    with np.errstate(divide="ignore", invalid="ignore"):
        log_volts = np.log(volts) if has_volts else np.zeros(len(sessions))
        values = np.stack(
            [
                np.log1p(loss_ratio) - expected,
                np.where(is_power & has_volts, np.log(ac_kw) - log_volts, np.nan),
                np.where(is_power, np.log(dc_kw) - log_volts + expected, np.nan),
                np.log(dc_kwh / charged),
            ],
            axis=1,
        )
        ac_step, dc_step = (_column(sessions, f"{side}_resolution_kwh") for side in ("ac", "dc"))
        variances = np.stack(
            [
                _column(sessions, "variance") / (1 + loss_ratio) ** 2,
                ac_step**2 / 6 / (ac_kw * middle_h[0]) ** 2,
                dc_step**2 / 6 / (dc_kw * middle_h[1]) ** 2,
                dc_step**2 / 6 / dc_kwh**2 + _soc_step(sessions) ** 2 / 6 / charged**2,
            ],
            axis=1,
        )
    return SessionSignals(values, variances)


def _column(sessions: pl.DataFrame, name: str) -> Floats:
    return sessions[name].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _soc_step(sessions: pl.DataFrame) -> float:
    """The step of the state of charge: the smallest difference of two values that were seen; 0 where there are none."""
    seen = np.concatenate([_column(sessions, "soc_start_percent"), _column(sessions, "soc_end_percent")])
    between = np.diff(np.unique(seen[~np.isnan(seen)]))
    between = between[between > LEAST_SOC_STEP]
    return float(between.min()) if len(between) else 0.0
