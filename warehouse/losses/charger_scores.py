"""The scores of a day: how sure it is of each pair that it loses more than before, and how much.

A function of the sample of the last 180 days, the fit of the fleet, and what the day before knew: its findings and the
common modes of the days. It computes from the sessions themselves each day, so nothing can drift away from them.
"""

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl

from warehouse.losses.baseline import Baseline, Reference, of_newest, older, posterior, reference, statistics
from warehouse.losses.common_mode import common_mode
from warehouse.losses.frozen import freeze, thaw
from warehouse.losses.panel import Bools, Floats, Ints, Panel
from warehouse.losses.sample import PAIR
from warehouse.losses.schemas import CHARGER_SCORES, COMMON_MODES, FROZEN, LOSS_FINDINGS
from warehouse.losses.settings import SETTINGS, LossSettings
from warehouse.losses.shifts import Onset, onset, points, since
from warehouse.losses.thresholds import UNLABELLED, with_thresholds
from warehouse.losses.windows import deviation, scan

_NEEDED = ("day", "ended_at", "loss_ratio", "hours_per_kwh", "battery_celsius", "weather_celsius", "variance", "dc_kwh")
"""Of a sample; the rest of a million and a half rows would take as much memory as all that is computed."""


class Known(NamedTuple):
    """What the day before knew."""

    findings: pl.DataFrame
    """``LOSS_FINDINGS``"""
    common_modes: pl.DataFrame
    """``COMMON_MODES`` of the days before."""

    @staticmethod
    def nothing() -> "Known":
        """Before the first day."""
        return Known(pl.DataFrame(schema=LOSS_FINDINGS), pl.DataFrame(schema=COMMON_MODES))


class Scores(NamedTuple):
    """What comes out."""

    scores: pl.DataFrame
    """``CHARGER_SCORES``"""
    common_mode: pl.DataFrame
    """``COMMON_MODES``, one row: of the day."""


def charger_scores(
    rows: pl.DataFrame,
    fleet: Floats,
    known: Known,
    day: date,
    settings: LossSettings = SETTINGS,
    models: pl.DataFrame = UNLABELLED,
) -> Scores:
    """Score the pairs.

    ``rows``: a sample of the days up to this one; ``fleet``: the coefficients of its fit; ``models``: those of the
    chargers (``CHARGER_MODELS``), whose thresholds may be other ones.
    """
    rows = _without_common_modes(_history(rows, day, settings), known.common_modes)
    compared, followed = _parted(rows, known.findings)
    is_near = pl.col("day") > day - timedelta(days=settings.common_days)
    compared = compared.join(compared.filter(is_near).select(PAIR).unique(), on=PAIR, how="semi", maintain_order="left")
    panel = Panel.of(compared, settings)
    found = reference(panel, fleet, settings)
    suspects = known.findings.filter(pl.col("state") == "suspected")
    is_innocent = ~_is_among(panel.pairs, suspects)
    taken_kw = compared["common_kw"].to_numpy()
    common = common_mode(panel, found, _flags(compared, is_near), taken_kw, is_innocent, fleet, settings)
    is_today = _flags(compared, pl.col("day") == day)
    panel, found = _shifted(panel, found, np.where(is_today, common.kw, 0.0))
    of_day = pl.concat(
        [
            _scanned(panel, found, is_today, fleet, settings, models),
            _followed(followed, known.findings, common.kw, day, settings),
        ]
    )
    return Scores(
        of_day.with_columns(day=pl.lit(day)).select(CHARGER_SCORES.names()).cast(CHARGER_SCORES).sort(PAIR),
        pl.DataFrame([(day, common.kw, common.sessions)], COMMON_MODES, orient="row"),
    )


def _history(rows: pl.DataFrame, day: date, settings: LossSettings) -> pl.DataFrame:
    return rows.select(*PAIR, *_NEEDED).filter(
        pl.col("day") <= day, pl.col("day") > day - timedelta(days=settings.history_days)
    )


def _without_common_modes(rows: pl.DataFrame, common_modes: pl.DataFrame) -> pl.DataFrame:
    """With what the whole fleet lost more on earlier days taken off; common_kw says how much."""
    return (
        rows.join(common_modes.select("day", "common_kw"), on="day", how="left", maintain_order="left")
        .with_columns(pl.col("common_kw").fill_null(0.0))
        .with_columns(loss_ratio=pl.col("loss_ratio") - pl.col("common_kw") * pl.col("hours_per_kwh"))
    )


def _parted(rows: pl.DataFrame, findings: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows to be scanned, without those of findings; and those since the onset of an open finding."""
    numbered = rows.with_row_index("number")
    of_pairs = numbered.join(findings.select(*PAIR, "state", "onset_at", "excluded_until"), on=PAIR)
    is_since = pl.col("ended_at") >= pl.col("onset_at")
    is_out = (
        pl.when(pl.col("state") == "open")
        .then(pl.lit(value=True))
        .when(pl.col("state") == "closed")
        .then(is_since & (pl.col("ended_at") < pl.col("excluded_until")))
        .otherwise((pl.col("state") == "accepted") & ~is_since)
    )
    out = of_pairs.filter(is_out).select("number").unique()
    followed = of_pairs.filter(pl.col("state") == "open", is_since).select("number").unique()
    return (
        numbered.join(out, on="number", how="anti", maintain_order="left").drop("number"),
        numbered.join(followed, on="number", how="semi", maintain_order="left").drop("number"),
    )


def _is_among(pairs: pl.DataFrame, some: pl.DataFrame) -> Bools:
    marked = pairs.join(some.select(*PAIR, is_one=True).unique(), on=PAIR, how="left", maintain_order="left")
    return marked["is_one"].fill_null(value=False).to_numpy()


def _flags(rows: pl.DataFrame, condition: pl.Expr) -> Bools:
    return rows.select(condition).to_series().to_numpy()


def _shifted(panel: Panel, found: Reference, less_kw: Floats) -> tuple[Panel, Reference]:
    """With this much fixed power less in each session."""
    less = less_kw * panel.x[1]
    clipped = found.clipped - less
    return panel._replace(y=panel.y - less), found._replace(
        clipped=clipped, total=statistics(panel, found.weight, clipped)
    )


def _scanned(
    panel: Panel, found: Reference, is_today: Bools, fleet: Floats, settings: LossSettings, models: pl.DataFrame
) -> pl.DataFrame:
    """Scores of the pairs without an open finding that have a session on the day and enough before it."""
    limits = with_thresholds(panel.pairs, models, settings)
    scanned = scan(panel, found, fleet, settings, limits["close_share"].to_numpy())
    has_session = panel.sums(is_today.astype(np.float64)) > 0
    told = np.flatnonzero(has_session & np.isfinite(scanned.z))
    frozen = freeze(scanned.baseline, found.sigma2, told)
    scores = panel.pairs[told.tolist()].with_columns(
        is_followed=pl.lit(value=False),
        z=scanned.z[told],
        window_count=scanned.sessions[told],
        expected_loss_ratio=scanned.expected[told],
        shift_ratio=scanned.shift[told],
        points=points(scanned.expected, scanned.shift)[told],
        **{name: frozen[name] for name in ("coefficients", "older_count", "sigma_ratio")},
    )
    suspects = np.flatnonzero(has_session & (scanned.z > limits["suspected_z"].to_numpy()))
    since_onset = _since_onset(panel, found, scanned.baseline, suspects, fleet, settings)
    return _updated(_with_columns(scores), since_onset)


def _since_onset(
    panel: Panel, found: Reference, baseline: Baseline, pairs: Ints, fleet: Floats, settings: LossSettings
) -> pl.DataFrame:
    """When the shifts of these pairs began, and what the sessions since then tell against all before them."""
    began = onset(panel, found.weight, baseline, settings)
    window = of_newest(panel, found, max(settings.windows))
    before = posterior(older(found, window, np.minimum(began.sessions, panel.length)), fleet, settings)
    is_one = np.zeros(len(panel.first), dtype=np.bool_)
    is_one[pairs] = True
    is_in = is_one[panel.pair] & (panel.back < began.sessions[panel.pair])
    frozen = Baseline(*(each[pairs] for each in before))
    return _told(panel.some(is_in), found.weight[is_in], frozen, settings).with_columns(
        **_onsets(panel, began, pairs), **freeze(before, found.sigma2, pairs)
    )


def _onsets(panel: Panel, began: Onset, pairs: Ints) -> dict[str, pl.Series]:
    last = (panel.first + panel.length - 1)[pairs]

    def ended(sessions: Ints) -> pl.Series:
        place = np.maximum(last - sessions[pairs] + 1, panel.first[pairs])
        return _instants(panel.ended_us[place])

    return {
        "onset_from": ended(began.most + 1),
        "onset_at": ended(began.sessions),
        "onset_until": ended(began.least),
    }


def _followed(
    rows: pl.DataFrame, findings: pl.DataFrame, common_kw: float, day: date, settings: LossSettings
) -> pl.DataFrame:
    """Scores of the open findings, against the baselines that were frozen at their onsets."""
    is_today = (pl.col("day") == day).cast(pl.Float64)
    adjusted = rows.with_columns(loss_ratio=pl.col("loss_ratio") - common_kw * is_today * pl.col("hours_per_kwh"))
    panel = Panel.of(adjusted, settings)
    frozen = panel.pairs.join(findings.filter(pl.col("state") == "open"), on=PAIR, how="left", maintain_order="left")
    baseline = thaw(frozen)
    weight = 1 / (frozen["sigma_ratio"].to_numpy()[panel.pair] ** 2 + panel.variance)
    told = _told(panel, weight, baseline, settings)
    onsets = {name: frozen[name] for name in ("onset_from", "onset_at", "onset_until", *FROZEN.names())}
    mean_x = (panel.sums(weight * panel.x) / panel.sums(weight)).T
    away = deviation(baseline, panel.sums(weight), mean_x, settings)
    away = away * np.sqrt(1 + settings.tail_sessions / panel.length)
    z = np.divide(told["shift_ratio"].to_numpy(), away, out=np.zeros_like(away), where=away > 0)
    return _with_columns(told.with_columns(is_followed=pl.lit(value=True), z=z, window_count=panel.length, **onsets))


def _told(panel: Panel, weight: Floats, baseline: Baseline, settings: LossSettings) -> pl.DataFrame:
    """The columns of ``SHIFT`` but the onset, one row a pair of the panel."""
    summed = since(panel, weight, baseline, settings)
    last = panel.first + panel.length - 1
    has_recent = pl.col("recent_shift_ratio").is_not_null()
    return panel.pairs.with_columns(
        session_count=panel.length,
        dc_kwh=summed.dc_kwh,
        expected_loss_ratio=summed.expected,
        shift_ratio=summed.shift,
        points=summed.points,
        excess_kwh=summed.excess_kwh,
        excess_deviation_kwh=summed.deviation_kwh,
        recent_shift_ratio=pl.Series(summed.recent).fill_nan(None),
        recent_from=_instants(summed.recent_from_us),
        last_ended_at=_instants(panel.ended_us[last]),
    ).with_columns(recent_from=pl.when(has_recent).then("recent_from"))


def _with_columns(scores: pl.DataFrame) -> pl.DataFrame:
    """With every column of the scores but the day; null where nothing is told."""
    schema = pl.Schema({name: dtype for name, dtype in CHARGER_SCORES.items() if name != "day"})
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in scores.columns]
    return scores.with_columns(missing).select(list(schema)).cast(schema)


def _updated(scores: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """With what is told of some of the pairs."""
    names = [name for name in told.columns if name not in PAIR]
    joined = scores.join(told, on=PAIR, how="left", maintain_order="left", suffix="_told")
    return joined.with_columns(
        pl.coalesce(pl.col(f"{name}_told").cast(CHARGER_SCORES[name]), pl.col(name)).alias(name) for name in names
    ).select(scores.columns)


def _instants(us: Ints) -> pl.Series:
    return pl.Series(us, dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
