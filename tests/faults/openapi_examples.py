"""schemathesis over the whole OpenAPI document: every operation asked rightly and wrongly, and in sequences."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.faults.scenario import Stage

TOKEN = "of-a-server-that-lives-for-minutes"  # noqa: S105 - a test's own
ANSWER_WITHIN_S = 10.0
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
"""Left out: that whatever the document allows is accepted, and the reverse. What a reading may be depends on the clock
and on what is stored, and unknown fields are ignored by promise."""
CONFIGURATION = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "503"]
"""
NOT_LET_IN = "Unexpected response to "
"""How the title of what it found begins where a stranger got neither 401 nor what was asked for: 429, after so many
refused tokens a minute, as documented. Where a stranger is let in it has another title."""
GROWTH_MB = 50.0


def run(stage: Stage) -> None:
    """No 5xx, no hang, no undocumented answer, flat memory; good clients deliver beside it."""
    findings = stage.findings
    with (
        stage.product(FLEET_AUTH="required", FLEET_ADMIN_TOKEN=TOKEN) as product,  # as the document has it
        stage.book(product, others_write=True) as book,
    ):
        good = book.clients(connections=8, interval_s=0.2, token=TOKEN)
        with good.sending():
            findings.require("ingest works", good.wait_for(good.connections))
            _examine(product.api.port, stage.folder, 1, stage.seed)  # what everything costs the first time
            memory = product.api.resident_bytes()
            report = _examine(product.api.port, stage.folder, stage.scale.openapi_examples, stage.seed)
            findings.at_most("memory_growth_mb", (product.api.resident_bytes() - memory) / 1e6, GROWTH_MB)
        findings.figure("operations", report["operations"]["tested"])
        findings.figure("cases", report["test_cases"]["generated"])
        findings.require("the whole document was gone through", report["complete"], report["stop_reason"])
        findings.require("schemathesis could do its work", not report["errors"], report["errors"] or "")
        for failure in report["failures"]:
            if failure["type"] == "IgnoredAuth" and failure["title"].startswith(NOT_LET_IN):
                continue
            where = ", ".join(str(operation) for operation in failure["operations"])
            findings.require(f"{failure['code']} {failure['title']}", False, f"{failure['count']} x {where}")  # noqa: FBT003
        findings.hardly_refused(good.attempts.between(0), of="good_clients")


def _examine(port: int, folder: Path, examples: int, seed: int) -> dict[str, Any]:
    """The report of one run; its findings in words are in the folder."""
    report = folder / "schemathesis.json"
    (folder / "schemathesis.toml").write_text(CONFIGURATION)
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{port}/openapi.json", "--no-color"]
    command += ["--checks", ",".join(CHECKS), "--max-response-time", str(ANSWER_WITHIN_S), "--continue-on-failure"]
    command += ["--header", f"Authorization:Bearer {TOKEN}", "--max-examples", str(examples), "--seed", str(seed)]
    command += ["--exclude-path", "/v1/live"]  # an answer without an end
    command += ["--report", "json", "--report-json-path", str(report), "--suppress-health-check", "all"]
    with (folder / "schemathesis.log").open("wb") as log:
        subprocess.run(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, check=False)
    found: dict[str, Any] = json.loads(report.read_text())
    return found
