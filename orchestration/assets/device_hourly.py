"""The hourly picture of today: a table of PostgreSQL that is written hour by hour from the readings beside it."""

from datetime import date

import dagster as dg

from dbt_like_sql.catalog import Catalog, Model
from orchestration.assets.code_references import code_of_module
from orchestration.assets.declared import GOLD, TODAY, table_key, tags
from orchestration.assets.partitions import hourly_partitions
from orchestration.assets.pools import CLOSED_HOURS
from orchestration.assets.resources import WarehouseParam, told_plainly
from orchestration.assets.run_config import NO_CONFIG
from warehouse.contract.energy import Flag
from warehouse.lifecycle.daily_pipeline import EXPORTS
from warehouse.postgres.hours.device_hours import device_hours, write_closed_hours

DEVICE_HOURLY = dg.AssetKey("device_hourly")

COLUMNS = {
    "starts_at": (
        "timestamptz",
        "Begin of the hour, or of the part of it from a change of the device's mapping on, UTC.",
    ),
    "kind": ("device_kind", "meter or vehicle."),
    "device_id": ("integer", "The device."),
    "energy_kwh": ("double precision", "What the energy rule books for steps whose later reading lies in it, kWh."),
    "reading_count": ("integer", "Readings in it."),
    "flags": ("jsonb", "How often each flag of the energy rule was raised; null where none was."),
}
AS_IN_THE_LAKE = {
    "starts_at": ["hour", "segment_from"],
    "device_id": ["device_id"],
    "energy_kwh": ["energy_kwh"],
    "reading_count": ["reading_count"],
    "flags": [f"{flag}_count" for flag in Flag],
}
"""The columns of ``hourly_energy`` that are computed from the same."""
KEY = ("kind", "starts_at", "device_id")

DESCRIPTION = """What each device's registers gained in each closed hour of the last eight days, in PostgreSQL:
`GET /v1/analytics/fleet` answers from it.

Whichever hours a run is started for, it writes all closed ones that are missing, and rewrites those of devices whose
readings came late, or whose settings or mappings changed."""


def device_hourly_asset(catalog: Catalog, first_day: date) -> dg.AssetsDefinition:
    """The asset; its hours begin with ``first_day``."""
    energy = catalog.models["hourly_energy"]

    @dg.asset(
        key=DEVICE_HOURLY,
        deps=[table_key(name) for name in EXPORTS],
        group_name=TODAY,
        description=DESCRIPTION,
        owners=[f"team:{energy.owner}"],
        kinds={"postgres"},
        partitions_def=hourly_partitions(first_day),
        pool=CLOSED_HOURS,
        config_schema=NO_CONFIG,
        tags=tags(energy.domain, GOLD),
        metadata={"dagster/column_schema": _column_schema(), **code_of_module(__file__)},
    )
    def device_hourly(context: dg.AssetExecutionContext, warehouse: WarehouseParam) -> dg.MaterializeResult[None]:
        with told_plainly(), warehouse.connect() as connection:
            written = write_closed_hours(connection, context.log.debug)
            stored = device_hours(connection)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": stored.newest_rows,
                "size_bytes": stored.size_bytes,
                "hours": stored.hours,
                "written_hours": len(written.hours),
                "corrected_devices": written.corrected_devices,
                "dagster/column_lineage": hours_lineage(energy),
            }
        )

    return device_hourly


def hours_lineage(energy: Model) -> dg.TableColumnLineage:
    """From which columns of PostgreSQL: what the rollup of closed days, ``hourly_energy``, declares."""
    return dg.TableColumnLineage(
        {
            column: [
                dg.TableColumnDep(table_key(dataset), name)
                for dataset, name in dict.fromkeys(each for same in alike for each in energy.column_lineage[same])
                if dataset in EXPORTS  # boundary samples are readings too
            ]
            for column, alike in AS_IN_THE_LAKE.items()
        }
    )


def _column_schema() -> dg.TableSchema:
    in_key = dg.TableColumnConstraints(nullable=False, other=["key"])
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, type_, meaning, in_key if name in KEY else None)
            for name, (type_, meaning) in COLUMNS.items()
        ]
    )
