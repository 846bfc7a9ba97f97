"""Numbers, names and causes as a report writes them."""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from tests.markdown import ROOT
from tests.unit.report.made_facts import LAST, PAIRS, finding, frame_of
from warehouse.report import words
from warehouse.report.blame import Blame, blame
from warehouse.report.method import MEASURED, SENTENCES
from warehouse.report.new_fleet import Readiness, readiness


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (words.kwh(None), "not known"),
        (words.kwh(0.0), "0.0 kWh"),
        (words.kwh(8.44), "8.4 kWh"),
        (words.kwh(12345.6), "12,346 kWh"),
        (words.money(None, "EUR"), "not known"),
        (words.money(0.0, "EUR"), "0.00 EUR"),
        (words.money(12.4, "EUR"), "12.40 EUR"),
        (words.money(1234.5, "CHF"), "1,234 CHF"),
        (words.money(1.0, None), "1.00"),
        (words.price(0.3), "0.30"),
        (words.price(0.2875), "0.2875"),
        (words.price(0.0), "0.00"),
        (words.probability(0.974), "97 %"),
        (words.probability(0.9999), "more than 99 %"),
        (words.duration(45.0), "45 min"),
        (words.duration(210.0), "3.5 h"),
        (words.duration(3024.0), "2.1 days"),
        (words.device("dock-4", "Dock 4"), "Dock 4 (dock-4)"),
        (words.device("dock-4", None), "dock-4"),
        (words.device("dock-4", "dock-4"), "dock-4"),
        (words.device(None, None), "not known"),
        (words.device("dock-4", "\u202eevil\r\n\x1b[31m"), "\\u202eevil \\x1b[31m (dock-4)"),
        (words.device("dock-4", "W" * 200), f"{'W' * 77}... (dock-4)"),
    ],
)
def test_values_in_words(written: str, expected: str) -> None:
    assert written == expected


def blamed(**values: Any) -> Blame:
    (row,) = frame_of([finding(**values)]).iter_rows(named=True)
    return blame(row)


@pytest.mark.parametrize("cause", ["charger", "vehicle", "charger_or_car", "meter_reads_high", "dc_register_reads_low"])
def test_a_cause_is_told_with_its_probability(cause: str) -> None:
    told = blamed(cause=cause, cause_probability=0.95)
    assert told.is_decided
    assert (told.probability, told.text.endswith(".")) == ("95 %", True)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"why_undecided": "charges are too short to show a power"}, "charges are too short to show a power"),
        ({"cause_probability": 0.7}, "the most probable answer has 70 %, and is told from 90 % on"),
        ({}, "its charges do not say yet whether it is the charger, the car or a register"),
    ],
)
def test_what_is_undecided_says_why_and_what_would_decide(values: dict[str, Any], why: str) -> None:
    told = blamed(deciding_test="charge van-1 elsewhere", **values)
    assert told == Blame(f"Undecided: {why}.", "", "charge van-1 elsewhere", is_decided=False)


def test_a_leak_is_behind_its_meter() -> None:
    assert "behind the meter dock-1" in blamed(rule="R4", cause=None, subject_kind="meter").text


def test_the_method_has_ten_sentences() -> None:
    assert len(SENTENCES) == 10
    assert all(sentence.endswith(".") for sentence in SENTENCES)


@pytest.mark.parametrize("figure", sorted({each.figure for each in MEASURED}))
def test_a_measured_rate_is_what_the_page_prints(figure: str) -> None:
    """Who measures anew changes the page, and ``warehouse/report/method.py`` with it."""
    (source,) = {each.source for each in MEASURED if each.figure == figure}
    printed = (ROOT / source.page).read_text(encoding="utf-8").replace("\n", " ").replace(" | ", ", ")
    assert figure in printed
    assert source.command in printed


def pairs(*counts: tuple[int, int]) -> pl.DataFrame:
    """Of each pair its sessions, and for how many days it has some."""
    return pl.DataFrame([(count, LAST - timedelta(days=days - 1)) for count, days in counts], PAIRS, orient="row")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], Readiness(0, 0, 17, None)),
        ([(17, 17)], Readiness(1, 1, 17, None)),
        ([(16, 16)], Readiness(1, 0, 17, LAST + timedelta(days=1))),
        ([(1, 1), (17, 5), (40, 30)], Readiness(3, 2, 17, None)),
        ([(1, 1), (2, 2), (40, 30)], Readiness(3, 1, 17, LAST + timedelta(days=15))),
    ],
)
def test_when_half_of_the_pairs_can_be_compared(found: list[tuple[int, int]], expected: Readiness) -> None:
    assert readiness(pairs(*found), LAST) == expected
