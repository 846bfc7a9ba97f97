"""What a request needs, told by the route that answers it: the ONE table. A route that is not in it stops the start."""

from collections.abc import Iterable, Mapping
from enum import Enum

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope as Connection

from warehouse.contract.tokens import Scope


class Needs(Enum):
    """What is needed where it is no scope."""

    NOTHING = "nothing"
    A_TOKEN = "a token"  # noqa: S105 - words
    """Or somebody who is signed in."""


Needed = Scope | Needs

ROUTE_SCOPES: Mapping[tuple[str, str], Needed] = {
    ("GET", "/livez"): Needs.NOTHING,
    ("GET", "/readyz"): Needs.NOTHING,
    ("GET", "/health"): Needs.NOTHING,
    ("POST", "/v1/telemetry"): Scope.INGEST,
    ("GET", "/"): Scope.READ,
    ("GET", "/vehicles"): Scope.READ,
    ("GET", "/vehicles/{id}"): Scope.READ,
    ("GET", "/meters"): Scope.READ,
    ("GET", "/meters/{id}"): Scope.READ,
    ("GET", "/findings"): Scope.READ,
    ("GET", "/findings/{id}"): Scope.READ,
    ("GET", "/docs"): Scope.READ,
    ("GET", "/openapi.json"): Scope.READ,
    ("GET", "/assets/{name}"): Needs.NOTHING,
    ("GET", "/login"): Needs.NOTHING,
    ("POST", "/login"): Needs.NOTHING,
    ("POST", "/logout"): Needs.NOTHING,
    ("GET", "/login/provider"): Needs.NOTHING,
    ("GET", "/login/provider/back"): Needs.NOTHING,
    ("GET", "/metrics"): Scope.READ,
    ("GET", "/dagster"): Scope.OPERATE,
    ("GET", "/dagster/{path:path}"): Scope.OPERATE,
    ("POST", "/dagster/{path:path}"): Scope.OPERATE,
    ("GET", "/v1/analytics/performance/{vehicleId}"): Scope.READ,
    ("GET", "/v1/analytics/fleet"): Scope.READ,
    ("GET", "/v1/fleet/now"): Scope.READ,
    ("GET", "/v1/live"): Scope.READ,
    ("GET", "/v1/days"): Scope.READ,
    ("GET", "/v1/quarantine"): Scope.READ,
    ("GET", "/v1/meters"): Scope.READ,
    ("GET", "/v1/meters/{meterId}"): Scope.READ,
    ("GET", "/v1/meters/{meterId}/standby"): Scope.READ,
    ("GET", "/v1/meters/{meterId}/series"): Scope.READ,
    ("GET", "/v1/vehicles/{vehicleId}/series"): Scope.READ,
    ("GET", "/v1/vehicles"): Scope.READ,
    ("GET", "/v1/vehicles/{vehicleId}"): Scope.READ,
    ("GET", "/v1/vehicles/{vehicleId}/sessions"): Scope.READ,
    ("GET", "/v1/vehicles/{vehicleId}/days"): Scope.READ,
    ("GET", "/v1/mappings"): Scope.READ,
    ("GET", "/v1/corrections"): Scope.READ,
    ("GET", "/v1/findings"): Scope.READ,
    ("GET", "/v1/findings/{id}"): Scope.READ,
    # Of a device's settings some are for an administrator alone: the route asks for that itself.
    ("PATCH", "/v1/meters/{meterId}"): Scope.OPERATE,
    ("PATCH", "/v1/vehicles/{vehicleId}"): Scope.OPERATE,
    ("POST", "/v1/mappings"): Scope.OPERATE,
    ("DELETE", "/v1/mappings/{id}"): Scope.OPERATE,
    ("POST", "/v1/corrections"): Scope.OPERATE,
    ("POST", "/v1/findings/{id}/acknowledge"): Scope.OPERATE,
    ("POST", "/v1/findings/{id}/snooze"): Scope.OPERATE,
    ("POST", "/v1/findings/{id}/accept"): Scope.OPERATE,
    ("POST", "/v1/findings/{id}/resolve"): Scope.OPERATE,
    ("POST", "/v1/findings/{id}/reopen"): Scope.OPERATE,
    ("POST", "/v1/findings/{id}/assign"): Scope.OPERATE,
    ("POST", "/v1/findings/{id}/note"): Scope.OPERATE,
    ("GET", "/v1/me"): Needs.A_TOKEN,
    ("POST", "/v1/me/password"): Needs.A_TOKEN,
    ("GET", "/v1/audit"): Scope.ADMIN,
    ("GET", "/v1/tokens"): Scope.ADMIN,
    ("POST", "/v1/tokens"): Scope.ADMIN,
    ("POST", "/v1/tokens/{id}/revoke"): Scope.ADMIN,
    ("POST", "/v1/tokens/{id}/rotate"): Scope.ADMIN,
}


def scope_of(method: str, path: str) -> str | None:
    """What a token needs for a documented route; ``None``: no token is needed."""
    needed = ROUTE_SCOPES[method, path]
    return needed.value if isinstance(needed, Scope) else None


class RouteScopes:
    """What each route of an application needs, found as the framework finds the route."""

    def __init__(self, routes: Iterable[BaseRoute], table: Mapping[tuple[str, str], Needed] = ROUTE_SCOPES) -> None:
        """Take the routes in the framework's order.

        Raises:
            TypeError: a route is none of the framework's plain ones.
            LookupError: a route is not in the table, or the table has a route that is not there.
        """
        self._routes: list[tuple[Route, Mapping[str, Needed]]] = []
        found = set()
        for route in routes:
            if not isinstance(route, Route):
                raise TypeError(f"{route} is no plain route: nobody knows what it needs")
            methods = {method for method in route.methods or () if method != "HEAD"}
            if missing := {method for method in methods if (method, route.path) not in table}:
                raise LookupError(f"say in ingest_api/auth/route_scopes.py what {missing} {route.path} needs")
            self._routes.append((route, {method: table[method, route.path] for method in methods}))
            found |= {(method, route.path) for method in methods}
        if table.keys() - found:
            raise LookupError(f"ingest_api/auth/route_scopes.py has routes that are not there: {table.keys() - found}")

    def needed(self, connection: Connection) -> Needed:
        """What the request of this ASGI scope needs. Where no route answers: a token, to be told so."""
        for route, needed in self._routes:
            match, _ = route.matches(connection)
            if match is Match.FULL:
                return needed[connection["method"]]
        return Needs.A_TOKEN
