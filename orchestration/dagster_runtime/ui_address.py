"""Where people open Dagster's UI: at its own port, or behind the API's sign-in."""

from warehouse.behind_sign_in import PATH
from warehouse.listening import asks_for_tokens
from warehouse.origins import own_origins
from warehouse.settings import FleetSettings

HOST = "127.0.0.1"
"""The UI itself asks nobody who they are, so it answers this machine alone unless told otherwise."""


def is_behind_sign_in(settings: FleetSettings, host: str = HOST) -> bool:
    """Whether people sign in before they see it: where the API, or the UI at this address, is for other machines too.

    Raises:
        ListeningError: a host stands for no address.
    """
    return asks_for_tokens(settings.auth, settings.host) or asks_for_tokens(settings.auth, host)


def ui_url(settings: FleetSettings, host: str = HOST) -> str:
    """The address to name to people. Raises as the other."""
    if is_behind_sign_in(settings, host):
        return f"{settings.api_url}{PATH}"
    return own_origins(host, settings.dagster_port, [])[0]
