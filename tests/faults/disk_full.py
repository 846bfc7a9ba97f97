"""PostgreSQL's disk is full: who delivers is told so, and when there is room again everything goes on, and is whole."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ingest_api.health.storing_health import RECENT_S
from tests.faults.attempts import clock
from tests.faults.ledger_client import LedgerClients
from tests.faults.polling import Poller
from tests.faults.postgres import Postgres
from tests.faults.product import Product
from tests.faults.scenario import Stage
from warehouse.contract.errors import FleetwattError
from warehouse.postgres.connection import connect
from warehouse.postgres.embedded.cluster import program

DISK_MB = 400
FILLS_WITHIN_S = 60.0
RESUMES_WITHIN_S = 30.0
ANSWER_WITHIN_S = 2.25
HEALTH_WITHIN_S = RECENT_S + 10


def run(stage: Stage) -> None:
    """The data lies on a small disk of memory, which a file fills to the last byte under load."""
    home = stage.folder / "small"
    try:
        with _small_disk(home):
            _run(stage, home)
    except NotMountedError as error:
        stage.findings.not_run = f"no small disk can be mounted here: {error}"


class NotMountedError(Exception):
    """Only root may mount, and only where a container allows it"""


def _run(stage: Stage, home: Path) -> None:
    findings = stage.findings
    with stage.product(home=home) as product, stage.book(product) as book:
        clients, livez = book.clients(connections=16), Poller(product.api.port, "/livez", 0.1)
        health = Poller(product.api.port, "/health", 0.1)
        with clients.sending(), livez.asking(), health.asking():
            findings.require("ingest works", clients.wait_for(clients.connections))
            ballast = home / "ballast"
            _fill(ballast)
            filled_at = clock()
            findings.require("a full disk is told as 503", _refused(clients, product, filled_at))
            findings.figure("first_503_after_s", clock() - filled_at)
            findings.require("health says that nothing is stored", _answered(health, product, 503))
            findings.figure("not_ready_after_s", clock() - filled_at)
            _watch(product.postgres, stage.scale.full_s)
            _need_log_segment(product.url)
            findings.figure("vain_starts_of_postgres", _watch(product.postgres, stage.scale.full_s))
            ballast.unlink()
            room_at = clock()
            _watch(product.postgres, 1.0)
            findings.require("ingest resumes", clients.wait_for(1, RESUMES_WITHIN_S))
            findings.at_most("resumed_after_s", clock() - room_at, RESUMES_WITHIN_S)
            findings.require("ingest works", clients.wait_for(clients.connections))
            findings.require("health is well again", _answered(health, product, 200))
        _watch(product.postgres, RECENT_S + 1)  # no commit speaks for the present any more
        with health.asking():
            quiet_at = clock()
            _watch(product.postgres, 1.0)
            findings.statuses(health.attempts.between(quiet_at), {200}, of="health_in_silence")
            _fill(ballast)
            filled_at = clock()
            findings.require("a full disk is seen without traffic", _answered(health, product, 503))
            findings.figure("seen_without_traffic_s", clock() - filled_at)
            ballast.unlink()
            findings.require("room is seen without traffic", _answered(health, product, 200))
        findings.statuses(health.attempts.between(0), {200, 503}, of="health")
        findings.statuses(clients.attempts.between(0), {200, 201, 503})
        findings.at_most("slowest_answer_s", clients.attempts.between(0).slowest_s, ANSWER_WITHIN_S)
        findings.statuses(livez.attempts.between(0), {200}, of="livez")
        findings.each_503_says_when(clients.attempts)
    product.postgres.start()
    product.postgres.server.stop()
    said = _broken_pages(product.postgres.server.data)
    findings.require("every page has its checksum", "Bad checksums:  0" in said, " ".join(said.split()))


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or not sys.platform.startswith("linux"):
        raise NotMountedError("this is not Linux")
    options = f"size={DISK_MB}m,mode=755"
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotMountedError(done.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def _fill(ballast: Path) -> None:
    """Write until there is no room for another byte."""
    with ballast.open("wb", buffering=0) as file:
        piece = 1 << 20
        while piece:
            try:
                file.write(bytes(piece))
            except OSError:
                piece //= 2


def _need_log_segment(url: str) -> None:
    """Make PostgreSQL need the one file without which it cannot go on: the next segment of its write-ahead log."""
    with suppress(FleetwattError), connect(url) as connection:
        connection.execute("SELECT pg_logical_emit_message(false, 'faults', repeat('x', 40000000), true)")


def _refused(clients: LedgerClients, product: Product, since: float) -> bool:
    give_up = clock() + FILLS_WITHIN_S
    while clock() < give_up:
        if len(clients.attempts.between(since).of(503)):
            return True
        _watch(product.postgres, 0.2)
    return False


def _answered(health: Poller, product: Product, status: int) -> bool:
    """Whether the question is answered so soon, by whichever process is asked."""
    began, give_up = clock(), clock() + HEALTH_WITHIN_S
    while clock() < give_up:
        if len(health.attempts.between(began).of(status)):
            return True
        _watch(product.postgres, 0.2)
    return False


def _watch(postgres: Postgres, seconds: float) -> int:
    """Start the server again where it has died, as the supervisor does; how often that was in vain."""
    until, in_vain = clock() + seconds, 0
    while clock() < until:
        if not postgres.server.is_alive():
            try:
                postgres.restart_as_supervised()
            except FleetwattError:  # no room to recover yet: the supervisor would try again, and so do we
                in_vain += 1
        time.sleep(0.1)
    return in_vain


def _broken_pages(data: Path) -> str:
    """What ``pg_checksums`` says of a server that is stopped."""
    owner = data.stat()
    done = subprocess.run(
        [program("pg_checksums"), "--check", "-D", data],
        capture_output=True,
        text=True,
        check=False,
        user=owner.st_uid if os.geteuid() == 0 else None,
        group=owner.st_gid if os.geteuid() == 0 else None,
        extra_groups=[] if os.geteuid() == 0 else None,
        cwd="/",
    )
    return done.stdout + done.stderr
