"""The AC of a vehicle comes from the meter that was mapped to it at that time."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.factories import now_s
from tests.integration.ingest_api.charging import DAY, Charging, even
from tests.integration.ingest_api.site import Site, assert_problem, new_id

HOUR = timedelta(hours=1)


@pytest.fixture
def charging(site: Site) -> Charging:
    """A vehicle that nothing maps yet."""
    return Charging(site)


class TestMappingChange:
    """Meter A counts 1 kWh an hour, meter B 2; both all day, whoever they feed."""

    @pytest.fixture
    def meters(self, charging: Charging) -> tuple[str, str]:
        first, second = charging.meter, new_id("meter")
        charging.expect_hourly(f"meters/{second}")
        charging.map(first)
        charging.ac(even(23), first)
        charging.ac(even(46), second)
        charging.dc(even(23))
        return first, second

    @pytest.mark.parametrize(
        ("change", "ac_kwh"),
        [
            (12.5, 12 * 1 + 11 * 2),  # 13:00 is the first sample of B; its step began at 12:00
            (12.0, 11 * 1 + 12 * 2),  # a step belongs to the mapping that holds at its later sample
            (12.0001, 12 * 1 + 11 * 2),
            (23.5, 23 * 1),
            (0.0, 23 * 2),
        ],
    )
    def test_each_step_belongs_to_the_mapping_that_holds_at_its_later_sample(
        self, charging: Charging, meters: tuple[str, str], change: float, ac_kwh: float
    ) -> None:
        charging.map(meters[1], DAY + change * HOUR)
        answer = charging.answer()
        assert (answer["acKwh"], answer["dcKwh"]) == (ac_kwh, 23)
        assert (answer["acCoverage"], answer["dcCoverage"]) == (1, 1)
        assert answer["flags"] == {}
        assert answer["efficiencyRatio"] == round(23 / ac_kwh, 4)
        assert answer["meterId"] == meters[1]
        assert answer["meterIds"] == ([*meters] if change else [meters[1]])

    def test_a_change_after_the_window_does_not_show(self, charging: Charging, meters: tuple[str, str]) -> None:
        charging.map(meters[1], DAY + 24 * HOUR)
        answer = charging.answer()
        assert (answer["acKwh"], answer["meterId"], answer["meterIds"]) == (23, meters[0], [meters[0]])

    def test_there_and_back_again_names_each_meter_once(self, charging: Charging, meters: tuple[str, str]) -> None:
        charging.map(meters[1], DAY + 8.5 * HOUR)
        charging.map(meters[0], DAY + 16.5 * HOUR)
        answer = charging.answer()
        assert answer["acKwh"] == 8 * 1 + 8 * 2 + 7 * 1
        assert (answer["meterId"], answer["meterIds"], answer["flags"]) == (meters[0], [*meters], {})


class TestPartlyMapped:
    def test_where_no_mapping_holds_neither_side_counts(self, charging: Charging) -> None:
        charging.map(valid_from=DAY + 12.5 * HOUR)
        charging.ac(even(23))
        charging.dc(even(23), temperatures=[10.0] * 13 + [20.0] * 11)
        answer = charging.answer()
        assert (answer["acKwh"], answer["dcKwh"], answer["avgBatteryTemp"]) == (11, 11, 20)
        assert (answer["acCoverage"], answer["dcCoverage"]) == (0.458, 0.458)
        assert answer["flags"] == {"partly_mapped": 1, "low_coverage": 2}
        assert (answer["meterId"], answer["status"]) == (charging.meter, "ok")

    def test_a_mapping_that_has_ended_is_no_longer_the_meter_at_the_windows_end(
        self, charging: Charging, site: Site
    ) -> None:
        mapping = charging.map()
        site.client.delete(f"/v1/mappings/{mapping}")
        answer = charging.answer(now_s() + timedelta(minutes=2), hours=2)
        assert (answer["meterId"], answer["meterIds"]) == (None, [charging.meter])
        assert answer["flags"] == {"partly_mapped": 1, "low_coverage": 2}

    def test_a_gap_between_two_mappings_counts_for_nobody(self, charging: Charging, site: Site) -> None:
        charging.map(valid_from=DAY + 16.5 * HOUR)
        site.connection.execute(
            "INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from, valid_to) "
            "SELECT vehicle_id, meter_id, '1970-01-01Z', %s FROM vehicles, meters "
            "WHERE vehicles.external_id = %s AND meters.external_id = %s",
            [DAY + 8.5 * HOUR, charging.vehicle, charging.meter],
        )
        charging.ac(even(23))
        charging.dc(even(23))
        answer = charging.answer()
        assert (answer["acKwh"], answer["dcKwh"]) == (8 + 7, 8 + 7)
        assert answer["flags"] == {"partly_mapped": 1, "low_coverage": 2}
        assert answer["meterIds"] == [charging.meter]

    @pytest.mark.parametrize("when", [DAY + 24 * HOUR, datetime.now(UTC) + timedelta(days=30)])
    def test_a_vehicle_that_was_not_mapped_in_the_window_at_all(self, charging: Charging, when: datetime) -> None:
        assert_problem(charging.ask(), 404, "vehicle_not_mapped")
        charging.dc(even(23))
        charging.map(valid_from=when)
        assert_problem(charging.ask(), 404, "vehicle_not_mapped")


class TestSharedMeter:
    @pytest.fixture
    def mapped(self, charging: Charging) -> Charging:
        charging.map()
        return charging

    def test_two_vehicles_on_one_meter_have_no_ratio(self, mapped: Charging) -> None:
        mapped.map(vehicle=new_id("veh"), valid_from=DAY + 23 * HOUR)
        mapped.ac(even(23))
        mapped.dc(even(20))
        answer = mapped.answer()
        assert (answer["acKwh"], answer["dcKwh"]) == (23, 20)
        assert (answer["efficiencyRatio"], answer["status"]) == (None, "shared_meter")

    def test_before_and_after_one_another_they_have(self, mapped: Charging) -> None:
        mapped.map(vehicle=new_id("veh"), valid_from=DAY + 24 * HOUR)
        mapped.map(meter=new_id("meter"), valid_from=DAY + 30 * HOUR)
        mapped.ac(even(23))
        mapped.dc(even(20))
        assert mapped.answer()["status"] == "ok"

    def test_one_takes_over_where_the_other_ends(self, mapped: Charging) -> None:
        """The meter goes from one vehicle to the next at noon: at no instant is it shared."""
        mapped.map(meter=new_id("meter"), valid_from=DAY + 12 * HOUR)
        mapped.map(vehicle=new_id("veh"), valid_from=DAY + 12 * HOUR)
        mapped.ac(even(23))
        mapped.dc(even(23))
        answer = mapped.answer()
        assert (answer["acKwh"], answer["status"]) == (11, "ok")
        assert answer["flags"]["edge_mismatch"] == 1  # the second meter is silent: half a day compares with nothing

    def test_comes_after_no_readings_and_no_ac(self, mapped: Charging) -> None:
        mapped.map(vehicle=new_id("veh"), valid_from=DAY)
        assert mapped.answer()["status"] == "no_readings"
        mapped.ac(even(0))
        assert mapped.answer()["status"] == "no_readings"
        mapped.dc(even(20))
        assert mapped.answer()["status"] == "no_ac"
