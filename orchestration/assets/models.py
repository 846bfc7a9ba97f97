"""What is made from the exports: late and corrected readings, energy, sessions, faults, losses, SQL models."""

from collections.abc import Iterator

import dagster as dg

from dbt_like_sql.catalog import Catalog
from orchestration.assets.datasets import dataset_asset
from warehouse.lake.provenance import ENERGY
from warehouse.lifecycle.fault_step import FAULTS
from warehouse.lifecycle.loss_step import LOSSES
from warehouse.lifecycle.session_step import SESSIONS


def model_assets(catalog: Catalog, partitions: dg.PartitionsDefinition[str]) -> Iterator[dg.AssetsDefinition]:
    """One asset a dataset; those that one step writes come together: energy, sessions, data faults, and losses."""
    yield dataset_asset(catalog, ["late_readings"], partitions, lambda pipeline, day: [pipeline.late_readings(day)])
    corrected = "corrected_readings"
    yield dataset_asset(catalog, [corrected], partitions, lambda pipeline, day: [pipeline.corrected_readings(day)])
    yield dataset_asset(catalog, ["device_last"], partitions, lambda pipeline, day: [pipeline.device_last(day)])
    yield dataset_asset(
        catalog, ["carried_samples"], partitions, lambda pipeline, day: [pipeline.boundary_samples(day)]
    )
    yield dataset_asset(catalog, ENERGY, partitions, lambda pipeline, day: pipeline.energy(day), "energy")
    yield dataset_asset(catalog, SESSIONS, partitions, lambda pipeline, day: pipeline.sessions(day), "sessions")
    yield dataset_asset(catalog, FAULTS, partitions, lambda pipeline, day: pipeline.data_faults(day), "faults")
    yield dataset_asset(catalog, LOSSES, partitions, lambda pipeline, day: pipeline.losses(day), "losses")
    for model in catalog.in_order():
        if model.kind == "sql":
            yield _sql_asset(catalog, model.name, partitions)


def _sql_asset(catalog: Catalog, name: str, partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    return dataset_asset(catalog, [name], partitions, lambda pipeline, day: [pipeline.model(name, day)])
