"""The findings as people see them and work with them, alone and two at once."""

import pytest

from tests.pages.conftest import DESKTOP, PHONE, Fleet, Look, Theme
from tests.pages.looked import assert_all_is_well
from tests.pages.shown_fleet import MARKUP, finding_url

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
EVERYWHERE = pytest.mark.parametrize(
    ("width", "theme"), [(PHONE, "light"), (PHONE, "dark"), (DESKTOP, "light"), (DESKTOP, "dark")]
)


@EVERYWHERE
def test_the_list_and_one_of_it(fleet: Fleet, look: Look, width: int, theme: Theme) -> None:
    looked = look("/findings", width, theme)
    looked.keep(f"findings-{width}-{theme}")
    assert_all_is_well(looked, fleet.address)
    looked.page.click(".row >> nth=0")
    looked.page.wait_for_selector("#finding-title")
    assert looked.page.url.endswith(finding_url(fleet.connection, "loss"))
    assert looked.page.is_visible(".rows") is (width == DESKTOP), "on a narrow screen a finding stands alone"
    looked.keep(f"finding-{width}-{theme}")
    assert_all_is_well(looked, fleet.address)


def test_the_filter_is_in_the_address_and_outlives_a_reload(fleet: Fleet, look: Look) -> None:
    page = look("/findings").page
    page.select_option("select[name=rule]", "R1")
    page.wait_for_url("**/findings?rule=R1")
    expect(page.locator(".row")).to_have_count(2)
    page.select_option("select[name=severity]", "critical")
    page.wait_for_url("**/findings?severity=critical&rule=R1")
    expect(page.locator(".row")).to_have_count(1)
    page.reload()
    assert page.locator(".row").count() == 1
    assert page.input_value("select[name=rule]") == "R1"
    page.go_back()
    expect(page.locator(".row")).to_have_count(2)


def test_numbers_and_instants_are_the_readers(fleet: Fleet, look: Look) -> None:
    page = look(finding_url(fleet.connection, "loss")).page
    assert page.inner_text(".figures dd >> nth=0") == "€10.97"
    began = page.locator(".facts time").first
    assert began.inner_text().endswith(", 01:00"), "midnight of UTC, in Berlin in winter"
    assert began.get_attribute("title", timeout=1000).endswith("00:00:00 UTC")  # type: ignore[union-attr]


def test_names_are_text(fleet: Fleet, look: Look) -> None:
    looked = look(finding_url(fleet.connection, "clock"))
    assert looked.page.inner_text("#finding .whose") == f"vehicle {MARKUP}"
    assert_all_is_well(looked, fleet.address)


def test_a_person_says_who_they_are_and_acts(fleet: Fleet, look: Look) -> None:
    looked = look(finding_url(fleet.connection, "smaller"))
    page = looked.page
    page.click("button[data-act=acknowledge]")
    assert page.inner_text("#act-said.bad") == "Say who you are first."
    page.fill("#act-who", "ann")
    page.fill("textarea", "the <b>fan</b> is ordered")
    page.click("button[data-act=acknowledge]")
    expect(page.locator(".history li").first).to_contain_text("ann acknowledged it")
    assert page.inner_text(".history q") == "the <b>fan</b> is ordered"
    assert page.input_value("textarea") == ""
    page.click("button[data-act=snooze]")
    expect(page.locator(".state")).to_have_text("Snoozed")
    page.reload()
    assert page.input_value("#act-who") == "ann", "the name is remembered"
    assert_all_is_well(looked, fleet.address)


def test_two_people_see_each_others_changes_and_nothing_is_lost(fleet: Fleet, look: Look) -> None:
    path = finding_url(fleet.connection, "leak")
    ann, bob = look(path).page, look(path).page
    for page, name in ((ann, "ann"), (bob, "bob")):
        page.fill("#act-who", name)
    bob.fill("textarea", "what bob had to say")
    ann.click("button[data-act=acknowledge]")
    ann.wait_for_selector("#act-said.good")
    bob.click("button[data-act=resolve]")
    said = "Somebody was quicker: it is acknowledged now. Nothing of yours was stored, and your note is still here."
    assert bob.inner_text("#act-said.bad").startswith(said)
    expect(bob.locator(".history li").first).to_contain_text("ann acknowledged it")
    assert bob.input_value("textarea") == "what bob had to say"
    bob.click("button[data-act=resolve]")
    expect(bob.locator(".state")).to_have_text("Resolved")
    expect(ann.locator(".state")).to_have_text("Resolved")  # by itself
    assert "what bob had to say" in ann.inner_text(".history")


def test_everything_goes_by_keys(fleet: Fleet, look: Look) -> None:
    page = look("/findings").page
    page.keyboard.press("?")
    assert page.is_visible("#keys")
    page.keyboard.press("Escape")
    assert not page.is_visible("#keys")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("#finding-title")
    assert page.locator(".row").nth(1).get_attribute("aria-current") == "true"
    page.keyboard.press("Escape")
    page.wait_for_url("**/findings")
    page.keyboard.press("/")
    page.keyboard.type("dock-03")
    page.keyboard.press("Enter")
    page.wait_for_url("**/findings?subject=dock-03")


def test_what_is_shown_is_there_as_csv(fleet: Fleet, look: Look) -> None:
    page = look("/findings?rule=R1").page
    with page.expect_download() as download:
        page.click("[data-csv]")
    lines = download.value.path().read_text().splitlines()
    assert download.value.suggested_filename == "findings.csv"
    assert lines[0].startswith("id,rule,severity,state,subject,costPerMonth")
    assert len(lines) == 3


def test_a_server_that_is_gone_is_told_with_the_age_of_what_is_shown(fleet: Fleet, look: Look) -> None:
    page = look("/findings").page
    page.context.set_offline(True)
    page.keyboard.press("r")
    page.wait_for_selector("#stale:not([hidden])")
    assert "what you see is" in page.inner_text("#stale")
    assert page.locator(".row").count() > 0
    page.context.set_offline(False)
    page.wait_for_selector("#stale", state="hidden")  # by itself


def test_the_chosen_theme_is_kept(fleet: Fleet, look: Look) -> None:
    page = look("/findings", theme="light").page
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.check("input[value=dark]")
    assert page.evaluate(ground) != light
    page.reload()
    assert page.evaluate(ground) != light
    page.check("input[value=system]")
    assert page.evaluate(ground) == light
