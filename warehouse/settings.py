"""The settings every part shares. Read once where a process begins, never at import.

Precedence: what the caller passes (a command's flag), ``FLEET_*`` in the environment, ``.env``, a file such as
``/run/secrets/fleet_database_url``, the default. ``.env.example`` lists them all.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

SECRETS = Path("/run/secrets")
"""Where a container finds its secrets, each a file that is named like its variable in lower case."""


class FleetSettings(BaseSettings):
    """Where the data lies, where the API answers, and how a day's life is timed."""

    model_config = SettingsConfigDict(env_prefix="FLEET_", env_file=".env", env_ignore_empty=True, extra="ignore")

    home: Path = Field(default=Path(".fleetwatt"), description="Folder of the embedded server, the lake and the logs.")
    database_url: str | None = Field(
        default=None, description="An existing PostgreSQL (15..18). Unset: the embedded server in HOME."
    )
    host: str = Field(default="127.0.0.1", description="Address the API listens on.")
    port: int = Field(default=3000, ge=1, le=65535, description="Port the API listens on.")
    accepted_age_days: int = Field(default=7, ge=1, le=90, description="Readings older than this are refused.")
    accepted_ahead_minutes: int = Field(default=5, ge=0, le=60, description="Readings further ahead are refused.")
    grace_minutes: int = Field(default=120, ge=10, description="How long after its end a day waits for late readings.")

    retention_days: int = Field(
        default=30,
        ge=1,
        description="How long readings that are in the lake stay in PostgreSQL; at least what is accepted.",
    )

    dagster_port: int = Field(default=3001, ge=1, le=65535, description="Port of Dagster's UI, on this machine alone.")
    dagster_database: str = Field(
        default="dagster", min_length=1, description="Dagster's own database in the same server; made if it is missing."
    )
    alert_webhook: str | None = Field(
        default=None, description="A URL that each failed run of Dagster is POSTed to as JSON. Unset: log lines alone."
    )

    first_day: date = Field(
        default=date(2020, 1, 1),
        description="The first day the warehouse knows; an import of an earlier one is refused.",
    )

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
        files = [SecretsSettingsSource(settings_cls, SECRETS)] if SECRETS.is_dir() else []
        return (init_settings, env_settings, dotenv_settings, *files)

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
    def grace(self) -> timedelta:
        """How long after its end a day waits before it may be sealed."""
        return timedelta(minutes=self.grace_minutes)


def given(**flags: Any) -> dict[str, Any]:
    """The flags that were given, to pass as overrides: an absent flag leaves the environment's word."""
    return {name: value for name, value in flags.items() if value is not None}
