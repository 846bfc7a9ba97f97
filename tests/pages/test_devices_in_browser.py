"""Vehicles and meters, and one of either over time."""

import pytest

from tests.pages.conftest import DESKTOP, PHONE, Fleet, Look, Theme
from tests.pages.looked import assert_all_is_well

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect


@pytest.mark.parametrize(("width", "theme"), [(PHONE, "light"), (PHONE, "dark"), (DESKTOP, "light"), (DESKTOP, "dark")])
def test_a_vehicle_is_found_and_seen_over_time(fleet: Fleet, look: Look, width: int, theme: Theme) -> None:
    looked = look("/vehicles", width, theme)
    looked.keep(f"vehicles-{width}-{theme}")
    assert_all_is_well(looked, fleet.address)
    looked.page.fill("#search", "van-06")
    looked.page.keyboard.press("Enter")
    looked.page.click("td a >> text=van-06")
    expect(looked.page.locator("#series canvas")).to_have_count(4)
    looked.keep(f"vehicle-{width}-{theme}")
    assert_all_is_well(looked, fleet.address)


def test_a_range_is_in_the_address(fleet: Fleet, look: Look) -> None:
    looked = look("/meters/dock-06")
    looked.page.click("text=7 days")
    looked.page.wait_for_url("**/meters/dock-06?range=week")
    expect(looked.page.locator("#series canvas")).to_have_count(2)
    assert any("/v1/meters/dock-06/series?" in each for each in looked.requests)
    assert_all_is_well(looked, fleet.address)


def test_without_readings_it_says_so(fleet: Fleet, look: Look) -> None:
    assert fleet.client.patch("/v1/vehicles/new-one", json={"displayName": "new"}).status_code == 200
    looked = look("/vehicles/new-one")
    expect(looked.page.locator("#series")).to_have_text("Nothing was measured in this time.")
    assert_all_is_well(looked, fleet.address)
