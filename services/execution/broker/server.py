"""The paper broker: takes orders on a Unix socket, and fills them at the last price."""

import asyncio
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import anyio
import msgspec
from anyio.abc import TaskStatus

from services.execution.broker.book import Book, BrokerClients
from services.execution.broker.faults import Dropped, Faults
from services.execution.broker.prices import Prices, prices_of
from services.execution.broker.protocol import (
    LONGEST,
    Answer,
    FillsAfter,
    Misbehave,
    Ping,
    Pong,
    Problem,
    Reply,
    Request,
    Submit,
    decode_request,
    encode,
)
from services.execution.config import Broker
from services.shared import redis_clients

LOOK_INTERVAL: Final = 1.0
"""Seconds between two looks for open orders when nothing calls for one earlier."""


async def run(config: Broker, clients: BrokerClients, *, task_status: TaskStatus[None]) -> None:
    """Serve until stopped; ready once its books and its prices are there and the socket listens.

    Args:
        config: the broker.
        clients: of the buses.
        task_status: told when it is ready.

    Raises:
        redis.exceptions.RedisError: the books or the prices are away. What was taken is in the books.
        OSError: the socket cannot be made.
    """
    await redis_clients.until_it_answers(clients.books)
    if config.prices is None:
        await redis_clients.until_it_answers(clients.market)
    broker = _PaperBroker(config, Book(config.keys, clients), prices_of(config, clients.market))
    async with anyio.create_task_group() as group:
        with _listening(Path(config.socket), lambda customer: group.start_soon(broker.serve, customer)):
            task_status.started()
            await broker.fill_orders()


@contextmanager
def _listening(path: Path, welcome: Callable[[socket.socket], object]) -> Generator[None]:
    """Listen for the block, on a socket that nobody else can open; `welcome` is called with each connection.

    asyncio's own server would do, but for a customer who comes just when it is closed: it stumbles over him, loudly.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_socket():  # left by a broker that was killed
        path.unlink()
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.setblocking(False)
        listener.listen()
        loop.add_reader(listener, _accept, listener, welcome)
        try:
            yield
        finally:
            loop.remove_reader(listener)


def _accept(listener: socket.socket, welcome: Callable[[socket.socket], object]) -> None:
    with suppress(BlockingIOError, ConnectionAbortedError):  # he has left again
        customer, _ = listener.accept()
        welcome(customer)


class _PaperBroker:
    """One incarnation: its connections, and the filling of orders."""

    def __init__(self, config: Broker, book: Book, prices: Prices) -> None:
        self._config = config
        self._book = book
        self._prices = prices
        self._faults = Faults()
        self._news = anyio.Event()

    # ------------------------------------------------------------------------------------------------ requests

    async def serve(self, customer: socket.socket) -> None:
        """Answer one customer until he leaves."""
        with customer:
            reader, writer = await asyncio.open_unix_connection(sock=customer, limit=LONGEST)
            try:
                while line := await _next_line(reader):
                    writer.write(encode(await self._answer_line(line)))
                    await writer.drain()
            except (ConnectionError, Dropped):
                return
            finally:
                writer.transport.abort()

    async def _answer_line(self, line: bytes) -> Reply:
        try:
            request = decode_request(line)
        except msgspec.DecodeError as error:
            return Problem(str(error))
        return await self._answer(request)

    async def _answer(self, request: Request) -> Reply:
        match request:
            case Submit():
                return await self._faults.around(self._take, request)
            case FillsAfter():
                return await self._book.fills_after(request.cursor, request.wait)
            case Ping():
                await self._book.ping()
                return Pong()
            case Misbehave():
                return self._misbehave(request)

    async def _take(self, order: Submit, refuse: str) -> Answer | Problem:
        answer = await self._book.submit(order, refuse=refuse)
        self._news.set()
        return answer or Problem(f"the id {order.id!r} belongs to another order")

    def _misbehave(self, command: Misbehave) -> Pong | Problem:
        if not self._config.faults:
            return Problem("this broker was not started for that; set faults")
        self._faults.plan(command)
        return Pong()

    # ------------------------------------------------------------------------------------------------ fills

    async def fill_orders(self) -> None:
        """Fill open orders as long as they have a price, and look again when there are new ones."""
        while True:
            self._news = anyio.Event()
            left = await self._fill_open()
            with anyio.move_on_after(self._config.price_interval if left else LOOK_INTERVAL):
                await self._news.wait()

    async def _fill_open(self) -> bool:
        """Fill one slice of each open order; whether orders are left without a price."""
        unpriced = False
        orders = await self._book.open_orders()
        while orders:
            priced = False
            for order in orders:
                price = await self._prices.price(order.symbol)
                if price is None:
                    unpriced = True
                else:
                    priced = await self._book.fill_next(order, price) or priced
            orders = await self._book.open_orders() if priced else ()
        return unpriced


async def _next_line(reader: asyncio.StreamReader) -> bytes:
    """The next request; empty when there is none, or none that has an end."""
    try:
        return await reader.readuntil(b"\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return b""
