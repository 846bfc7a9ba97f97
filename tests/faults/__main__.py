"""``make faults``: the server is hurt in every way that machines know, and a ledger tells whether it kept its word."""

import argparse
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType

from tests.benchmarks.records import Recorder
from tests.faults import (
    bad_bodies,
    device_clocks,
    disk_full,
    flood,
    forget,
    frozen_postgres,
    kill_api,
    kill_postgres,
    many_connections,
    openapi_examples,
    overload,
    pool_exhausted,
    repeated_batch,
    slow_clients,
    stalled_bodies,
    upgrade,
)
from tests.faults.backup import drills
from tests.faults.day import kill_import, kill_retention, kill_run, two_workers
from tests.faults.scenario import QUICK, FaultScale, Stage
from tests.faults.verdict import Findings, table

SCENARIOS: dict[str, Callable[[Stage], None]] = {
    "kill-api": kill_api.run,
    "kill-postgres": kill_postgres.run,
    "kill-postgres-lax": kill_postgres.run_with_a_lax_role,
    "frozen": frozen_postgres.run,
    "pool": pool_exhausted.run,
    "repeated": repeated_batch.run,
    "overload": overload.run,
    "flood": flood.run,
    "slow-clients": slow_clients.run,
    "slow": stalled_bodies.run,
    "many": many_connections.run,
    "disk-full": disk_full.run,
    "clocks": device_clocks.run,
    "bad-bodies": bad_bodies.run,
    "openapi": openapi_examples.run,
    "kill-run-day": kill_run.run,
    "kill-retention": kill_retention.run,
    "kill-import": kill_import.run,
    "two-workers": two_workers.run,
    "restore": drills.restore,
    "pitr": drills.pitr,
    "forget": forget.run,
    "upgrade": upgrade.run,
}


def main() -> int:
    """Play what was asked for; 1 where a verdict failed, or a scenario could not be run and nobody allowed that."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, _stop)  # like Ctrl-C: through the end of every block, so that nothing is left
    recorder = Recorder.begin(arguments.json, "make faults", is_quick=arguments.quick) if arguments.json else None
    everything = []
    for name in arguments.names or SCENARIOS:
        print(f"{name} (load average {os.getloadavg()[0]:.1f})", flush=True)
        findings = Findings(name, {"seed": arguments.seed})
        began = time.monotonic()
        folder = Path(tempfile.mkdtemp(prefix=f"fleetwatt-{name}-", dir=arguments.folder))
        folder.chmod(0o755)  # started by root, PostgreSQL runs under another account
        try:
            SCENARIOS[name](Stage(folder, _scale(arguments), findings, arguments.seed))
        except Exception as error:  # the others are still to be played
            traceback.print_exc()
            findings.require("the scenario comes to its end", False, f"{type(error).__name__}: {error}")  # noqa: FBT003
        finally:
            if arguments.keep:
                findings.say(f"kept: {folder}")
            else:
                shutil.rmtree(folder)
        findings.figure("took_s", round(time.monotonic() - began, 1))
        print(f"{findings.json_line()}\n", flush=True)
        if recorder:
            recorder.add(findings.json_line())
        everything.append(findings)
    print(table(everything), flush=True)
    good = {"pass", "not run"} if arguments.allow_skip else {"pass"}
    return 0 if all(findings.verdict in good for findings in everything) else 1


def _scale(arguments: argparse.Namespace) -> FaultScale:
    scale = QUICK if arguments.quick else FaultScale()
    return replace(scale, backup_devices=arguments.backup_devices) if arguments.backup_devices else scale


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SCENARIOS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter: shows that it works, proves little")
    parser.add_argument(
        "--backup-devices",
        type=int,
        metavar="N",
        help="of each kind on the large day of restore and pitr, a tenth on three days more; full size: 10000",
    )
    parser.add_argument("--allow-skip", action="store_true", help="what cannot be run on this machine is no failure")
    parser.add_argument("--keep", action="store_true", help="leave the data and the logs")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("/var/tmp"),  # noqa: S108 - on disk, where /tmp may be memory; we make our own in it
        help="where the temporary folders are made; on a disk",
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="of what is drawn at random")
    parser.add_argument("--json", type=Path, metavar="FILE", help="add the run and its findings to this file too")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - SCENARIOS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return arguments


def _stop(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
