"""The fleet at a glance, and an empty one that waits for its first reading."""

from contextlib import ExitStack

import pytest

from tests.conftest import fresh_database, serving
from tests.factories import meter_payload, vehicle_payload
from tests.pages.conftest import DESKTOP, PHONE, Fleet, Look, Theme
from tests.pages.looked import assert_all_is_well

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
EVERYWHERE = pytest.mark.parametrize(
    ("width", "theme"), [(PHONE, "light"), (PHONE, "dark"), (DESKTOP, "light"), (DESKTOP, "dark")]
)


@EVERYWHERE
def test_the_fleet_is_seen_at_a_glance(fleet: Fleet, look: Look, width: int, theme: Theme) -> None:
    looked = look("/", width, theme)
    looked.keep(f"fleet-{width}-{theme}")
    assert looked.page.inner_text(".hero-figure").endswith("%")
    assert looked.page.locator(".first .row").count() >= 3
    days = looked.page.locator(".strip li")
    counts = looked.page.locator(".key-of-days strong").all_inner_texts()
    assert days.count() == sum(int(each) for each in counts) > 1
    assert_all_is_well(looked, fleet.address)
    looked.page.click(".first .row >> nth=0")
    looked.page.wait_for_selector("#finding-title")


def test_an_empty_fleet_sees_its_first_reading_come(look: Look, server_url: str, template: str, fleet: Fleet) -> None:
    with ExitStack() as stack:
        client = stack.enter_context(serving(database_url=stack.enter_context(fresh_database(server_url, template))))
        looked = look("/", DESKTOP, "light", str(client.base_url).rstrip("/"))
        looked.keep("getting-started")
        assert str(client.base_url).rstrip("/") in looked.page.inner_text("pre >> nth=0")
        assert client.post("/v1/telemetry", json=meter_payload()).status_code == 201
        expect(looked.page.locator(".steps .good")).to_have_count(1)  # by itself
        assert client.post("/v1/telemetry", json=vehicle_payload()).status_code == 201
        expect(looked.page.locator(".steps .good")).to_have_count(2)
        mapping = {"vehicleId": "veh-1", "meterId": "meter-1"}
        assert client.post("/v1/mappings", json=mapping).status_code == 201
        expect(looked.page.locator(".hero-figure")).to_be_visible()
