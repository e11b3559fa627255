"""Execution on one real server that is all three buses, with a paper broker on a Unix socket."""

import tempfile
import time
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import msgspec
import pytest

from services.execution.board import Board
from services.execution.broker import client, server
from services.execution.broker.book import BrokerClients
from services.execution.config import Broker, Execution, Limits
from services.execution.shared_services import SharedServices
from services.execution.workers import decide
from services.shared.identity import Buses

WIDE = Limits(quantity_per_score=10, max_quantity=10_000, max_position=1_000_000, orders_per_minute=1_000_000)


@pytest.fixture
def socket():
    """A path that is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="paper-") as folder:
        yield str(Path(folder) / "broker.sock")


@pytest.fixture
def execution(market, socket):
    """A configuration with limits that limit nothing, fixed prices, and a broker that obeys when told to misbehave."""
    broker = Broker(socket=socket, prices={"GOOG": 100.0, "AAPL": 50.0}, faults=True, timeout=2.0)
    return Execution(broker=broker, buses=Buses(system=market.url, market=market.url, intel=market.url), limits=WIDE)


@pytest.fixture
def send(raw):
    """Send a signal."""

    def send(id="s1", *, symbol="GOOG", direction="up", score=1.0):
        signal = {"id": id, "symbol": symbol, "kind": "price", "direction": direction, "score": score, "price": 99.5}
        signal["at"] = time.time()
        return raw.xadd("intel:signals", {"signal": msgspec.json.encode(signal)})

    return send


@pytest.fixture
def look(raw, until):
    return Look(raw, until)


class Look:
    """What is on the bus."""

    def __init__(self, raw, until):
        self.raw = raw
        self.until = until

    def _entries(self, stream, field):
        return [msgspec.json.decode(fields[field]) for _, fields in self.raw.xrange(stream)]

    @property
    def orders(self):
        return self._entries("execution:orders", b"order")

    @property
    def fills(self):
        return self._entries("execution:fills", b"fill")

    @property
    def declined(self):
        return {f[b"signal"].decode(): f[b"reason"].decode() for _, f in self.raw.xrange("execution:declined")}

    @property
    def positions(self):
        return {name.decode(): int(value) for name, value in self.raw.hgetall("execution:positions").items()}

    def record(self, id):
        return {name.decode(): value.decode() for name, value in self.raw.hgetall(f"execution:order:{id}").items()}

    def is_settled(self):
        groups = self.raw.xinfo_groups("intel:signals") if self.raw.exists("intel:signals") else []
        return bool(groups) and groups[0]["pending"] == 0 and groups[0]["lag"] == 0


@pytest.fixture
async def shared(execution):
    shared = SharedServices.make(execution)
    yield shared
    await shared.aclose()


@pytest.fixture
def run_worker():
    """Run a worker for the block, as a task that is cancelled with it."""

    @asynccontextmanager
    async def running(run, *args):
        async with anyio.create_task_group() as group:
            await group.start(partial(run, *args))
            yield
            group.cancel_scope.cancel()

    return running


@pytest.fixture
def run_broker(execution):
    """Run the paper broker for the block; gives a customer's connection."""

    @asynccontextmanager
    async def running(config=execution.broker):
        clients = BrokerClients.make(execution.buses)
        try:
            async with anyio.create_task_group() as group:
                await group.start(partial(server.run, config, clients))
                async with client.connected(config) as customer:
                    yield customer
                group.cancel_scope.cancel()
        finally:
            await clients.aclose()

    return running


@pytest.fixture
def board(execution):
    board = Board()
    board.post(execution.limits)
    return board


@pytest.fixture
def deciding(execution, shared, board, run_worker):
    """Run a decider for the block."""

    def run(config=execution):
        return run_worker(decide.run, config, board, shared.producer, shared.blocking)

    return run
