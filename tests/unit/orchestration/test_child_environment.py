"""What a child finds in its environment: what it needs, and no secret of another one's."""

from pathlib import Path

import pytest

from orchestration.processes.child_environment import (
    as_environment,
    for_a_child,
    inherited,
    none_of_ours,
    of_a_client,
    of_the_api,
)
from warehouse.settings import FleetSettings

OPERATOR = {
    "PATH": "/usr/bin",
    "PGPASSWORD": "for libpq",
    "FLEET_ADMIN_TOKEN": "a",
    "fleet_admin_token": "b",
    "Fleet_Read_Dsn": "c",
    "FLEET_ALERT_WEBHOOK": "d",
    "FLEET_DAGSTER_STORAGE_URL": "e",
    "FLEET_MAX_ITEMS": "7",
}


def test_a_child_of_dagster_gets_no_setting_of_the_operators_own() -> None:
    assert inherited(OPERATOR, none_of_ours).keys() == {"PATH", "PGPASSWORD"}


def test_the_api_gets_its_own_settings_and_none_of_the_pipeline() -> None:
    own = {"FLEET_ADMIN_TOKEN", "fleet_admin_token", "Fleet_Read_Dsn", "FLEET_MAX_ITEMS"}
    assert inherited(OPERATOR, of_the_api).keys() == {"PATH", "PGPASSWORD"} | own


def test_the_simulated_fleet_gets_the_token_and_no_way_into_the_database() -> None:
    found = inherited(OPERATOR, of_a_client)
    assert found.keys() == {"PATH", "PGPASSWORD", "FLEET_ADMIN_TOKEN", "fleet_admin_token"}


def test_settings_are_found_again_wherever_they_came_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("FLEET_ALERT_WEBHOOK=http://hook\nFLEET_ADMIN_TOKEN=t0ken\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLEET_FIRST_DAY", "2024-02-29")
    settings = FleetSettings(home=tmp_path / "home", retention_days=40)
    told = as_environment(settings)
    assert told == {
        "FLEET_ALERT_WEBHOOK": "http://hook",
        "FLEET_FIRST_DAY": "2024-02-29",
        "FLEET_HOME": str(tmp_path / "home"),
        "FLEET_RETENTION_DAYS": "40",
    }
    (tmp_path / ".env").unlink()
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert FleetSettings() == settings


def test_of_the_folders_file_a_child_gets_what_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("FLEET_ADMIN_TOKEN=t0ken\nfleet_max_items=7\nFLEET_PORT=1\nOTHER=x\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLEET_PORT", "2")
    monkeypatch.setenv("PYTHONPATH", "packages:/opt/packages")
    monkeypatch.setenv("fleet_tls_cert", "tls/cert.pem")
    monkeypatch.setenv("FLEET_TLS_KEY", "/etc/key.pem")
    found = for_a_child(of_the_api)
    assert {"FLEET_ADMIN_TOKEN": "t0ken", "fleet_max_items": "7", "FLEET_PORT": "2"}.items() <= found.items()
    assert "OTHER" not in found
    assert (found["fleet_tls_cert"], found["FLEET_TLS_KEY"]) == (f"{tmp_path}/tls/cert.pem", "/etc/key.pem")
    assert found["PYTHONPATH"] == f"{tmp_path}/packages:/opt/packages", "it starts elsewhere"
    assert not [name for name in for_a_child(none_of_ours) if name.upper().startswith("FLEET_")]
