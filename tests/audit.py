"""``make audit``: what is known against the locked packages, and plainly where nobody could be asked.

pip-audit says "No known vulnerabilities found" of packages that its service has never heard of, as a mirror of PyPI has
not. Here only a package that was looked up counts as audited.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
LOCKED = ROOT / "requirements" / "runtime.txt"
NOTHING_KNOWN, VULNERABLE, NOT_AUDITED = 0, 1, 2


class Verdict(NamedTuple):
    """The exit code, and what is to be said."""

    code: int
    lines: list[str]


def verdict(report: dict[str, Any]) -> Verdict:
    """What pip-audit's report amounts to."""
    packages = report["dependencies"]
    skipped = [each for each in packages if "vulns" not in each]
    found = [
        f"{each['name']} {each['version']}: {', '.join([flaw['id'], *flaw['aliases']])}"
        f", fixed in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for each in packages
        for flaw in each.get("vulns", ())
    ]
    counted = f"{len(packages) - len(skipped)} of {len(packages)} packages audited, {len(found)} known vulnerabilities"
    if found:
        return Verdict(VULNERABLE, [*found, counted])
    if skipped or not packages:
        first = f", the first of the others: {skipped[0]['skip_reason']}" if skipped else ""
        return Verdict(NOT_AUDITED, [f"NOT AUDITED: {counted}{first}"])
    return Verdict(NOTHING_KNOWN, [counted])


def audit(*options: str) -> Verdict:
    """Ask, with these options for pip-audit."""
    with tempfile.TemporaryDirectory(prefix="fleetwatt-audit-") as folder:
        report = Path(folder) / "report.json"
        program = Path(sys.executable).with_name("pip-audit")
        command = [str(program), "--requirement", str(LOCKED), "--disable-pip", "--require-hashes", *options]
        command += ["--format", "json", "--output", str(report), "--progress-spinner", "off", "--timeout", "15"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if report.is_file() and (text := report.read_text(encoding="utf-8")).strip():
            return verdict(json.loads(text))
    last = (done.stderr.strip().splitlines() or [f"pip-audit ended with {done.returncode}"])[-1]
    return Verdict(NOT_AUDITED, [f"NOT AUDITED: the advisory service could not be asked: {last}"])


def main() -> None:
    """Print the verdict; exit code 0: nothing known, 1: something is, 2: could not be asked of every package."""
    found = audit(*sys.argv[1:])
    sys.stdout.write("\n".join(found.lines) + "\n")
    sys.exit(found.code)


if __name__ == "__main__":
    main()
