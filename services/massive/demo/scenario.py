"""The acts of the demo: a fault, what it did, what it did not do."""

import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from textwrap import indent

import anyio
from msgspec.structs import replace as replaced

from otp import ChildInfo, FatalFailure, StartError, Supervisor, log_events, open_supervisor
from otp.cli.on_paper import draw
from otp.events import ChildStarted
from otp.testing import EventRecorder
from services.massive.config import Keys
from services.massive.demo.audit import Balance
from services.massive.demo.report import ChildReport, FaultReport, Report
from services.massive.demo.screen import Screen
from services.massive.demo.stage import KEY, PUBLISHER_SWITCH, SUBSCRIPTIONS, Stage
from services.massive.provider import ProviderConfig, open_provider
from services.massive.shared_services import SharedServices
from services.shared import redis_clients
from trees.massive import tree

FEED = "massive/workers/ws_worker"
PUBLISHER = "massive/workers/redis_publisher"
CONSUMER = "massive/workers/redis_consumer"

Arrival = tuple[float, float]

RECOVERY = 10.0
"""Seconds that a recovery may take before the demo says that it failed."""

OUTAGE = 3.0
"""Seconds that market-redis stays away."""


class Scenario:
    """Plays the acts, one after the other, in `seconds` altogether.

    Args:
        stage: all parts, running.
        screen: where it is told.
        events: of the tree.
        seconds: how long it takes.
        calm: there are no acts: the faults are left to whoever watches.
    """

    def __init__(
        self, stage: Stage, screen: Screen, events: EventRecorder, seconds: float, *, calm: bool = False
    ) -> None:
        self._calm = calm
        self._stage = stage
        self._screen = screen
        self._events = events
        self._seconds = seconds
        self._began = time.monotonic()
        self._faults: list[FaultReport] = []
        self._books = Balance(0, 0, 0, 0)
        self._before: dict[str, ChildInfo] = {}
        self._gap: float | None = None

    async def play(self) -> None:
        """All acts; each begins at its time, or when the one before it is done."""
        await self._all_up()
        self._screen.act("the tree, all up")
        self._screen.say(indent(draw(self._stage.supervisor.spec()), "   "))
        if self._calm:
            self._screen.say("\n   the faults are left to you: in another shell, otp top, otp fault, otp restart")
        else:
            await self._faults_in_turn()
        await self._rest_until(1.0)

    async def _faults_in_turn(self) -> None:
        await self._rest_until(0.1)
        await self._act("1  the provider closes with 1012", self._provider_restarts)
        await self._rest_until(0.28)
        await self._act("2  redis_publisher crashes", self._publisher_crashes)
        await self._rest_until(0.46)
        if "market" in self._stage.buses.embedded:
            await self._act(f"3  market-redis is killed for {OUTAGE:g} s", self._redis_is_killed)
        else:
            self._screen.act("3  market-redis is somebody else's, so it is not killed")
        await self._rest_until(0.78)
        await self._act("4  in a copy the key is wrong", self._key_is_wrong)

    async def report(self) -> Report:
        """What was measured so far."""
        balance = await self._stage.audit.balance()
        return Report(
            seconds=round(time.monotonic() - self._began, 2),
            children=tuple(map(_child_report, self._tree.walk())),
            faults=tuple(self._faults),
            events_in=self._stage.supervisor.shared.pipeline.counts.events_in,
            events_out=self._stage.supervisor.shared.pipeline.counts.events_out,
            lost=balance.lost,
            duplicated=balance.duplicated,
            heartbeats=self._stage.heartbeats.beats,
            heartbeat_gaps=self._stage.heartbeats.gaps,
        )

    # ------------------------------------------------------------------------------------------------ the faults

    async def _provider_restarts(self) -> str:
        async with anyio.create_task_group() as watch:
            arrivals: list[Arrival] = []
            watch.start_soon(self._note_arrivals, arrivals)
            await anyio.sleep(0.2)
            struck = time.monotonic()
            await self._stage.provider.close_all(1012, "service restart")
            up = await self._restarted(FEED)
            self._gap = await _first_after(up, arrivals) - struck
            watch.cancel_scope.cancel()
        return "one worker came back alone"

    async def _publisher_crashes(self) -> str:
        PUBLISHER_SWITCH.throw()
        await self._restarted(PUBLISHER)
        return "one worker came back alone; what it had in hand was written by its successor"

    async def _redis_is_killed(self) -> str:
        market = self._stage.buses.embedded["market"]
        market.kill()
        await anyio.sleep(OUTAGE)
        waiting = len(self._stage.supervisor.shared.pipeline.frames)
        await market.start()
        await self._restarted(PUBLISHER)
        await self._restarted(CONSUMER)
        return f"{waiting} frames waited in the queue; those who need Redis were held for it and restarted once"

    async def _key_is_wrong(self) -> str:
        """A second feed with its own provider and its own keys on the bus, under the same tree."""
        copy = Keys(stream="copy:ws:stream", rejected="copy:ws:rejected", analytics="copy:ws:analytics")
        own = self._stage.supervisor.config
        async with open_provider(ProviderConfig(keys=(KEY,), rate=100.0)) as provider:
            feed = replaced(own.feed, url=provider.url, subscriptions=SUBSCRIPTIONS)
            config = replaced(own, feed=feed, keys=replaced(copy, group="copy"))
            shared = SharedServices.make(config, self._stage.supervisor.shared.logger)
            try:
                provider.refuse_keys()
                async with open_supervisor(replace(tree(config, shared), id="copy"), hooks=[log_events()]):
                    await anyio.sleep(RECOVERY)
            except (FatalFailure, StartError) as fatal:
                return f"{fatal}; nothing was restarted, as a service of its own it would exit with code 78"
            finally:
                await shared.aclose()
        raise RuntimeError("the copy of the tree did not end")

    # ------------------------------------------------------------------------------------------------ around them

    async def _act(self, title: str, strike: Callable[[], Awaitable[str]]) -> None:
        """One fault: strike, wait until all are up again, and say what has changed."""
        self._screen.act(title)
        self._gap = None
        self._before = {child.path: child for child in self._tree.walk()}
        try:
            outcome = await strike()
            await self._all_up()
        except TimeoutError:
            raise RuntimeError(
                f"act {title}: the tree is not up again after {RECOVERY:g} s; if it was steered from another shell "
                "meanwhile, that is why, and otp demo --calm leaves the faults to you"
            ) from None
        books = await self._stage.audit.balance()
        after = {child.path: child for child in self._tree.walk()}
        restarted = [path for path, child in after.items() if child.generation != self._before[path].generation]
        down = [after[path].downtime - self._before[path].downtime for path in restarted]
        fault = FaultReport(
            fault=title.partition("  ")[2],
            restarted=tuple(restarted),
            untouched=tuple(path for path in after if path not in restarted),
            downtime_s=round(max(down, default=0.0), 6),
            data_gap_s=None if self._gap is None else round(self._gap, 6),
            lost=books.lost - self._books.lost,
            duplicated=books.duplicated - self._books.duplicated,
            outcome=outcome,
        )
        self._books = books
        self._faults.append(fault)
        self._screen.came_of(fault)

    async def _restarted(self, path: str) -> float:
        """Wait until the child has a new incarnation that is up; return when that was, by the wall clock."""
        older = self._before[path].generation
        with anyio.fail_after(RECOVERY):
            up = await self._events.wait_for(ChildStarted, path, where=lambda event: event.generation > older)
        return time.time() - (anyio.current_time() - up.at)

    async def _all_up(self) -> None:
        with anyio.fail_after(RECOVERY):
            while not self._stage.supervisor.is_up:  # noqa: ASYNC110 (a state of many parts, for which there is no event)
                await anyio.sleep(0.005)

    async def _rest_until(self, part: float) -> None:
        await anyio.sleep(max(0.0, self._began + part * self._seconds - time.monotonic()))  # 0: the machine is late

    async def _note_arrivals(self, arrivals: list[Arrival]) -> None:
        """Note each new entry of the stream: when it was taken off the socket, and when it was seen on the bus."""
        supervisor = self._stage.supervisor
        client = redis_clients.blocking(self._stage.buses.urls["market"])
        async with redis_clients.opened(client):
            last: bytes | str = "$"
            while True:
                stream = supervisor.config.keys.stream
                reply = await client.execute_command("XREAD", "BLOCK", 1_000, "STREAMS", stream, last)
                for id, _ in reply[0][1] if reply else ():
                    last = id
                    arrivals.append((int(id.partition(b"-")[0]) / 1e3, time.monotonic()))

    @property
    def _tree(self) -> Supervisor:
        handle = self._stage.supervisor.handle
        assert handle is not None, "the scenario is played while the supervisor runs"
        return handle


async def _first_after(moment: float, arrivals: list[Arrival]) -> float:
    """When the first entry taken off the socket after `moment` (wall clock, seconds) was seen on the bus."""
    with anyio.fail_after(RECOVERY):
        while True:
            for taken, seen in arrivals:
                if taken >= moment - 0.001:  # entries carry whole milliseconds
                    return seen
            await anyio.sleep(0.001)


def _child_report(child: ChildInfo) -> ChildReport:
    return ChildReport(
        path=child.path,
        pid=os.getpid(),
        gen=child.generation,
        crashes=child.crashes,
        manual=child.manual,
        collateral=child.collateral,
        downtime_s=round(child.downtime, 6),
    )
