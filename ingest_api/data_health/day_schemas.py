"""How a day of the ledger is written."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

from pydantic import Field

from ingest_api.database import Row
from ingest_api.http.wire import Instant, Wire
from warehouse.contract.partitions import PartitionState, Stream


class DayState(StrEnum):
    """Where a day, or one of its streams, stands."""

    OPEN = "open"
    SEALED = "sealed"
    DIRTY = "dirty"
    EXPORTED = "exported"
    DROPPED = "dropped"


_IN_ORDER = list(DayState)
"""The least advanced of its streams is where a day stands."""


class StreamDay(Wire):
    """A day of one stream."""

    state: DayState = Field(
        description="`open`; `sealed`: its grace is over; `exported`: the lake has it; `dirty`: and readings came in "
        "since; `dropped`: the lake alone has it.",
        examples=["exported"],
    )
    version: int = Field(description="Of its export; 0: none.", examples=[1])
    readings: int | None = Field(description="In that export; null where there is none.", examples=[14400000])
    devices: int | None = Field(description="Of which these readings are.", examples=[10000])
    late_readings: int = Field(description="Stored hours after the day had ended, or by an import.", examples=[124])
    first_at: Instant | None = Field(description="The earliest of these readings.")
    last_at: Instant | None = Field(description="The latest.")


class LedgerDay(Wire):
    """A UTC day."""

    day: date = Field(examples=["2026-02-08"])
    state: DayState = Field(description="That of the stream which is less far.", examples=["exported"])
    seal_after: Instant = Field(description="When it is, or was, closed: its end and a grace.")
    is_waiting: bool = Field(description="Whether it is to be built again.", examples=[False])
    release: int | None = Field(description="What readers of the lake see of it; null: nothing yet.", examples=[2])
    released_at: Instant | None
    restatement: str | None = Field(
        description="What the newest restatement changed of numbers that readers had seen.", examples=[None]
    )
    meter_readings: StreamDay | None
    vehicle_readings: StreamDay | None

    @classmethod
    def of(cls, day: date, rows: Sequence[Row]) -> "LedgerDay":
        """The rows of ``list_days`` of one day, one a stream."""
        first = rows[0]
        streams = {row["stream"]: _stream(row) for row in rows}
        seal_after: datetime = max(row["seal_after"] for row in rows)
        return cls(
            day=day,
            state=min((stream.state for stream in streams.values()), key=_IN_ORDER.index),
            seal_after=seal_after,
            is_waiting=bool(first["is_waiting"]),
            release=first["release"],
            released_at=first["released_at"],
            restatement=first["restatement"],
            meter_readings=streams.get(Stream.METER_READINGS),
            vehicle_readings=streams.get(Stream.VEHICLE_READINGS),
        )


class LedgerDays(Wire):
    """A page of days, newest first."""

    items: list[LedgerDay]
    next_cursor: str | None = Field(description="Ask again with this as `cursor`; null on the last page.")


def _stream(row: Row) -> StreamDay:
    is_dirty = row["state"] == PartitionState.EXPORTED and row["late_row_count"] != row["exported_late_row_count"]
    return StreamDay(
        state=DayState.DIRTY if is_dirty else DayState(row["state"]),
        version=row["version"] or 0,
        readings=row["row_count"],
        devices=row["device_count"],
        late_readings=row["late_row_count"],
        first_at=row["first_ts"],
        last_at=row["last_ts"],
    )
