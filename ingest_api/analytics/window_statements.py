"""The statements that read a window: of the readings as they were received, or as they count once they are corrected.

They differ in what they read from alone, a table or its view. Only a window of a device that has corrections in it is
read by the second ones, which look for the last word on each reading.
"""

from functools import cache

from psycopg.sql import SQL, Composed, Identifier, Literal

from warehouse import sqlfiles
from warehouse.contract.tables import DeviceKind
from warehouse.postgres.hours.energy_rule import with_the_rule

_PACKAGE = "ingest_api.analytics"
_SIDES = (
    ("ac", DeviceKind.METER, SQL("NULL")),
    ("dc", DeviceKind.VEHICLE, Identifier("battery_temp_celsius")),
)


@cache
def readings_of_both_sides(*, corrected: bool = False) -> Composed:
    """``read_window.sql``, once for the meters and once for the vehicles."""
    one_side = sqlfiles.load(_PACKAGE, "read_window")
    return SQL(" UNION ALL ").join(
        one_side.format(
            side=Literal(side),
            readings=Identifier(_read_from(kind, corrected=corrected)),
            device_id=Identifier(kind.device_id),
            temperature=temperature,
        )
        for side, kind, temperature in _SIDES
    )


@cache
def energy_of_both_sides(*, corrected: bool = False) -> Composed:
    """``sum_window_energy.sql`` with the energy rule in it."""
    read_from = {kind.readings.value: Identifier(_read_from(kind, corrected=corrected)) for kind in DeviceKind}
    return with_the_rule(_PACKAGE, "sum_window_energy", **read_from)


def count_of_corrected() -> SQL:
    """How many readings of a window were corrected."""
    return sqlfiles.load(_PACKAGE, "count_corrected_readings")


def _read_from(kind: DeviceKind, *, corrected: bool) -> str:
    return kind.counting_readings if corrected else kind.readings
