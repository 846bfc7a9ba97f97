"""Failed runs are told: on stderr, and to a webhook that may be slow, wrong or gone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dagster as dg
import pytest

from orchestration.alerting import http_post
from orchestration.alerting.alerts import MARK, Alert, send
from orchestration.alerting.webhook import WebhookChannel
from tests.integration.orchestration.conftest import SOON_S, FilledDays, Webhook
from tests.integration.orchestration.dagster_days import FIRST, SECOND, Days

URL = "http://127.0.0.1:3001/runs/abc"
ALERT = Alert("run_day", "2026-02-08", "abc", "A check failed.\nhourly_energy: 1 row violates: it adds up.", URL)


def test_an_alert_is_a_line_and_a_post(webhook: Webhook, capsys: pytest.CaptureFixture[str]) -> None:
    send(ALERT, [WebhookChannel(webhook.url)])
    (line,) = capsys.readouterr().err.splitlines()
    said = f"run_day of 2026-02-08 failed: A check failed. hourly_energy: 1 row violates: it adds up. See {URL}"
    assert line == f"{MARK}{said}"
    (posted,) = webhook.taken
    assert posted.pop("text").split() == said.split()
    assert datetime.fromisoformat(posted.pop("timestamp")).tzinfo == UTC
    assert posted == {
        "type": "run.failed",
        "what": "run_day",
        "day": "2026-02-08",
        "runId": "abc",
        "reason": ALERT.reason,
        "url": URL,
    }


def test_without_a_webhook_the_line_is_all(capsys: pytest.CaptureFixture[str]) -> None:
    send(ALERT, [])
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("wrong", ["answers 500", "refuses", "silent", "nonsense"])
def test_a_webhook_that_does_not_take_it_is_told_without_its_address(
    wrong: str, webhook: Webhook, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_post, "ANSWERS_WITHIN_S", 0.2)
    webhook.status = 500
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as silent:  # nobody serves it
        url = {
            "answers 500": webhook.url,
            "refuses": "http://127.0.0.1:1/secret-token",
            "silent": f"http://127.0.0.1:{silent.server_port}/secret-token",
            "nonsense": "http://[/secret-token",
        }[wrong]
        send(ALERT, [WebhookChannel(url)])
    first, second = capsys.readouterr().err.splitlines()
    assert "run_day of 2026-02-08 failed" in first
    assert second.startswith(f"{MARK}the webhook of FLEET_ALERT_WEBHOOK did not take this: ")
    assert "secret-token" not in second


PIECE, TOO_MUCH = 2**20, 256
"""Bytes, and how many of such pieces make an answer that is as good as endless."""


class Endless(BaseHTTPRequestHandler):
    """Takes what is posted, answers well, and does not end its answer."""

    pieces_sent = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            while Endless.pieces_sent < TOO_MUCH:
                self.wfile.write(bytes(PIECE))
                Endless.pieces_sent += 1

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=[SOON_S]).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook"
        finally:
            server.shutdown()


def test_what_a_webhook_answers_is_not_read(capsys: pytest.CaptureFixture[str]) -> None:
    """An answer without end would hold alerts back, and fill the memory."""
    with served(Endless) as url:
        send(ALERT, [WebhookChannel(url)])
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert Endless.pieces_sent < TOO_MUCH


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_webhook_leads_nowhere_else(status: int, webhook: Webhook, capsys: pytest.CaptureFixture[str]) -> None:
    """To an address that only this machine reaches, as clouds have one for their metadata."""

    class Leading(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Location", webhook.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with served(Leading) as url:
        send(ALERT, [WebhookChannel(url)])
    assert (webhook.taken, f"it answered {status}" in capsys.readouterr().err) == ([], True)


class Watch:
    """The sensor of failed runs, tick after tick."""

    def __init__(self, days: Days, instance: dg.DagsterInstance) -> None:
        self._sensor = days.definitions.resolve_sensor_def("failed_runs")
        self._repository = days.definitions.get_repository_def()
        self._resources = {"warehouse": days.warehouse}
        self._instance = instance
        self._cursor: str | None = None

    def look(self) -> None:
        with dg.build_sensor_context(
            instance=self._instance,
            repository_def=self._repository,
            resources=self._resources,
            cursor=self._cursor,
        ) as context:
            self._cursor = self._sensor.evaluate_tick(context).cursor


def test_each_failed_run_is_told_once(
    filled_days: FilledDays,
    webhook: Webhook,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLEET_ALERT_WEBHOOK", webhook.url)
    monkeypatch.setenv("FLEET_DAGSTER_PORT", "3456")
    days = filled_days(FIRST)
    with dg.DagsterInstance.ephemeral() as instance:
        watch = Watch(days, instance)
        watch.look()  # the first look only notes where the log ends
        assert days.run(instance, FIRST, only=["meters"]).success
        repeated = days.run(instance, FIRST, only=["hourly_energy", "flagged_steps"])
        assert not repeated.success
        instance.add_run_tags(repeated.run_id, {"dagster/will_retry": "true"})
        failed = days.run(instance, FIRST, only=["hourly_energy", "flagged_steps"])
        for _ in range(2):
            watch.look()

    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith(MARK)]
    assert len(lines) == 1, "one that Dagster repeats by itself is no news yet, and one that succeeded none at all"
    (posted,) = webhook.taken
    assert (posted["runId"], posted["day"]) == (failed.run_id, FIRST.isoformat())
    assert posted["url"] == f"http://127.0.0.1:3456/runs/{failed.run_id}"
    assert posted["reason"].startswith("A file of the lake is not there: ")


def test_of_a_run_of_several_days_the_first_and_the_last_are_named(
    filled_days: FilledDays, capsys: pytest.CaptureFixture[str]
) -> None:
    days = filled_days(FIRST, SECOND)
    days.add_late_reading(SECOND, soc_percent=150.0)
    with dg.DagsterInstance.ephemeral() as instance:
        watch = Watch(days, instance)
        watch.look()
        assert not days.run_together(instance, FIRST, SECOND).success
        watch.look()
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith(MARK)]
    assert line.startswith(f"{MARK}run_day of {FIRST} to {SECOND} failed: ")
    assert f"{SECOND}: 1 row violates: soc_percent of vehicle_readings must be between 0 and 100" in line
