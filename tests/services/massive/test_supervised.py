"""`supervised_main` whole, in this process: real servers, a real provider, a real heartbeat. One fails, the others live."""

import asyncio
import itertools
import json
import threading
import time
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import loguru
import pytest
import redis
import redis.asyncio

from otp.events import ChildDelayed, ChildStarted
from services.massive.supervised_main import MassiveSupervisor
from services.shared.embedded import open_embedded_buses
from services.shared.logutil import LogUtil
from services.shared.service_supervisor import STATUS_INTERVAL, status_of
from services.shared.setup_base import SetupBase
from tests.services.massive.running_massive import BEAT, FEED, FRAME_LIMIT, MANY, WORKERS


@contextmanager
def listening(url):
    """What a subscriber of the heartbeat hears, each beat with the moment when it did."""
    beats = []
    with redis.Redis.from_url(url) as client, client.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(
            **{"massive:heartbeat": lambda message: beats.append((time.monotonic(), json.loads(message["data"])))}
        )
        thread = channel.run_in_thread(sleep_time=0.05)
        try:
            yield beats
        finally:
            thread.stop()
            thread.join()


# ------------------------------------------------------------------------------------------------ identity


class Calls(Counter):
    """Counts the calls of methods, which go on to do what they do."""

    def __init__(self, monkeypatch, methods):
        super().__init__()
        for owner, name in methods:
            self._watch(monkeypatch, owner, name)

    def _watch(self, monkeypatch, owner, name):
        original = getattr(owner, name)

        def counted(*args, **options):
            self[owner, name] += 1
            return original(*args, **options)

        monkeypatch.setattr(owner, name, counted)


ONCE_EACH = {
    (SetupBase, "load"): 1,
    (LogUtil, "__init__"): 1,
    (LogUtil, "configure_from_config"): 1,
    (redis.Redis, "__init__"): 1,  # the heartbeat's
    # the one that loads the identity; control, producer, blocking; the one that incidents are written with
    (redis.asyncio.Redis, "__init__"): 5,
}


def hearts():
    return [thread.ident for thread in threading.enumerate() if thread.name == "massive:heartbeat"]


def connections_received(client):
    return client.info("stats")["total_connections_received"]


def identity(system):
    """What a second identity would change."""
    (only,) = hearts()
    return only, set(loguru.logger._core.handlers), connections_received(system)


def held():
    """What a leak would add to."""
    files = sum(1 for _ in Path("/dev/fd").iterdir())
    return {"tasks": len(asyncio.all_tasks()), "files": files, "threads": threading.active_count()}


async def test_identity_is_established_once_across_100_restarts_of_the_orchestrator(service, until, monkeypatch):
    async with open_embedded_buses(["system"]) as buses:
        system = buses["system"]
        monkeypatch.setenv("TRUTH_REDIS_URL", system.url)
        await service.identify(system)
        with redis.Redis.from_url(system.url) as look, listening(system.url) as beats:
            await until(lambda: look.pubsub_numsub("massive:heartbeat")[0][1] == 1)
            received = connections_received(look)
            calls = Calls(monkeypatch, ONCE_EACH)
            async with service.running():
                await service.flows()
                await until(lambda: beats)
                before, holding = identity(look), held()
                for _ in range(100):
                    await service.tree.restart("orchestrator")
                    await service.flows()
                await until(lambda: all(count <= holding[what] + 1 for what, count in held().items()))
                assert identity(look) == before
                assert calls == ONCE_EACH
                check_100_restarts(service.children())
                await until(lambda: len(beats) > 8)
    (_, _, connections) = before
    assert connections == received + 2  # one loaded the identity, one beats
    check_rhythm(moment for moment, _ in beats)
    await until(lambda: not hearts())


def check_100_restarts(children):
    orchestrator = children["massive/orchestrator"]
    assert (orchestrator.generation, orchestrator.manual, orchestrator.crashes) == (101, 100, 0)
    for path in ("massive/workers", *WORKERS):
        child = children[path]
        assert (child.generation, child.collateral, child.manual, child.crashes) == (101, 100, 0, 0)


def check_rhythm(moments):
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    assert gaps
    assert max(gaps) < 2 * BEAT.interval_sec


# ------------------------------------------------------------------------------------------------ faults of the feed


async def close_with(provider, code):
    await provider.close_all(code, "as it does")


async def drop(provider):
    provider.drop_all()


ENDINGS = {
    "1012 service restart": lambda provider: close_with(provider, 1012),
    "1013 try again later": lambda provider: close_with(provider, 1013),
    "1001 going away": lambda provider: close_with(provider, 1001),
    "1006 without a word": drop,
}


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)
async def test_when_the_provider_ends_the_connection_the_socket_s_worker_alone_restarts_and_nothing_is_lost(
    service, end
):
    async with service.running():
        await service.flows(MANY)
        before = service.generations()
        await end(service.provider)
        with anyio.fail_after(5):
            await service.events.wait_for(ChildStarted, FEED, count=2)
        await service.flows(MANY)
        assert service.generations() == before | {FEED: 2}
        feed = service.children()[FEED]
        assert (feed.crashes, feed.manual, feed.collateral) == (1, 0, 0)
        assert feed.downtime > 0
        books = await service.books()
        assert (books.lost, books.duplicated) == (0, 0)
        assert books.on_bus >= 2 * MANY


@asynccontextmanager
async def late_close(service, until, unheard):
    """The provider sees the close of whoever is stopped in the block only after so many more events."""
    async with anyio.create_task_group() as stops:
        with unheard(service.provider):
            yield stops
            already = service.carried()
            await until(lambda: service.carried() >= already + MANY)


@pytest.mark.parametrize("path", ["orchestrator", "workers", "workers/ws_worker"])
async def test_a_restart_that_takes_the_socket_s_worker_along_loses_nothing(service, until, unheard, path):
    async with service.running():
        await service.flows(MANY)
        async with late_close(service, until, unheard) as stops:
            stops.start_soon(service.tree.restart, path)
        await service.flows(MANY)
        assert service.generations()[FEED] == 2
        books = await service.books()
        assert (books.lost, books.duplicated) == (0, 0)
        assert books.on_bus >= 3 * MANY


async def test_what_the_socket_s_worker_takes_while_nobody_writes_is_written_by_the_next_publisher(
    service, until, unheard
):
    async with service.running():
        await service.flows(MANY)
        await service.tree.terminate_child("workers/redis_publisher")
        async with late_close(service, until, unheard) as stops:
            stops.start_soon(service.tree.restart, "workers/ws_worker")
        await service.tree.restart_child("workers/redis_publisher")
        await service.flows(MANY)
        books = await service.books()
        assert (books.lost, books.duplicated) == (0, 0)
        assert books.on_bus >= 3 * MANY


async def test_after_too_many_connections_the_socket_s_worker_stays_away_for_a_minute_and_more(service):
    async with service.running():
        await service.flows(MANY)
        await service.provider.evict_all()
        with anyio.fail_after(5):
            delayed = await service.events.wait_for(ChildDelayed, FEED)
        assert (delayed.verdict, delayed.expected) == ("max_connections", True)
        assert delayed.delay >= 60.0
        assert service.children()[FEED].state == "backoff"
        with anyio.fail_after(5):
            await service.supervisor.handle.restart(FEED.partition("/")[2])  # whoever knows better does not wait


FRAMES = {
    "malformed": lambda provider: provider.send_malformed(),
    "of an unknown event": lambda provider: provider.send_raw(b'[{"ev":"ZZ"}]'),
    "oversize": lambda provider: provider.send_oversize(FRAME_LIMIT + 1),
}


@pytest.mark.parametrize("send", FRAMES.values(), ids=FRAMES)
async def test_a_frame_that_cannot_be_used_restarts_nobody_and_is_kept_with_its_reason(service, raw, until, send):
    async with service.running():
        await service.flows(MANY)
        before = service.generations()
        send(service.provider)
        await until(lambda: raw.xlen("massive:ws:rejected") == 1)
        await service.flows()
        assert service.generations() == before
        assert service.counts.rejected == 1
        books = await service.books()
        assert (books.lost, books.duplicated) == (0, 0)
        assert books.on_bus >= MANY
    ((_, rejected),) = raw.xrange("massive:ws:rejected")
    assert rejected[b"reason"]
    assert rejected[b"excerpt"].startswith(b"[")


# ------------------------------------------------------------------------------------------------ the heartbeat


async def test_the_heartbeat_says_what_the_supervisor_knows_as_key_and_as_message(service, market, raw, until):
    with listening(market.url) as beats:
        async with service.running():
            await until(lambda: beats and beats[-1][1]["state"] == "up")
            told = beats[-1][1]
            assert (told["children"], told["down"]) == (6, [])
            assert (told["crashes"], told["manual"], told["collateral"]) == (0, 0, 0)
            await service.provider.close_all(1012)
            await until(lambda: beats[-1][1]["crashes"] == 1)
            await service.tree.restart("workers/subscriptions")
            await until(lambda: beats[-1][1]["manual"] == 1)
            kept = json.loads(raw.get("massive:heartbeat"))
            assert kept.keys() == told.keys()
            assert 0 < raw.pttl("massive:heartbeat") <= 1000 * BEAT.ttl_sec
    await until(lambda: not raw.exists("massive:heartbeat"))


async def test_a_tree_that_has_ended_is_not_up_and_can_be_asked(service):
    async with service.running():
        assert service.supervisor.heartbeat()["state"] in {"starting", "up"}
    assert not service.supervisor.is_up
    assert service.supervisor.heartbeat()["state"] == "stopped"
    assert status_of(service.tree) == {"state": "stopped"}


async def test_the_supervisor_of_the_contract_takes_what_setup_base_loads_and_a_logger(service, until):
    logger = LogUtil("massive")
    supervisor = MassiveSupervisor(config=await SetupBase("massive", logger).load(), logger=logger)
    codes = []

    async def run():
        codes.append(await supervisor.run())

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await until(lambda: supervisor.is_up)
        supervisor.stop()
    assert codes == [0]


async def test_the_heartbeat_names_who_is_down(service, market, until):
    with listening(market.url) as beats:
        async with service.running():
            service.provider.turn_away(1012, "not yet")
            await service.tree.terminate_child("workers/ws_worker")
            await until(lambda: beats and beats[-1][1]["state"] == "degraded")
            assert beats[-1][1]["down"] == [FEED]
            service.provider.heal()
            await service.tree.restart_child("workers/ws_worker")
            await until(lambda: beats[-1][1]["state"] == "up")


async def test_a_loop_that_is_stuck_shows_in_the_beats_of_that_time(service, market, until):
    with listening(market.url) as beats:
        async with service.running():
            await until(lambda: beats)
            already = len(beats)
            time.sleep(1.5)
            ages = [beat["loop_age"] for _, beat in beats[already:]]
            assert len(ages) >= 4
            assert ages == sorted(ages)
            assert ages[-1] > 1.0
            await until(lambda: beats[-1][1]["loop_age"] < 2 * STATUS_INTERVAL)
            assert beats[-1][1]["state"] == "up"
