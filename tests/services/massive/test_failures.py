"""The failure table, over real sockets and a real Redis: each row gets its action, its spacing, and its name."""

import anyio
import pytest

from otp import events, open_supervisor, supervisor, worker
from otp.core.backoff import delay
from otp.core.classify import classify
from otp.errors import IntensityReached
from otp.exits import Crashed
from otp.testing import EventRecorder, FaultSwitch, rewired, virtual_backend
from services.massive.errors import AuthFailed, ConnectRefused, NotEntitled, ProviderClosed, ProviderTrouble
from services.massive.policies import PROVIDER
from services.shared import redis_clients
from services.shared.redis_refusals import AccessRefused
from services.shared.service_supervisor import ServiceSupervisor
from tests.services.massive.running_massive import FEED, MANY

PUBLISHER = "massive/workers/redis_publisher"
NEEDY = ("massive/orchestrator", PUBLISHER, "massive/workers/redis_consumer", "massive/workers/subscriptions")


def starts(service, path):
    return len(service.events.of(events.ChildStarted, path))


async def test_provider_restart_is_answered_at_once_and_costs_nothing(service):
    async with service.running():
        await service.flows(MANY)
        await service.provider.close_all(1012, "service restart")
        with anyio.fail_after(5):
            restarting = await service.events.wait_for(events.ChildRestarting, FEED)
        assert (restarting.verdict, restarting.used) == ("provider_restart", 0)
        await service.flows(MANY)
        assert not service.events.of(events.ChildDelayed)


async def test_a_provider_that_closes_each_new_connection_meets_growing_pauses(service):
    async with service.running():
        await service.flows(MANY)
        service.provider.turn_away(1012, "service restart")
        await service.provider.close_all(1012, "service restart")
        with anyio.fail_after(10):
            await service.events.wait_for(events.ChildDelayed, FEED, count=3)
        delayed = service.events.of(events.ChildDelayed, FEED)
        assert [event.streak for event in delayed] == [2, 3, 4]
        assert all(event.delay >= 0.4 * 2**n for n, event in enumerate(delayed))
        service.provider.heal()
        await service.tree.restart("workers/ws_worker")
        await service.flows(MANY)


async def test_a_refused_connection_is_a_network_blip_and_is_tried_again_after_a_pause(service, until):
    async with service.running():
        await service.flows(MANY)
        service.provider.refuse_connections()
        service.provider.drop_all()
        with anyio.fail_after(10):
            delayed = await service.events.wait_for(events.ChildDelayed, FEED)
        assert (delayed.verdict, delayed.expected) == ("network_blip", False)
        assert delayed.exit.crash.type == "services.massive.errors.ConnectRefused"
        service.provider.heal()
        await service.flows(MANY)
        assert service.children()[FEED].state == "running"


async def test_a_bug_is_tried_three_times_and_then_the_one_above_restarts_the_whole_group(service, monkeypatch, until):
    switch = FaultSwitch()
    spec = ServiceSupervisor.spec
    monkeypatch.setattr(
        ServiceSupervisor, "spec", lambda massive: rewired(spec(massive), "workers/redis_publisher", switch)
    )
    async with service.running():
        await service.flows(MANY)
        for number in range(1, 4):
            switch.throw(ZeroDivisionError("a bug"))
            with anyio.fail_after(5):
                await service.events.wait_for(events.ChildStarted, PUBLISHER, count=number + 1)
        switch.throw(ZeroDivisionError("a bug"))
        with anyio.fail_after(5):
            gave_up = await service.events.wait_for(events.IntensityReached)
        assert (gave_up.path, gave_up.offender) == ("massive/workers", PUBLISHER)
        assert (gave_up.intensity, gave_up.period) == (3, 60.0)
        await service.flows(MANY)
        assert service.children()["massive/orchestrator"].generation == 1


async def test_a_key_that_never_worked_ends_everything_and_restarts_nothing(service):
    service.provider.refuse_keys()
    with anyio.fail_after(20):
        await service.run()
    assert service.code == 78
    (fatal,) = service.events.of(events.FatalFailure)
    assert (fatal.offender, fatal.verdict) == (FEED, "config_error")
    assert not service.events.of(events.ChildRestarting)


async def test_a_key_that_worked_and_is_refused_is_tried_again_after_growing_pauses_and_the_feed_comes_back(service):
    async with service.running():
        await service.flows(MANY)
        service.provider.refuse_keys()
        await service.provider.close_all(1001, "going away")
        with anyio.fail_after(20):
            await service.events.wait_for(events.ChildDelayed, FEED, count=2)
        delayed = service.events.of(events.ChildDelayed, FEED)
        assert [event.verdict for event in delayed] == ["access_refused"] * 2
        assert 2 * delayed[0].delay < delayed[1].delay
        service.provider.heal()
        await service.tree.restart("workers/ws_worker")
        await service.flows(MANY)


@pytest.mark.parametrize(
    "error",
    [AuthFailed("no", worked=True), NotEntitled("no", worked=True), ProviderTrouble("try later"),
     AccessRefused("WRONGPASS", worked=True)],
)  # fmt: skip
def test_a_refusal_that_may_be_over_is_tried_again_for_ten_minutes_and_then_escalated(error):
    feed, recorder = Refusing(error), EventRecorder()

    async def until_given_up():
        spec = supervisor(
            "root", intensity=10, period=60.0, children=[worker("ws", feed.run, ready=True, policy=PROVIDER)]
        )
        with pytest.raises(IntensityReached):
            async with open_supervisor(spec, hooks=[recorder]):
                raise AssertionError("it never comes up")
        return anyio.current_time()

    name, options = virtual_backend("asyncio")
    assert 400 < anyio.run(until_given_up, backend=name, backend_options=options) < 1_000
    assert feed.connects == 7
    assert len(recorder.of(events.IntensityReached)) == 1
    assert not recorder.of(events.FatalFailure)


async def test_a_dead_redis_costs_no_restarts_and_wakes_everyone_once(service, market, until):
    async with service.running():
        await service.flows(MANY)
        market.kill()
        await until(lambda: [service.children()[path].state for path in NEEDY[1:3]] == ["held"] * 2)
        await anyio.sleep(2.0)
        await market.start()
        await service.flows(MANY)
        children = service.children()
        assert all(children[path].crashes <= 1 for path in NEEDY)
        assert children[FEED].generation == 1
        for path in NEEDY:
            assert not service.events.of(events.IntensityReached, path)
        assert len(service.events.of(events.DependencyDown)) == len(service.events.of(events.DependencyUp)) == 1
        used = [event.used for event in service.events.of(events.ChildRestarting)]
        assert used == [0] * len(used)


async def test_a_slow_consumer_is_restarted_and_named(service):
    async with service.running():
        await service.flows(MANY)
        await service.provider.cut_off_all()
        with anyio.fail_after(5):
            delayed = await service.events.wait_for(events.ChildDelayed, FEED)
        assert delayed.verdict == "slow_consumer"


class Refusing:
    """A feed whose provider refuses, in virtual time: it counts how often it is asked."""

    def __init__(self, error):
        self.error = error
        self.connects = 0

    async def run(self, *, task_status):
        self.connects += 1
        raise self.error


@pytest.mark.parametrize(
    ("error", "most"),
    [
        (ProviderClosed(1012, "service restart"), 140),
        (ProviderClosed(1006), 140),
        (ConnectionRefusedError(), 140),
        (redis_clients.NotConnected("refused"), 140),
    ],
    ids=["1012", "1006", "refused", "redis"],
)
def test_an_hour_of_refusals_is_no_hot_loop(error, most):
    feed, recorder = Refusing(error), EventRecorder()

    async def an_hour():
        with anyio.move_on_after(3600.0):
            spec = supervisor(
                "root", intensity=10, period=60.0, children=[worker("ws", feed.run, ready=True, policy=PROVIDER)]
            )
            async with open_supervisor(spec, hooks=[recorder]):
                raise AssertionError("it never comes up")

    name, options = virtual_backend("asyncio")
    anyio.run(an_hour, backend=name, backend_options=options)
    assert 60 < feed.connects < most
    assert not recorder.of(events.IntensityReached)


async def test_an_incident_is_on_system_redis_by_name_and_the_key_is_in_none_of_it(service, raw, until):
    async with service.running():
        await service.flows(MANY)
        await service.provider.close_all(1012, "service restart")
        await until(lambda: raw.smembers("otp:{massive}:inc:open"))
        (id,) = raw.smembers("otp:{massive}:inc:open")
        incident = raw.hgetall(f"otp:{{massive}}:inc:{id.decode()}")
        assert (incident[b"path"], incident[b"verdict"]) == (FEED.encode(), b"provider_restart")
        written = [raw.dump(key) for key in raw.keys("otp:*")]
        assert not any(b"demo-key" in value for value in written)


@pytest.mark.parametrize("asked", [0, 3, 5, 42, 120, 899, 10_000])
def test_a_provider_that_asks_to_be_left_alone_is_left_alone_as_long(asked):
    verdict = classify(PROVIDER, Crashed(ConnectRefused("ws://h", "HTTP 503", status=503, retry_after=asked)))
    assert (verdict.name, verdict.expected) == ("asked_to_wait", True)
    least, most = (delay(verdict.action.backoff, 7, dice) for dice in (0.0, 1.0))
    assert min(asked, 900) <= least <= most <= max(7.5, 4 * min(asked, 450))
