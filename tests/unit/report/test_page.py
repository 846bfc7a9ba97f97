"""The page of a report, from facts that are written down: what it says, in which order, and that all is escaped."""

import re
from datetime import date, timedelta
from html.parser import HTMLParser
from typing import Any

import polars as pl
import pytest
from markupsafe import Markup

from tests.unit.report.made_facts import GAPS, LAST, LOSSES, PAIRS, STANDBY, facts, fault, finding, fleet_days
from warehouse.report.lake_facts import Facts
from warehouse.report.page import report_page
from warehouse.report.period import Length, Period

VOID = {"meta", "br", "link"}
EVIL = "<script>alert('1')</script>&\"'<img src=x onerror=alert(1)>"


class _Read(HTMLParser):
    """The text of a page and its tags, each of which must be closed by itself."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.pieces.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.pieces))


def read(found: Facts, pictures: dict[str, Markup] | None = None) -> _Read:
    return _Read(report_page(found, pictures or {}, "Made from files of then."))


def text_of(*findings: dict[str, Any], **others: Any) -> str:
    return read(facts(findings, **others)).text


def test_it_says_what_is_new_what_it_costs_and_whose_it_is() -> None:
    said = text_of(finding())
    assert "Charging losses, 2 to 8 February 2026" in said
    assert "1 loss is open. It costs 20.00 EUR, 40.0 kWh, a month." in said
    assert "12.0 kWh (10.0 kWh to 14.0 kWh), 6.00 EUR" in said
    assert "4 February 2026, between 3 Feb 20:00 and 5 Feb 20:00 UTC" in said
    assert "Undecided: its charges do not say yet" in said
    assert "All that was metered cost 350 EUR, at 0.50 EUR a kWh; 7.00 EUR of it flowed between charges." in said


def test_it_loads_nothing_and_runs_nothing() -> None:
    page = read(facts([finding()]))
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        assert not {name for name in attributes if name.startswith("on") or name in ("src", "href", "srcset")}
    text = report_page(facts([finding()]), {}, "")
    assert re.findall(r"url\(|@import|https?://(?!www\.w3\.org/)", text) == []


def test_what_people_wrote_is_shown_as_they_wrote_it() -> None:
    names = {
        "vehicle_name": EVIL,
        "meter_name": EVIL,
        "vehicle_external_id": f"v{EVIL}",
        "meter_external_id": f"m{EVIL}",
    }
    evil = {**names, "detail": EVIL, "deciding_test": EVIL, "why_undecided": EVIL, "currency": EVIL}
    gaps = pl.DataFrame([("meter", EVIL, EVIL, 1, 60.0, None, 1.0)], GAPS, orient="row")
    standby = pl.DataFrame([(EVIL, EVIL, 1.0, 10.0, 100.0)], STANDBY, orient="row")
    found = facts(
        [finding("1", **evil), fault("2", **evil), finding("3", state="closed", closed_on=LAST, **evil)],
        gaps=gaps,
        standby=standby,
        fleet_days=fleet_days(currency=EVIL),
    )
    page = read(found)
    plain = {tag for tag, _ in read(facts([finding(), fault()])).tags}
    assert {tag for tag, _ in page.tags} <= plain | {"h3"}
    assert page.text.count(EVIL) > 10
    assert EVIL not in report_page(found, {}, "")


def test_the_ten_to_repair_first_are_sorted_by_money_then_by_energy() -> None:
    found = [
        finding("unknown", vehicle_external_id="unknown", cost_per_month=None, kwh_per_month=None),
        finding("energy", vehicle_external_id="energy", cost_per_month=None, kwh_per_month=900.0),
        *(finding(f"{n}", vehicle_external_id=f"van{n:02}", cost_per_month=float(n)) for n in range(12)),
        finding("b", vehicle_external_id="more", cost_per_month=5.0, kwh_per_month=50.0),
    ]
    said = text_of(*found)
    shown = re.findall(r" (\d+)\. (\S+) at dock-1 warning", said)
    names = ["van11", "van10", "van09", "van08", "van07", "van06", "more", "van05", "van04", "van03"]
    assert shown == [(str(place), name) for place, name in enumerate(names, start=1)]
    assert "The ten to repair first" in said
    others = said[said.index("The others") : said.index("Quality of the data")]
    assert re.findall(r"(\S+) at dock-1", others) == ["van02", "van01", "van00", "energy", "unknown"]
    assert "How much 1 of them loses is not known." in said


def test_a_price_of_nothing_is_a_price_and_none_is_not() -> None:
    free = text_of(finding(cost=0.0, cost_per_month=0.0), fleet_days=fleet_days(0.0))
    assert "It costs 0.00 EUR, 40.0 kWh, a month." in free
    assert "cost 0.00 EUR, at 0.00 EUR a kWh" in free
    unknown = text_of(
        finding(cost=None, cost_per_month=None, currency=None),
        fleet_days=fleet_days(None, None),
        losses_by_day=pl.DataFrame([(LAST, 1, 40.0, None, None)], LOSSES, orient="row"),
    )
    assert "It costs 40.0 kWh a month." in unknown
    assert "no price is known" in unknown
    assert "For 7 days no price is known" in unknown
    assert "A month of what was open on each day, kWh" in unknown
    assert "EUR" not in unknown


def test_faults_of_the_data_are_told_apart_from_losses() -> None:
    found = [
        fault("8"),
        fault("9", rule="R9", subject_kind="meter", detail="silent"),
        fault("9b", rule="R9"),
        finding(),
    ]
    said = text_of(*found)
    repair, quality = said.split("Quality of the data")
    assert "1 loss is open" in said
    assert "an hour behind" not in repair
    assert "Silent (R9): 2" in quality
    assert "Clock is off (R8): 1" in quality
    assert quality.index("(R9)") < quality.index("(R8)")


def test_300_findings_are_a_page_of_ten_with_the_rest_counted() -> None:
    found = [finding(f"{n}", vehicle_external_id=f"van-{n}", cost_per_month=float(n)) for n in range(300)]
    found += [fault(f"f{n}", vehicle_external_id=f"bus-{n}") for n in range(300)]
    pictures = {f"{n}": Markup("<svg></svg>") for n in range(300)}
    page = report_page(facts(found), pictures, "")
    assert page.count("<article") == 10
    assert len(page) < 200_000
    said = read(facts(found), pictures).text
    assert "300 losses are open." in said
    assert "270 more: fleetwatt query" in said
    assert "Clock is off (R8): 300" in said
    assert "290 more: fleetwatt query" in said


@pytest.mark.parametrize(
    ("values", "told_before", "is_new"),
    [
        ({"opened_on": LAST - timedelta(days=6)}, (), True),
        ({"opened_on": LAST - timedelta(days=7)}, (), False),
        ({"opened_on": LAST}, ("one",), False),
        ({"opened_on": LAST, "state": "suspected"}, (), False),
    ],
    ids=["first day", "day before", "of a rule that tells it anew each week", "suspected"],
)
def test_new_is_what_opened_in_the_period(values: dict[str, Any], told_before: tuple[str, ...], is_new: bool) -> None:
    said = text_of(finding(**values), told_before=told_before)
    assert ("Nothing opened in these days." not in said) == is_new


def test_what_is_over_is_told_with_what_it_lost_and_is_no_repair() -> None:
    said = text_of(
        finding("1", state="closed", closed_on=LAST, vehicle_external_id="mended"),
        finding("2", state="accepted", closed_on=LAST, vehicle_external_id="normal"),
        finding("3", state="closed", closed_on=LAST - timedelta(days=7), vehicle_external_id="long-ago"),
    )
    over = said[said.index("Over since then") : said.index("What it costs")]
    assert re.findall(r"(\S+) at dock-1", over) == ["mended", "normal"]
    assert "accepted as normal" in over
    assert "long-ago" not in said
    assert "Nothing has to be repaired: no loss is open among the 1 pair that can be compared." in said


def test_a_suspicion_is_counted_and_in_no_sum() -> None:
    said = text_of(finding(state="suspected"))
    assert "No loss is open." in said
    assert "1 more pair is suspected of a loss" in said


def test_a_new_fleet_learns_why_nothing_is_found_and_from_when_on() -> None:
    pairs = pl.DataFrame([(4, LAST - timedelta(days=1))] * 3, PAIRS, orient="row")
    said = text_of(pairs=pairs, standby=pl.DataFrame(schema=STANDBY), losses_by_day=facts().losses_by_day.clear())
    assert "No of 3 pairs of vehicle and charger can be compared yet." not in said
    assert "None of 3 pairs of vehicle and charger can be compared yet." in said
    assert "A pair needs 17 charges: 14 to learn what is usual, and 3 to differ from that." in said
    assert f"half of the pairs have them by {LAST + timedelta(days=7):%-d %B %Y}." in said
    assert "No meter had idle time" in said


def test_a_fleet_without_a_charge_learns_what_is_missing() -> None:
    said = text_of(pairs=pl.DataFrame(schema=PAIRS))
    assert "Nothing can be compared yet." in said
    assert "mappings are set" in said


def test_a_fleet_that_can_be_compared_is_told_nothing_of_that() -> None:
    assert "can be compared yet" not in text_of()


def test_days_that_were_built_before_there_were_findings_say_what_to_do() -> None:
    said = text_of(has_findings=False)
    assert "fleetwatt models build -s findings --missing" in said
    assert "Nothing has to be repaired" not in said
    assert "No fault of the data is open" not in said


def test_days_that_are_missing_and_energy_of_nobody_are_told() -> None:
    found = fleet_days(days=5).with_columns(unmapped_ac_kwh=pl.lit(3.0))
    said = text_of(fleet_days=found)
    assert "2 days of the period are not in the lake, and in none of these figures: 2 Feb, 3 Feb." in said
    assert "Nobody's: 15.0 kWh were counted" in said


@pytest.mark.parametrize("length", Length)
def test_each_length_has_its_title_and_says_how_it_is_made_again(length: Length) -> None:
    period = Period.ending(length, LAST)
    said = text_of(finding(), period=period)
    assert f"Charging losses, {period.words}" in said
    assert f"fleetwatt report --{length} --until 2026-02-08" in said


def test_the_same_facts_are_the_same_page() -> None:
    found = [finding(f"{n}", cost_per_month=1.0) for n in range(30)]
    assert report_page(facts(found), {}, "") == report_page(facts(reversed(found)), {}, "")


@pytest.mark.parametrize(
    ("prices", "unit"),
    [
        ([(20.0, "EUR"), (30.0, "EUR")], "EUR"),
        ([(20.0, "EUR"), (30.0, "CHF")], "kWh"),
        ([(20.0, "EUR"), (None, None)], "kWh"),
        ([(0.0, "EUR"), (0.0, "EUR")], "kWh"),
        ([(None, None), (None, None)], "kWh"),
    ],
)
def test_days_whose_costs_cannot_be_compared_are_compared_by_energy(
    prices: list[tuple[float | None, str | None]], unit: str
) -> None:
    rows = [(LAST - timedelta(days=1 - number), 1, 40.0, *price) for number, price in enumerate(prices)]
    found = pl.DataFrame([(LAST - timedelta(days=2), None, None, None, None), *rows], LOSSES, orient="row")
    assert f"A month of what was open on each day, {unit}" in report_page(facts(losses_by_day=found), {}, "")


def test_a_day_without_a_price_beside_days_with_one() -> None:
    both = pl.concat([fleet_days(days=7).head(3), fleet_days(None, None, days=4)])
    said = text_of(fleet_days=both, days=both["day"].to_list())
    assert "All that was metered cost 150 EUR" in said
    assert "For 4 days no price is known" in said
    assert date(2026, 2, 2) in both["day"].to_list()
