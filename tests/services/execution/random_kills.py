"""Kills the nodes of the real tree at random awaits while signals flow, and then goes through the books.

`python tests/services/execution/random_kills.py --kills 20000 --seed 7` does it for longer than a test may.
"""

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import wraps
from pathlib import Path
from unittest.mock import patch

import anyio
import click
import msgspec
import redis

from otp import SupervisorSpec, open_supervisor
from otp.errors import RequestError, StartError
from otp.policy import Backoff, FailurePolicy, RestartNow
from otp.testing.faults import InjectedCrash
from services.execution import orchestrator
from services.execution.broker import server
from services.execution.config import Broker, Execution, Limits
from services.execution.decision import order_id
from services.execution.shared_services import SharedServices
from services.shared.embedded import open_embedded_buses
from services.shared.identity import Buses
from trees.execution import tree

NODES = ("broker", "orchestrator", "decider", "submitter", "fill_recorder")
PATHS = ("broker", "orchestrator", "workers/decider", "workers/submitter", "workers/fill_recorder", "workers")
LIVES = {"broker": 60, "orchestrator": 4}
"""Suspensions that an incarnation lives for, on average; 40 if nothing is said."""

SYMBOLS = ("GOOG", "AAPL", "MSFT")
SLICES = 3
AHEAD = 40
"""Signals that may be on their way at once: enough for all nodes to have work."""

LIMITS = Limits(
    quantity_per_score=7, max_quantity=1_000, max_position=10_000_000, orders_per_minute=10_000_000, minimum_score=0.5
)


class Hour:
    """When an incarnation has to die: at so manyth suspension of its tasks. No clock, so a slow machine is no matter."""

    def __init__(self, suspensions: int, strike: Callable[[], None]) -> None:
        self._left = suspensions
        self._strike = strike

    def tick(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._strike()


HOUR: ContextVar[Hour] = ContextVar("HOUR")
"""Of the incarnation to which a task belongs."""


class Counted:
    """Awaits a coroutine, and counts its suspensions."""

    def __init__(self, body: Awaitable[object]) -> None:
        self._steps = body.__await__()
        self._hour = HOUR.get()

    def __await__(self):
        resume, argument = self._steps.send, None
        while True:
            try:
                waits_for = resume(argument)
            except StopIteration as end:
                return end.value
            self._hour.tick()
            try:
                argument, resume = (yield waits_for), self._steps.send
            except BaseException as error:
                argument, resume = error, self._steps.throw


def counted(run: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    @wraps(run)
    async def running(*args, **options):
        return await Counted(run(*args, **options))

    return running


@contextmanager
def all_of_it_counted():
    """The broker works in the tasks of its connections, which count too; and the orchestrator looks more often."""
    with (
        patch.object(server._PaperBroker, "serve", counted(server._PaperBroker.serve)),
        patch.object(orchestrator, "WATCH_INTERVAL", 0.003),
    ):
        yield


class Killer:
    """Stands around each node's function: each incarnation has its hour."""

    def __init__(self, dice: random.Random, goal: int) -> None:
        self.kills = Counter[str]()
        self.restarts = 0
        self._dice = dice
        self.goal = goal

    @property
    def done(self) -> bool:
        return self.kills.total() >= self.goal

    def rewire(self, spec: SupervisorSpec) -> SupervisorSpec:
        """The same tree with mortal workers, a budget for their deaths, and no time lost between them."""
        policy = FailurePolicy(otherwise=RestartNow(then=Backoff(0.001, factor=1.5, cap=0.01)))
        children = tuple(
            self.rewire(child)
            if isinstance(child, SupervisorSpec)
            else replace(child, run=self.around(child.id, child.run), policy=policy)
            for child in spec.children
        )
        asked_often = tuple(replace(one, every=0.002, stagger=0.001) for one in spec.dependencies)
        return replace(spec, children=children, dependencies=asked_often, intensity=10_000_000)

    def around(self, id: str, run: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def mortal(*args, **options):
            with anyio.CancelScope() as life:
                suspensions = 1 + int(self._dice.expovariate(1 / LIVES.get(id, 40)))
                HOUR.set(Hour(suspensions, lambda: self._strike(life)))
                await counted(run)(*args, **options)
            if life.cancelled_caught:
                self.kills[id] += 1
                raise InjectedCrash(f"{id} was struck")

        return mortal

    def _strike(self, life: anyio.CancelScope) -> None:
        if not self.done:
            life.cancel()

    async def restart_at_random(self, handle) -> None:
        """Restart nodes from outside as well, as an operator would: one for every few kills."""
        while not self.done:
            due = self.kills.total() + self._dice.randrange(1, 8)
            while self.kills.total() < due and not self.done:
                await anyio.sleep(0.002)
            try:
                await handle.restart(self._dice.choice(PATHS))
            except (RequestError, StartError):
                continue
            self.restarts += 1


class Flow:
    """Signals, as a service that may send one twice sends them."""

    def __init__(self, raw: redis.Redis, dice: random.Random) -> None:
        self.passing = Counter[str]()
        self.weak = Counter[str]()
        self._raw = raw
        self._dice = dice
        self._n = 0

    async def run(self, killer: Killer) -> None:
        """Send until the killing is over."""
        while not killer.done:
            await anyio.sleep(0.001)
            for _ in range(self._room()):
                self._send()

    def _room(self) -> int:
        done = self._raw.xlen("execution:fills") // SLICES
        return min(3, AHEAD - (len(self.passing) - done))

    def _send(self) -> None:
        self._n += 1
        weak = self._dice.random() < 0.1
        signal = {
            "id": f"signal-{self._n}",
            "symbol": self._dice.choice(SYMBOLS),
            "kind": "price",
            "direction": self._dice.choice(("up", "down")),
            "score": 0.1 if weak else 1.0 + self._dice.random(),
            "price": 10.0,
            "at": time.time(),
        }
        times = 1 if weak or self._dice.random() < 0.9 else 2
        (self.weak if weak else self.passing)[signal["id"]] += 1
        for _ in range(times):
            self._raw.xadd("intel:signals", {"signal": msgspec.json.encode(signal)})

    def all_is_done(self) -> bool:
        """Whether nothing is on its way any more."""
        (group,) = self._raw.xinfo_groups("intel:signals")
        settled = group["pending"] == 0 and group["lag"] == 0
        fills = self._raw.xlen("execution:fills") == self._raw.xlen("broker:fills")
        return settled and fills and not self._raw.exists("execution:open", "execution:unsent", "broker:open")


def entries(raw, stream, field):
    return [msgspec.json.decode(fields[field.encode()]) for _, fields in raw.xrange(stream)]


def audit(raw: redis.Redis, passing: Counter[str], weak: Counter[str], slices: int = SLICES) -> None:
    """Nothing lost, nothing doubled: signals, orders, the broker's orders, fills and positions agree.

    Args:
        raw: of the server that holds all of it.
        passing: the signals that have to have one order each.
        weak: those that have to be declined, once each.
        slices: fills of each order.
    """
    orders = entries(raw, "execution:orders", "order")
    assert Counter(order["signal"] for order in orders) == passing
    assert [order["id"] for order in orders] == [order_id(order["signal"]) for order in orders]
    assert Counter(fields[b"signal"].decode() for _, fields in raw.xrange("execution:declined")) == weak
    assert not raw.xlen("execution:rejected")
    known = {key.decode().removeprefix("broker:order:") for key in raw.scan_iter("broker:order:*", count=1_000)}
    assert known == {order["id"] for order in orders}
    assert int(raw.get("broker:ids")) == len(orders)
    _audit_fills(raw, orders, slices)


def _audit_fills(raw, orders, slices) -> None:
    fills = entries(raw, "execution:fills", "fill")
    assert fills == entries(raw, "broker:fills", "fill")
    assert Counter(fill["id"] for fill in fills) == Counter(
        f"{order['id']}:{n}" for order in orders for n in range(1, slices + 1)
    )
    filled, positions = Counter(), Counter(dict.fromkeys({order["symbol"] for order in orders}, 0))
    for fill in fills:
        filled[fill["order"]] += fill["quantity"]
        positions[fill["symbol"]] += fill["quantity"] * (1 if fill["side"] == "buy" else -1)
    assert filled == {order["id"]: order["quantity"] for order in orders}
    held = {symbol.decode(): int(quantity) for symbol, quantity in raw.hgetall("execution:positions").items()}
    assert held == positions
    for side in ("buy", "sell"):
        assert not any(int(left) for left in raw.hvals(f"execution:exposure:{side}"))
    for order in orders:
        assert raw.hmget(f"execution:order:{order['id']}", "state", "broker_id")[0] == b"filled"


async def rampage(url: str, kills: int, seed: int, within: float = 15.0) -> tuple[Killer, Flow]:
    """Let signals flow and kill until `kills` are dead, let the rest arrive, and go through the books."""
    dice = random.Random(seed)
    killer = Killer(dice, kills)
    with tempfile.TemporaryDirectory(prefix="paper-") as folder, redis.Redis.from_url(url) as raw:
        broker = Broker(
            socket=str(Path(folder) / "broker.sock"), slices=SLICES, prices=dict.fromkeys(SYMBOLS, 10.0), timeout=2.0
        )
        config = Execution(broker=broker, buses=Buses(system=url, market=url, intel=url), limits=LIMITS)
        shared = SharedServices.make(config)
        flow = Flow(raw, dice)
        try:
            async with (
                open_supervisor(killer.rewire(tree(config, shared))) as handle,
                anyio.create_task_group() as group,
            ):
                group.start_soon(killer.restart_at_random, handle)
                await flow.run(killer)
                with anyio.fail_after(within):
                    while not flow.all_is_done():
                        await anyio.sleep(0.02)
                audit(raw, flow.passing, flow.weak)
        finally:
            await shared.aclose()
    return killer, flow


@click.command()
@click.option("--kills", default=10_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(kills: int, seed: int) -> None:
    """Kill for longer than a test may."""

    async def once() -> None:
        async with open_embedded_buses(["intel"]) as buses:
            began = time.monotonic()
            killer, flow = await rampage(buses["intel"].url, kills, seed, within=60.0)
        sys.stdout.write(
            f"{killer.kills.total()} kills {dict(killer.kills)}, {killer.restarts} restarts, {len(flow.passing)} orders, "
            f"{len(flow.weak)} declined, {time.monotonic() - began:.1f} s: nothing lost, nothing doubled\n"
        )

    anyio.run(once)


if __name__ == "__main__":
    main()
