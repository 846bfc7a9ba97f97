"""What a child finds in its environment: of our settings those that it needs, and no secret of another one's."""

from collections.abc import Callable, Mapping

from warehouse.settings import FleetSettings

PREFIX = "FLEET_"
_OF_PIPELINE = ("FLEET_DAGSTER_", "FLEET_ALERT_")


def none_of_ours(_name: str) -> bool:
    """Of a child that is given its settings one by one."""
    return False


def of_the_api(name: str) -> bool:
    """All but what the pipeline alone needs."""
    return not name.startswith(_OF_PIPELINE)


def of_a_client(name: str) -> bool:
    """Of who sends readings and maps devices: no way into the database."""
    return name == "FLEET_ADMIN_TOKEN"


def inherited(environment: Mapping[str, str], takes: Callable[[str], bool]) -> dict[str, str]:
    """Of this environment all that is not a setting of ours, and the settings that a child takes, by their names.

    Names are compared as settings are found, in upper case.
    """
    return {
        name: value for name, value in environment.items() if not name.upper().startswith(PREFIX) or takes(name.upper())
    }


def as_environment(settings: FleetSettings) -> dict[str, str]:
    """The settings that were set, wherever they came from, as a child finds them again."""
    given = {name: getattr(settings, name) for name in settings.model_fields_set if name in FleetSettings.model_fields}
    return {f"{PREFIX}{name.upper()}": str(value) for name, value in given.items() if value is not None}
