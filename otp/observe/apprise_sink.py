"""Notifications by apprise: mail, chat, webhooks, and all else that it has addresses for. The extra `alerts`."""

import logging
import warnings
from typing import Any

from otp.extras import install
from otp.observe.alerts import Notification, Severity
from otp.observe.daemon_executor import DaemonExecutor
from otp.observe.outbox import Outbox
from otp.text.redaction import redact

_TYPES = {
    Severity.RESOLVED: "success",
    Severity.WARNING: "warning",
    Severity.ERROR: "failure",
    Severity.CRITICAL: "failure",
}

LIMIT = 200
"""Notifications that may wait for one receiver."""

TIMEOUT = 30.0
"""Seconds for one notification; apprise has limits of its own for connecting and reading."""


def apprise_outbox(url: str, *, limit: int = LIMIT, timeout: float = TIMEOUT) -> Outbox[Notification]:
    """Return an outbox to one receiver. Each has its own, so that a retry for one is not sent to the others again.

    Args:
        url: its address as apprise writes it: `mailtos://…`, `slack://…`, `json://…`.
        limit: notifications that may wait.
        timeout: seconds for one.

    Raises:
        ModuleNotFoundError: apprise is not installed; the message says how to.
        ValueError: apprise does not know the address; the message shows only its scheme.
    """
    receiver = _Receiver(url)
    return Outbox(f"alerts {receiver.scheme}", receiver.send, limit=limit, timeout=timeout)


class _Receiver:
    """One address, with one thread at a time, since apprise may block for ever."""

    def __init__(self, url: str) -> None:
        self.scheme = url.partition(":")[0]
        self._apprise = _apprise_for(url, self.scheme)
        self._notify = DaemonExecutor(f"otp-alerts-{self.scheme}", self._send)

    async def send(self, notification: Notification) -> None:
        if not await self._notify(notification):
            raise ConnectionError(f"{self.scheme}: not taken")

    def _send(self, notification: Notification) -> bool:
        title, body, kind = notification.title, notification.body, _TYPES[notification.severity]
        return bool(self._apprise.notify(title=title, body=body, notify_type=kind, body_format="text"))


def _apprise_for(url: str, scheme: str) -> Any:
    try:
        import apprise  # noqa: PLC0415 # an extra: only who sends alerts needs it
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f"alerts need apprise, which is not installed; {install('alerts')}", name=missing.name
        ) from missing
    logging.getLogger("apprise").addFilter(_without_secrets)
    made: Any = apprise.Apprise()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of its own modules, which it loads now
        known = made.add(url)
    if not known:
        raise ValueError(f"expected an address that apprise knows, got {scheme}://…; see its list of services")
    return made


def _without_secrets(record: logging.LogRecord) -> bool:
    """Redact a log record of apprise, which logs addresses that it does not understand, with their passwords."""
    record.msg, record.args = redact(record.getMessage()), ()
    return True
