"""The roles that work on a database without owning it: which those of an installation are, and that they are there."""

from collections.abc import Callable

from orchestration.home.database import url_in
from warehouse.contract.database_roles import APART, Role
from warehouse.postgres.embedded import EmbeddedPostgres
from warehouse.postgres.roles.settling import settle_roles
from warehouse.settings import FleetSettings


def settle_roles_of(settings: FleetSettings, owner_url: str, say: Callable[[str], None]) -> dict[Role, str]:
    """Grant the roles of an installation what they need in its database, which runs; returns the addresses to use.

    Those of the home's own server are always there, those of another one where the settings name them.

    Raises: as ``settle_roles``.
    """
    if settings.names_a_database:
        addresses = settings.addresses_apart
    else:
        server = EmbeddedPostgres(settings.home)
        addresses = {role: url_in(server, role) for role in APART}
    return settle_roles(owner_url, addresses, say)
