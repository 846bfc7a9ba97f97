"""What is sent to each kind of channel, and that other people's words stay words in it."""

import json
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP

import pytest

from orchestration.alerting.chats import slack_text, teams_card
from orchestration.alerting.mails import as_mail
from orchestration.alerting.webhook import signature
from warehouse.alerts.message import Message
from warehouse.contract.redaction import keep_secret

AT = datetime(2026, 2, 8, 7, tzinfo=UTC)
NASTY = "<!channel> <https://evil.example|Zoë> *b* [x](http://e) & @everyone \x1b[31m\u202e"


def message(text: str = "A finding", subject: str = "A finding", **fields: object) -> Message:
    return Message("finding.opened", subject, text, fields, AT, "finding_1")


def test_a_signature_is_that_of_the_specification() -> None:
    """Of the reference libraries' own tests (standard-webhooks, ``test_sign_function``)."""
    signed = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_body_is_json_with_the_text_the_type_and_the_instant() -> None:
    said = json.loads(message("Ladesäule 5\nkostet", finding={"id": "1"}).body)
    assert said == {
        "text": "Ladesäule 5\nkostet",
        "type": "finding.opened",
        "timestamp": "2026-02-08T07:00:00+00:00",
        "finding": {"id": "1"},
    }


def test_a_body_can_be_sent_whatever_is_in_it() -> None:
    assert json.loads(message("half \ud800, nul \x00").body.encode())["text"] == "half \ud800, nul \x00"


def test_no_secret_is_in_what_is_sent() -> None:
    keep_secret("s3cret-of-this-very-test")
    told = message("it said s3cret-of-this-very-test", "s3cret-of-this-very-test", note="s3cret-of-this-very-test")
    mail = as_mail(told, "a@example.com", ("b@example.com",), AT).as_bytes()
    for sent in (told.body, slack_text(told), json.dumps(teams_card(told)), mail.decode()):
        assert "s3cret" not in sent
        assert "***" in sent


def test_in_slack_nothing_becomes_a_link_a_mention_or_a_control_character() -> None:
    text = slack_text(message(NASTY))
    assert text.startswith("&lt;!channel&gt; &lt;https://evil.example|Zoë&gt; *b* [x](http://e) &amp; @\u200beveryone")
    assert text.endswith(r"\x1b[31m\u202e")


def test_in_teams_text_is_rich_text_in_which_no_markdown_is_read() -> None:
    card = teams_card(message(f"Charger 5 opened\n\n{NASTY}"))
    (attachment,) = card["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert {block["type"] for block in attachment["content"]["body"]} == {"RichTextBlock"}
    runs = [run for block in attachment["content"]["body"] for run in block["inlines"]]
    assert [(run["type"], run["weight"]) for run in runs] == [("TextRun", "Bolder"), ("TextRun", "Default")]
    assert runs[0]["text"] == "Charger 5 opened"
    assert r"\x1b[31m\u202e" in runs[1]["text"]


@pytest.mark.parametrize("sent", [slack_text, lambda told: json.dumps(teams_card(told), ensure_ascii=False)])
def test_a_text_without_end_is_cut(sent: object) -> None:
    assert callable(sent)
    assert 3800 < len(sent(message("ö" * 100_000))) < 4700


@pytest.mark.parametrize(
    "subject",
    [
        "A finding\r\nBcc: everybody@example.com",
        "A finding\nBcc: everybody@example.com",
        "A finding\rBcc: everybody@example.com",
        "A finding\u2028Bcc: everybody@example.com\x00",
        "A finding\x85Bcc: everybody@example.com",
        "A finding\x0b\x0cBcc: everybody@example.com",
        "Größe " * 60 + "\r\nBcc: everybody@example.com",
    ],
)
def test_a_name_adds_no_header_to_a_mail(subject: str) -> None:
    raw = as_mail(message("Bcc: x", subject), "alerts@example.com", ("a@example.com", "b@example.com"), AT).as_bytes()
    mail = message_from_bytes(raw, policy=SMTP)
    assert set(mail) == {
        *("Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"),
        *("Content-Type", "Content-Transfer-Encoding"),
    }
    assert len(mail["Subject"]) <= 150
    assert mail["To"] == "a@example.com, b@example.com"
    assert not any(line.lower().startswith(b"bcc:") for line in raw.partition(b"\r\n\r\n")[0].splitlines())


def test_a_mail_is_text_and_has_the_same_id_each_time() -> None:
    told = message("Ladesäule 5\n.\nkostet 3,20 € <b>\x1b[31m")
    first, second = (as_mail(told, "alerts@example.com", ("a@example.com",), at) for at in (AT, datetime.now(UTC)))
    assert first["Message-ID"] == second["Message-ID"] == "<finding_1@example.com>"
    parsed = message_from_bytes(first.as_bytes(), policy=SMTP)
    assert parsed.get_content_type() == "text/plain"
    assert parsed.get_content().splitlines() == ["Ladesäule 5", ".", r"kostet 3,20 € <b>\x1b[31m"]
