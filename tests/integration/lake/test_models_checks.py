"""The checks of the data: silent on a right day, and each says in plain words what is wrong on a wrong one."""

from pathlib import Path

import pytest

from tests.integration.lake.hand_made_lake import CATALOG, DAY, HandMadeLake, at
from tests.lake_folder import newest_file
from warehouse.lake.models import check_day


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> HandMadeLake:
    """Two pairs. The second meter was never heard of before; the second vehicle reports intervals and has a gap."""
    lake = HandMadeLake(tmp_path_factory.mktemp("untouched") / "lake")
    lake.device("vehicle", 2, energy_kind="interval")
    lake.device("meter", 2)
    lake.map(2, 2)
    lake.pairs(1)
    registers = {
        ("meter", 1): [("01:00", 101.0), ("02:30", 103.0)],
        ("vehicle", 1): [("01:00", 50.9), ("02:30", 52.7)],
        ("meter", 2): [("01:00", 7.0), ("02:30", 9.0)],
        ("vehicle", 2): [("01:00", 0.4), ("02:30", 1.3)],
    }
    energies = {
        ("meter", 1): (1.0, 2.0),
        ("vehicle", 1): (0.9, 1.8),
        ("meter", 2): (0.0, 2.0),
        ("vehicle", 2): (0.4, 1.3),
    }
    for (kind, number), samples in registers.items():
        for clock, kwh in samples:
            lake.add(f"{kind}_readings", **{f"{kind}_id": number}, ts=at(clock), kwh=kwh)
        lake.add("device_last", kind=kind, device_id=number, ts=at("02:30"), kwh=samples[-1][1])
        for hour, kwh in zip((1, 2), energies[kind, number], strict=True):
            lake.energy(kind, number, hour, kwh, reading_count=1, gap_count=int((kind, hour) == ("meter", 2)))
    for kind, kwh in (("meter", 100.0), ("vehicle", 50.0)):
        lake.add("carried_samples", kind=kind, device_id=1, ts=at("23:00"), kwh=kwh)
    for number, before_kwh, kwh in ((1, 101.0, 103.0), (2, 7.0, 9.0)):
        step = {"ts": at("02:30"), "before_ts": at("01:00"), "before_kwh": before_kwh, "kwh": kwh, "energy_kwh": 2.0}
        lake.add("flagged_steps", kind="meter", device_id=number, flag="gap", **step)
    lake.write()
    lake.build()
    return lake


@pytest.fixture
def right_day(untouched: HandMadeLake, tmp_path: Path) -> HandMadeLake:
    return untouched.copy(tmp_path / "lake")


def test_a_right_day_passes_every_check(right_day: HandMadeLake) -> None:
    assert right_day.failing() == {}


@pytest.mark.parametrize(
    ("changed", "select", "checked", "check", "sentence"),
    [
        pytest.param(
            "hourly_energy",
            "SELECT * REPLACE (energy_kwh + 0.5 AS energy_kwh) FROM file",
            "hourly_energy",
            "hourly_energy_is_conserved",
            "hours add up to what its register shows at the day's end less what it showed before the day",
            id="energy made up",
        ),
        pytest.param(
            "hourly_energy",
            "FROM file WHERE NOT (kind = 'vehicle' AND device_id = 2 AND energy_kwh = 0.4)",
            "hourly_energy",
            "hourly_energy_is_conserved",
            "hours add up to what its register shows",
            id="an hour of an interval device lost",
        ),
        pytest.param(
            "device_last",
            "SELECT * REPLACE (kwh + 0.001 AS kwh) FROM file",
            "hourly_energy",
            "hourly_energy_is_conserved",
            "hours add up to what its register shows",
            id="the midnight step lost",
        ),
        pytest.param(
            "hourly_energy",
            "SELECT * REPLACE (reading_count + 1 AS reading_count) FROM file",
            "hourly_energy",
            "every_reading_is_counted",
            "count as many readings as were exported",
            id="readings counted twice",
        ),
        pytest.param(
            "hourly_energy",
            "SELECT * REPLACE (device_id + 90 AS device_id) FROM file",
            "hourly_energy",
            "relationships_device_id_meters",
            "each device_id of hourly_energy with kind meter is a meter_id of meters",
            id="unknown devices",
        ),
        pytest.param(
            "flagged_steps",
            "FROM file WHERE device_id = 1",
            "flagged_steps",
            "flags_have_their_steps",
            "as many flagged steps of each flag as its hours count",
            id="evidence lost",
        ),
        pytest.param(
            "flagged_steps",
            "SELECT * REPLACE ('gasp' AS flag) FROM file",
            "flagged_steps",
            "accepted_values_flag",
            "flag of flagged_steps is one of glitch, dip, jump, rollover, reset, rebase, gap",
            id="unknown flag",
        ),
        pytest.param(
            "meters",
            "SELECT * REPLACE ('meter-1' AS external_id) FROM file",
            "meters",
            "unique_external_id",
            "no two rows of meters have the same external_id",
            id="two meters of one name",
        ),
        pytest.param(
            "hourly_vehicle_efficiency",
            "SELECT * REPLACE (ac_kwh * 1.01 AS ac_kwh) FROM file",
            "hourly_vehicle_efficiency",
            "mapped_energy_is_booked",
            "one mapping holds for the whole day has all the DC it took and all the AC its meter counted",
            id="AC of nobody",
        ),
        pytest.param(
            "hourly_vehicle_efficiency",
            "SELECT * REPLACE (-dc_kwh AS dc_kwh) FROM file",
            "hourly_vehicle_efficiency",
            "negative_energy_has_a_dip",
            "Energy is negative only where a register stepped back",
            id="negative for no reason",
        ),
        pytest.param(
            "hourly_vehicle_efficiency",
            "SELECT * REPLACE (dc_coverage_ratio + 1 AS dc_coverage_ratio) FROM file",
            "hourly_vehicle_efficiency",
            "accepted_range_dc_coverage_ratio",
            "dc_coverage_ratio of hourly_vehicle_efficiency must be between 0 and 1",
            id="more than everything",
        ),
        pytest.param(
            "hourly_vehicle_efficiency",
            "SELECT * REPLACE (nullif(mapped_s, 3600) AS mapped_s) FROM file",
            "hourly_vehicle_efficiency",
            "not_null",
            "vehicle_id, hour, is_shared, partly_mapped, mapped_s, coarse_edge of hourly_vehicle_efficiency are never "
            "null",
            id="null",
        ),
        pytest.param(
            "hourly_vehicle_efficiency",
            "FROM file UNION ALL FROM file",
            "hourly_vehicle_efficiency",
            "unique_key",
            "no two rows of hourly_vehicle_efficiency have the same vehicle_id, hour",
            id="all of it twice",
        ),
        pytest.param(
            "daily_vehicle_efficiency",
            "SELECT * REPLACE (dc_kwh + 0.00001 AS dc_kwh) FROM file",
            "daily_vehicle_efficiency",
            "hours_add_up_to_the_day",
            "Each vehicle's hours add up to its day",
            id="a day that is more than its hours",
        ),
        pytest.param(
            "daily_vehicle_efficiency",
            "SELECT * REPLACE ('no_ac' AS status) FROM file",
            "daily_vehicle_efficiency",
            "status_explains_a_missing_ratio",
            "no ratio exactly where its status says why",
            id="a status that does not fit",
        ),
        pytest.param(
            "daily_vehicle_efficiency",
            "SELECT * REPLACE ('NaN'::DOUBLE AS lost_against_target_kwh) FROM file",
            "daily_vehicle_efficiency",
            "accepted_range_lost_against_target_kwh",
            "lost_against_target_kwh of daily_vehicle_efficiency must be at or above 0",
            id="not a number",
        ),
        pytest.param(
            "daily_meter_efficiency",
            "SELECT * REPLACE (dc_kwh + 0.01 AS dc_kwh, efficiency_ratio * (dc_kwh + 0.01) / dc_kwh "
            "AS efficiency_ratio) FROM file",
            "daily_meter_efficiency",
            "meters_add_up_to_the_vehicles",
            "The meters have all the DC of the mapped vehicles",
            id="meters with more DC than their vehicles",
        ),
        pytest.param(
            "daily_meter_efficiency",
            "SELECT * REPLACE (ac_kwh + 0.01 AS ac_kwh, efficiency_ratio * ac_kwh / (ac_kwh + 0.01) "
            "AS efficiency_ratio) FROM file",
            "daily_meter_efficiency",
            "meters_add_up_to_the_vehicles",
            "and their AC too on a day on which no meter is shared",
            id="meters with more AC than their vehicles",
        ),
        pytest.param(
            "daily_meter_efficiency",
            "SELECT * REPLACE (NULL::DOUBLE AS efficiency_ratio) FROM file",
            "daily_meter_efficiency",
            "meter_status_explains_a_missing_ratio",
            "A meter has no ratio exactly where its status says why",
            id="a meter without the ratio of its status",
        ),
        pytest.param(
            "daily_fleet_efficiency",
            "SELECT * REPLACE (ac_kwh + 0.01 AS ac_kwh) FROM file",
            "daily_fleet_efficiency",
            "fleet_adds_up",
            "The fleet's row is the sum of its vehicles",
            id="a fleet that is more than its vehicles",
        ),
        pytest.param(
            "daily_fleet_efficiency",
            "SELECT * REPLACE (unmapped_dc_kwh + 0.01 AS unmapped_dc_kwh) FROM file",
            "daily_fleet_efficiency",
            "energy_is_somebodys",
            "All that was delivered is some vehicle's or nobody's",
            id="DC that is a vehicle's and nobody's",
        ),
        pytest.param(
            "daily_fleet_efficiency",
            "SELECT * REPLACE (metered_ac_kwh + 0.01 AS metered_ac_kwh) FROM file",
            "daily_fleet_efficiency",
            "energy_is_somebodys",
            "and so is all that was metered",
            id="AC that was lost between the meters and the vehicles",
        ),
        pytest.param(
            "daily_fleet_efficiency",
            "FROM file WHERE false",
            "daily_fleet_efficiency",
            "row_count",
            "daily_fleet_efficiency has exactly 1 row a day",
            id="no fleet",
        ),
        pytest.param(
            "efficiency_distribution",
            "SELECT * REPLACE (vehicle_count + 1 AS vehicle_count) FROM file",
            "efficiency_distribution",
            "bins_hold_every_ratio",
            "The bins hold each vehicle that has a ratio once",
            id="bins of more vehicles than there are",
        ),
        pytest.param(
            "efficiency_distribution",
            "FROM file WHERE vehicle_count > 0",
            "efficiency_distribution",
            "row_count",
            "efficiency_distribution has exactly 22 rows a day",
            id="bins left out",
        ),
        pytest.param(
            "daily_standby",
            "SELECT * REPLACE (idle_kwh + 0.001 AS idle_kwh) FROM file",
            "daily_standby",
            "session_energy_is_conserved",
            "Sessions, standby and energy between are what the register gained",
            id="a watt-hour of standby made up",
        ),
        pytest.param(
            "daily_standby",
            "SELECT * REPLACE (session_kwh + 1 AS session_kwh, between_kwh - 1 AS between_kwh) FROM file",
            "daily_standby",
            "sessions_add_up_by_device",
            "The sessions of each device add up",
            id="energy of a session that nobody had",
        ),
        pytest.param(
            "charging_sessions",
            "FROM file UNION ALL BY NAME "
            "(SELECT 'm' AS session_id, 'ac_only' AS kind, 1 AS ac_kwh, 1 AS efficiency_ratio)",
            "charging_sessions",
            "sessions_have_their_sides",
            "one side alone has none",
            id="a ratio of one side",
        ),
        pytest.param(
            "charging_sessions",
            "FROM file UNION ALL BY NAME (SELECT 'meter-1-0' AS session_id, 'ac_only' AS kind, 1 AS ac_kwh)",
            "daily_charger_sessions",
            "charger_sessions_add_up",
            "The chargers' days have all sessions with AC",
            id="a session that no charger has",
        ),
    ],
)
def test_a_wrong_number_is_found_and_said(
    right_day: HandMadeLake, changed: str, select: str, checked: str, check: str, sentence: str
) -> None:
    right_day.change(changed, select)
    result = right_day.failing(checked)[check]
    assert sentence in result.check.description
    assert result.failing_rows >= len(result.sample) > 0


def test_the_evidence_is_the_first_rows_that_are_wrong(right_day: HandMadeLake) -> None:
    select = (
        "SELECT * REPLACE (CASE WHEN device_id = 2 THEN energy_kwh + 0.25 ELSE energy_kwh END AS energy_kwh) FROM file"
    )
    right_day.change("hourly_energy", f"{select} WHERE kind = 'meter' UNION ALL FROM file WHERE kind <> 'meter'")
    result = right_day.failing("hourly_energy")["hourly_energy_is_conserved"]
    assert result.failing_rows == 1
    assert result.sample == ({"kind": "meter", "device_id": 2, "booked_kwh": 2.5, "expected_kwh": 2.0},)


@pytest.mark.parametrize("flag", ["jump", "rollover", "reset", "rebase"])
def test_a_register_that_was_replaced_is_not_held_to_its_difference(right_day: HandMadeLake, flag: str) -> None:
    right_day.change("hourly_energy", f"SELECT * REPLACE (energy_kwh + 5 AS energy_kwh, 1 AS {flag}_count) FROM file")
    assert "hourly_energy_is_conserved" not in right_day.failing("hourly_energy")


def restart_first_meter(lake: HandMadeLake, energy_kwh: float) -> None:
    """Its step from 101 to 103 is taken for a restart: booked is what it shows, 103 kWh, and not 2."""
    restarts = "kind = 'meter' AND device_id = 1 AND hour = TIMESTAMPTZ '2026-02-08 02:00Z'"
    lake.change(
        "hourly_energy",
        f"SELECT * REPLACE (CASE WHEN {restarts} THEN {energy_kwh} ELSE energy_kwh END AS energy_kwh, "
        f"CASE WHEN {restarts} THEN 1 ELSE reset_count END AS reset_count) FROM file",
    )
    step = "SELECT * REPLACE ('reset' AS flag, 103.0 AS energy_kwh) FROM file WHERE kind = 'meter' AND device_id = 1"
    lake.change("flagged_steps", f"FROM file UNION ALL {step}")


def test_a_register_that_restarted_is_held_to_its_difference_and_what_was_booked(right_day: HandMadeLake) -> None:
    restart_first_meter(right_day, energy_kwh=103.0)
    assert right_day.failing("hourly_energy", "flagged_steps") == {}


def test_energy_made_up_beside_a_restart_is_found(right_day: HandMadeLake) -> None:
    restart_first_meter(right_day, energy_kwh=103.5)
    result = right_day.failing("hourly_energy", "flagged_steps")["restarted_registers_are_conserved"]
    assert result.sample == ({"kind": "meter", "device_id": 1, "booked_kwh": 104.5, "expected_kwh": 104.0},)


def test_a_restart_that_books_more_than_a_battery_is_found(right_day: HandMadeLake) -> None:
    restart_first_meter(right_day, energy_kwh=103.0)
    right_day.change("meters", "SELECT * REPLACE (100.0 AS max_reset_kwh) FROM file")
    result = right_day.failing("flagged_steps")["corrupt_rows_and_restarts_are_bounded"]
    assert "a restart books at most max_reset_kwh" in result.check.description
    assert [(row["kind"], row["device_id"], row["flag"]) for row in result.sample] == [("meter", 1, "reset")]
    right_day.change("meters", "SELECT * REPLACE (NULL::DOUBLE AS max_reset_kwh) FROM file")
    assert right_day.failing("flagged_steps") == {}


@pytest.mark.parametrize(("clock", "energy_kwh"), [("02:30", 0.0), ("01:00", 1.0)])
def test_a_corrupt_reading_that_ends_its_day_or_books_energy_is_found(
    right_day: HandMadeLake, clock: str, energy_kwh: float
) -> None:
    right_day.change(
        "flagged_steps",
        f"SELECT * REPLACE ('glitch' AS flag, TIMESTAMPTZ '2026-02-08 {clock}Z' AS ts, {energy_kwh} AS energy_kwh) "
        "FROM file WHERE device_id = 1 UNION ALL FROM file WHERE device_id = 2",
    )
    result = right_day.failing("flagged_steps")["corrupt_rows_and_restarts_are_bounded"]
    assert [(row["kind"], row["device_id"], row["flag"]) for row in result.sample] == [("meter", 1, "glitch")]


def test_only_what_was_made_of_a_day_is_checked(right_day: HandMadeLake) -> None:
    newest_file(right_day.lake, "daily_fleet_efficiency", DAY).unlink()
    checked = {result.check.model for result in check_day(right_day.snapshot, CATALOG, DAY, CATALOG.in_order())}
    assert checked == CATALOG.models.keys() - {"daily_fleet_efficiency"}
