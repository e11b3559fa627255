"""Clients that watch: a snapshot and what changes, however slow the client is, and the end of it."""

import threading
import time
from contextlib import suppress

import anyio

from otp import supervisor, worker
from otp.control.client.client import connect
from otp.control.client.errors import Unreachable
from otp.control.client.mirror import Mirror
from otp.control.server import watcher
from otp.control.wire.commands import (
    GetHealth,
    GetSnapshot,
    Restart,
    Watch,
)
from otp.control.wire.protocol import Request, encode
from otp.control.wire.rows import Delta, Snapshot
from otp.testing import Probe
from tests.control.stage import InThread, asked, served


async def test_a_client_sees_what_happens_and_the_end_of_it(place):
    a = Probe("a")
    seen = []

    def watch(socket):
        with connect(socket) as client:
            for message in client.watch():
                seen.append(message)
                watching.set()

    watching = threading.Event()
    async with served(supervisor("shop", children=[a.spec()]), place) as stage:
        client = InThread(watch, stage.socket)
        await anyio.to_thread.run_sync(watching.wait, 10.0)
        await stage.ask(Restart(path="a"))
        while len(seen) < 2:
            await anyio.sleep(0.001)
    await client.result()
    mirror = Mirror()
    for message in seen:
        mirror.apply(message, 0.0)
    assert mirror.row("shop/a", 0.0).manual == 1
    assert mirror.state == "stopped"


async def test_who_reads_nothing_is_sent_a_new_snapshot_once_it_reads_and_meanwhile_little_waits(place, monkeypatch):
    monkeypatch.setattr(watcher, "WAITING", 8)
    monkeypatch.setattr(watcher, "AGAIN", 0.0)
    children = [worker("w" * 200 + str(n), anyio.sleep_forever) for n in range(300)]
    spec = supervisor("shop", intensity=10**6, children=[Probe("a").spec(), *children])
    async with served(spec, place) as stage:
        with connect(stage.socket) as client:
            client._connection.send(_watch(), _soon())
            await stage.until(lambda: stage.server._watchers)
            (slow,) = await stage.in_the_server(lambda: list(stage.server._watchers))
            delta = encode(_delta(await stage.ask(GetSnapshot())))
            for _ in range(100):
                await stage.in_the_server(lambda: slow.put(10**9, delta))
                assert len(slow._frames) <= 8
            assert slow._lost

            def read():
                deltas = 0
                assert isinstance(client._connection.receive(_soon()), Snapshot)
                while not isinstance(client._connection.receive(_soon()), Snapshot):
                    deltas += 1
                return deltas

            assert await anyio.to_thread.run_sync(read) < 100
        assert stage.generations()["shop/a"] == 1


async def test_large_deltas_wait_for_a_slow_client_only_up_to_so_many_bytes():
    made = watcher.Watcher(None, None, None)
    for _ in range(5):
        made.put(1, b"x" * (watcher.WAITING_BYTES // 4))
    assert made._lost
    assert (len(made._frames), made._bytes) == (0, 0)
    made.put(1, b"x")
    assert not made._frames


async def test_only_so_many_may_watch_and_others_can_still_act(place, monkeypatch):
    monkeypatch.setattr("otp.control.server.server.MAX_WATCHERS", 1)
    async with served(supervisor("shop", children=[Probe("a").spec()]), place) as stage:

        def operator():
            with connect(stage.socket) as one, connect(stage.socket) as two:
                next(one.watch())
                try:
                    next(two.watch())
                except Exception as error:
                    return str(error), two.ask(GetHealth())

        refused, health = await InThread(operator).result()
        assert (refused, health.live) == ("1 clients watch already; end one of them", True)


async def test_who_watches_and_says_something_more_is_watched_no_longer(place):
    async with served(supervisor("shop", children=[Probe("a").spec()]), place) as stage:

        def operator():
            with connect(stage.socket) as client:
                next(client.watch())
                client._connection.send(_watch(), _soon())
                with suppress(Unreachable):  # it may be gone before there is something to say
                    next(client.watch(), None)

        await InThread(operator).result()
        await stage.until(lambda: not stage.server._watchers)
        assert await anyio.to_thread.run_sync(asked, stage.socket, GetHealth())


def _soon():
    """A deadline, for what has to come."""
    return time.monotonic() + 20.0


def _watch():
    return Request("watch", Watch())


def _delta(snapshot):
    return Delta(
        seq=10**9,
        wall=0.0,
        state="up",
        blocked=None,
        root=snapshot.root,
        changed=snapshot.children,
        removed=(),
        needs=(),
        open_incidents=0,
        events=(),
    )
