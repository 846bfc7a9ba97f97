"""The OpenAPI document: complete, true of real answers, and of one mind with the parser about what a reading is."""

import math
import re
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import httpx
import pytest

from tests.factories import iso, meter_payload, now_s, vehicle_payload
from tests.integration.ingest_api.json_schema import faults, resolve
from tests.integration.ingest_api.site import JSON, NDJSON, PROBLEM, Site, encode, new_id
from tests.integration.ingest_api.token_site import ADMIN_TOKEN, headers

Document = dict[str, Any]
UNKNOWN = "3f2a9c01-52d4-5e0b-9a57-0d4c1f6f7a11"
TOKEN_ROUTES = (
    *(("GET", "/v1/tokens"), ("POST", "/v1/tokens")),
    *(("POST", f"/v1/tokens/{{id}}/{act}") for act in ("revoke", "rotate")),
)
ACTS = ("acknowledge", "snooze", "accept", "resolve", "reopen", "assign")


class Operation(NamedTuple):
    """One method of one path."""

    method: str
    path: str
    described: Mapping[str, Any]


@pytest.fixture(scope="module")
def document(site: Site) -> Document:
    answer = site.client.get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON)
    found: Document = answer.json()
    return found


def operations(document: Document) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            yield Operation(method.upper(), path, described)


def described(document: Document, method: str, path: str) -> Operation:
    return Operation(method, path, document["paths"][path][method.lower()])


def nodes(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of the document."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(inner)


def test_is_openapi_3_1_of_this_api(document: Document) -> None:
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert document["info"].keys() >= {"title", "version"}
    found = {(operation.method, operation.path) for operation in operations(document)}
    assert found >= {
        ("POST", "/v1/telemetry"),
        ("POST", "/v1/mappings"),
        ("GET", "/v1/mappings"),
        ("DELETE", "/v1/mappings/{id}"),
        ("GET", "/v1/vehicles"),
        ("GET", "/v1/meters"),
        ("GET", "/v1/vehicles/{vehicleId}"),
        ("GET", "/v1/meters/{meterId}"),
        ("PATCH", "/v1/vehicles/{vehicleId}"),
        ("PATCH", "/v1/meters/{meterId}"),
        ("GET", "/v1/analytics/performance/{vehicleId}"),
        ("GET", "/v1/analytics/fleet"),
        ("GET", "/v1/vehicles/{vehicleId}/sessions"),
        ("GET", "/v1/vehicles/{vehicleId}/days"),
        ("GET", "/v1/meters/{meterId}/standby"),
        ("GET", "/v1/findings"),
        ("GET", "/v1/findings/{id}"),
        *(("POST", f"/v1/findings/{{id}}/{act}") for act in ACTS),
        *TOKEN_ROUTES,
        ("GET", "/health"),
        ("GET", "/livez"),
        ("GET", "/readyz"),
    }


def test_is_consistent_in_itself(document: Document) -> None:
    ids = [operation.described["operationId"] for operation in operations(document)]
    assert len(ids) == len(set(ids))
    for node in nodes(document):
        if isinstance(node.get("$ref"), str):
            resolve(node["$ref"], document)
        if isinstance(node.get("properties"), dict):
            assert set(node.get("required", ())) <= node["properties"].keys()
    schemes = document["components"]["securitySchemes"]
    for operation in operations(document):
        assert operation.described["summary"]
        assert operation.described["description"]
        assert all(scheme in schemes for each in operation.described.get("security", ()) for scheme in each)
        named = {each["name"] for each in operation.described.get("parameters", ()) if each["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", operation.path))
        assert all(each["required"] for each in operation.described.get("parameters", ()) if each["in"] == "path")


def test_each_error_is_documented_as_a_problem_with_schema_and_example(document: Document) -> None:
    for operation in operations(document):
        errors = {int(status): answer for status, answer in operation.described["responses"].items() if status >= "400"}
        assert 500 in errors
        for status, answer in errors.items():
            assert set(answer["content"]) == {PROBLEM}, (operation, status)
            content = answer["content"][PROBLEM]
            assert list(faults(content["example"], content["schema"], document)) == []
            assert content["example"]["status"] == status
            assert content["example"]["title"] == HTTPStatus(status).phrase
            assert ("Retry-After" in answer["headers"]) == (status in (429, 503))


def test_each_success_is_documented_with_a_schema_and_every_answer_with_its_request_id(document: Document) -> None:
    for operation in operations(document):
        for status, answer in operation.described["responses"].items():
            assert answer["description"]
            assert "X-Request-Id" in answer["headers"], operation
            if status < "400" and status != "304":
                media_type = {"/metrics": "text/plain", "/v1/live": "text/event-stream"}.get(operation.path, JSON)
                assert answer["content"][media_type]["schema"]


EXPECTED_ERRORS = {
    ("POST", "/v1/telemetry"): {400, 408, 409, 413, 415, 422, 429, 500, 503},
    ("POST", "/v1/mappings"): {400, 401, 408, 409, 413, 422, 500, 503},
    ("GET", "/v1/mappings"): {422, 500, 503},
    ("DELETE", "/v1/mappings/{id}"): {401, 404, 422, 500, 503},
    ("GET", "/v1/meters"): {422, 500, 503},
    ("GET", "/v1/meters/{meterId}"): {404, 422, 500, 503},
    ("GET", "/v1/vehicles/{vehicleId}/sessions"): {404, 422, 500, 503},
    ("GET", "/v1/vehicles/{vehicleId}/days"): {404, 422, 500, 503},
    ("GET", "/v1/fleet/now"): {422, 500, 503},
    ("GET", "/v1/live"): {422, 500, 503},
    ("GET", "/v1/days"): {422, 500, 503},
    ("GET", "/v1/quarantine"): {422, 500, 503},
    ("GET", "/v1/vehicles/{vehicleId}/series"): {404, 422, 500, 503},
    ("GET", "/v1/meters/{meterId}/series"): {404, 422, 500, 503},
    ("GET", "/v1/meters/{meterId}/standby"): {404, 422, 500, 503},
    ("PATCH", "/v1/vehicles/{vehicleId}"): {400, 401, 422, 500, 503},
    ("GET", "/v1/analytics/performance/{vehicleId}"): {404, 410, 422, 500, 503},
    ("GET", "/v1/analytics/fleet"): {422, 500, 503},
    ("GET", "/v1/findings"): {422, 500, 503},
    ("GET", "/v1/findings/{id}"): {404, 422, 500, 503},
    **{("POST", f"/v1/findings/{{id}}/{act}"): {400, 401, 404, 408, 409, 413, 422, 500, 503} for act in ACTS},
    ("GET", "/v1/tokens"): {401, 403, 422, 429, 500, 503},
    ("POST", "/v1/tokens"): {400, 401, 403, 408, 413, 422, 429, 500, 503},
    ("POST", "/v1/tokens/{id}/revoke"): {401, 403, 404, 422, 429, 500, 503},
    ("POST", "/v1/tokens/{id}/rotate"): {400, 401, 403, 404, 408, 413, 422, 429, 500, 503},
    ("GET", "/readyz"): {500, 503},
    ("GET", "/health"): {500, 503},
}


@pytest.mark.parametrize("operation", EXPECTED_ERRORS, ids=" ".join)
def test_the_errors_that_an_operation_can_answer_with_are_documented(
    document: Document, operation: tuple[str, str]
) -> None:
    documented = {int(status) for status in described(document, *operation).described["responses"] if status >= "400"}
    assert documented >= EXPECTED_ERRORS[operation]


class TestAnswersAreWhatIsDocumented:
    """Real answers under the schemas of the document."""

    @pytest.fixture(scope="class")
    @staticmethod
    def of_tokens(closed: Site) -> list[tuple[str, str, httpx.Response]]:
        """Of an API that asks for tokens."""
        client, given = closed.client, headers(ADMIN_TOKEN)

        def post(path: str, body: object = None) -> httpx.Response:
            return client.post(path, json=body, headers=given)

        made = post("/v1/tokens", {"name": "a", "scopes": ["ingest"], "devices": ["m"], "expires": "90d"})
        of_one = f"/v1/tokens/{made.json()['tokenId']}"
        return [
            ("POST", "/v1/tokens", made),
            ("POST", "/v1/tokens", post("/v1/tokens", {})),
            ("POST", "/v1/tokens", client.post("/v1/tokens", headers={"Authorization": "Bearer x"})),
            ("GET", "/v1/tokens", client.get("/v1/tokens", headers=given)),
            ("POST", "/v1/tokens/{id}/rotate", post(f"{of_one}/rotate", {"overlap": "1h"})),
            ("POST", "/v1/tokens/{id}/rotate", post("/v1/tokens/nobody00/rotate")),
            ("POST", "/v1/tokens/{id}/revoke", post(f"{of_one}/revoke")),
            ("POST", "/v1/tokens/{id}/revoke", post("/v1/tokens/nobody00/revoke")),
        ]

    @pytest.fixture(scope="class")
    @staticmethod
    def calls(site: Site) -> list[tuple[str, str, httpx.Response]]:
        vehicle, meter, client = new_id("veh"), new_id("meter"), site.client
        reading, other = meter_payload(meterId=meter), vehicle_payload(vehicleId=vehicle, soc=None)

        def post(body: Any, media_type: str = JSON) -> httpx.Response:
            return site.send(body if isinstance(body, bytes) else encode(body), media_type)

        def mapped(body: Any) -> httpx.Response:
            return client.post("/v1/mappings", json=body)

        new_mapping = {"vehicleId": vehicle, "meterId": meter}
        telemetry = [
            *(
                post(body)
                for body in (reading, reading, {**reading, "voltage": 1}, [reading, other, "bad"], [], ["bad"])
            ),
            *(post(body) for body in (b"{", {"meterId": 5}, b"x" * 3_000_000)),
            post(b"\n", NDJSON),
            post([], "text/plain"),
        ]
        mapping = [
            mapped(body)
            for body in (
                new_mapping,
                new_mapping,
                [new_mapping],
                [{**new_mapping, "meterId": new_id("meter")}],
                {},
                b"".hex(),
            )
        ]
        overlap = mapped({**new_mapping, "validFrom": "2000-01-01T00:00:00Z"})
        return [
            *(("POST", "/v1/telemetry", answer) for answer in telemetry),
            *(("POST", "/v1/mappings", answer) for answer in (*mapping, overlap)),
            ("GET", "/v1/mappings", client.get("/v1/mappings")),
            ("GET", "/v1/mappings", client.get("/v1/mappings?limit=0")),
            ("DELETE", "/v1/mappings/{id}", client.delete(f"/v1/mappings/{mapping[0].json()['id']}")),
            ("DELETE", "/v1/mappings/{id}", client.delete("/v1/mappings/999999")),
            ("GET", "/v1/meters", client.get("/v1/meters")),
            ("GET", "/v1/vehicles", client.get("/v1/vehicles?limit=1")),
            ("GET", "/v1/meters/{meterId}", client.get(f"/v1/meters/{meter}")),
            ("GET", "/v1/meters/{meterId}", client.get("/v1/meters/nobody")),
            ("GET", "/v1/vehicles/{vehicleId}", client.get(f"/v1/vehicles/{vehicle}")),
            ("PATCH", "/v1/meters/{meterId}", client.patch(f"/v1/meters/{new_id()}", json={"maxPowerKw": None})),
            ("PATCH", "/v1/vehicles/{vehicleId}", client.patch(f"/v1/vehicles/{vehicle}", json={"x": 1})),
            *(
                ("GET", "/v1/analytics/performance/{vehicleId}", client.get(f"/v1/analytics/performance/{of}"))
                for of in (vehicle, f"{vehicle}?hours=0", "nobody")
            ),
            *(("GET", "/v1/analytics/fleet", client.get(f"/v1/analytics/fleet?hours={hours}")) for hours in (24, 0)),
            *(
                ("GET", path, client.get(path.format(vehicleId=vehicle, meterId=meter, id=UNKNOWN)))
                for path in (
                    *("/v1/vehicles/{vehicleId}/sessions", "/v1/meters/{meterId}/standby"),
                    *("/v1/vehicles/{vehicleId}/days", "/v1/fleet/now"),
                    *("/v1/vehicles/{vehicleId}/series", "/v1/meters/{meterId}/series"),
                    *("/v1/days", "/v1/quarantine"),
                    *("/v1/findings", "/v1/findings/{id}"),
                )
            ),
            ("GET", "/v1/findings", client.get("/v1/findings?state=none")),
            *(
                (
                    "POST",
                    f"/v1/findings/{{id}}/{act}",
                    client.post(f"/v1/findings/{UNKNOWN}/{act}", json={"who": "ann"}),
                )
                for act in ACTS
            ),
            *(("GET", path, client.get(path)) for path in ("/health", "/livez", "/readyz")),
            *(
                (
                    method,
                    path,
                    client.request(method, path.replace("{id}", "nobody00"), json={"name": "a", "scopes": ["read"]}),
                )
                for method, path in TOKEN_ROUTES[:2]
            ),
        ]

    def test_by_status_media_type_and_schema(
        self,
        document: Document,
        calls: list[tuple[str, str, httpx.Response]],
        of_tokens: list[tuple[str, str, httpx.Response]],
    ) -> None:
        seen = set()
        for method, path, answer in (*calls, *of_tokens):
            responses = described(document, method, path).described["responses"]
            assert str(answer.status_code) in responses, f"{method} {path}: {answer.status_code} is not documented"
            schema = responses[str(answer.status_code)]["content"][answer.headers["content-type"]]["schema"]
            assert list(faults(answer.json(), schema, document)) == [], answer.text
            seen.add(answer.status_code)
        assert seen == {200, 201, 400, 401, 403, 404, 409, 413, 415, 422}


def telemetry_schemas(document: Document) -> dict[str, Mapping[str, Any]]:
    body = described(document, "POST", "/v1/telemetry").described["requestBody"]["content"]
    assert body.keys() == {JSON, NDJSON}
    meter, vehicle, array = body[JSON]["schema"]["oneOf"]
    assert array["items"] == {"oneOf": [meter, vehicle]}
    return {"meter": meter, "vehicle": vehicle}


def valid(kind: str) -> dict[str, Any]:
    return meter_payload(meterId=new_id()) if kind == "meter" else vehicle_payload(vehicleId=new_id())


def status_of(site: Site, payload: Mapping[str, Any]) -> int:
    return site.send(encode(payload)).status_code


def number_schema(schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The number among the alternatives, if there is one."""
    for each in schema.get("anyOf", [schema]):
        if each.get("type") == "number":
            found: Mapping[str, Any] = each
            return found
    return None


class TestTheDocumentAndTheParserAgree:
    @pytest.mark.parametrize("kind", ["meter", "vehicle"])
    def test_on_the_range_of_each_number(self, site: Site, document: Document, kind: str) -> None:
        numbers = 0
        for field, schema in telemetry_schemas(document)[kind]["properties"].items():
            number = number_schema(schema)
            if number is None:
                continue
            numbers += 1
            low, high = number["minimum"], number["maximum"]
            for value in (low, high, (low + high) / 2):
                assert status_of(site, {**valid(kind), field: value}) == 201, (field, value)
            for value in (math.nextafter(low, -math.inf), math.nextafter(high, math.inf)):
                assert status_of(site, {**valid(kind), field: value}) == 422, (field, value)
        assert numbers == {"meter": 2, "vehicle": 3}[kind]

    @pytest.mark.parametrize("kind", ["meter", "vehicle"])
    def test_on_what_is_required_and_what_may_be_null(self, site: Site, document: Document, kind: str) -> None:
        schema = telemetry_schemas(document)[kind]
        for field, of_field in schema["properties"].items():
            without = {name: value for name, value in valid(kind).items() if name != field}
            assert (status_of(site, without) == 422) == (field in schema["required"]), field
            may_be_null = any(each.get("type") == "null" for each in of_field.get("anyOf", ()))
            assert (status_of(site, {**valid(kind), field: None}) == 201) == may_be_null, field

    @pytest.mark.parametrize("kind", ["meter", "vehicle"])
    def test_on_what_an_id_is(self, site: Site, document: Document, kind: str) -> None:
        field = f"{kind}Id"
        pattern = telemetry_schemas(document)[kind]["properties"][field]["pattern"]
        for device in ["a", "9" * 64, "A.b_c:d-9", "", "-a", "a" * 65, "a b", "a/b", "é", "a%", "_", "Z"]:
            expected = 201 if re.search(pattern, device) else 422
            assert status_of(site, {**valid(kind), field: device, "timestamp": iso(now_s())}) in (expected, 200), device

    @pytest.mark.parametrize("kind", ["meter", "vehicle"])
    def test_on_the_type(self, site: Site, document: Document, kind: str) -> None:
        assert telemetry_schemas(document)[kind]["properties"]["type"]["const"] == kind
        assert status_of(site, {**valid(kind), "type": kind}) == 201

    def test_on_the_examples(self, site: Site, document: Document) -> None:
        content = described(document, "POST", "/v1/telemetry").described["requestBody"]["content"][JSON]
        assert content["examples"].keys() >= {"meter", "vehicle", "array"}
        for example in content["examples"].values():
            assert list(faults(example["value"], content["schema"], document)) == []
            items = example["value"] if isinstance(example["value"], list) else [example["value"]]
            for item in items:
                kind = "meter" if "meterId" in item else "vehicle"
                now = {"timestamp": iso(now_s()), f"{kind}Id": new_id()}
                assert status_of(site, {**item, **now}) == 201

    def test_on_how_many_items_an_array_holds(self, site: Site, document: Document) -> None:
        schema = described(document, "POST", "/v1/telemetry").described["requestBody"]["content"][JSON]["schema"]
        most = schema["oneOf"][2]["maxItems"]
        assert site.send(encode([1] * most)).status_code == 422
        assert site.send(encode([1] * (most + 1))).status_code == 413

    def test_on_the_limits_of_query_parameters(self, site: Site, document: Document) -> None:
        vehicle, meter = new_id("veh"), new_id("meter")
        site.client.post("/v1/mappings", json={"vehicleId": vehicle, "meterId": meter})
        for operation in operations(document):
            if operation.method != "GET":
                continue
            for parameter in operation.described.get("parameters", ()):
                limits = [parameter["schema"].get(name) for name in ("minimum", "maximum")]
                if None in limits:
                    continue
                path = operation.path.replace("{vehicleId}", vehicle).replace("{meterId}", meter)
                for value, expected in zip(
                    [limits[0], limits[1], limits[0] - 1, limits[1] + 1], [200, 200, 422, 422], strict=True
                ):
                    answer = site.client.get(path, params={parameter["name"]: int(value)})
                    assert answer.status_code == expected, (path, parameter["name"], value)

    def test_on_what_a_change_of_settings_may_say(self, site: Site, document: Document) -> None:
        schema = resolve("#/components/schemas/SettingsChange", document)
        assert schema["additionalProperties"] is False
        assert "required" not in schema
        assert not any("default" in of_field for of_field in schema["properties"].values())
        path = f"/v1/meters/{new_id()}"
        for change in [
            {},
            {"unknown": 1},
            {"maxPowerKw": 0},
            {"maxPowerKw": 1e6},
            {"maxPowerKw": "1"},
            {"model": None},
        ]:
            is_documented = not list(faults(change, schema, document))
            assert (site.client.patch(path, json=change).status_code == 200) == is_documented, change


def test_the_document_is_written_once(site: Site) -> None:
    first = site.client.get("/openapi.json")
    assert (first.status_code, first.headers["content-type"]) == (200, "application/json")
    began = time.process_time()
    for _ in range(300):
        assert site.client.get("/openapi.json").content == first.content
    assert time.process_time() - began < 3  # of client and server; to write it each time took 6
