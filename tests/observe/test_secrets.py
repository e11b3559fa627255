"""Canaries: secrets in what children raise and say get nowhere."""

import anyio
import msgspec
import pytest
import redis as redis_py
from loguru import logger
from prometheus_client import generate_latest

from otp import ExitShutdown, Restart, dependency, log_events, open_supervisor, supervisor, worker
from otp.events import ChildExited, ChildFailed, ChildHeld, HookFailed
from otp.observe.alerts import Alerts
from otp.observe.history import History
from otp.observe.incidents import Incidents
from otp.observe.metrics import metrics_registry
from otp.observe.outbox import open_outbox
from otp.observe.redis_sink import RedisSink
from otp.policy import FailurePolicy, GiveUp, on
from otp.testing import EventRecorder
from services.shared import redis_clients
from services.shared.embedded import open_embedded_buses

CANARY = "kanarienvogel"


@pytest.fixture
def anyio_backend():
    return "asyncio"  # for redis-py


@pytest.fixture
def log():
    lines = []
    sink = logger.add(lambda message: lines.append(repr(message.record)), level=0, diagnose=False)
    yield lines
    logger.remove(sink)


async def leak_message():
    raise ValueError(f"password={CANARY} is wrong")


async def leak_url():
    raise ConnectionError(f"Error connecting to redis://user:{CANARY}@host:1/0?key={CANARY}")


async def leak_cause():
    try:
        raise KeyError(f"secret: {CANARY}")
    except KeyError as cause:
        raise RuntimeError("cannot go on") from cause


async def leak_group():
    inner = ExceptionGroup(f"token={CANARY}", [ValueError(f"Authorization: Bearer {CANARY} x")])
    raise ExceptionGroup("two", [inner, OSError(f"{{'api_key': '{CANARY}'}}")])


async def leak_local():
    password = CANARY
    raise LookupError(len(password))


async def leak_on_purpose():
    raise ExitShutdown(f"done with token={CANARY}")


async def leak_at_start(*, task_status):
    raise PermissionError(f"https://host/?sig={CANARY} refused")


async def probe():
    raise ConnectionError(f"wss://{CANARY}@host is down")


def broken_hook(event):
    raise KeyError(f"pager token={CANARY}")


LEAKS = [leak_message, leak_url, leak_cause, leak_group, leak_local]


def leaky_tree():
    parked = FailurePolicy(on(Exception, GiveUp(), name="parked"))
    return supervisor(
        "root",
        intensity=100,
        dependencies=[dependency("venue", probe)],
        children=[
            *(worker(leak.__name__, leak, policy=parked) for leak in LEAKS),
            worker("leak_on_purpose", leak_on_purpose, restart=Restart.TRANSIENT),
            worker("leak_at_start", leak_at_start, ready=True, policy=parked),
            worker("held", leak_url, needs=["venue"]),
        ],
    )


async def test_no_secret_is_in_a_log_line_an_event_redis_an_alert_or_a_metric(log):
    history, events, notified = History(), EventRecorder(), []
    alerts = Alerts("shop", [notified.append], warn_after=1, per_minute=100, include_messages=True)
    async with open_embedded_buses(["system"]) as buses:
        client = redis_clients.producer(buses["system"].url)
        sink = RedisSink(client, "shop", history=history, now=anyio.current_time)
        incidents = Incidents([sink, alerts])
        hooks = [log_events(), history, incidents, events, broken_hook]
        async with (
            redis_clients.opened(client),
            open_outbox(sink.outbox, patience=10.0),
            open_supervisor(leaky_tree(), hooks=hooks),
        ):
            with anyio.fail_after(10.0):
                await events.wait_for(ChildFailed, count=len(LEAKS) + 1)
                await events.wait_for(ChildHeld)
                await events.wait_for(HookFailed)
                await events.wait_for(ChildExited, "root/leak_on_purpose")
        written = everything_in(buses["system"].url)
    metrics = generate_latest(metrics_registry(history, incidents, now=lambda: 0.0)).decode()
    # What a child says on purpose stays in its event; whoever shows it takes the secrets out.
    crashes = [event for event in events.events if event.path != "root/leak_on_purpose"]
    told = {
        "log": "\n".join(log),
        "events": repr(crashes) + msgspec.json.encode(crashes).decode(),
        "redis": written,
        "alerts": "\n".join(map(repr, notified)),
        "metrics": metrics,
        "history": repr(history.children(0.0)) + repr(history.dependencies(0.0)),
        "incidents": repr(incidents.all()),
    }
    assert [where for where, text in told.items() if CANARY in text] == []
    assert len(incidents.all()) >= len(LEAKS) + 2  # … and all of it was told
    for where in ("log", "events", "redis", "alerts", "history", "incidents"):
        assert "[redacted]" in told[where], where


def everything_in(url):
    """All keys of a Redis with all that is in them."""
    read = {"hash": "hgetall", "set": "smembers", "stream": "xrange", "string": "get"}
    with redis_py.Redis.from_url(url, decode_responses=True) as raw:
        found = [(key, getattr(raw, read[raw.type(key)])(key)) for key in raw.scan_iter() if raw.type(key) in read]
    return repr(found)
