"""The settings as a backup keeps them: those that are not as they are by default, and no secret."""

from enum import Enum

from warehouse.secrets import SECRET_SETTINGS
from warehouse.settings import FleetSettings

_OF_A_MACHINE = {"home", "host", "port", "dagster_port"}


def settings_text(settings: FleetSettings) -> str:
    """As a ``.env`` file."""
    lines = ["# Settings of the fleet that was backed up; secrets, and those of its machine, are not among them."]
    for name, field in sorted(type(settings).model_fields.items()):
        value = getattr(settings, name)
        if name in SECRET_SETTINGS | _OF_A_MACHINE or value is None or value == field.default:
            continue
        lines.append(f"FLEET_{name.upper()}={value.value if isinstance(value, Enum) else value}")
    return "\n".join(lines) + "\n"
