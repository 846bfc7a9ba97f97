"""The rows of each dataset that are a device's: told from others, counted in each file, left out of one."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.contract.device_rows import DATASETS, Device, Holds, mention_without_looking_back
from warehouse.contract.partitions import Stream
from warehouse.contract.tables import DeviceKind
from warehouse.lake.export import ExportMismatchError, figures_of_file
from warehouse.lake.file_format import PARQUET
from warehouse.lake.storage.lake import Lake, key_of
from warehouse.lake.views import UnreadableFileError, file_rows, text
from warehouse.postgres.ledger.lake_files import LakeFile
from warehouse.postgres.ledger.partition_figures import DEVICE_ID, Figures


def datasets_with_devices() -> list[str]:
    """The datasets of which a row may be a device's."""
    return [dataset for dataset, holds in DATASETS.items() if holds.is_anybodys]


def is_of(device: Device, dataset: str) -> str:
    """The condition by which a row of a dataset is this device's."""
    return _is_of(device, DATASETS[dataset], DATASETS[dataset].columns)


@dataclass(frozen=True)
class HeldFile:
    """A version of a dataset's day in which some rows are a device's."""

    file: LakeFile
    rows: int


def files_with_rows(
    engine: duckdb.DuckDBPyConnection, lake: Lake, files: Iterable[LakeFile], device: Device, *, by_name: bool = True
) -> Iterator[HeldFile]:
    """Those of these files that have rows of a device. What is not there any more has none.

    ``by_name``: where no surrogate id tells, the id that it sends does. A column that a file of before does not have
    yet tells nothing.

    Raises:
        UnreadableFileError: a file is there and cannot be read: nobody knows what is in it.
    """
    for file in files:
        holds = DATASETS.get(file.dataset)
        if holds is None or not holds.is_anybodys:
            continue
        rows = file_rows(lake.location(file))
        try:
            stored = {name for name, *_ in engine.execute(f"DESCRIBE FROM {rows}").fetchall()}
            query = f"SELECT count(*) FROM {rows} WHERE {_is_of(device, holds, stored, by_name=by_name)}"  # noqa: S608 - names of ours
            ((count,),) = engine.execute(query).fetchall()
        except duckdb.Error as error:
            if _is_there(lake, file):
                raise UnreadableFileError(
                    f"{lake.location(file)} cannot be read, so it may have rows of {device} or not; fleetwatt scrub "
                    f"says what to do with a current file, a replaced one is best removed "
                    f"({str(error).partition(chr(10))[0]})"
                ) from error
            continue
        if count:
            yield HeldFile(file, int(count))


def energy_of(engine: duckdb.DuckDBPyConnection, location: str, device: Device) -> float:
    """What a device's register gained on a day, kWh, by the day's file of ``hourly_energy``."""
    query = f"SELECT sum(energy_kwh) FROM {file_rows(location)} WHERE {is_of(device, 'hourly_energy')}"  # noqa: S608
    ((energy_kwh,),) = engine.execute(query).fetchall()
    return float(energy_kwh or 0.0)


def write_without(
    engine: duckdb.DuckDBPyConnection, stream: Stream, location: str, device: Device, target: Path
) -> Figures:
    """Write a day's exported readings to ``target`` without a device's; returns what the new file holds.

    Raises:
        ExportMismatchError: it does not hold exactly the rows of all others; it must not be published.
    """
    rows, of_device = file_rows(location), is_of(device, stream)
    ordered = f"SELECT * FROM {rows} WHERE NOT {of_device} ORDER BY {DEVICE_ID[stream]}, ts"  # noqa: S608 - ours
    engine.execute(f"COPY ({ordered}) TO {text(target)} ({PARQUET})")
    before, after = figures_of_file(engine, stream, location), figures_of_file(engine, stream, target)
    removed = f"SELECT count(*) FROM {rows} WHERE {of_device}"  # noqa: S608 - the same
    ((count,),) = engine.execute(removed).fetchall()
    if after.row_count != before.row_count - count:
        raise ExportMismatchError(f"{location}: {before.row_count} rows less {count} became {after.row_count}")
    return after


def _is_there(lake: Lake, file: LakeFile) -> bool:
    try:
        lake.store.stored_at(str(key_of(file)))
    except FileNotFoundError:
        return False
    return True


def _is_of(device: Device, holds: Holds, stored: Container[str], *, by_name: bool = True) -> str:
    conditions = list(_by_id(device, holds, stored))
    if by_name and not conditions:
        conditions = list(_by_name(device, holds, stored))
    return f"({' OR '.join(conditions) or 'FALSE'})"


def _by_id(device: Device, holds: Holds, stored: Container[str]) -> Iterator[str]:
    for name in holds.meters if device.kind is DeviceKind.METER else holds.vehicles:
        if name in stored:
            yield f"{name} = {device.device_id}"
    if holds.by_kind:
        yield f"(kind = {text(device.kind.value)} AND device_id = {device.device_id})"


def _by_name(device: Device, holds: Holds, stored: Container[str]) -> Iterator[str]:
    for name in (*holds.names, *holds.texts):
        if name in stored:
            yield f"regexp_matches({name}::VARCHAR, {text(mention_without_looking_back(device.external_id))})"
