"""The catalog as it is: its order, its lineage, what every dataset declares."""

from pathlib import Path

import pytest

from dbt_like_sql.catalog import Catalog, CatalogError, Model
from dbt_like_sql.declared_keys import LAYERS
from dbt_like_sql.model import DAY_COLUMN
from dbt_like_sql.statements import Statement
from tests.unit.dbt_like_sql.small_catalog import GROWTH, STAGING, write_catalog
from warehouse.lake.export import DECISIONS
from warehouse.lake.provenance import TABLES_OF_POSTGRES

CATALOG = Catalog.load()

DAILY, STEPS, HOURLY = "daily_vehicle_efficiency", "flagged_steps", "hourly_energy"

COSTS, TARIFF = "daily_vehicle_costs", ["tariffs.price_per_kwh", "tariffs.valid_from"]
FORGOTTEN = ["forgotten_energy.energy_kwh", "forgotten_energy.kind"]
COLUMNS_OF_MARTS = {
    COSTS: {
        "vehicle_id": [f"{DAILY}.vehicle_id"],
        "vehicle_external_id": [f"{DAILY}.vehicle_external_id"],
        "ac_kwh": [f"{DAILY}.ac_kwh"],
        "dc_kwh": [f"{DAILY}.dc_kwh"],
        "lost_against_target_kwh": [f"{DAILY}.lost_against_target_kwh"],
        "standby_kwh": [f"{DAILY}.standby_kwh"],
        "price_per_kwh": TARIFF,
        "currency": ["tariffs.currency", "tariffs.valid_from"],
        "ac_cost": [f"{DAILY}.ac_kwh", *TARIFF],
        "lost_cost": [f"{DAILY}.lost_against_target_kwh", *TARIFF],
        "standby_cost": [f"{DAILY}.standby_kwh", *TARIFF],
    },
    "daily_fleet_efficiency": {
        "metered_ac_kwh": [*FORGOTTEN, f"{HOURLY}.energy_kwh", f"{HOURLY}.kind"],
        "delivered_dc_kwh": [*FORGOTTEN, f"{HOURLY}.energy_kwh", f"{HOURLY}.kind"],
        "unmapped_ac_kwh": [f"{HOURLY}.energy_kwh", f"{HOURLY}.kind"],
        "unmapped_dc_kwh": [f"{HOURLY}.energy_kwh", f"{HOURLY}.kind"],
        "forgotten_ac_kwh": FORGOTTEN,
        "forgotten_dc_kwh": FORGOTTEN,
        "vehicle_count": [],
        "counted_vehicle_count": [f"{DAILY}.efficiency_ratio"],
        "ac_kwh": [f"{DAILY}.ac_kwh", f"{DAILY}.efficiency_ratio"],
        "dc_kwh": [f"{DAILY}.dc_kwh", f"{DAILY}.efficiency_ratio"],
        "efficiency_ratio": [f"{DAILY}.ac_kwh", f"{DAILY}.dc_kwh", f"{DAILY}.efficiency_ratio"],
        "lost_kwh": [f"{DAILY}.ac_kwh", f"{DAILY}.dc_kwh", f"{DAILY}.efficiency_ratio"],
        "lost_against_target_kwh": [f"{DAILY}.lost_against_target_kwh"],
        "lost_against_threshold_kwh": [f"{DAILY}.lost_against_threshold_kwh"],
        "standby_kwh": [f"{DAILY}.standby_kwh"],
        "coarse_edge_count": [f"{DAILY}.coarse_edge"],
        "ok_count": [f"{DAILY}.status"],
        "below_threshold_count": [f"{DAILY}.status"],
        "low_energy_count": [f"{DAILY}.status"],
        "dc_exceeds_ac_count": [f"{DAILY}.status"],
        "shared_meter_count": [f"{DAILY}.status"],
        "no_ac_count": [f"{DAILY}.status"],
        "no_readings_count": [f"{DAILY}.status"],
    },
    "dc_exceeds_ac": {
        "vehicle_id": ["data_faults.vehicle_id"],
        "vehicle_external_id": ["vehicles.external_id"],
        "meter_external_ids": ["meters.external_id"],
        "rule": ["data_faults.name"],
        "rule_version": ["data_faults.rule_version"],
        "severity": ["data_faults.severity"],
        "ac_kwh": ["data_faults.ac_kwh"],
        "dc_kwh": ["data_faults.dc_kwh"],
        "efficiency_ratio": ["data_faults.ac_kwh", "data_faults.dc_kwh"],
        "surplus_kwh": ["data_faults.observed"],
        "uncertainty_kwh": ["data_faults.allowed"],
        "ac_coverage_ratio": [f"{DAILY}.ac_coverage_ratio"],
        "dc_coverage_ratio": [f"{DAILY}.dc_coverage_ratio"],
        "partly_mapped": [f"{DAILY}.partly_mapped"],
    },
    "efficiency_distribution": {
        "bin": [],
        "from_ratio": [],
        "to_ratio": [],
        "vehicle_count": [f"{DAILY}.shown_ratio"],
        "ac_kwh": [f"{DAILY}.ac_kwh"],
    },
    "findings": {
        "finding_id": [
            "data_faults.meter_id",
            "data_faults.opened_on",
            "data_faults.rule",
            "data_faults.subject",
            "data_faults.vehicle_id",
            "first_day_verdicts.meter_id",
            "first_day_verdicts.vehicle_id",
            "loss_findings.finding_id",
        ],
        "rule": ["data_faults.rule"],
        "name": ["data_faults.name", "first_day_verdicts.verdict", "loss_findings.rule"],
        "rule_version": ["data_faults.rule_version", "first_day_verdicts.rule_version", "loss_findings.rule_version"],
        "kind": ["data_faults.rule"],
        "state": ["data_faults.state", "loss_findings.state"],
        "severity": [
            "data_faults.severity",
            "first_day_verdicts.points_below",
            "loss_findings.points",
            "loss_findings.state",
        ],
        "subject": ["data_faults.subject", "meters.external_id", "vehicles.external_id"],
        "subject_kind": ["data_faults.subject"],
        "vehicle_id": ["data_faults.vehicle_id", "first_day_verdicts.vehicle_id", "loss_findings.vehicle_id"],
        "vehicle_external_id": ["vehicles.external_id"],
        "meter_id": ["data_faults.meter_id", "first_day_verdicts.meter_id", "loss_findings.meter_id"],
        "meter_external_id": ["meters.external_id"],
        "opened_on": ["data_faults.opened_on", "first_day_verdicts.week", "loss_findings.opened_on"],
        "closed_on": ["data_faults.closed_on", "loss_findings.closed_on"],
        "onset_from": ["data_faults.onset_after", "loss_findings.onset_from"],
        "onset_at": ["data_faults.onset_at", "loss_findings.onset_at"],
        "onset_until": ["loss_findings.onset_until"],
        "z": ["loss_findings.z"],
        "points": ["first_day_verdicts.points_below", "loss_findings.points"],
        "excess_kwh": [
            "data_faults.last_seen_at",
            "data_faults.observed",
            "data_faults.onset_at",
            "data_faults.rule",
            "data_faults.state",
            "loss_findings.excess_kwh",
        ],
        "excess_low_kwh": ["loss_findings.excess_deviation_kwh", "loss_findings.excess_kwh"],
        "excess_high_kwh": ["loss_findings.excess_deviation_kwh", "loss_findings.excess_kwh"],
        "kwh_per_month": [
            "data_faults.observed",
            "data_faults.rule",
            "first_day_verdicts.dc_kwh_per_day",
            "first_day_verdicts.expected_efficiency",
            "first_day_verdicts.peer_efficiency",
            "loss_findings.closed_on",
            "loss_findings.day",
            "loss_findings.excess_kwh",
            "loss_findings.onset_at",
        ],
        "price_per_kwh": TARIFF,
        "currency": ["tariffs.currency", "tariffs.valid_from"],
        "cost": [
            "data_faults.last_seen_at",
            "data_faults.observed",
            "data_faults.onset_at",
            "data_faults.rule",
            "data_faults.state",
            "loss_findings.excess_kwh",
            "tariffs.price_per_kwh",
            "tariffs.valid_from",
        ],
        "cost_per_month": [
            "data_faults.observed",
            "data_faults.rule",
            "first_day_verdicts.dc_kwh_per_day",
            "first_day_verdicts.expected_efficiency",
            "first_day_verdicts.peer_efficiency",
            "loss_findings.closed_on",
            "loss_findings.day",
            "loss_findings.excess_kwh",
            "loss_findings.onset_at",
            "tariffs.price_per_kwh",
            "tariffs.valid_from",
        ],
        "cause": ["loss_findings.state", "register_verdicts.cause", "site_verdicts.place", "site_verdicts.subject"],
        "cause_probability": ["register_verdicts.probability", "site_verdicts.place", "site_verdicts.probability"],
        "deciding_test": [
            "loss_findings.state",
            "meters.external_id",
            "register_verdicts.cause",
            "site_verdicts.place",
            "site_verdicts.subject",
            "vehicles.external_id",
        ],
        "session_count": [
            "data_faults.session_count",
            "first_day_verdicts.session_count",
            "loss_findings.session_count",
        ],
        "session_ids": ["data_faults.session_ids"],
        "detail": [
            "data_faults.detail",
            "first_day_verdicts.expected_efficiency",
            "first_day_verdicts.peer_count",
            "first_day_verdicts.points_below",
            "loss_findings.excess_kwh",
            "loss_findings.last_ended_at",
            "loss_findings.onset_at",
            "loss_findings.points",
            "loss_findings.session_count",
            "loss_findings.why_closed",
        ],
    },
    "low_efficiency_days": {
        "vehicle_id": [f"{DAILY}.vehicle_id"],
        "vehicle_external_id": [f"{DAILY}.vehicle_external_id"],
        "meter_external_ids": [f"{DAILY}.meter_external_ids"],
        "rule": [],
        "rule_version": [],
        "severity": [],
        "ac_kwh": [f"{DAILY}.ac_kwh"],
        "dc_kwh": [f"{DAILY}.dc_kwh"],
        "efficiency_ratio": [f"{DAILY}.efficiency_ratio"],
        "lost_against_threshold_kwh": [f"{DAILY}.lost_against_threshold_kwh"],
        "ac_coverage_ratio": [f"{DAILY}.ac_coverage_ratio"],
        "dc_coverage_ratio": [f"{DAILY}.dc_coverage_ratio"],
        "partly_mapped": [f"{DAILY}.partly_mapped"],
        "mean_battery_temp_celsius": [f"{DAILY}.mean_battery_temp_celsius"],
    },
    "reading_gaps": {
        "kind": [f"{STEPS}.kind"],
        "device_id": [f"{STEPS}.device_id"],
        "external_id": ["devices.external_id"],
        "gap_started_at": [f"{STEPS}.before_ts"],
        "gap_ended_at": [f"{STEPS}.ts"],
        "gap_minutes": [f"{STEPS}.before_ts", f"{STEPS}.ts"],
        "missing_reading_count": ["devices.expected_interval_s", f"{STEPS}.before_ts", f"{STEPS}.ts"],
        "energy_kwh": [f"{STEPS}.energy_kwh"],
    },
    "vehicle_trend_28_days": {
        "vehicle_id": [f"{DAILY}.vehicle_id"],
        "vehicle_external_id": [f"{DAILY}.day", f"{DAILY}.vehicle_external_id"],
        "recent_day_count": [f"{DAILY}.day", f"{DAILY}.lost_against_target_kwh"],
        "earlier_day_count": [f"{DAILY}.day", f"{DAILY}.lost_against_target_kwh"],
        "recent_ratio": [f"{DAILY}.ac_kwh", f"{DAILY}.day", f"{DAILY}.dc_kwh", f"{DAILY}.lost_against_target_kwh"],
        "earlier_ratio": [f"{DAILY}.ac_kwh", f"{DAILY}.day", f"{DAILY}.dc_kwh", f"{DAILY}.lost_against_target_kwh"],
        "lowest_ratio": [f"{DAILY}.lost_against_target_kwh", f"{DAILY}.shown_ratio"],
        "lowest_on": [f"{DAILY}.day", f"{DAILY}.lost_against_target_kwh", f"{DAILY}.shown_ratio"],
        "change_of_ratio": [f"{DAILY}.ac_kwh", f"{DAILY}.day", f"{DAILY}.dc_kwh", f"{DAILY}.lost_against_target_kwh"],
    },
    "weekly_vehicle_losses": {
        "vehicle_id": [f"{DAILY}.vehicle_id"],
        "vehicle_external_id": [f"{DAILY}.day", f"{DAILY}.vehicle_external_id"],
        "mapped_day_count": [],
        "rated_day_count": [f"{DAILY}.lost_against_target_kwh"],
        "low_day_count": [f"{DAILY}.lost_against_target_kwh", f"{DAILY}.status"],
        "ac_kwh": [f"{DAILY}.ac_kwh", f"{DAILY}.lost_against_target_kwh"],
        "dc_kwh": [f"{DAILY}.dc_kwh", f"{DAILY}.lost_against_target_kwh"],
        "efficiency_ratio": [f"{DAILY}.ac_kwh", f"{DAILY}.dc_kwh", f"{DAILY}.lost_against_target_kwh"],
        "lost_kwh": [f"{DAILY}.ac_kwh", f"{DAILY}.dc_kwh", f"{DAILY}.lost_against_target_kwh"],
        "lost_against_threshold_kwh": [f"{DAILY}.lost_against_threshold_kwh"],
        "lost_against_target_kwh": [f"{DAILY}.lost_against_target_kwh"],
        "standby_kwh": [f"{DAILY}.standby_kwh"],
    },
}


def test_each_dataset_comes_after_what_it_depends_on_and_layers_stay_together() -> None:
    ordered = CATALOG.in_order()
    assert {model.name for model in ordered} == CATALOG.models.keys()
    done: set[str] = set()
    for model in ordered:
        assert set(model.depends_on) <= done
        done.add(model.name)
    layers = [model.layer for model in ordered]
    assert (
        list(dict.fromkeys(layers)) == sorted(set(layers), key=layers.index) == ["lake", "staging", "rollups", "marts"]
    )


@pytest.mark.parametrize("model", CATALOG.in_order(), ids=lambda model: model.name)
def test_no_dataset_reads_a_later_layer(model: Model) -> None:
    """A catalog may, but the picture of all datasets would have lines that go up."""
    later = LAYERS[LAYERS.index(model.layer) + 1 :]
    assert [name for name in model.depends_on if CATALOG.models[name].layer in later] == []


def test_every_column_of_every_mart_says_where_it_comes_from() -> None:
    found = {
        model.name: {
            column: [f"{source.dataset}.{source.column}" for source in sources]
            for column, sources in model.column_lineage.items()
        }
        for model in CATALOG.models.values()
        if model.layer == "marts" and model.kind == "sql"
    }
    assert found == COLUMNS_OF_MARTS


@pytest.mark.parametrize("model", CATALOG.in_order(), ids=lambda model: model.name)
def test_lineage_names_columns_that_exist_in_what_is_read(model: Model) -> None:
    for sources in model.column_lineage.values():
        for source in sources:
            assert source.column in {DAY_COLUMN, *(column.name for column in CATALOG.models[source.dataset].columns)}


@pytest.mark.parametrize(
    "model", [each for each in CATALOG.in_order() if each.kind in ("export", "polars")], ids=lambda model: model.name
)
def test_what_has_no_select_says_what_it_is_computed_from_or_is_a_table_of_postgres(model: Model) -> None:
    unsaid = {column for column, sources in model.column_lineage.items() if not sources}
    is_table = model.name in TABLES_OF_POSTGRES | DECISIONS.keys()
    own = {"kind", "received_at"} & model.column_lineage.keys()  # the second is PostgreSQL's, and in no dataset
    assert unsaid == (set(model.column_lineage) if is_table else own)


@pytest.mark.parametrize("model", CATALOG.in_order(), ids=lambda model: model.name)
def test_checks_have_names_of_their_own_and_a_sentence(model: Model) -> None:
    assert len({check.name for check in model.checks}) == len(model.checks) >= 2
    assert all(check.name.replace("_", "").isalnum() and len(check.description) > 20 for check in model.checks)


def test_who_reads_whom() -> None:
    assert CATALOG.used_by(HOURLY) == (
        "daily_vehicle_edges",
        STEPS,
        "daily_standby",
        "hourly_vehicle_efficiency",
        "daily_meter_efficiency",
        "daily_fleet_efficiency",
    )
    assert CATALOG.used_by("reading_gaps") == ("restatements",)
    assert CATALOG.upstream("devices") == {"meters", "vehicles"}
    assert {"carried_samples", "vehicle_meter_map"} <= CATALOG.upstream("low_efficiency_days")


def test_what_a_release_writes_is_made_from_everything() -> None:
    assert CATALOG.release_log is CATALOG.models["restatements"]
    assert CATALOG.upstream("restatements") == CATALOG.models.keys() - {"restatements"}
    assert CATALOG.in_order()[-1].name == "restatements"
    assert CATALOG.used_by("restatements") == ()


def test_an_unknown_dataset_is_answered_with_the_nearest() -> None:
    assert CATALOG.find("devices").name == "devices"
    with pytest.raises(LookupError, match="no dataset is called device; did you mean devices"):
        CATALOG.find("device")


def test_the_day_is_no_part_of_the_key_by_which_a_file_is_sorted() -> None:
    assert CATALOG.models[DAILY].key == ("vehicle_id", "day")
    assert CATALOG.models[DAILY].sort_key == ("vehicle_id",)
    assert CATALOG.models["daily_fleet_efficiency"].sort_key == ()


def test_the_digest_changes_with_what_is_computed_and_not_with_words(tmp_path: Path) -> None:
    def digest(name: str, changes: dict[str, str | None]) -> str:
        return Catalog.load(write_catalog(tmp_path / name, changes)).models["growth"].digest

    first = digest("first", {})
    assert digest("same", {}) == first
    assert digest("words", {"models/staging/models.toml": STAGING.replace("How far", "How much")}) == first
    assert digest("sql", {"models/staging/growth.sql": GROWTH.replace("max", "any_value")}) != first
    assert digest("type", {"models/staging/models.toml": STAGING.replace("DOUBLE", "FLOAT")}) != first


def test_a_process_reads_it_once_until_a_file_is_another(tmp_path: Path) -> None:
    folder = write_catalog(tmp_path)
    first = Catalog.load(folder)
    assert Catalog.load(folder) is first
    model = folder / "models/staging/growth.sql"
    model.write_text(GROWTH.replace("max", "any_value"))
    assert "any_value" in (Catalog.load(folder).models["growth"].sql or "")
    model.unlink()
    for _ in range(2):  # what is wrong is said each time
        with pytest.raises(CatalogError, match="growth"):
            Catalog.load(folder)


def test_a_closing_semicolon_is_left_out(tmp_path: Path) -> None:
    text = GROWTH.rstrip() + ";  -- that is all\n"
    catalog = Catalog.load(write_catalog(tmp_path, {"models/staging/growth.sql": text}))
    assert catalog.models["growth"].sql == GROWTH.rstrip()


SCHEMA = {
    "left_side": {"id": "INTEGER", "kwh": "DOUBLE", "day": "DATE"},
    "right_side": {"id": "INTEGER", "energy": "DOUBLE", "day": "DATE"},
}
OF_DAY = "day = getvariable('day')"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        pytest.param(
            f"SELECT kwh AS x FROM left_side WHERE {OF_DAY} UNION ALL SELECT energy FROM right_side WHERE {OF_DAY}",
            [("left_side", "kwh"), ("right_side", "energy")],
            id="union by position",
        ),
        pytest.param(
            f"WITH all_of AS (SELECT * FROM left_side WHERE {OF_DAY}) SELECT sum(kwh) AS x FROM all_of",
            [("left_side", "kwh")],
            id="star",
        ),
        pytest.param(
            f"SELECT EXISTS (SELECT 1 FROM right_side AS r WHERE r.id = l.id AND r.{OF_DAY}) AS y, l.kwh + 1 AS x "
            f"FROM left_side AS l WHERE l.{OF_DAY}",
            [("left_side", "kwh")],
            id="beside a subquery",
        ),
        pytest.param(
            f"SELECT (SELECT max(r.energy) FROM right_side AS r WHERE r.{OF_DAY}) AS x "
            f"FROM left_side AS l WHERE l.{OF_DAY}",
            [("right_side", "energy")],
            id="from a subquery, but not what it filters by",
        ),
        pytest.param(
            f"SELECT EXISTS (SELECT 1 FROM right_side AS r WHERE r.id = l.id AND r.{OF_DAY}) AS x "
            f"FROM left_side AS l WHERE l.{OF_DAY}",
            [],
            id="whether rows exist is a filter",
        ),
        pytest.param(
            f"SELECT sum(kwh) OVER (PARTITION BY id) AS x FROM (SELECT id, kwh FROM left_side WHERE {OF_DAY}) AS part",
            [("left_side", "id"), ("left_side", "kwh")],
            id="window over a derived table",
        ),
        pytest.param(
            f"WITH RECURSIVE counted AS (SELECT id AS n FROM left_side WHERE {OF_DAY} "
            "UNION ALL SELECT n + 1 FROM counted WHERE n < 9) SELECT n AS x FROM counted",
            [("left_side", "id")],
            id="recursive",
        ),
        pytest.param("SELECT n AS x FROM range(3) AS numbers (n)", [], id="rows of its own"),
    ],
)
def test_lineage_goes_through(sql: str, expected: list[tuple[str, str]]) -> None:
    statement = Statement(Path("model.sql"), sql)
    statement.resolve(SCHEMA)
    assert statement.problems == []
    assert statement.lineage("x") == tuple(expected)
