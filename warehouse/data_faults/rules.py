"""The rules for faults of the data by name, and how one says what it found."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from warehouse.contract.findings import Rule
from warehouse.contract.tables import DeviceKind
from warehouse.data_faults.schemas import FOUND, FOUND_ROWS

NAMES = {
    Rule.SILENCE: "silence",
    Rule.CLOCK: "clock",
    Rule.MAPPING: "mapping",
    Rule.FROZEN_METER: "frozen_meter",
    Rule.DC_EXCEEDS_AC: "dc_exceeds_ac",
    Rule.LEAKAGE: "leakage",
}
"""In order of precedence, and what each calls what it finds."""
MOST_SESSION_IDS = 20
OTHER_METER = "another meter"
"""What stands for its name in a sentence, until ``with_names``."""


def fault(rule: Rule, kind: DeviceKind, device_id: int, severity: str = "warning", **said: Any) -> dict[str, Any]:
    """One row of what a rule found; what it leaves out is null. ``subject`` is named by ``with_names``."""
    row: dict[str, Any] = dict.fromkeys(FOUND)
    row |= {"rule": rule.value, "name": NAMES[rule], "severity": severity, "subject": kind.value}
    row[kind.device_id] = device_id
    row |= said
    row["session_ids"] = list(row["session_ids"] or ())[-MOST_SESSION_IDS:]
    return row


def found_rows(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """What a rule found, as a table."""
    return pl.DataFrame(list(rows), schema=FOUND_ROWS, orient="row")


def all_found(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """What several rules found."""
    return pl.concat([pl.DataFrame(schema=FOUND_ROWS), *frames])


def with_names(found: pl.DataFrame, devices: Mapping[DeviceKind, pl.DataFrame]) -> pl.DataFrame:
    """With each subject, and the other meter of a wrong mapping, as people know it: the kind of device, and its id."""
    for kind in DeviceKind:
        names = devices[kind].select(
            pl.col("device_id").alias(kind.device_id), named=kind.value + " " + pl.col("external_id")
        )
        is_kind = pl.col("subject") == kind.value
        found = (
            found.join(names, on=kind.device_id, how="left", maintain_order="left")
            .with_columns(subject=pl.when(is_kind).then("named").otherwise("subject"))
            .drop("named")
        )
    of_others = devices[DeviceKind.METER].select(other_meter_id="device_id", other="meter " + pl.col("external_id"))
    return (
        found.join(of_others, on="other_meter_id", how="left", maintain_order="left")
        .with_columns(detail=pl.col("detail").str.replace(OTHER_METER, pl.coalesce("other", pl.lit(OTHER_METER))))
        .drop("other")
    )


def instant_of(us: object) -> datetime | None:
    """Microseconds since 1970 as an instant; null is null."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us) if isinstance(us, int) else None
