"""An audit that could not ask says so, the bill of materials holds every locked package, images can be pinned."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.audit import LOCKED, NOT_AUDITED, NOTHING_KNOWN, ROOT, VULNERABLE, audit, verdict

GOOD = {"name": "typer", "version": "1", "vulns": []}
UNKNOWN = {"name": "httpx", "skip_reason": "Dependency not found on PyPI and could not be audited: httpx (1)"}
FLAW = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2"], "description": "bad"}
BAD = {"name": "jinja2", "version": "1", "vulns": [FLAW]}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([GOOD, GOOD], NOTHING_KNOWN, "2 of 2 packages audited, 0 known vulnerabilities"),
        ([GOOD, BAD, UNKNOWN], VULNERABLE, "2 of 3 packages audited, 1 known vulnerabilities"),
        ([GOOD, UNKNOWN], NOT_AUDITED, "NOT AUDITED: 1 of 2 packages audited"),
        ([], NOT_AUDITED, "NOT AUDITED: 0 of 0 packages audited"),
    ],
)
def test_only_what_was_looked_up_counts_as_audited(packages: list[dict[str, Any]], code: int, said: str) -> None:
    found = verdict({"dependencies": packages})
    assert found.code == code
    assert found.lines[-1].startswith(said)
    assert (found.lines[0] == "jinja2 1: PYSEC-1, CVE-1, fixed in 2") == (code == VULNERABLE)


def has(program: str) -> bool:
    return Path(sys.executable).with_name(program).is_file()


@pytest.mark.skipif(not has("pip-audit"), reason="make test installs what requirements/dev.txt names")
def test_a_service_that_cannot_be_asked_is_no_pass() -> None:
    found = audit("--vulnerability-service", "osv", "--osv-url", "http://127.0.0.1:9/v1/query")
    assert found.code == NOT_AUDITED
    assert found.lines[0].startswith("NOT AUDITED")


@pytest.mark.skipif(not has("cyclonedx-py"), reason="make test installs what requirements/dev.txt names")
def test_the_bill_of_materials_holds_every_locked_package(tmp_path: Path) -> None:
    line = next(line for line in (ROOT / "Makefile").read_text().splitlines() if "cyclonedx-py" in line)
    words = line.split()
    options = [*words[1 : words.index("--output-file")], "--no-validate"]  # `make sbom` does: 10 s for the schema
    bill = tmp_path / "sbom.json"
    program = Path(sys.executable).with_name("cyclonedx-py")
    subprocess.run([program, *options, "--output-file", bill], cwd=ROOT, check=True)
    made = json.loads(bill.read_text())
    assert (made["bomFormat"], made["metadata"]["component"]["name"]) == ("CycloneDX", "fleetwatt")
    locked = set(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", LOCKED.read_text(), re.M))
    assert {(each["name"], each["version"]) for each in made["components"]} == locked


def test_images_can_be_pinned_by_digest() -> None:
    """The names are variables; their defaults are the published names."""
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "image: ${POSTGRES_IMAGE:-postgres:18}" in compose
    assert "PYTHON_IMAGE: ${PYTHON_IMAGE:-python:3.11-slim}" in compose
    assert "ARG PYTHON_IMAGE=python:3.11-slim" in dockerfile
    assert re.findall(r"^FROM (\S+)", dockerfile, re.M) == ["${PYTHON_IMAGE}"] * 2
