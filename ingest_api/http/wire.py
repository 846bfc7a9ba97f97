"""How bodies are written: camel case, instants in UTC with milliseconds."""

import re
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar

from fastapi import Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel

from warehouse.contract.errors import InvalidRequestError
from warehouse.contract.partitions import EARLIEST_DAY, LATEST_DAY, midnight
from warehouse.contract.readings import DEVICE_ID_WORDS, InvalidReadingError, is_device_id, parse_timestamp

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_PLUS_LOST = re.compile(r"([Tt]\d\d:\d\d:\d\d(?:\.\d+)?) (\d\d:\d\d)$")


class Wire(BaseModel):
    """Base of every request and answer body: camel case in JSON, snake case in Python."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    told_by_clock: ClassVar[frozenset[str]] = frozenset()
    """Fields that change while nothing happens."""


NO_NUL = r"^[^\x00]*$"
"""A text that PostgreSQL can hold."""

OBJECT, ARRAY = BODY_SHAPES = ("<object>", "<array>")
"""What the shapes are called of a body that may be one thing or several; no field has such a name."""

ONLY_KNOWN_FIELDS = ConfigDict(json_schema_extra={"additionalProperties": False})
"""For a body with ``refuse_unknown_fields``: pydantic's own ``extra="forbid"`` would repeat the name."""


def refuse_unknown_fields(cls: type[Wire], data: Any) -> Any:
    """Refuse a field that would do nothing, for it may be another one misspelt; a model's validator, before others.

    Raises:
        ValueError: there is one.
    """
    known = sorted(field.alias for field in cls.model_fields.values() if field.alias)
    if isinstance(data, dict) and data.keys() - set(known):
        raise ValueError(f"a field is unknown; these can be given: {', '.join(known)}")
    return data


def read_rfc3339(value: object) -> datetime:
    """One notation of instants for the whole product; pydantic alone would read 5 as five seconds after 1970.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str):
        raise ValueError("an instant is a string")  # noqa: TRY004 - pydantic reports only a ValueError
    try:
        return parse_timestamp(value)
    except InvalidReadingError as error:
        raise ValueError(error.detail) from None


def read_day(value: object) -> date:
    """A UTC day, 1970 to 2200, as ``2026-02-08``; pydantic alone would read 5 as a day too.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, str) and _DAY(value):
        with suppress(ValueError):
            day = date.fromisoformat(value)
            if EARLIEST_DAY <= day <= LATEST_DAY:
                return day
    raise ValueError("expected a day from 1970 to 2200, as 2026-02-08")


def _with_its_plus(value: object) -> object:
    """A ``+`` that a client did not encode arrives as a blank: before an offset it can be nothing else."""
    return _PLUS_LOST.sub(r"\1+\2", value) if isinstance(value, str) else value


def _within_reach(ts: datetime) -> datetime:
    if not midnight(EARLIEST_DAY) <= ts <= midnight(LATEST_DAY):
        raise ValueError("the instant lies before 1970 or after 2200")
    return ts.astimezone(UTC)


def _milliseconds(ts: datetime) -> str:
    return ts.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _exact(ts: datetime) -> str:
    if ts.microsecond % 1000 == 0:
        return _milliseconds(ts)
    return ts.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


Instant = Annotated[AwareDatetime, PlainSerializer(_milliseconds, return_type=str)]
"""An aware instant in an answer, written in UTC: ``2026-02-08T04:00:00.000Z``."""

ExactInstant = Annotated[AwareDatetime, PlainSerializer(_exact, return_type=str)]
"""The same to the microsecond, where it has any: to be sent back as it is."""

SentInstant = Annotated[AwareDatetime, BeforeValidator(read_rfc3339), AfterValidator(_within_reach)]
"""An aware instant in a request, 1970 to 2200, in RFC 3339 as readings have it; in UTC from here on."""


AskedInstant = Annotated[SentInstant, BeforeValidator(_with_its_plus)]
"""The same in a URL's query."""

AskedDay = Annotated[date, BeforeValidator(read_day)]
"""A UTC day in a URL's query."""


def checked_device_id(device_id: str) -> str:
    """The id, if it is one.

    Raises:
        InvalidRequestError: it is none; the message does not repeat it.
    """
    if not is_device_id(device_id):
        raise InvalidRequestError(f"a device id is {DEVICE_ID_WORDS}")
    return device_id


def written(answer: Wire) -> Response:
    """A long answer, written at once: the framework would first check it, and then write it value by value."""
    return Response(answer.model_dump_json(by_alias=True), media_type="application/json")


def rounded(value: float | None, digits: int) -> float | None:
    """A number as it is shown: rounded when the answer is written, and nowhere before."""
    return None if value is None else round(value, digits) + 0.0  # -0.0 reads as a fault
