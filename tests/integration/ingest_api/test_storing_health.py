"""Not ready where readings cannot be stored, with the reason; ready again by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ingest_api.health import storing_health
from tests.factories import meter_payload
from tests.integration.ingest_api.site import MakeSite, Site, assert_problem, encode
from warehouse.postgres.connection import connect

DISK_FULL = "BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END"


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()


def store(site: Site) -> int:
    return site.send(encode([meter_payload(), meter_payload(meterId="other")])).status_code


@contextmanager
def full_for_readings(connection: psycopg.Connection) -> Iterator[None]:
    """Every insert of a reading fails as it does on a full disk."""
    connection.execute(f"CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ {DISK_FULL} $$".encode())
    connection.execute("CREATE TRIGGER full_disk BEFORE INSERT ON meter_latest EXECUTE FUNCTION full_disk()")
    yield
    connection.execute("DROP FUNCTION full_disk CASCADE")


@pytest.fixture
def admin(site: Site, admin_url: str) -> Iterator[psycopg.Connection]:
    """Who may make event triggers in the site's database."""
    database = conninfo_to_dict(site.database_url)["dbname"]
    with connect(make_conninfo(admin_url, dbname=str(database))) as connection:
        yield connection


@contextmanager
def full_for_all(admin: psycopg.Connection) -> Iterator[None]:
    """New tables too."""
    function = f"CREATE FUNCTION none_at_all() RETURNS event_trigger LANGUAGE plpgsql AS $$ {DISK_FULL} $$"
    trigger = "CREATE EVENT TRIGGER full_disk ON ddl_command_start WHEN TAG IN ('CREATE TABLE AS') EXECUTE FUNCTION "
    admin.execute(function.encode())
    admin.execute(f"{trigger} none_at_all()".encode())
    with full_for_readings(admin):
        yield
    admin.execute("DROP EVENT TRIGGER full_disk")
    admin.execute("DROP FUNCTION none_at_all")


def assert_ready(site: Site) -> None:
    for path in ("/health", "/readyz"):
        assert site.client.get(path).status_code == 200


def assert_not_ready(site: Site, why: str) -> None:
    for path in ("/health", "/readyz"):
        detail = assert_problem(site.client.get(path), 503, "not_ready")["detail"]
        assert why in detail
        assert "No space left on device" in detail
    assert site.client.get("/livez").status_code == 200


def test_a_commit_that_failed_is_told_until_one_succeeds(site: Site) -> None:
    assert store(site) == 200
    assert_ready(site)
    with full_for_readings(site.connection):
        assert store(site) == 503
        assert_not_ready(site, "could not be stored")
    assert_not_ready(site, "could not be stored")  # nothing has shown yet that it is over
    assert store(site) == 200
    assert_ready(site)


def test_large_bodies_that_fail_beside_small_ones_that_do_not_are_looked_into(
    site: Site, admin: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing_health, "PROBE_AGAIN_S", 0.0)
    large = encode([meter_payload(meterId=f"m{number}") for number in range(200)])
    with full_for_all(admin):
        assert site.send(large).status_code == 503
        admin.execute("ALTER TABLE meter_latest DISABLE TRIGGER full_disk")
        assert store(site) == 200
        assert_not_ready(site, "nothing can be written")
    assert_ready(site)


def test_without_traffic_the_question_finds_out_by_itself(
    site: Site, admin: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing_health, "RECENT_S", 0.0)
    monkeypatch.setattr(storing_health, "PROBE_AGAIN_S", 0.0)
    assert_ready(site)
    with full_for_all(admin):
        assert_not_ready(site, "nothing can be written")
        assert store(site) == 503
        assert_not_ready(site, "nothing can be written")
    assert_ready(site)
    assert site.rows("SELECT FROM pg_class WHERE relname LIKE '%%probe%%'") == []


def test_a_body_that_cannot_be_stored_is_no_fault_of_the_disk(site: Site) -> None:
    assert site.send(b'{"bad":1}').status_code == 422
    assert_ready(site)


def test_a_role_that_may_make_no_temporary_tables_is_ready_all_the_same(
    site: Site, admin: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(storing_health, "RECENT_S", 0.0)
    named = conninfo_to_dict(site.database_url)
    for role in ("PUBLIC", f'"{named["user"]}"'):
        admin.execute(f'REVOKE TEMPORARY ON DATABASE "{named["dbname"]}" FROM {role}'.encode())
    assert_ready(site)
    assert "no temporary tables" in caplog.text
