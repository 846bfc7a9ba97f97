"""Scope by scope over every route: who may what, and who may not."""

import re
from itertools import product

import pytest

from ingest_api.app import all_routes, create_routes
from ingest_api.auth.route_scopes import ROUTE_SCOPES, Needs, RouteScopes
from ingest_api.http.parts import Parts
from ingest_api.settings import ApiSettings
from tests.integration.ingest_api.site import Site, assert_problem, new_id
from tests.integration.ingest_api.token_site import (
    ADMIN_TOKEN,
    Tokens,
    headers,
)
from warehouse.contract.tokens import NewToken, Scope, allowed_by


def a_path(path: str) -> str:
    """Of a route's pattern a path that leads nowhere in particular; of the one without an end one that it refuses."""
    path += "?vehicles=-" if path == "/v1/live" else ""
    return re.sub(r"{\w+(:\w+)?}", "3f2a9c01-52d4-5e0b-9a57-0d4c1f6f7a11", path)


@pytest.mark.usefixtures("endless")
@pytest.mark.parametrize(("method", "path"), ROUTE_SCOPES)
def test_each_route_opens_to_its_scopes_alone(closed: Site, tokens: Tokens, method: str, path: str) -> None:
    needed = ROUTE_SCOPES[method, path]
    asked = {"GET": [method, "HEAD"]}.get(method, [method])
    for verb, (scope, token) in product(asked, tokens.items()):
        answer = closed.client.request(verb, a_path(path), headers=headers(token), follow_redirects=False)
        is_allowed = isinstance(needed, Needs) or needed in allowed_by([scope])
        assert (answer.status_code == 403) == (not is_allowed), (verb, path, scope)
        assert answer.status_code != 401
        if not is_allowed and verb != "HEAD":
            problem = assert_problem(answer, 403, "scope_missing")
            assert str(needed) in problem["detail"]
            assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope"'
    for verb, given in product(asked, ({}, headers("x" * 40), headers(NewToken.make()))):
        answer = closed.client.request(verb, a_path(path), headers=given)
        assert (answer.status_code == 401) == (needed is not Needs.NOTHING), (verb, path)
    assert closed.client.request(method, a_path(path), headers=headers(ADMIN_TOKEN)).status_code not in (401, 403)


@pytest.mark.usefixtures("endless")
@pytest.mark.parametrize("path", sorted({path for _, path in ROUTE_SCOPES}))
def test_another_method_is_no_way_around(closed: Site, tokens: Tokens, path: str) -> None:
    known = {method for method, each in ROUTE_SCOPES if each == path}
    origin = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    for method in {"OPTIONS", "TRACE", "CONNECT", "PUT", "QUERY"} - known:
        answer = closed.client.request(method, a_path(path), headers=origin)
        assert answer.status_code in (400, 401), (method, "400: the server knows no such method")
        answer = closed.client.request(method, a_path(path), headers={**origin, **headers(tokens[Scope.READ])})
        assert answer.status_code in (400, 404, 405), method


@pytest.mark.usefixtures("endless")
def test_what_is_no_route_is_told_to_those_with_a_token_alone(closed: Site, tokens: Tokens) -> None:
    for method, path in (("GET", "/nowhere"), ("PUT", "/v1/meters"), ("GET", "/v1/meters/"), ("OPTIONS", "/v1/meters")):
        assert closed.client.request(method, path).status_code == 401
        assert closed.client.request(method, path, headers=headers(tokens[Scope.INGEST])).status_code in (404, 405, 307)


def test_a_route_without_a_rule_stops_the_start(database_url: str) -> None:
    settings = ApiSettings(_env_file=None, database_url=database_url)
    routes = all_routes(create_routes(settings, Parts()), settings)
    assert RouteScopes(routes)
    known = dict(ROUTE_SCOPES)
    for route in ROUTE_SCOPES:
        with pytest.raises(LookupError, match=re.escape(route[1])):
            RouteScopes(routes, {each: needed for each, needed in known.items() if each != route})
    with pytest.raises(LookupError, match="/gone"):
        RouteScopes(routes, {**known, ("GET", "/gone"): Scope.READ})


def test_the_document_says_which_scope_each_route_needs(closed: Site) -> None:
    document = closed.client.get("/openapi.json", headers=headers(ADMIN_TOKEN)).json()
    said = {
        (method.upper(), path): operation.get("security")
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    for route, security in said.items():
        needed = ROUTE_SCOPES[route]
        assert security == ([{"token": [needed.value]}] if isinstance(needed, Scope) else None)
        responses = document["paths"][route[1]][route[0].lower()]["responses"]
        may_be_refused = isinstance(needed, Scope) or route == ("POST", "/v1/me/password")
        assert ({"401", "403", "429"} <= responses.keys()) == may_be_refused


def test_who_operates_may_not_change_what_energy_was(closed: Site, tokens: Tokens) -> None:
    meter = new_id()
    operator, admin = headers(tokens[Scope.OPERATE]), headers(tokens[Scope.ADMIN])
    for field, value in (("energyKind", "interval"), ("maxPowerKw", 22), ("maxResetKwh", 5), ("rolloverKwh", 1e5)):
        answer = closed.client.patch(f"/v1/meters/{meter}", json={field: value, "model": "x"}, headers=operator)
        assert "admin" in assert_problem(answer, 403, "scope_missing")["detail"]
        assert not closed.is_registered(meter)
    for given, change in ((operator, {"model": "x", "expectedIntervalSeconds": 30}), (admin, {"maxPowerKw": 22})):
        assert closed.client.patch(f"/v1/meters/{meter}", json=change, headers=given).status_code == 200
