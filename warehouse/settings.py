"""The settings every part shares. Read once where a process begins, never at import.

Precedence: what the caller passes (a command's flag), ``FLEET_*`` in the environment, ``.env``, a file such as
``/run/secrets/fleet_database_url``, the default. ``.env.example`` lists them all.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import ByteSize, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from warehouse.alert_settings import AlertSettings
from warehouse.contract.database_roles import Role
from warehouse.contract.errors import FleetwattError
from warehouse.contract.redaction import keep_secret
from warehouse.env_file import ENCODING, ENV_FILE, env_file
from warehouse.listening import Auth
from warehouse.origins import normal, own_origins
from warehouse.secrets import SECRET_SETTINGS, DatabaseUrl, HiddenDatabaseUrl, HiddenSecret, Token
from warehouse.settings_sources import SecretFiles, WithoutEmptyValues
from warehouse.user_path import UserPath

SECRETS = Path("/run/secrets")
"""Where a container finds its secrets, each a file that is named like its variable in lower case."""


class InvalidSettingError(FleetwattError):
    """A setting is not valid"""

    code = "invalid_setting"

    def __init__(self, detail: str, name: str = "") -> None:
        """``name`` as a keyword argument of the settings' class; empty where it is more than one's fault."""
        super().__init__(detail)
        self.name = name


class FleetSettings(AlertSettings):
    """Where the data lies, where the API answers, and how a day's life is timed."""

    model_config = SettingsConfigDict(
        env_prefix="FLEET_", env_file=ENV_FILE, env_file_encoding=ENCODING, extra="ignore", hide_input_in_errors=True
    )

    home: UserPath = Field(
        default=Path(".fleetwatt"), description="Folder of the embedded server, the lake and the logs."
    )
    database_url: DatabaseUrl | None = Field(
        default=None,
        description="An existing PostgreSQL (15..18), as the owner of the tables. Unset: the embedded server in HOME.",
    )
    ingest_url: DatabaseUrl | None = Field(
        default=None, description="The same database as the role that the API works as. Unset: as FLEET_DATABASE_URL."
    )
    pipeline_url: DatabaseUrl | None = Field(
        default=None, description="The same as the role that the pipeline works as. Unset: as FLEET_DATABASE_URL."
    )
    read_dsn: HiddenDatabaseUrl | None = Field(
        default=None,
        description="Where analytics are asked, as a role that only reads, or on a replica. Unset: the API's database.",
    )
    host: str = Field(default="127.0.0.1", description="Address the API listens on.")
    port: int = Field(default=3000, ge=1, le=65535, description="Port the API listens on.")
    tls_cert: UserPath | None = Field(
        default=None, description="The API speaks TLS by this certificate, PEM with its chain. Unset: plain HTTP."
    )
    tls_key: UserPath | None = Field(default=None, description="Its key, PEM. Both may be renewed without a restart.")
    workers: int = Field(default=1, ge=1, le=64, description="API processes, each with up to 22 connections.")
    auth: Auth = Field(
        default=Auth.AUTO,
        description="Whether the API asks for a token: auto (where it listens beyond loopback), required, off.",
    )
    public_url: str | None = Field(
        default=None, description="Where browsers find the API, e.g. https://fleet.example. Unset: by host and port."
    )
    accepted_age_days: int = Field(default=7, ge=1, le=90, description="Readings older than this are refused.")
    accepted_ahead_minutes: int = Field(default=5, ge=0, le=60, description="Readings further ahead are refused.")
    grace_minutes: int = Field(
        default=120,
        ge=10,
        le=129_600,
        description="How long after its end a day waits for late readings.",
    )

    retention_days: int = Field(
        default=30,
        ge=1,
        le=36_500,
        description="How long readings that are in the lake stay in PostgreSQL; at least what is accepted.",
    )

    lake_versions_days: int = Field(
        default=7, ge=1, le=36_500, description="How long the lake keeps a version after another one has replaced it."
    )

    dagster_port: int = Field(default=3001, ge=1, le=65535, description="Port of Dagster's UI, on this machine alone.")
    dagster_database: str = Field(
        default="dagster", min_length=1, description="Dagster's own database in the same server; made if it is missing."
    )
    dagster_origins: str | None = Field(
        default=None, description="Where else browsers find Dagster's UI, e.g. https://dagster.example; with commas."
    )
    dagster_read_only: bool | None = Field(
        default=None, description="Dagster's UI only shows. Unset: so it is where it listens beyond loopback."
    )

    max_devices: int = Field(
        default=1_000_000, ge=1, le=2_000_000_000, description="Meters and vehicles that may be registered in all."
    )
    max_new_devices_per_hour: int = Field(
        default=50_000,
        ge=0,
        le=2_000_000_000,
        description="New meters and vehicles an hour by one token; the import of a file is not bound by it.",
    )
    disk_low_ratio: float = Field(
        default=0.85, gt=0, le=1, description="The share of the disk of HOME from which on it is told to be low."
    )
    disk_critical_ratio: float = Field(
        default=0.95, gt=0, le=1, description="The share from which on that is urgent; nothing stops by itself."
    )
    quarantine_max_rows: int = Field(
        default=100_000,
        ge=0,
        le=2_000_000_000,
        description="Refused items whose bytes are kept; beyond them each is only counted.",
    )
    quarantine_max_bytes: ByteSize = Field(
        default=ByteSize(256 * 1024 * 1024),
        ge=0,
        le=1 << 50,
        description="What these may take on PostgreSQL's disk.",
    )

    first_day: date = Field(
        default=date(2020, 1, 1),
        description="The first day the warehouse knows; an import of an earlier one is refused.",
    )

    def __init__(self, **values: Any) -> None:
        """Read them. ``_env_file=None`` leaves the folder's ``.env`` alone.

        Raises:
            EnvFileError: the ``.env`` of this folder cannot be used.
        """
        if values.get("_env_file", ENV_FILE) is not None:
            env_file()
        super().__init__(**values)
        for name in SECRET_SETTINGS & type(self).model_fields.keys():
            secret = getattr(self, name)
            keep_secret(secret.get_secret_value() if isinstance(secret, SecretStr) else secret)

    @field_validator("public_url")
    @classmethod
    def _is_an_origin(cls, given: str | None) -> str | None:
        return normal(given) if given else None

    @field_validator("dagster_origins")
    @classmethod
    def _are_origins(cls, given: str | None) -> str | None:
        return ",".join(map(normal, given.split(","))) if given else None

    @model_validator(mode="after")
    def _certificate_has_a_key(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together: set both, or neither")
        return self

    @model_validator(mode="after")
    def _retention_covers_what_is_accepted(self) -> Self:
        if self.retention_days < self.accepted_age_days:
            raise ValueError(
                f"retention_days ({self.retention_days}) is less than accepted_age_days ({self.accepted_age_days}): "
                "a reading could be accepted for a day that is no longer there"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - it would warn where there is no folder
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Where the settings come from, the first that knows one wins."""
        files = [SecretFiles(settings_cls, SECRETS)] if SECRETS.is_dir() else []
        variables = [WithoutEmptyValues(settings_cls, each) for each in (env_settings, dotenv_settings)]
        return (init_settings, *variables, *files)

    @property
    def api_url(self) -> str:
        """Where people find the API."""
        here = own_origins(self.host, self.port, [])[0]
        return self.public_url or (here.replace("http:", "https:", 1) if self.tls_cert else here)

    @property
    def names_a_database(self) -> bool:
        """Whether the database is another server's than the home's own."""
        return any((self.database_url, self.ingest_url, self.pipeline_url))

    def address_of(self, role: Role) -> str | None:
        """Where a part works that works as this role, in a server that is not the home's own; ``None``: nowhere."""
        read = self.read_dsn.get_secret_value() if self.read_dsn else None
        return {
            Role.OWNER: self.database_url,
            Role.INGEST: self.ingest_url or self.database_url,
            Role.READ: read or self.pipeline_url or self.database_url,
            Role.PIPELINE: self.pipeline_url or self.database_url,
            Role.DAGSTER: self.pipeline_url or self.database_url,
        }[role]

    @property
    def addresses_apart(self) -> dict[Role, str]:
        """The addresses that name a role of its own, or may."""
        read = self.read_dsn.get_secret_value() if self.read_dsn else None
        found = {Role.INGEST: self.ingest_url, Role.READ: read, Role.PIPELINE: self.pipeline_url}
        return {role: address for role, address in found.items() if address}

    @property
    def lake(self) -> Path:
        """The folder of the lake."""
        return self.home / "lake"

    @property
    def accepted_age(self) -> timedelta:
        """How old a posted reading may be."""
        return timedelta(days=self.accepted_age_days)

    @property
    def accepted_ahead(self) -> timedelta:
        """How far ahead of the clock a posted reading may be."""
        return timedelta(minutes=self.accepted_ahead_minutes)

    @property
    def retention(self) -> timedelta:
        """How long after its end, or after its last late row, a day stays in PostgreSQL."""
        return timedelta(days=self.retention_days)

    @property
    def lake_versions(self) -> timedelta:
        """How long the lake keeps a version after another one has replaced it."""
        return timedelta(days=self.lake_versions_days)

    @property
    def grace(self) -> timedelta:
        """How long after its end a day waits before it may be sealed."""
        return timedelta(minutes=self.grace_minutes)


class SecretSettings(FleetSettings):
    """Those that every part shares, and the secrets of the API and of its clients."""

    admin_token: Token | None = Field(
        default=None,
        description="A token that may all, beside those of fleetwatt tokens. Where it is set, changes ask for one.",
    )
    dagster_secret: Token | None = Field(
        default=None, description="What the API proves itself to Dagster's web server by, where people have to sign in."
    )
    oidc_client_secret: HiddenSecret | None = Field(
        default=None, description="What the API proves itself to the identity provider by. Unset: by PKCE alone."
    )
    token: Token | None = Field(
        default=None, description="The token that fleetwatt simulate proves itself by. Unset: FLEET_ADMIN_TOKEN."
    )


S = TypeVar("S", bound=FleetSettings)


def read(settings_class: type[S], **flags: Any) -> S:
    """The settings, with the flags that were given on top. Every secret is looked at, whoever it is for.

    Raises:
        EnvFileError: the ``.env`` of this folder cannot be used.
        InvalidSettingError: a value is not valid, or its file cannot be read; the detail repeats nothing of it.
    """
    try:
        if not issubclass(settings_class, SecretSettings):
            SecretSettings(**given(**flags))
        return settings_class(**given(**flags))
    except SettingsError as error:  # a secret's file that cannot be read
        raise InvalidSettingError(f"{error}: {error.__cause__}") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "_".join(str(part) for part in first["loc"])
        raise InvalidSettingError(first["msg"].removeprefix("Value error, "), name) from error


def given(**flags: Any) -> dict[str, Any]:
    """The flags that were given, to pass as overrides: an absent flag leaves the environment's word."""
    return {name: value for name, value in flags.items() if value is not None}
