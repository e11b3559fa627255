"""Alerts: which incidents people are told of, how often, and that they get there, by mail and by webhook."""

import asyncio
import email
import json
import logging
import socket

import anyio
import pytest
from aiosmtpd.controller import Controller
from anyio.from_thread import start_blocking_portal

from otp import open_supervisor, supervisor
from otp.events import (
    ChildFailed,
    ChildPaused,
    ChildRestarting,
    ChildStarted,
    ChildStartFailed,
    FatalFailure,
    IntensityReached,
    SupervisorExited,
)
from otp.exits import Crash as CrashText
from otp.exits import Crashed
from otp.observe.alerts import Alerts, Severity
from otp.observe.apprise_sink import apprise_outbox
from otp.observe.incidents import Incidents
from otp.observe.observation import open_observation
from otp.observe.outbox import open_outbox
from otp.policy import Backoff, FailurePolicy, Fatal, on
from otp.testing import Crash, Probe


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param  # mail and webhooks need real time


def exit_with(message="boom"):
    return Crashed(None, CrashText("shop.ValueError", message, ("/srv/a/x.py:1 f",)))


def crashed(path="root/a", at=1.0, verdict="network_blip", message="boom"):
    budget = {"used": 1, "intensity": 5, "period": 60.0}
    return ChildRestarting(
        path=path, at=at, generation=2, cause="crash", exit=exit_with(message), verdict=verdict, **budget
    )


class Desk:
    """Incidents, alerts on them, and what people got."""

    def __init__(self, **options):
        self.got = []
        self.alerts = Alerts("shop", [self.got.append], **options)
        self.incidents = Incidents([self.alerts], wall=lambda: 1_700_000_000.0)

    def __call__(self, *events):
        for event in events:
            self.incidents(event)
        return self

    def tick(self, now):
        self.incidents.tick(now)
        self.alerts.tick(now)

    @property
    def severities(self):
        return [str(notification.severity) for notification in self.got]


# ------------------------------------------------------------------------------------------------ severity


def test_what_is_dealt_with_by_itself_is_told_from_the_third_time_on_and_then_no_more():
    desk = Desk()
    desk(crashed(at=1.0), crashed(at=2.0))
    assert desk.got == []
    desk(*[crashed(at=float(n)) for n in range(3, 30)])
    assert desk.severities == ["warning"]
    assert "count    3" in desk.got[0].body


@pytest.mark.parametrize(
    ("events", "severity"),
    [
        ([crashed(verdict="logic_bug")], "error"),
        ([crashed(verdict="unclassified")], "error"),
        ([crashed(verdict="config_error")], "critical"),
        ([ChildFailed(path="root/a", at=1.0, exit=exit_with(), verdict="bad_symbol")], "error"),
        ([FatalFailure(path="root", at=1.0, offender="root/a", exit=exit_with(), verdict="no_key")], "critical"),
        (
            [IntensityReached(path="root", at=1.0, offender="root/a", exit=exit_with(), intensity=1, period=5.0)],
            "critical",
        ),
    ],
)
def test_what_it_was_and_what_followed_say_how_much_it_matters(events, severity):
    assert Desk()(*events).severities == [severity]


def test_it_is_told_again_when_it_gets_worse_and_when_it_is_over():
    desk = Desk(warn_after=1)
    desk(crashed(at=1.0), crashed(at=2.0))
    desk(IntensityReached(path="root", at=3.0, offender="root/a", exit=exit_with(), intensity=1, period=5.0))
    desk(ChildStarted(path="root/a", at=4.0, generation=3, downtime=1.0))
    desk.tick(100.0)
    assert desk.severities == ["warning", "critical", "resolved"]
    assert desk.got[-1].title == "[resolved] shop: root/a ValueError"
    assert "resolved 2023-11-14 22:12:44 UTC" in desk.got[-1].body


def test_nobody_is_told_of_the_end_of_what_nobody_was_told_of():
    desk = Desk()
    desk(crashed(at=1.0), ChildStarted(path="root/a", at=2.0, generation=2, downtime=1.0))
    desk.tick(100.0)
    assert desk.got == []


@pytest.mark.parametrize("include_messages", [False, True])
def test_the_text_of_an_exception_stays_inside_unless_it_is_wanted(include_messages):
    desk = Desk(include_messages=include_messages)
    desk(crashed(verdict="logic_bug", message="symbol ACME is unknown"))
    (notification,) = desk.got
    assert ("ACME" in notification.body) is include_messages
    assert "ACME" not in notification.title


def test_an_injected_failure_says_so():
    desk = Desk()
    desk.incidents.injecting("root", until=10.0)
    desk(crashed(verdict="logic_bug"))
    assert ", injected" in desk.got[0].body


def test_nobody_is_told_of_failures_under_maintenance_nor_that_they_are_over():
    desk = Desk()
    for n in range(5):
        desk(ChildPaused(path="root/a", at=1.0 + n, exit=exit_with()))
        desk(ChildFailed(path="root/sub/b", at=1.0, exit=exit_with(), verdict="config_error", paused=True))
    desk(ChildStarted(path="root/a", at=7.0, generation=2, downtime=1.0))
    desk.tick(100.0)
    assert [incident.state for incident in desk.incidents.all()] == ["resolved", "open"]
    assert desk.got == []


def test_nobody_is_told_that_it_grows_worse_under_maintenance_though_it_was_told_of_before():
    desk = Desk()
    desk(crashed(at=1.0, verdict="logic_bug"))
    assert desk.severities == ["error"]
    desk(ChildFailed(path="root/a", at=3.0, exit=exit_with(), verdict="fatal", paused=True))
    assert desk.severities == ["error"]


def test_the_first_failure_after_maintenance_counts_with_those_before():
    desk = Desk()
    desk(*[ChildPaused(path="root/a", at=float(n), exit=exit_with()) for n in (1, 2)])
    desk(ChildStarted(path="root/a", at=3.0, generation=2, downtime=1.0))
    assert desk.got == []
    desk(crashed(at=4.0))
    assert desk.severities == ["warning"]
    assert "count    3" in desk.got[0].body


# ------------------------------------------------------------------------------------------------ floods


def test_a_storm_is_five_notifications_and_one_digest_a_minute():
    desk = Desk()
    for n in range(50):
        desk(crashed(f"root/{n:02}", at=1.0 + n / 10, verdict="logic_bug"))
    desk.tick(30.0)
    assert len(desk.got) == 5
    desk.tick(67.0)
    digest = desk.got[-1]
    assert len(desk.got) == 6
    assert digest.title == "[error] shop: 45 more incidents (45 error)"
    assert len(digest.incidents) == 45
    assert digest.body.splitlines()[-1] == "… and 25 more"
    desk.tick(1_000.0)
    assert len(desk.got) == 6


def test_after_a_quiet_minute_notifications_are_single_again():
    desk = Desk(per_minute=2)
    for at in (1.0, 2.0, 100.0, 101.0):
        desk(crashed(f"root/{at}", at=at, verdict="logic_bug"))
    assert len(desk.got) == 4


def test_the_gravest_comes_first_in_a_digest_and_names_it():
    desk = Desk(per_minute=1)
    desk(crashed("root/0", verdict="logic_bug"), crashed("root/1", verdict="logic_bug"))
    desk(crashed("root/2", verdict="config_error"))
    desk.alerts.flush()
    assert desk.got[-1].severity is Severity.CRITICAL
    assert desk.got[-1].body.splitlines()[0].split()[:3:2] == ["critical", "root/2"]


def test_nothing_is_left_in_a_digest_at_the_end():
    desk = Desk(per_minute=1)
    desk(crashed("root/0", verdict="logic_bug"), crashed("root/1", verdict="logic_bug"))
    desk.alerts.flush()
    desk.alerts.flush()
    assert len(desk.got) == 2


# ------------------------------------------------------------------------------------------------ by mail, by webhook


class Mailbox:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(email.message_from_bytes(envelope.content))
        return "250 taken"


@pytest.fixture
def mailbox():
    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=0)
    server.port = free_port()
    server.start()
    box.url = f"mailto://127.0.0.1:{server.port}/?from=otp@shop.example&to=ops@shop.example&mode=insecure"
    yield box
    server.stop()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Webhook:
    """A small HTTP server in a thread of its own; it may refuse for a while."""

    def __init__(self):
        self.calls = 0
        self.bodies = []
        self.refusals = 0

    async def serve(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        body = json.loads(await reader.readexactly(length))
        self.calls += 1
        if self.calls > self.refusals:
            self.bodies.append(body)
        status = b"200 OK" if self.calls > self.refusals else b"503 Later"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@pytest.fixture
def webhook():
    hook = Webhook()
    with start_blocking_portal("asyncio") as portal:
        server = portal.call(asyncio.start_server, hook.serve, "127.0.0.1", 0)
        hook.url = f"json://user:canary@127.0.0.1:{server.sockets[0].getsockname()[1]}/alerts"
        yield hook
        portal.call(server.close)


async def until(condition):
    with anyio.fail_after(15.0):
        while not condition():
            await anyio.sleep(0.01)


async def test_an_incident_reaches_the_mailbox_and_the_webhook(mailbox, webhook):
    policy = FailurePolicy(on(ValueError, Fatal(), name="config_error"))
    child = Probe("a", Crash(ValueError("no such key")))
    async with open_observation("shop", alerts=[mailbox.url, webhook.url], patience=15.0) as seen:
        with pytest.raises(Exception, match="failed for good"):
            async with open_supervisor(supervisor("root", children=[child.spec(policy=policy)]), hooks=seen.hooks):
                await anyio.sleep_forever()
    (mail,), (body,) = mailbox.mails, webhook.bodies
    assert (
        str(email.header.make_header(email.header.decode_header(mail["Subject"])))
        == "[critical] shop: root/a ValueError"
    )
    assert mail["To"].endswith("ops@shop.example>") or mail["To"] == "ops@shop.example"
    assert body["title"] == "[critical] shop: root/a ValueError"
    assert body["type"] == "failure"
    assert "failure  ValueError (config_error)" in body["message"]
    assert "no such key" not in body["message"]
    assert [outbox.sent for outbox in seen.outboxes] == [1, 1]


async def test_a_receiver_that_refuses_for_a_while_gets_it_once_and_holds_up_no_other(mailbox, webhook):
    webhook.refusals = 2
    mail, hook = apprise_outbox(mailbox.url), apprise_outbox(webhook.url)
    mail._backoff = hook._backoff = Backoff(0.05, cap=0.1)
    alerts = Alerts("shop", [mail.put, hook.put])
    incidents = Incidents([alerts])
    async with open_outbox(mail, hook):
        incidents(crashed(verdict="logic_bug"))
        await until(lambda: mail.sent and hook.sent)
    assert (len(mailbox.mails), webhook.calls, len(webhook.bodies)) == (1, 3, 1)


async def test_an_address_that_nobody_knows_is_refused_at_once_and_not_shown(caplog, capfd):
    with pytest.raises(ValueError, match=r"got nonsense://…") as refused:
        apprise_outbox("nonsense://user:canary@host?token=canary")
    assert "canary" not in str(refused.value)
    assert "canary" not in caplog.text + "".join(capfd.readouterr())
    logging.getLogger("apprise").warning("cannot read %s", "json://user:canary@host")
    assert "cannot read json://[redacted]@host" in caplog.text


async def test_without_apprise_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install .*\[alerts\]'"):
        apprise_outbox("json://localhost")


def test_a_start_that_failed_for_good_is_critical():
    desk = Desk()
    desk(ChildStartFailed(path="root/a", at=1.0, generation=1, exit=exit_with()))
    assert desk.got == []
    desk(
        SupervisorExited(path="root", at=1.0, exit=Crashed(None, CrashText("otp.errors.StartError", "root/a did not")))
    )
    assert desk.severities == ["critical"]
