"""Settings out of secrets' files: ``/run/secrets``, here another folder."""

from pathlib import Path

import pytest
import typer

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
