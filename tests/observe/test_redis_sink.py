"""Incidents in a real Valkey, which is killed and started again."""

import asyncio

import anyio
import pytest
import redis

from otp import open_supervisor, supervisor
from otp.events import ChildRestarting, ChildStarted
from otp.exits import Crash as CrashText
from otp.exits import Crashed
from otp.observe.history import History
from otp.observe.incidents import Incidents
from otp.observe.outbox import open_outbox
from otp.observe.redis_sink import RedisSink
from otp.policy import Backoff, FailurePolicy, RestartAfter
from otp.testing import Crash, EventRecorder, Probe, Run
from services.shared import redis_clients
from services.shared.embedded import open_embedded_buses


@pytest.fixture
def anyio_backend():
    return "asyncio"  # redis-py is, and Valkey's time is real


@pytest.fixture
async def server():
    async with open_embedded_buses(["system"]) as buses:
        yield buses["system"]


@pytest.fixture
async def sink(server):
    client = redis_clients.producer(server.url)
    sink = RedisSink(client, "shop", host="h", limit=10)
    sink.outbox._backoff = Backoff(0.02, cap=0.05)  # the server is away for moments only
    async with redis_clients.opened(client), open_outbox(sink.outbox):
        yield sink


@pytest.fixture
def raw(server):
    return redis.Redis.from_url(server.url, decode_responses=True)


def crashed(path, at=1.0, message="boom"):
    exit = Crashed(None, CrashText("ValueError", message, ("/srv/a/x.py:1 f",)))
    budget = {"used": 1, "intensity": 5, "period": 60.0}
    return ChildRestarting(path=path, at=at, generation=2, cause="crash", exit=exit, verdict="logic_bug", **budget)


def recovered(path, at):
    return ChildStarted(path=path, at=at, generation=2, downtime=0.5)


async def all_sent(sink):
    with anyio.fail_after(10.0):
        while sink.outbox.waiting:
            await anyio.sleep(0.005)


async def test_an_incident_is_in_redis_from_its_opening_to_its_end(sink, raw):
    incidents = Incidents([sink], wall=lambda: 1_700_000_000.0)
    incidents(crashed("root/a"))
    await all_sent(sink)
    (incident,) = incidents.open()
    key = f"otp:{{shop}}:inc:{incident.id}"
    assert raw.hgetall(key) == {
        "path": "root/a",
        "fingerprint": incident.fingerprint,
        "type": "ValueError",
        "message": "boom",
        "frame": "a/x.py:1 f",
        "verdict": "logic_bug",
        "worst": "restarted",
        "opened": "1700000000.0",
        "last": "1700000000.0",
        "resolved": "",
        "count": "1",
        "downtime": "0.0",
        "state": "open",
        "host": "h",
        "injected": "0",
        "maintenance": "0",
        "revision": "1",
    }
    assert 30 * 86_400 - 60 < raw.ttl(key) <= 30 * 86_400
    assert raw.smembers("otp:{shop}:inc:open") == {incident.id}
    assert raw.zrange("otp:{shop}:inc:by-time", 0, -1, withscores=True) == [(incident.id, 1_700_000_000.0)]
    assert raw.get(f"otp:{{shop}}:dedup:{incident.fingerprint}") == incident.id
    assert 0 < raw.ttl(f"otp:{{shop}}:dedup:{incident.fingerprint}") <= 3_600
    assert 0 < raw.ttl("otp:{shop}:child:root/a") <= 45
    incidents(recovered("root/a", 2.0))
    incidents.tick(100.0)
    await all_sent(sink)
    assert raw.hmget(key, "state", "downtime", "revision") == ["resolved", "0.5", "3"]
    assert raw.smembers("otp:{shop}:inc:open") == set()


async def test_a_change_that_is_written_a_second_time_changes_nothing(sink, raw):
    changes = []
    incidents = Incidents([changes.append])
    incidents(crashed("root/a", at=1.0))
    incidents(crashed("root/a", at=2.0))
    first, second = changes
    for change in (first, second, second, first):
        sink(change)
        await all_sent(sink)
    entries = raw.xrange("otp:{shop}:ev")
    assert [(e["event"], e["revision"]) for _, e in entries] == [("incident.opened", "1"), ("incident.updated", "2")]
    assert raw.hget(f"otp:{{shop}}:inc:{first.incident.id}", "count") == "2"


async def test_what_happens_again_within_an_hour_is_called_a_recurrence(sink, raw):
    incidents = Incidents([sink])
    for at in (0.0, 200.0):
        incidents(crashed("root/a", at=at))
        incidents(recovered("root/a", at + 1.0))
        incidents.tick(at + 100.0)
        await all_sent(sink)
    first, second = incidents.all()
    assert raw.hget(f"otp:{{shop}}:inc:{second.id}", "recurs") == first.id
    assert raw.hget(f"otp:{{shop}}:inc:{first.id}", "recurs") is None


async def test_while_redis_is_away_incidents_wait_and_then_each_arrives_once(server, sink, raw):
    incidents = Incidents([sink])
    incidents(crashed("root/before"))
    await all_sent(sink)
    server.kill()
    for n in range(8):
        incidents(crashed(f"root/{n}", at=2.0))
        incidents(crashed(f"root/{n}", at=3.0))
        await anyio.sleep(0.01)
    with anyio.fail_after(10.0):
        while not sink.outbox.failures:
            await anyio.sleep(0.005)
    await server.start()
    await all_sent(sink)
    written = {e["id"]: e["revision"] for _, e in raw.xrange("otp:{shop}:ev")}
    assert len(written) == raw.xlen("otp:{shop}:ev") == 9  # once each, with the newest state
    assert raw.smembers("otp:{shop}:inc:open") == {i.id for i in incidents.open()} == set(written)
    assert {raw.hget(f"otp:{{shop}}:inc:{i.id}", "count") for i in incidents.open()[1:]} == {"2"}
    assert (sink.outbox.sent, sink.outbox.dropped) == (9, 0)


async def test_what_was_too_much_while_redis_was_away_is_counted(server, sink, raw):
    incidents = Incidents([sink])
    server.kill()
    for n in range(25):
        incidents(crashed(f"root/{n}"))
    assert (sink.outbox.waiting, sink.outbox.dropped) == (10, 15)
    await server.start()
    await all_sent(sink)
    assert raw.smembers("otp:{shop}:inc:open") == {i.id for i in incidents.open()[15:]}
    assert (sink.outbox.sent, sink.outbox.dropped) == (10, 15)


async def test_a_child_with_an_open_incident_is_refreshed_and_its_counters_are_the_trees(server, raw):
    client = redis_clients.producer(server.url)
    history = History()
    sink = RedisSink(client, "shop", history=history, now=anyio.current_time, refresh_every=0.2)
    incidents, events = Incidents([sink]), EventRecorder()
    key = "otp:{shop}:child:root/a"
    child = Probe("a", Crash(ValueError("x")), Run())
    policy = FailurePolicy(otherwise=RestartAfter(Backoff(60.0, cap=60.0)))
    tree = supervisor("root", children=[child.spec(policy=policy)])
    async with (
        redis_clients.opened(client),
        open_outbox(sink.outbox),
        open_supervisor(tree, hooks=[history, incidents, events]),
    ):
        await events.wait_for(ChildStarted)
        with anyio.fail_after(10.0):
            while not raw.exists(key):
                await anyio.sleep(0.01)
        assert raw.hmget(key, "state", "failures", "crashes", "streak") == ["backoff", "1", "0", "1"]
        down = float(raw.hget(key, "down"))
        sink.tick(anyio.current_time())
        sink.tick(anyio.current_time())  # once in a period
        await all_sent(sink)
        assert float(raw.hget(key, "down")) > down
        assert sink.outbox.sent == 2
        assert 0 < raw.ttl(key) <= 1


async def test_a_tree_does_not_notice_that_redis_is_dead(server, sink):
    server.kill()
    incidents, events = Incidents([sink]), EventRecorder()
    child = Probe("a", *[Crash(ValueError(f"{n}")) for n in range(20)], Run())
    tree = supervisor("root", intensity=50, children=[child.spec()])
    async with open_supervisor(tree, hooks=[incidents, events]):
        with anyio.fail_after(10.0):
            await events.wait_for(ChildStarted, "root/a", count=21)
    assert [i.count for i in incidents.all()] == [20]
    await server.start()


class Deaf:
    """Accepts connections, and never says a word."""

    def __init__(self):
        self.accepted = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        self.accepted += 1
        await reader.read()
        writer.close()


async def test_a_server_that_accepts_and_never_answers_delays_neither_the_tree_nor_its_end():
    async with Deaf() as deaf:
        client = redis_clients.producer(deaf.url)
        sink = RedisSink(client, "shop", host="h", limit=10)
        sink.outbox._backoff, sink.outbox._timeout = Backoff(0.01, cap=0.01), 0.1
        incidents, events = Incidents([sink]), EventRecorder()
        child = Probe("a", *[Crash(ValueError(f"{n}")) for n in range(50)], Run())
        tree = supervisor("root", intensity=100, children=[child.spec()])
        with anyio.fail_after(20.0):
            async with (
                redis_clients.opened(client),
                open_outbox(sink.outbox, patience=0.2),
                open_supervisor(tree, hooks=[incidents, events]),
            ):
                await events.wait_for(ChildStarted, "root/a", count=51)
                while sink.outbox.failures < 2:
                    await anyio.sleep(0.01)
    assert [i.count for i in incidents.all()] == [50]
    assert deaf.accepted >= 2  # the connection is not used again
    assert (sink.outbox.sent, sink.outbox.waiting, sink.outbox.dropped) == (0, 0, 1)
