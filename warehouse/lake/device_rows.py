"""The rows of each dataset that are a device's: how they are told from others, as DuckDB's SQL."""

from collections.abc import Iterator

from warehouse.contract.device_rows import DATASETS, Device, Holds, mention_without_looking_back
from warehouse.contract.tables import DeviceKind
from warehouse.lake.views import text


def datasets_with_devices() -> list[str]:
    """The datasets of which a row may be a device's."""
    return [dataset for dataset, holds in DATASETS.items() if holds.is_anybodys]


def is_of(device: Device, dataset: str) -> str:
    """The condition by which a row of a dataset is this device's."""
    return f"({' OR '.join(_conditions(device, DATASETS[dataset])) or 'FALSE'})"


def _conditions(device: Device, holds: Holds) -> Iterator[str]:
    for name in holds.meters if device.kind is DeviceKind.METER else holds.vehicles:
        yield f"{name} = {device.device_id}"
    if holds.by_kind:
        yield f"(kind = {text(device.kind.value)} AND device_id = {device.device_id})"
    for name in (*holds.names, *holds.texts):
        yield f"regexp_matches({name}::VARCHAR, {text(mention_without_looking_back(device.external_id))})"
