"""Settings out of secrets' files: ``/run/secrets``, here another folder."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from annotated_types import Le
from pydantic import ValidationError

from ingest_api.settings import ApiSettings
from orchestration.cli.options import read_settings
from warehouse.settings import FleetSettings

URL = "postgresql://fleet:s3cret@postgres/fleetwatt"


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder, with a file as an editor or ``echo`` leaves it, and one that concerns us not."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "fleet_database_url").write_text(f"{URL}\n")
    (folder / "postgres_password").write_text("s3cret\n")
    monkeypatch.setattr("warehouse.settings.SECRETS", folder)
    return folder


def test_a_file_that_is_named_like_a_setting_is_its_value(secrets: Path) -> None:
    (secrets / "fleet_admin_token").write_text("t0ken-of-32-characters-and-more-x\n")
    settings = ApiSettings()
    assert settings.database_url == URL
    assert settings.admin_token is not None
    assert settings.admin_token.get_secret_value() == "t0ken-of-32-characters-and-more-x"


def test_what_is_nearer_wins(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("FLEET_DATABASE_URL=postgresql://dotenv/fleetwatt\n")
    assert FleetSettings().database_url == "postgresql://dotenv/fleetwatt"
    monkeypatch.setenv("FLEET_DATABASE_URL", "postgresql://environment/fleetwatt")
    assert FleetSettings().database_url == "postgresql://environment/fleetwatt"


def test_without_the_folder_nothing_is_missed(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.settings.SECRETS", secrets / "none")
    assert FleetSettings().database_url is None


def test_a_file_that_cannot_be_read_is_told_in_a_sentence(secrets: Path) -> None:
    (secrets / "fleet_database_url").write_bytes(b"\xff")
    with pytest.raises(typer.BadParameter, match=r'"database_url".*: .*decode'):
        read_settings(FleetSettings)


def bounded_settings() -> list[tuple[str, int | None]]:
    """Each number of a setting, and the highest that is allowed."""
    found: list[tuple[str, int | None]] = []
    for name, field in FleetSettings.model_fields.items():
        if isinstance(field.default, int) and not isinstance(field.default, bool):
            most = next((each.le for each in field.metadata if isinstance(each, Le)), None)
            assert most is None or isinstance(most, int)
            found.append((name, most))
    return found


@pytest.mark.parametrize(("name", "most"), bounded_settings())
def test_a_number_that_nothing_can_work_with_is_refused(name: str, most: int | None) -> None:
    assert most is not None, f"{name} has no upper bound: a larger number ends in an error far from here"
    with pytest.raises(ValidationError, match=f"{name}\n.*less than or equal to {most}"):
        FleetSettings(**{name: most + 1})


def test_times_at_their_bounds_can_be_told() -> None:
    most = {name: most for name, most in bounded_settings() if most is not None}
    settings = FleetSettings(**most)
    assert settings.retention == timedelta(days=36_500)
    assert settings.lake_versions == timedelta(days=36_500)
    assert settings.grace == timedelta(days=90)
    assert datetime(2026, 11, 30, tzinfo=UTC) - settings.retention < datetime(1927, 1, 1, tzinfo=UTC)
