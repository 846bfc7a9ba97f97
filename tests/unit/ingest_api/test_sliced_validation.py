"""Large doubtful bodies are validated in slices: everybody else has the loop in between, and nothing else changes."""

import asyncio
import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest

from ingest_api.telemetry import sliced_validation
from ingest_api.telemetry.sliced_validation import SlicedValidation
from warehouse.contract.readings import AcceptedWindow
from warehouse.decoding.telemetry import Steps, Telemetry, TooManyItemsError, body_in_steps, decode_body, decode_lines
from warehouse.decoding.telemetry import lines_in_steps as in_steps

NOW = datetime(2026, 2, 8, 12, tzinfo=UTC)
WINDOW = AcceptedWindow.around(NOW, age=timedelta(days=7), ahead=timedelta(minutes=5))
GOOD = b'{"meterId":"m","kwhConsumedAc":1,"voltage":null,"timestamp":"2026-02-08T12:00:00Z"}'
OTHERWISE = b'{"meterId":"m","kwhConsumedAc":1,"voltage":null,"timestamp":"2026-02-08T12:00:00.5Z"}'
BAD = b'{"meterId":"m","kwhConsumedAc":-1,"voltage":null,"timestamp":"2026-02-08T12:00:00Z"}'
DOUBTFUL = [GOOD, BAD, b"", OTHERWISE, b"{", BAD.replace(b"-1", b"1e400")] * 200
ITEMS = [line for line in DOUBTFUL if line not in (b"", b"{")]


def array(items: list[bytes]) -> bytes:
    return b"[" + b",".join(items) + b"]"


def number_of(steps: Steps) -> int:
    """How often it can be left alone."""
    return len(list(steps))


def found_in(telemetry: Telemetry) -> tuple[object, ...]:
    return telemetry.readings, telemetry.indexes, telemetry.rejections, telemetry.columns, telemetry.is_batch


async def turns_until(validated: "asyncio.Future[Telemetry]") -> int:
    """How often somebody else has the loop before it is validated."""
    turns = 0
    while not validated.done():
        await asyncio.sleep(0)
        turns += 1
    return turns


@pytest.mark.parametrize(
    ("steps", "at_once"),
    [
        (lambda: in_steps(DOUBTFUL, WINDOW), lambda: decode_lines(DOUBTFUL, WINDOW)),
        (lambda: body_in_steps(array(ITEMS), WINDOW), lambda: decode_body(array(ITEMS), WINDOW)),
    ],
    ids=["lines", "array"],
)
def test_others_have_the_loop_and_what_is_found_is_the_same(
    monkeypatch: pytest.MonkeyPatch, steps: object, at_once: object
) -> None:
    monkeypatch.setattr(sliced_validation, "_take_a_slice", next)  # a step a slice

    async def validate() -> tuple[Telemetry, int]:
        validated = asyncio.ensure_future(SlicedValidation().validate(steps()))  # type: ignore[operator]
        return await asyncio.gather(validated, turns_until(validated))

    telemetry, turns = asyncio.run(validate())
    assert turns >= 8
    assert found_in(telemetry) == found_in(at_once())  # type: ignore[operator]


def test_a_slice_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = itertools.count()
    now = "ingest_api.telemetry.sliced_validation.time.monotonic"
    monkeypatch.setattr(now, lambda: next(looks) * sliced_validation.SLICE_S / 4)
    steps = in_steps(DOUBTFUL * 10, WINDOW)
    next(steps)
    sliced_validation._take_a_slice(steps)
    left = number_of(steps)
    assert number_of(in_steps(DOUBTFUL * 10, WINDOW)) - 1 - left == 3


@pytest.mark.parametrize(
    "steps",
    [
        in_steps([GOOD] * 10_000, WINDOW),
        body_in_steps(array([GOOD] * 10_000), WINDOW),
        in_steps(DOUBTFUL[:6], WINDOW),
        body_in_steps(array(ITEMS[:6]), WINDOW),
        body_in_steps(GOOD, WINDOW),
        body_in_steps(BAD, WINDOW),
        in_steps([], WINDOW),
    ],
    ids=["clean lines", "clean array", "few lines", "few items", "one", "one bad", "nothing"],
)
def test_what_is_clean_or_small_is_one_step(steps: Steps) -> None:
    assert number_of(steps) == 0


def test_long_lines_are_a_step_each() -> None:
    long = GOOD.replace(b"{", b'{"x":"' + b"x" * 100_000 + b'",')
    assert number_of(in_steps([long, BAD] * 20, WINDOW)) >= 39


def test_blank_lines_do_not_make_a_step_longer() -> None:
    assert number_of(in_steps([b""] * 10_000, WINDOW)) >= 99


def test_one_body_is_validated_at_a_time_and_small_ones_do_not_wait_for_it() -> None:
    ended: list[str] = []

    async def validate(validation: SlicedValidation, name: str, steps: Steps) -> None:
        await validation.validate(steps)
        ended.append(name)

    async def all_at_once() -> None:
        one = SlicedValidation()
        await asyncio.gather(
            validate(one, "first", in_steps(DOUBTFUL * 20, WINDOW)),
            validate(one, "second", in_steps(DOUBTFUL, WINDOW)),
            validate(one, "clean", in_steps([GOOD] * 100, WINDOW)),
            validate(one, "single", body_in_steps(BAD, WINDOW)),
        )

    asyncio.run(all_at_once())
    assert ended == ["clean", "single", "first", "second"]


def test_who_gives_up_leaves_the_turn_to_the_next() -> None:
    async def give_up() -> Telemetry:
        one = SlicedValidation()
        first = asyncio.ensure_future(one.validate(in_steps(DOUBTFUL * 20, WINDOW)))
        waiting = asyncio.ensure_future(one.validate(in_steps(DOUBTFUL * 20, WINDOW)))
        last = asyncio.ensure_future(one.validate(in_steps(DOUBTFUL, WINDOW)))
        await asyncio.sleep(0)
        first.cancel()
        waiting.cancel()
        results = await asyncio.gather(first, waiting, last, return_exceptions=True)
        assert [type(each) for each in results] == [asyncio.CancelledError, asyncio.CancelledError, Telemetry]
        return last.result()

    assert len(asyncio.run(give_up())) == len(DOUBTFUL) - DOUBTFUL.count(b"")


def test_what_is_wrong_with_the_body_is_raised() -> None:
    with pytest.raises(TooManyItemsError):
        asyncio.run(SlicedValidation().validate(body_in_steps(json.dumps([1] * 5000).encode(), WINDOW, max_items=100)))
