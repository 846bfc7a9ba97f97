"""What a secret may be: never empty, a token long and in ASCII, a URL as the driver will read it."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from ingest_api.settings import ApiSettings
from warehouse.secrets import SECRET_SETTINGS, SHORTEST_TOKEN
from warehouse.settings import FleetSettings, InvalidSettingError, SecretSettings, read

TOKEN = "t0ken-of-the-administrator-0123456789"  # noqa: S105 - a test's own
URL = "postgresql://fleet:s3cret@db:5432/fleetwatt"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of secrets' files; the process runs in another one."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("warehouse.settings.SECRETS", secrets)
    return secrets


@pytest.mark.parametrize("kind", [FleetSettings, SecretSettings, ApiSettings])
@pytest.mark.parametrize("name", sorted(SECRET_SETTINGS))
@pytest.mark.parametrize("value", ["", " ", "\t \n", "\u00a0"], ids=repr)
class TestAnEmptySecretIsRefused:
    def test_as_a_variable(
        self, kind: type[FleetSettings], name: str, value: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(f"FLEET_{name.upper()}", value)
        with pytest.raises(InvalidSettingError, match="may not be empty") as refused:
            read(kind)
        assert refused.value.name == name

    def test_in_the_env_file(self, kind: type[FleetSettings], name: str, value: str) -> None:
        Path(".env").write_text(f"FLEET_{name.upper()}='{value}'\n", encoding="utf-8")
        with pytest.raises(InvalidSettingError, match="may not be empty") as refused:
            read(kind)
        assert refused.value.name == name

    def test_as_a_file(self, kind: type[FleetSettings], name: str, value: str, folder: Path) -> None:
        (folder / f"fleet_{name}").write_text(value, encoding="utf-8")
        with pytest.raises(InvalidSettingError, match="may not be empty") as refused:
            read(kind)
        assert refused.value.name == name


def test_every_field_that_is_a_secret_is_known_as_one() -> None:
    fields = {**ApiSettings.model_fields}
    secret = {name for name in fields if any(word in name for word in ("token", "secret", "password", "dsn", "url"))}
    origins = {"dagster_url", "public_url"}  # which are refused with a password in them
    assert secret - origins <= SECRET_SETTINGS <= fields.keys()
    for name in origins:
        with pytest.raises(ValidationError):
            ApiSettings(_env_file=None, **{name: "http://user:password@fleet.example"})  # type: ignore[arg-type]


def test_an_empty_variable_of_another_setting_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("FLEET_PORT=3100\nFLEET_WORKERS=\n")
    monkeypatch.setenv("FLEET_PORT", "")
    settings = read(ApiSettings)
    assert (settings.port, settings.workers) == (3100, 1)


def test_blanks_around_a_secret_are_not_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_ADMIN_TOKEN", f" {TOKEN}\n")
    token = read(ApiSettings).admin_token
    assert token is not None
    assert token.get_secret_value() == TOKEN


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("7", "at least 32 characters"),
        ("x" * (SHORTEST_TOKEN - 1), "at least 32 characters"),
        ("ö" * SHORTEST_TOKEN, "ASCII"),
        ("\ufeff" + "x" * SHORTEST_TOKEN, "ASCII"),
        ("x" * SHORTEST_TOKEN + "\u200b", "ASCII"),
        ("x" * 16 + " " + "x" * 16, "without blanks"),
        ("x" * 16 + "\r\n" + "x" * 16, "without blanks"),
        ("x" * 16 + "\x7f" + "x" * 16, "without blanks"),
    ],
)
def test_a_token_is_long_and_in_ascii(token: str, why: str) -> None:
    with pytest.raises(InvalidSettingError, match=why) as refused:
        read(ApiSettings, admin_token=token)
    assert refused.value.name == "admin_token"
    assert token not in refused.value.detail
    assert read(ApiSettings, admin_token="x" * SHORTEST_TOKEN).admin_token is not None


@pytest.mark.parametrize("name", ["database_url", "read_dsn"])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://fleet:p@s3cret@db/fleetwatt",
        "postgresql://fleet:12/s3cret@db/fleetwatt",
        "postgresql://fleet:/s3cret@db/fleetwatt",
        "postgresql://fleet:p:s3cret/x@db/fleetwatt",
        "mysql://fleet:s3cret@db/fleetwatt",
        "s3cret",
    ],
)
def test_a_url_that_the_driver_would_misread_is_refused_without_its_words(name: str, url: str) -> None:
    with pytest.raises(InvalidSettingError, match="not like postgresql://") as refused:
        read(ApiSettings, **{name: url})
    assert refused.value.name == name
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "postgresql://fleet:p%40s%2Fs@[::1]:5432/fleetwatt",
        "postgresql://fleet:p#?s@db/fleetwatt",
        "postgresql://fleet:p@a:5432,b:5433/fleetwatt",
        "postgresql:///fleetwatt?host=/run/postgresql&user=fleet&password=p@ss",
        "host=db user=fleet password=p@ss dbname=fleetwatt",
    ],
)
def test_other_ways_to_write_a_url_pass(url: str) -> None:
    assert read(FleetSettings, database_url=url).database_url == url


class TestAFile:
    def test_that_is_a_folder_is_refused(self, folder: Path) -> None:
        """Docker makes one where the file to be mounted is not there."""
        (folder / "fleet_admin_token").mkdir()
        with pytest.raises(InvalidSettingError, match=r"admin_token.*directory"):
            read(ApiSettings)

    def test_that_leads_elsewhere_or_nowhere_is_refused(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "token").write_text(TOKEN)
        link = folder / "fleet_admin_token"
        for target in (tmp_path / "token", tmp_path / "none", link):
            link.symlink_to(target)
            with pytest.raises(InvalidSettingError, match="admin_token"):
                read(ApiSettings)
            link.unlink()

    def test_that_a_link_within_the_folder_names_is_read(self, folder: Path) -> None:
        """As Kubernetes mounts them."""
        (folder / "..data").mkdir()
        (folder / "..data" / "fleet_admin_token").write_text(f"{TOKEN}\n")
        (folder / "fleet_admin_token").symlink_to("..data/fleet_admin_token")
        assert read(ApiSettings).admin_token is not None
