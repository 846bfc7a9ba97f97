"""Origins as browsers write them, and what a request to one of them has as its Host."""

import pytest

from warehouse.origins import hosts_of, normal, own_origins
from warehouse.settings import FleetSettings

HERE = ["http://127.0.0.1:3001", "http://localhost:3001", "http://[::1]:3001"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://Fleet.Example", "https://fleet.example"),
        (" https://fleet.example:443/ ", "https://fleet.example"),
        ("http://fleet.example:80", "http://fleet.example"),
        ("https://fleet.example:", "https://fleet.example"),
        ("http://fleet.example:8080", "http://fleet.example:8080"),
        ("http://[2001:db8::1]:3001", "http://[2001:db8::1]:3001"),
    ],
)
def test_an_origin_is_written_as_a_browser_does(given: str, expected: str) -> None:
    assert normal(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        "",
        "*",
        "fleet.example",
        "ftp://fleet.example",
        "https://",
        "https://fleet.example/path",
        "https://a@fleet.example",
        "null",
        "https://*.example",
        "https://fleet.example?x",
        "http://fleet.example:x",
        "https://fleet example",
        'https://fleet"example',
        "https://fleet.example;https://other.example",
        "https://flöte.example",
        "https://%61.example",
        "http://[::1",
    ],
)
def test_what_is_no_origin_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="is not like"):
        normal(given)
    with pytest.raises(ValueError, match="is not like"):
        FleetSettings(_env_file=None, dagster_origins=f"https://fleet.example,{given}")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "::", "::1", ""])  # noqa: S104 - not bound
def test_a_server_is_known_by_this_machines_names(host: str) -> None:
    assert set(own_origins(host, 3001, [])) == set(HERE)


def test_a_server_is_known_by_its_address_and_by_what_is_set() -> None:
    origins = own_origins("10.0.0.5", 3001, ["https://fleet.example"])
    assert origins == ["http://10.0.0.5:3001", *HERE, "https://fleet.example"]
    assert hosts_of(origins) >= {"10.0.0.5:3001", "localhost:3001", "fleet.example", "fleet.example:443"}
