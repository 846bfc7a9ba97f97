"""Bad from the first day: pairs that have always lost more than others of the same models.

Nothing has changed at such a pair, so that its own past tells nothing. It is compared with its peers: pairs of the same
vehicle model and charger model. Without labels of both it cannot be, and that is said.
"""

from enum import StrEnum

import polars as pl

from warehouse.losses.verdict_settings import VERDICTS, VerdictSettings

MAD_TO_SIGMA = 1.4826
"""The median absolute deviation of a normal distribution, times this, is its standard deviation."""
MODELS = ("vehicle_model", "meter_model")


class FirstDay(StrEnum):
    """What is said of a pair."""

    BAD = "bad_from_first_day"
    USUAL = "usual"
    NO_LABELS = "no_model_labels"
    """Nothing: the model of its vehicle or of its charger is not known."""
    FEW_PEERS = "few_peers"
    """Nothing: too few others of these models are known."""


def expected_efficiency(intercept: pl.Expr, fixed_kw: pl.Expr, hours_per_kwh: pl.Expr) -> pl.Expr:
    """The efficiency of a pair at reference conditions: warm, at the usual power of its peers.

    ``eta = 1 / (1 + a + P x)`` with the pair's own ``a`` (a ratio) and ``P`` (kW) of ``sample`` and ``x`` = hours of
    charging for a kWh. Warm: both cold terms are 0.
    """
    return 1 / (1 + intercept + fixed_kw * hours_per_kwh)


def first_day(pairs: pl.DataFrame, settings: VerdictSettings = VERDICTS) -> pl.DataFrame:
    """One row a pair, in the same order: what is said, and by what.

    ``pairs``: vehicle_id, meter_id, vehicle_model, meter_model (null or empty: no label), intercept, fixed_kw,
    hours_per_kwh (the median of the pair's sessions); of pairs with enough sessions to know them. Adds
    ``expected_efficiency`` (at the median ``hours_per_kwh`` of pair and peers), ``peer_count``, ``peer_efficiency``
    (their median), ``points_below`` (100 (peer_efficiency - expected_efficiency)), ``points_allowed`` and ``verdict``
    (``FirstDay``). Where nothing is said, the last four but the verdict are null.

    A pair is bad where ``points_below > max(3, 3.5 * 1.4826 * MAD)``, MAD being the median absolute deviation of its
    peers from their median, in points. A pair is none of its own peers: one of ten that is bad does not widen the limit
    it is held to.
    """
    place = pl.int_range(pl.len(), dtype=pl.UInt32).alias("place")
    named = pairs.select(place, *MODELS, "intercept", "fixed_kw", "hours_per_kwh").filter(
        *(pl.col(name).is_not_null() & (pl.col(name) != "") for name in MODELS)
    )
    reference = named.with_columns(expected_efficiency=_at_reference())
    peers = reference.select(*MODELS, peer="place", efficiency="expected_efficiency")
    others = reference.select("place", *MODELS).join(peers, on=MODELS).filter(pl.col("peer") != pl.col("place"))
    centred = others.with_columns(off=(pl.col("efficiency") - pl.col("efficiency").median().over("place")).abs())
    of_peers = centred.group_by("place").agg(
        peer_count=pl.len(), peer_efficiency=pl.col("efficiency").median(), deviation=pl.col("off").median()
    )
    below = 100 * (pl.col("peer_efficiency") - pl.col("expected_efficiency"))
    allowed = pl.max_horizontal(
        pl.lit(settings.first_day_points), 100 * settings.first_day_deviations * MAD_TO_SIGMA * pl.col("deviation")
    )
    has_peers = pl.col("peer_count") >= settings.least_peers
    told = (
        pl.when(pl.col("expected_efficiency").is_null())
        .then(pl.lit(FirstDay.NO_LABELS))
        .when(~has_peers)
        .then(pl.lit(FirstDay.FEW_PEERS))
        .when(pl.col("points_below") > pl.col("points_allowed"))
        .then(pl.lit(FirstDay.BAD))
        .otherwise(pl.lit(FirstDay.USUAL))
    )
    return (
        pairs.with_columns(place)
        .join(reference.select("place", "expected_efficiency"), on="place", how="left", maintain_order="left")
        .join(of_peers, on="place", how="left", maintain_order="left")
        .with_columns(pl.col("peer_count").fill_null(0))
        .with_columns(pl.when(has_peers).then("peer_efficiency").alias("peer_efficiency"))
        .with_columns(points_below=below, points_allowed=pl.when(has_peers).then(allowed))
        .with_columns(verdict=told)
        .drop("place", "deviation")
    )


def _at_reference() -> pl.Expr:
    hours = pl.col("hours_per_kwh").median().over(MODELS)
    return expected_efficiency(pl.col("intercept"), pl.col("fixed_kw"), hours)
