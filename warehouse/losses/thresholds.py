"""From where on the scores of each pair are told, by the model of its charger."""

from dataclasses import asdict, fields

import polars as pl

from warehouse.losses.settings import SETTINGS, LossSettings, Thresholds

CHARGER_MODELS = pl.Schema({"meter_id": pl.Int32(), "model": pl.String()})
"""The charger model of each meter; null, or no row, where it has no label."""
UNLABELLED = pl.DataFrame(schema=CHARGER_MODELS)


def with_thresholds(pairs: pl.DataFrame, models: pl.DataFrame, settings: LossSettings = SETTINGS) -> pl.DataFrame:
    """These rows, with meter_id, in their order, and the columns of ``Thresholds``. ``models``: ``CHARGER_MODELS``."""
    columns = [field.name for field in fields(Thresholds)]
    special = pl.DataFrame(
        [{"model": model, **asdict(limits)} for model, limits in settings.thresholds_of_models.items()],
        {"model": pl.String(), **dict.fromkeys(columns, pl.Float64())},
    )
    of_meters = models.select(list(CHARGER_MODELS)).join(special, on="model").drop("model")
    usual = asdict(settings.thresholds)
    return pairs.join(of_meters, on="meter_id", how="left", maintain_order="left").with_columns(
        pl.col(name).fill_null(usual[name]) for name in columns
    )
