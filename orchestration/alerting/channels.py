"""The channels that the settings name, each of them whole."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from orchestration.alerting.channel import Channel
from orchestration.alerting.chats import SlackChannel, TeamsChannel
from orchestration.alerting.mails import MailChannel
from orchestration.alerting.webhook import WebhookChannel
from warehouse.alert_settings import AlertSettings, SmtpSecurity, addresses
from warehouse.settings import InvalidSettingError

_OF_MAIL = ("alert_mail_from", "alert_smtp_host", "alert_smtp_user", "alert_smtp_password")


def channels_of(settings: AlertSettings) -> list[Channel]:
    """None where nothing is set.

    Raises:
        InvalidSettingError: one of them is set in part, or would be read by others on its way.
    """
    return [*_web_channels(settings), *_mail_channel(settings)]


def _web_channels(settings: AlertSettings) -> Iterator[Channel]:
    if settings.alert_webhook_secret and not settings.alert_webhook:
        raise InvalidSettingError(
            "FLEET_ALERT_WEBHOOK_SECRET signs what is POSTed to FLEET_ALERT_WEBHOOK, which is not set"
        )
    for name in ("alert_webhook", "alert_slack_webhook", "alert_teams_webhook"):
        url = getattr(settings, name)
        if url and not settings.alert_plain_http and not _is_private(url):
            raise InvalidSettingError(
                f"FLEET_{name.upper()} is http://, so others can read what is sent there: make it https://, or, "
                "where that network is yours alone, say so with FLEET_ALERT_PLAIN_HTTP=true"
            )
    if settings.alert_webhook:
        yield WebhookChannel(settings.alert_webhook, settings.alert_webhook_secret)
    if settings.alert_slack_webhook:
        yield SlackChannel(settings.alert_slack_webhook)
    if settings.alert_teams_webhook:
        yield TeamsChannel(settings.alert_teams_webhook)


def _mail_channel(settings: AlertSettings) -> Iterator[Channel]:
    if not settings.alert_mail_to:
        if given := [name for name in _OF_MAIL if getattr(settings, name)]:
            raise InvalidSettingError(f"FLEET_{given[0].upper()} is set, and FLEET_ALERT_MAIL_TO is not: mail to whom?")
        return
    if not settings.alert_smtp_host or not settings.alert_mail_from:
        missing = "FLEET_ALERT_MAIL_FROM" if settings.alert_smtp_host else "FLEET_ALERT_SMTP_HOST"
        raise InvalidSettingError(f"FLEET_ALERT_MAIL_TO is set, and {missing} is not: no mail can be sent without it")
    if bool(settings.alert_smtp_user) != bool(settings.alert_smtp_password):
        raise InvalidSettingError("FLEET_ALERT_SMTP_USER and FLEET_ALERT_SMTP_PASSWORD: both of them, or none")
    security, host = settings.alert_smtp_security, settings.alert_smtp_host
    if settings.alert_smtp_password and security is SmtpSecurity.NONE and not _is_this_machine(host):
        raise InvalidSettingError(
            f"FLEET_ALERT_SMTP_SECURITY=none would send the password to {host} in the clear: make it starttls or tls"
        )
    yield MailChannel(
        to=tuple(addresses(settings.alert_mail_to)),
        sender=settings.alert_mail_from,
        host=host,
        port=settings.alert_smtp_port,
        security=security,
        user=settings.alert_smtp_user,
        password=settings.alert_smtp_password,
    )


def _is_private(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or _is_this_machine(parts.hostname or "")


def _is_this_machine(host: str) -> bool:
    """By what is written there: to look a name up could take long, and give another answer later."""
    return host in {"localhost", "::1"} or (host.startswith("127.") and host.replace(".", "").isdigit())
