"""Losses from files of the lake to files of the lake: which go in, which come out."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

import polars as pl

from warehouse.contract.tables import DeviceKind
from warehouse.data_faults.schemas import DATA_FAULTS
from warehouse.lake.file_format import ROW_GROUP_ROWS, Location
from warehouse.losses.charger_scores import Known
from warehouse.losses.frozen import with_heaters
from warehouse.losses.loss_day import LossInputs, losses_of_day
from warehouse.losses.sample import SAMPLE
from warehouse.losses.schemas import ACCEPTED, COMMON_MODES, FIRST_DAY_VERDICTS, FLEET_FITS, LOSS_FINDINGS, LOSS_SOURCES
from warehouse.losses.settings import SETTINGS

SAMPLES, FAULTS, MODES = "loss_samples", "data_faults", "common_modes"
READ_BACK_DATASETS = (SAMPLES, FAULTS, MODES)
"""What a day reads of the days before it."""
OF_FAULTS = ("rule", "subject", "opened_on", "meter_id", "vehicle_id", "onset_at", "last_seen_at", "observed")
"""What is needed of a fault."""


class LossFiles(NamedTuple):
    """The files of a day that its losses are found in."""

    charging_sessions: Location
    meters: Location
    vehicles: Location
    accepted_losses: Location


class Source(NamedTuple):
    """A file of an earlier day, or of this one, that a day's losses are made from.

    Of one that is lost for good ``sha256`` and ``location`` are ``None``: the day is made without it.
    """

    dataset: str
    day: date
    sha256: str | None
    location: Location | None


def write_losses(
    files: LossFiles,
    sources: Iterable[Source],
    day: date,
    carried: Mapping[str, Location],
    targets: Mapping[str, Path],
) -> dict[str, int]:
    """Write the datasets of one day, each to its target; returns how many rows each has.

    ``sources``: of ``READ_BACK_DATASETS``, oldest first; ``carried``: ``fleet_fits``, ``first_day_verdicts`` and
    ``loss_findings`` of the day before, where there was one.
    """
    read = list(sources)
    frames = {
        **losses_of_day(_inputs(files, read, carried), day)._asdict(),
        "loss_sources": loss_sources(read),
    }
    for name, target in targets.items():
        frames[name].write_parquet(target, compression="zstd", row_group_size=ROW_GROUP_ROWS)
    return {name: frames[name].height for name in targets}


def loss_sources(sources: Iterable[Source]) -> pl.DataFrame:
    """``LOSS_SOURCES``: what the losses of a day were made from."""
    rows = [(source.dataset, source.day, source.sha256, SETTINGS.version) for source in sources]
    return pl.DataFrame(rows, LOSS_SOURCES, orient="row").sort("dataset", "source_day")


def _inputs(files: LossFiles, sources: list[Source], carried: Mapping[str, Location]) -> LossInputs:
    def read_back(dataset: str, schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
        """These columns of all days, oldest first; ``day`` is that of the file.

        Files of before a column was added have nulls in it.
        """
        columns = pl.Schema({name: dtype for name, dtype in schema.items() if name != "day"})
        days = [
            pl.scan_parquet(source.location, schema=columns, missing_columns="insert", extra_columns="ignore")
            .select(list(columns))
            .with_columns(day=pl.lit(source.day))
            for source in sources
            if source.dataset == dataset and source.location
        ]
        return pl.concat([pl.LazyFrame(schema={**columns, "day": pl.Date()}), *days]).select(list(schema))

    def of_day_before(dataset: str, schema: pl.Schema) -> pl.DataFrame:
        """What was carried; null in a column that came later than the file."""
        files = [pl.read_parquet(carried[dataset])] if dataset in carried else []
        return pl.concat([pl.DataFrame(schema=schema), *files], how="diagonal").select(schema.names())

    faults = {name: DATA_FAULTS[name] for name in OF_FAULTS}
    return LossInputs(
        pl.read_parquet(files.charging_sessions),
        {kind: _devices(getattr(files, kind.devices), kind.device_id) for kind in DeviceKind},
        read_back(SAMPLES, SAMPLE),
        read_back(FAULTS, {**faults, "day": pl.Date()}).collect(),
        Known(with_heaters(of_day_before("loss_findings", LOSS_FINDINGS)), read_back(MODES, COMMON_MODES).collect()),
        of_day_before("fleet_fits", FLEET_FITS),
        of_day_before("first_day_verdicts", FIRST_DAY_VERDICTS),
        pl.read_parquet(files.accepted_losses, columns=ACCEPTED.names()),
    )


def _devices(location: Location, device_id: str) -> pl.DataFrame:
    settings = ("resolution_kwh", "expected_interval_s", "model")
    return pl.read_parquet(location, columns=[device_id, *settings]).rename({device_id: "device_id"})
