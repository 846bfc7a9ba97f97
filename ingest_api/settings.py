"""The settings of the HTTP tier, on top of those every part shares."""

from pydantic import Field, SecretStr

from warehouse.settings import FleetSettings


class ApiSettings(FleetSettings):
    """How many processes serve, and what they accept."""

    workers: int = Field(default=1, ge=1, le=64, description="API processes.")
    register_unknown_devices: bool = Field(
        default=True, description="Register a device on its first reading; false: refuse it (422 unknown_device)."
    )
    efficiency_threshold: float = Field(
        default=0.85, gt=0, le=1, description="A 24 h efficiency below this is reported as below_threshold."
    )
    admin_token: SecretStr | None = Field(
        default=None, description="Bearer token for changes of devices and mappings. Unset: no token is asked for."
    )
