"""From an event of a finding to a message that somebody has: the outbox, and who sends what is in it."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from orchestration.alerting import http_post
from orchestration.alerting.alerts import MARK
from orchestration.alerting.channel import Channel, Outcome
from orchestration.alerting.chats import SlackChannel
from orchestration.alerting.sending import FIRST_PAUSE_S, LEASE, LONGEST_PAUSE_S, pause, send_due
from orchestration.alerting.webhook import WebhookChannel
from tests.integration.orchestration.conftest import Webhook
from tests.integration.postgres.telling import tell
from tests.ports import free_port
from tests.stored_findings import add_event, add_finding
from tests.told_findings import closed, fault, later, told
from warehouse.alerts.message import Message
from warehouse.alerts.outbox import Decided, decide_alerts, work_to_do
from warehouse.postgres.alerts.deliveries import (
    DeliveryState,
    add_deliveries,
    channel_overviews,
    end_attempt,
    forget_deliveries,
    list_deliveries,
    revive_dead,
    take_delivery,
)
from warehouse.postgres.connection import connect
from warehouse.postgres.findings.acts import Act, Request, act_on_finding
from warehouse.settings import FleetSettings

MORNING = datetime(2026, 2, 8, 5, tzinfo=UTC)
"""Before the hour of the digest."""
DAY = timedelta(days=1)
WEBHOOK = ("webhook",)


def settings(**given: Any) -> FleetSettings:
    return FleetSettings(_env_file=None, **given)


def decide(
    connection: psycopg.Connection,
    now: datetime = MORNING,
    channels: tuple[str, ...] = WEBHOOK,
    **given: Any,
) -> Decided:
    return decide_alerts(connection, channels, settings(**given), now)


def log(connection: psycopg.Connection) -> list[tuple[str, str, str]]:
    """Channel, key and state of each delivery, oldest first."""
    return [(each.channel, each.idempotency_key, each.state) for each in reversed(list_deliveries(connection, 1_000))]


def outcomes(connection: psycopg.Connection) -> list[tuple[str, str | None]]:
    return connection.execute("SELECT outcome, why FROM alert_events ORDER BY event_id").fetchall()


class Clock:
    """The present, as a test says."""

    def __init__(self, now: datetime = MORNING) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class TestDeciding:
    def test_each_channel_gets_a_message_once_however_often_it_is_decided(self, connection: psycopg.Connection) -> None:
        finding = add_finding(connection)
        event_id = add_event(connection, finding, "opened")
        for _ in range(3):
            decide(connection, channels=("webhook", "mail"))
        key = f"finding_{finding}_opened_{event_id}"
        assert log(connection) == [("webhook", key, "waiting"), ("mail", key, "waiting")]
        (message,) = connection.execute("SELECT DISTINCT message FROM alert_deliveries").fetchall()
        assert message[0]["fields"]["finding"]["meterId"] == "meter-1"
        add_deliveries(connection, ["webhook", "slack"], key, {"text": "another"}, MORNING)
        assert [channel for channel, *_ in log(connection)] == ["webhook", "mail", "slack"]

    def test_two_who_decide_at_once_decide_once(self, database_url: str, connection: psycopg.Connection) -> None:
        for number in range(1, 6):
            add_event(connection, add_finding(connection, number), "opened")
        begin = threading.Barrier(4)

        def run(_: int) -> int:
            with connect(database_url) as own:
                begin.wait()
                return decide(own).messages

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(run, range(4))) == 5
        assert len({key for _, key, _ in log(connection)}) == len(log(connection)) == 5

    def test_an_event_that_commits_after_a_later_one_is_told_too(
        self, database_url: str, connection: psycopg.Connection
    ) -> None:
        slow, quick = add_finding(connection, 1), add_finding(connection, 2)
        with connect(database_url, autocommit=False) as other:
            first = add_event(other, slow, "opened")
            second = add_event(connection, quick, "opened")
            assert decide(connection).messages == 1
            other.commit()
        assert first < second
        assert decide(connection).messages == 1
        assert [key.split("_")[1] for _, key, _ in log(connection)] == [str(quick), str(slow)]

    def test_without_a_channel_nothing_is_looked_at_and_later_all_of_it(self, connection: psycopg.Connection) -> None:
        add_event(connection, add_finding(connection), "opened")
        assert decide(connection, channels=()) == Decided()
        assert outcomes(connection) == []
        assert decide(connection) == Decided(events=1, messages=1)

    def test_a_storm_is_one_message_and_what_comes_after_it_waits_for_the_digest(
        self, connection: psycopg.Connection
    ) -> None:
        for number in range(1, 26):
            add_event(connection, add_finding(connection, number), "opened")
        assert decide(connection, alert_storm=10) == Decided(events=25, messages=1)
        for number in range(26, 51):
            add_event(connection, add_finding(connection, number), "opened")
        assert decide(connection, MORNING + timedelta(hours=1), alert_storm=10) == Decided(events=25, messages=0)
        storm, digest = "finding_storm_2026-02-08", "finding_digest_2026-02-08"
        assert log(connection) == [("webhook", storm, "waiting")]
        decide(connection, MORNING + timedelta(hours=3))
        assert log(connection)[1:] == [("webhook", digest, "waiting")]
        (stored,) = connection.execute("SELECT message FROM alert_deliveries WHERE idempotency_key = %s", [digest])
        assert stored[0]["fields"]["counts"] == {"opened": 25}
        assert stored[0]["fields"]["open"] == [
            {"findings": 50, "costPerMonth": 50 * 4.2, "kwhPerMonth": 50 * 14.0, "currency": "EUR"}
        ]

    def test_the_next_day_may_have_a_storm_of_its_own(self, connection: psycopg.Connection) -> None:
        for day in range(2):
            for number in range(1, 4):
                add_event(connection, add_finding(connection, 10 * day + number), "opened")
            assert decide(connection, MORNING + day * DAY, alert_storm=2).messages == 1
        assert [key for _, key, _ in log(connection)] == ["finding_storm_2026-02-08", "finding_storm_2026-02-09"]

    def test_of_a_snoozed_finding_nothing_is_told_until_the_snooze_runs_out(
        self, connection: psycopg.Connection
    ) -> None:
        finding = add_finding(connection)
        add_event(connection, finding, "opened")
        decide(connection)
        until = MORNING + 2 * DAY
        add_event(connection, finding, "snoozed", state="snoozed", snoozed_until=until)
        add_event(connection, finding, "worse")
        assert decide(connection, MORNING + timedelta(hours=1)).messages == 0
        assert outcomes(connection)[1:] == [
            ("to_digest", None),
            ("quiet", f"it is snoozed until {until:%Y-%m-%d %H:%M}Z"),
        ]
        add_event(connection, finding, "worse")
        decide(connection, until + timedelta(minutes=1))
        assert log(connection)[-1][1].startswith(f"finding_{finding}_worse_")

    @pytest.mark.parametrize(("closed_after", "messages"), [(DAY, 1), (3 * DAY, 2)])
    def test_one_that_closes_within_its_snooze_closes_quietly(
        self, closed_after: timedelta, messages: int, connection: psycopg.Connection
    ) -> None:
        finding = add_finding(connection)
        add_event(connection, finding, "opened")
        decide(connection)
        until = MORNING + 2 * DAY
        details = {"until": until.isoformat()}
        add_event(connection, finding, "snoozed", details=details, state="snoozed", snoozed_until=until)
        closed_at = MORNING + closed_after
        add_event(
            connection, finding, "resolved", closed_at, state="resolved", resolved_at=closed_at, snoozed_until=None
        )
        decide(connection, closed_at, alert_digest_hour=23)
        assert len(log(connection)) == messages

    def test_a_day_that_is_restated_twice_is_told_once(self, connection: psycopg.Connection) -> None:
        finding = add_finding(connection)
        add_event(connection, finding, "opened")
        decide(connection)
        for _ in range(2):
            add_event(connection, finding, "resolved", state="resolved", resolved_at=MORNING)
            add_event(connection, finding, "reopened", state="open", resolved_at=None)
        assert decide(connection).messages == 0
        assert outcomes(connection)[1:] == [("quiet", "it is known to be open")] * 4

    def test_a_digest_goes_once_a_day_from_its_hour_on_where_there_is_something(
        self, connection: psycopg.Connection
    ) -> None:
        for hour in (5, 8):
            assert decide(connection, MORNING.replace(hour=hour)).messages == 0
        finding = add_finding(connection, severity="info")
        add_event(connection, finding, "opened")
        assert decide(connection, MORNING.replace(hour=6)).messages == 0
        for _ in range(2):
            decide(connection, MORNING.replace(hour=7))
        add_event(connection, finding, "noted", note="<b>hm</b>")
        decide(connection, MORNING.replace(hour=23))
        assert [key for _, key, _ in log(connection)] == ["finding_digest_2026-02-08"]
        decide(connection, MORNING.replace(hour=8) + DAY)
        assert [key for _, key, _ in log(connection)][1:] == ["finding_digest_2026-02-09"]
        assert set(outcomes(connection)) == {("digested", None)}

    def test_what_there_is_to_do_changes_when_it_was_done(self, connection: psycopg.Connection) -> None:
        def work(now: datetime) -> tuple[object, ...]:
            return work_to_do(connection, settings(), now)

        assert work(MORNING) == ()
        finding = add_finding(connection)
        add_event(connection, finding, "opened")
        seen = [work(MORNING)]
        decide(connection)
        seen.append(work(MORNING))
        taken = take_delivery(connection, MORNING, MORNING + LEASE)
        assert taken is not None
        assert work(MORNING) == ()
        end_attempt(connection, taken, DeliveryState.WAITING, "no", MORNING, MORNING + timedelta(minutes=9))
        seen.append(work(MORNING + timedelta(minutes=9)))
        assert len(set(seen)) == 3
        assert () not in seen
        add_event(connection, finding, "noted")
        decide(connection)
        assert work(MORNING) == (), "the digest's hour has not come"
        assert work(MORNING.replace(hour=7)) != ()


class TestWhatThePipelineAndPeopleDo:
    """The events are those of the product: released days that tell of findings, and acts of people."""

    def told_of(self, connection: psycopg.Connection) -> list[str]:
        rows = connection.execute("SELECT message ->> 'kind' FROM alert_deliveries ORDER BY delivery_id").fetchall()
        return [kind.removeprefix("finding.") for (kind,) in rows]

    def test_a_loss_opens_gets_worse_closes_and_comes_back(self, connection: psycopg.Connection) -> None:
        days = [told(), told(points=4.5), told(points=9.0), closed(told(points=9.0), later(3)), told(points=5.0)]
        for number, row in enumerate(days):
            tell(connection, [row], later(number))
            decide(connection, MORNING + number * DAY)
            tell(connection, [row], later(number))  # the same day, restated
            decide(connection, MORNING + number * DAY)
        assert self.told_of(connection) == ["opened", "worse", "resolved", "reopened"]

    def test_a_day_that_is_restated_away_and_back_is_told_once(self, connection: psycopg.Connection) -> None:
        tell(connection, [told()])
        decide(connection)
        for _ in range(2):
            tell(connection, [])
            tell(connection, [told()])
        decide(connection)
        assert self.told_of(connection) == ["opened"]

    def test_what_somebody_snoozed_gets_worse_quietly(self, connection: psycopg.Connection) -> None:
        tell(connection, [told(), fault()])
        decide(connection)
        loss, clock = (row[0] for row in connection.execute("SELECT finding_id FROM findings ORDER BY rule").fetchall())
        act_on_finding(connection, loss, Request(Act.SNOOZE, "anna", until=datetime.now(UTC) + DAY))
        act_on_finding(connection, clock, Request(Act.ACCEPT, "anna", note="<b>as it is</b>"))
        tell(connection, [told(points=12.0), fault(severity="critical")], later(1))
        decide(connection, datetime.now(UTC), alert_digest_hour=23)
        assert self.told_of(connection)[:2] == ["opened", "opened"]
        assert not {"worse", "resolved"} & set(self.told_of(connection))
        tell(connection, [closed(told(points=12.0), later(2))], later(2))
        decide(connection, datetime.now(UTC), alert_digest_hour=23)
        assert not {"worse", "resolved"} & set(self.told_of(connection))

    def test_what_somebody_resolves_is_told_with_who_and_why(self, connection: psycopg.Connection) -> None:
        tell(connection, [told()])
        decide(connection)
        ((finding_id,),) = connection.execute("SELECT finding_id FROM findings").fetchall()
        act_on_finding(connection, finding_id, Request(Act.RESOLVE, "anna", note="new contactor"))
        decide(connection)
        assert self.told_of(connection) == ["opened", "resolved"]
        ((text,),) = connection.execute(
            "SELECT message ->> 'text' FROM alert_deliveries WHERE message ->> 'kind' = 'finding.resolved'"
        ).fetchall()
        assert "By anna: new contactor" in text


@pytest.fixture
def one_message(connection: psycopg.Connection) -> None:
    """A message waits for the webhook."""
    add_event(connection, add_finding(connection), "opened")
    decide(connection)


class TestSending:
    @pytest.mark.usefixtures("one_message")
    def test_what_is_taken_is_sent_once_and_logged(self, connection: psycopg.Connection, webhook: Webhook) -> None:
        for _ in range(2):
            send_due(connection, [WebhookChannel(webhook.url)], Clock())
        ((_, key, _),) = log(connection)
        assert [headers["webhook-id"] for headers in webhook.headers] == [key]
        assert webhook.taken[0]["type"] == "finding.opened"
        (entry,) = list_deliveries(connection, 10)
        assert (entry.state, entry.attempts, entry.said, entry.ended_at) == ("sent", 1, "taken", MORNING)
        assert channel_overviews(connection) == []

    def test_two_senders_at_once_send_once(
        self, database_url: str, connection: psycopg.Connection, webhook: Webhook
    ) -> None:
        for number in range(1, 11):
            add_event(connection, add_finding(connection, number), "opened")
        decide(connection)
        begin = threading.Barrier(2)

        def run(_: int) -> int:
            with connect(database_url) as own:
                begin.wait()
                return send_due(own, [WebhookChannel(webhook.url)], Clock()).sent

        with ThreadPoolExecutor(2) as pool:
            assert sum(pool.map(run, range(2))) == 10
        assert len({headers["webhook-id"] for headers in webhook.headers}) == len(webhook.headers) == 10

    def test_who_takes_one_neither_waits_for_another_nor_takes_the_same(
        self, database_url: str, connection: psycopg.Connection
    ) -> None:
        for number in (1, 2):
            add_event(connection, add_finding(connection, number), "opened")
        decide(connection)
        connection.execute("SET lock_timeout = '5s'")  # whoever waits here waits for good
        with connect(database_url, autocommit=False) as other:
            first = take_delivery(other, MORNING, MORNING + LEASE)
            second = take_delivery(connection, MORNING, MORNING + LEASE)
            assert first is not None
            assert second is not None
            assert first.delivery_id != second.delivery_id
            assert take_delivery(connection, MORNING, MORNING + LEASE) is None
            other.commit()
        assert take_delivery(connection, MORNING, MORNING + LEASE) is None

    @pytest.mark.usefixtures("one_message")
    def test_a_server_that_is_gone_for_a_while_gets_it_when_it_is_back(
        self, connection: psycopg.Connection, webhook: Webhook
    ) -> None:
        webhook.status = 500
        clock, channel = Clock(), WebhookChannel(webhook.url)
        attempted = []
        while clock.now < MORNING + timedelta(hours=6):
            send_due(connection, [channel], clock)
            attempted.append(clock.now)
            (entry,) = list_deliveries(connection, 1)
            assert (entry.state, entry.said) == ("waiting", "it answered 500")
            assert entry.next_attempt_at is not None
            clock.now = entry.next_attempt_at - timedelta(seconds=1)
            send_due(connection, [channel], clock)
            assert len(webhook.bodies) == len(attempted), "not before its time"
            clock.now = entry.next_attempt_at
        pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(attempted)]
        assert FIRST_PAUSE_S / 2 <= pauses[0] <= FIRST_PAUSE_S
        assert LONGEST_PAUSE_S / 2 <= pauses[-1] <= LONGEST_PAUSE_S
        webhook.status = 204
        send_due(connection, [channel], clock)
        assert log(connection)[0][2] == "sent"
        assert len(set(webhook.bodies)) == 1, "each attempt is the same message"
        assert len({headers["webhook-id"] for headers in webhook.headers}) == 1
        (entry,) = list_deliveries(connection, 1)
        assert [each.ended_at for each in entry.log] == [*attempted, clock.now]
        assert [each.said for each in entry.log] == ["it answered 500"] * len(attempted) + ["taken"]

    @pytest.mark.usefixtures("one_message")
    def test_what_nobody_takes_for_a_day_is_given_up_told_and_can_be_tried_again(
        self, connection: psycopg.Connection, webhook: Webhook, capsys: pytest.CaptureFixture[str]
    ) -> None:
        clock, gone = Clock(), WebhookChannel(f"http://127.0.0.1:{free_port()}/secret-token")
        while (entry := list_deliveries(connection, 1)[0]).state == "waiting":
            assert entry.next_attempt_at is not None
            clock.now = entry.next_attempt_at
            send_due(connection, [gone], clock)
        assert clock.now == MORNING + DAY
        assert (entry.state, entry.ended_at) == ("dead", MORNING + DAY)
        assert 24 <= entry.attempts <= 60
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"{MARK}the webhook did not take a message within a day, and it was given up: ")
        assert "fleetwatt alerts send --dead" in line
        assert "secret-token" not in line + str(entry.said)
        (overview,) = channel_overviews(connection)
        assert (overview.channel, overview.waiting, overview.dead) == ("webhook", 0, 1)
        assert send_due(connection, [WebhookChannel(webhook.url)], clock).sent == 0
        assert revive_dead(connection, clock.now) == 1
        assert send_due(connection, [WebhookChannel(webhook.url)], clock).sent == 1
        assert log(connection)[0][2] == "sent"

    @pytest.mark.usefixtures("one_message")
    def test_who_dies_while_sending_leaves_it_to_others(self, connection: psycopg.Connection, webhook: Webhook) -> None:
        dying = take_delivery(connection, MORNING, MORNING + LEASE)
        assert dying is not None
        clock = Clock(MORNING + LEASE - timedelta(seconds=1))
        assert send_due(connection, [WebhookChannel(webhook.url)], clock).sent == 0
        clock.now = MORNING + LEASE
        assert send_due(connection, [WebhookChannel(webhook.url)], clock).sent == 1
        # It was not dead after all, and says something late.
        end_attempt(connection, dying, DeliveryState.DEAD, "too late", clock.now)
        assert log(connection)[0][2] == "sent"
        assert [each.said for each in list_deliveries(connection, 1)[0].log] == ["too late", "taken"]

    def test_a_channel_that_hangs_holds_up_no_other(
        self, connection: psycopg.Connection, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(http_post, "ANSWERS_WITHIN_S", 0.2)
        for number in range(1, 4):
            add_event(connection, add_finding(connection, number), "opened")
        decide(connection, channels=("webhook", "slack"))
        with _silent() as (url, connections):
            send_due(connection, [WebhookChannel(url), Patient(webhook.url)], Clock())
            assert connections() == 1, "it is asked once, not for each of its messages"
        states = [(channel, state) for channel, _, state in log(connection)]
        assert states.count(("slack", "sent")) == 3
        assert states.count(("webhook", "waiting")) == 3
        (overview,) = channel_overviews(connection)
        assert (overview.channel, overview.waiting, overview.said) == ("webhook", 3, "no answer within 0.2 s")
        assert work_to_do(connection, settings(), MORNING) == (), "the others wait too"

    def test_a_message_that_a_channel_never_takes_holds_up_no_other(self, connection: psycopg.Connection) -> None:
        first, second, third = (add_finding(connection, number) for number in (1, 2, 3))
        clock, taken = Clock(), []

        class Picky:
            name = setting = "webhook"

            def send(self, message: Message, _: datetime) -> Outcome:
                if str(first) in message.key:
                    return Outcome("it answered 413")
                taken.append(message.key.split("_")[1])
                return Outcome()

        add_event(connection, first, "opened")
        add_event(connection, second, "opened")
        decide(connection)
        send_due(connection, [Picky()], clock)
        assert taken == [], "whether it is the channel or the message is not known yet"
        for _ in range(8):
            clock.now += timedelta(hours=1)
            send_due(connection, [Picky()], clock)
        assert taken == [str(second)]
        add_event(connection, third, "opened")
        clock.now += timedelta(hours=1)
        decide(connection, clock.now)
        send_due(connection, [Picky()], clock)
        assert taken == [str(second), str(third)], "as soon as it is there, although the other one is due as well"
        assert [state for *_, state in log(connection)] == ["waiting", "sent", "sent"]

    def test_a_message_of_a_clock_that_was_wrong_is_not_kept_until_then(
        self, connection: psycopg.Connection, webhook: Webhook
    ) -> None:
        years_later = Clock(MORNING + 4_000 * DAY)
        for number in (1, 2):
            add_event(connection, add_finding(connection, number), "opened")
        decide(connection, years_later.now)
        webhook.status = 500
        send_due(connection, [WebhookChannel(webhook.url)], years_later)
        assert work_to_do(connection, settings(), MORNING) != ()
        clock = Clock()
        send_due(connection, [WebhookChannel(webhook.url)], clock)
        assert len(webhook.bodies) == 2, "once by each clock"
        assert work_to_do(connection, settings(), MORNING) == (), "both are put off, by this clock"
        webhook.status = 204
        clock.now += timedelta(hours=1)
        assert send_due(connection, [WebhookChannel(webhook.url)], clock).sent == 2

    @pytest.mark.usefixtures("one_message")
    def test_a_channel_that_asks_for_a_pause_gets_it(self, connection: psycopg.Connection) -> None:
        class Busy:
            name = setting = "webhook"

            def send(self, *_: object) -> Outcome:
                return Outcome("it answered 429", retry_after_s=1234)

        send_due(connection, [Busy()], Clock())
        (entry,) = list_deliveries(connection, 1)
        assert entry.next_attempt_at == MORNING + timedelta(seconds=1234)

    @pytest.mark.usefixtures("one_message")
    def test_a_channel_that_is_not_set_any_more_is_given_up_too(
        self, connection: psycopg.Connection, capsys: pytest.CaptureFixture[str]
    ) -> None:
        send_due(connection, [], Clock())
        send_due(connection, [], Clock(MORNING + DAY))
        (entry,) = list_deliveries(connection, 1)
        assert (entry.state, entry.said) == ("dead", "this channel is not set any more")
        assert MARK in capsys.readouterr().err

    def test_the_log_forgets_what_ended_long_ago(self, connection: psycopg.Connection, webhook: Webhook) -> None:
        for number in (1, 2):
            add_event(connection, add_finding(connection, number), "opened")
            decide(connection)
            if number == 1:
                send_due(connection, [WebhookChannel(webhook.url)], Clock())
        assert forget_deliveries(connection, MORNING) == 0
        assert forget_deliveries(connection, MORNING + timedelta(seconds=1)) == 1
        assert [state for *_, state in log(connection)] == ["waiting"]
        assert decide(connection).messages == 0, "what was told is known without the log"


class Patient(SlackChannel):
    """Slack's, that waits for its answer however busy the machine is."""

    def send(self, message: Any, now: datetime) -> Outcome:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(http_post, "ANSWERS_WITHIN_S", 60.0)
            return super().send(message, now)


@contextmanager
def _silent() -> Iterator[tuple[str, Callable[[], int]]]:
    """The address of a server that takes connections and says nothing, and how many it got."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def connections() -> int:
            listener.settimeout(0.05)
            count = 0
            while True:
                try:
                    listener.accept()[0].close()
                except TimeoutError:
                    return count
                count += 1

        yield f"http://127.0.0.1:{listener.getsockname()[1]}/x", connections


@pytest.mark.parametrize(("attempts", "longest_s"), [(1, 30), (2, 60), (3, 120), (8, 3600), (1000, 3600)])
def test_each_pause_is_twice_as_long_up_to_an_hour(attempts: int, longest_s: float) -> None:
    assert pause(attempts, 0, lambda: 0.0) == timedelta(seconds=longest_s / 2)
    assert pause(attempts, 0, lambda: 1.0) == timedelta(seconds=longest_s)
    assert pause(attempts, 7200, lambda: 1.0) == timedelta(seconds=7200)


def test_a_channel_is_what_the_sender_expects() -> None:
    channels: list[Channel] = [WebhookChannel("http://x"), SlackChannel("http://x")]
    assert json.dumps([channel.name for channel in channels]) == '["webhook", "slack"]'
