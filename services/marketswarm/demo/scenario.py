"""The acts: each row of the failure table, one after the other."""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from textwrap import indent

import anyio
from msgspec.structs import replace as replaced

from otp import ChildInfo, FatalFailure, StartError, Supervisor, log_events, open_supervisor
from otp.cli.on_paper import draw
from otp.events import IntensityReached
from otp.observe.incident import Incident
from otp.observe.incidents import Incidents
from otp.testing import EventRecorder
from services.marketswarm.demo.report import AllReport, Row
from services.marketswarm.demo.screen import AllScreen
from services.marketswarm.demo.stage import KEY, SWITCH, Stage
from services.massive.config import Keys
from services.massive.provider import ProviderConfig, open_provider
from services.massive.shared_services import SharedServices
from services.shared import redis_clients
from trees import massive

RECOVERY = 20.0
"""Seconds that a recovery may take before the demo says that it failed."""

FIRST_FILL = 60.0
"""Seconds that it may take until a move of the market has led to a fill, when the machine is busy with other things."""

OUTAGE = 3.0
"""Seconds that a bus, or the provider, stays away."""

NEWS = (
    ("Apple $AAPL beats expectations with a wonderful quarter", "Analysts are delighted and praise the great results."),
    ("$NVDA suffers a terrible setback", "Investors fear awful losses and a disastrous year."),
    ("$MSFT wins an excellent contract", "A superb success, and customers are happy."),
)

FLOW = {
    "articles": ("intel", "intel:articles"),
    "scores": ("intel", "sentiment:scores"),
    "signals": ("intel", "intel:signals"),
    "orders": ("intel", "execution:orders"),
    "fills": ("intel", "execution:fills"),
    "frames": ("market", "massive:ws:stream"),
}
"""What is counted at the end: name to bus and stream."""


class AllScenario:
    """Plays the acts."""

    def __init__(self, stage: Stage, screen: AllScreen, events: EventRecorder) -> None:
        self._stage = stage
        self._screen = screen
        self._events = events
        self._began = time.monotonic()
        self._rows: list[Row] = []
        self._copy: tuple[Incident, ...] = ()
        self._opened = 0

    async def play(self) -> None:
        """All acts; each begins when all is up and nothing of the one before is open."""
        await self._all_up()
        self._screen.act("the tree, all up")
        self._screen.say(indent(draw(self._stage.supervisor.spec()), "   "))
        async with anyio.create_task_group() as life:
            life.start_soon(self._print_news)
            life.start_soon(self._move_the_market)
            await anyio.sleep(4.0)
            await self._act("provider restart", "the provider closes with 1012", self._provider_restarts)
            await self._act("network blip", f"the provider is not to be reached for {OUTAGE:g} s", self._provider_away)
            await self._act("logic bug", "the scorer of sentiment fails again and again", self._bug)
            await self._act("dependency down", f"intel-redis is killed for {OUTAGE:g} s", self._redis_is_killed)
            await self._act("config error", "in a copy of massive the key is wrong", self._key_is_wrong)
            await self._traded()
            life.cancel_scope.cancel()
        await self._scored()
        await self._calm()

    async def report(self) -> AllReport:
        """What was measured."""
        return AllReport(
            seconds=round(time.monotonic() - self._began, 2),
            rows=tuple(self._rows),
            flow={name: await self._length(*where) for name, where in FLOW.items()},
            open_incidents=len(self._stage.seen.incidents.open()),
        )

    # ------------------------------------------------------------------------------------------------ the rows

    async def _provider_restarts(self) -> str:
        await self._stage.provider.close_all(1012, "service restart")
        await self._failed()
        return "restarted at once, at no cost in intensity"

    async def _provider_away(self) -> str:
        self._stage.provider.refuse_connections()
        self._stage.provider.drop_all()
        await anyio.sleep(OUTAGE)
        self._stage.provider.heal()
        return "tried again after growing delays until it was there again"

    async def _bug(self) -> str:
        seen = len(self._events.of(IntensityReached))
        while len(self._events.of(IntensityReached)) == seen:
            await self._all_up()
            SWITCH.throw(ZeroDivisionError("a bug in the scorer"))
            await anyio.sleep(0.2)
        return "three tries, then the supervisor gave up and the one above restarted the group"

    async def _redis_is_killed(self) -> str:
        intel = self._stage.buses.embedded["intel"]
        intel.kill()
        await anyio.sleep(OUTAGE)
        held = [child.path for child in self._tree.walk() if child.state == "held"]
        await intel.start()
        return f"{len(held)} workers were held at no cost, and resumed one after the other"

    async def _key_is_wrong(self) -> str:
        """A second massive with its own provider and its own keys on the bus, under the same tree."""
        own = self._stage.supervisor.config.massive
        incidents = Incidents()
        async with open_provider(ProviderConfig(keys=(KEY,), rate=100.0)) as provider:
            keys = Keys(stream="copy:ws:stream", rejected="copy:ws:rejected", group="copy")
            config = replaced(own, feed=replaced(own.feed, url=provider.url), keys=keys)
            shared = SharedServices.make(config, self._stage.logger)
            copy = replace(massive.tree(config, shared), id="copy")
            try:
                provider.refuse_keys()
                with suppress(FatalFailure, StartError):
                    async with open_supervisor(copy, hooks=[log_events(), incidents]):
                        await anyio.sleep(RECOVERY)
            finally:
                await shared.aclose()
        self._copy = incidents.all()
        return "nothing was restarted; as a service of its own it would exit with code 78"

    # ------------------------------------------------------------------------------------------------ around them

    async def _act(self, failure: str, fault: str, strike: Callable[[], Awaitable[str]]) -> None:
        self._screen.act(f"{failure}: {fault}")
        before = self._generations()
        known = {incident.id for incident in self._incidents()}
        self._opened = self._stage.seen.incidents.opened
        outcome = await strike()
        await self._all_up()
        await self._calm()
        new = [incident for incident in self._incidents() if incident.id not in known]
        after = self._generations()
        restarted = [path for path, generation in after.items() if generation != before.get(path)]
        row = Row(
            failure=failure,
            fault=fault,
            verdicts=tuple(dict.fromkeys(incident.verdict or "unclassified" for incident in new)),
            restarted=tuple(restarted),
            untouched=len(after) - len(restarted),
            incidents=tuple(incident.id for incident in new),
            failures=sum(incident.count for incident in new),
            downtime_s=round(max((incident.downtime for incident in new), default=0.0), 6),
            outcome=outcome,
        )
        self._rows.append(row)
        self._screen.row(row)

    async def _failed(self) -> None:
        """Wait for the news that something has failed."""
        with anyio.fail_after(RECOVERY):
            while self._stage.seen.incidents.opened == self._opened:  # noqa: ASYNC110 # the hook is told a moment later
                await anyio.sleep(0.005)

    async def _calm(self) -> None:
        """Wait until no incident is open."""
        with anyio.move_on_after(RECOVERY):
            while self._stage.seen.incidents.open():  # noqa: ASYNC110 # they are resolved by the passing of time
                await anyio.sleep(0.05)

    async def _traded(self) -> None:
        """Wait until a move of the market has led to a fill: on a busy machine that takes more than one."""
        with anyio.move_on_after(FIRST_FILL):
            while not await self._length(*FLOW["fills"]):  # noqa: ASYNC110 # the news is a stream in Redis
                await anyio.sleep(0.2)

    async def _scored(self) -> None:
        """Wait until what is on its way to the scorer has arrived."""
        with anyio.move_on_after(RECOVERY):
            while await self._length(*FLOW["scores"]) < await self._length(*FLOW["articles"]):  # noqa: ASYNC110 # as above
                await anyio.sleep(0.2)

    async def _all_up(self) -> None:
        with anyio.fail_after(RECOVERY):
            while not self._stage.supervisor.is_up:  # noqa: ASYNC110 # a state of many parts, for which there is no event
                await anyio.sleep(0.005)

    def _incidents(self) -> tuple[Incident, ...]:
        return (*self._stage.seen.incidents.all(), *self._copy)

    def _generations(self) -> dict[str, int]:
        return {child.path: child.generation for child in self._tree.walk() if _is_worker(child)}

    async def _print_news(self) -> None:
        """A few articles a second, about companies that the provider quotes."""
        while True:
            title, summary = NEWS[self._stage.newspaper.printed % len(NEWS)]
            self._stage.newspaper.prints(f"{title} ({self._stage.newspaper.printed})", summary)
            await anyio.sleep(0.4)

    async def _move_the_market(self) -> None:
        """Now and then a trade that is out of the ordinary."""
        while True:
            await anyio.sleep(4.0)
            now = int(time.time() * 1_000)
            trade = f'[{{"ev":"T","sym":"AAPL","x":4,"p":275.5,"s":90000,"c":[],"t":{now},"q":{now},"z":3}}]'
            self._stage.provider.send_raw(trade.encode())

    async def _length(self, bus: str, stream: str) -> int:
        client = redis_clients.control(self._stage.buses.urls[bus])
        async with redis_clients.opened(client):
            return int(await client.execute_command("XLEN", stream))

    @property
    def _tree(self) -> Supervisor:
        handle = self._stage.supervisor.handle
        assert handle is not None, "the scenario is played while the supervisor runs"
        return handle


def _is_worker(child: ChildInfo) -> bool:
    return child.kind == "worker"
