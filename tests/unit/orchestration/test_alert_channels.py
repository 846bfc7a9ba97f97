"""Which channels the settings make: none unless it is said, and no half ones."""

import base64

import pytest

from orchestration.alerting.channels import channels_of
from orchestration.alerting.mails import MailChannel
from orchestration.alerting.webhook import WebhookChannel
from warehouse.alert_settings import SmtpSecurity
from warehouse.settings import FleetSettings, InvalidSettingError, read

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
MAIL = {
    "alert_mail_to": "a@example.com, b@example.com",
    "alert_mail_from": "alerts@example.com",
    "alert_smtp_host": "mail.example.com",
}


def settings(**given: object) -> FleetSettings:
    return read(FleetSettings, _env_file=None, **given)


def test_nothing_is_told_unless_it_is_said() -> None:
    assert channels_of(settings()) == []


def test_each_that_is_set_is_one() -> None:
    made = channels_of(
        settings(
            alert_webhook="https://hooks.example.com/a",
            alert_webhook_secret=SECRET,
            alert_slack_webhook="https://hooks.slack.com/services/T0/B0/x",
            alert_teams_webhook="https://prod-1.westeurope.logic.azure.com:443/workflows/1?sig=x",
            **MAIL,
            alert_smtp_user="fleet",
            alert_smtp_password="p4ssword",  # noqa: S106 - a test's own
        )
    )
    assert [each.name for each in made] == ["webhook", "slack", "teams", "mail"]
    assert made[0] == WebhookChannel("https://hooks.example.com/a", SECRET)
    mail = made[3]
    assert isinstance(mail, MailChannel)
    assert (mail.to, mail.port) == (("a@example.com", "b@example.com"), 587)
    assert mail.security is SmtpSecurity.STARTTLS
    assert "p4ssword" not in repr(mail)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"alert_webhook_secret": SECRET}, "FLEET_ALERT_WEBHOOK_SECRET signs .* FLEET_ALERT_WEBHOOK, which is not set"),
        ({"alert_mail_to": "a@example.com"}, "FLEET_ALERT_MAIL_TO is set, and FLEET_ALERT_SMTP_HOST is not"),
        ({**MAIL, "alert_mail_from": None}, "FLEET_ALERT_MAIL_TO is set, and FLEET_ALERT_MAIL_FROM is not"),
        ({"alert_smtp_host": "mail"}, "FLEET_ALERT_SMTP_HOST is set, and FLEET_ALERT_MAIL_TO is not"),
        ({"alert_smtp_password": "p4ssword"}, "FLEET_ALERT_SMTP_PASSWORD is set, and FLEET_ALERT_MAIL_TO is not"),
        ({**MAIL, "alert_smtp_user": "fleet"}, "both of them, or none"),
        ({**MAIL, "alert_smtp_password": "p4ssword"}, "both of them, or none"),
        (
            {**MAIL, "alert_smtp_user": "fleet", "alert_smtp_password": "p4ssword", "alert_smtp_security": "none"},
            "would send the password to mail.example.com in the clear",
        ),
        ({"alert_webhook": "http://hooks.example.com/t0ken"}, "FLEET_ALERT_WEBHOOK is http://"),
        ({"alert_slack_webhook": "http://127.0.0.1.example.com/t0ken"}, "FLEET_ALERT_SLACK_WEBHOOK is http://"),
        ({"alert_teams_webhook": "http://example.com/t0ken"}, "FLEET_ALERT_TEAMS_WEBHOOK is http://"),
    ],
)
def test_half_a_channel_is_refused_in_a_sentence(given: dict[str, object], why: str) -> None:
    with pytest.raises(InvalidSettingError, match=why) as refused:
        channels_of(settings(**given))
    for secret in ("p4ssword", "t0ken", SECRET):
        assert secret not in refused.value.detail


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]:9/x"])
def test_on_this_machine_plain_http_will_do(url: str) -> None:
    assert len(channels_of(settings(alert_webhook=url))) == 1


def test_plain_http_where_it_was_said() -> None:
    assert len(channels_of(settings(alert_webhook="http://alertmanager:9093/x", alert_plain_http=True))) == 1


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("alert_webhook", "hooks.example.com/t0ken", "not like https://"),
        ("alert_webhook", "ftp://hooks.example.com/t0ken", "not like https://"),
        ("alert_webhook", "https:///t0ken", "not like https://"),
        ("alert_webhook", "https://hooks.example.com/t0ken\r\nx: y", "not like https://"),
        ("alert_webhook", "https://[hooks/t0ken", "not like https://"),
        ("alert_slack_webhook", "https://hooks.example.com:port/t0ken", "not like https://"),
        ("alert_webhook_secret", "t0ken-of-32-characters-and-more-xxxxxx", "not whsec_ and the base64"),
        ("alert_webhook_secret", "whsec_t0ken", "not whsec_ and the base64"),
        ("alert_webhook_secret", "whsec_" + base64.b64encode(bytes(23)).decode(), "24 to 64 bytes"),
        ("alert_webhook_secret", "whsec_ö" + "A" * 43, "not whsec_ and the base64"),
        ("alert_mail_to", "a@example.com,", "not like fleet@example.com"),
        ("alert_mail_to", "a@example.com\r\nBcc: b@example.com", "not like fleet@example.com"),
        ("alert_mail_to", "A <a@example.com>", "not like fleet@example.com"),
        ("alert_mail_to", "ä@example.com", "in ASCII"),
        ("alert_mail_from", "a@example.com,b@example.com", "one sender"),
        ("alert_smtp_security", "ssl", "'starttls', 'tls' or 'none'"),
        ("alert_at_once", "some", "'all', 'loss' or 'none'"),
        ("alert_storm", "0", "greater than or equal to 1"),
        ("alert_digest_hour", "24", "less than or equal to 23"),
    ],
)
def test_what_cannot_be_meant_is_refused_without_its_words(name: str, value: str, why: str) -> None:
    with pytest.raises(InvalidSettingError, match=why) as refused:
        settings(**{name: value})
    assert refused.value.name == name
    assert "t0ken" not in refused.value.detail
