"""One connection of a client: its key, its channels, and exactly what was sent to it."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import anyio
import msgspec
from msgspec import Struct
from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from services.massive.protocol import Request, Status
from services.massive.provider.config import TOPICS, ProviderConfig
from services.massive.provider.tape import Channel, Made, Tape

CLOSE_WITHIN = 1.0
"""Seconds that a client has for its half of the closing handshake."""


class Tally(Struct):
    """What was sent of one channel: the numbers of the first and the last event, and how many there were.

    `count` is `last - first + 1`, but for a connection that was silent in between.
    """

    first: int
    last: int
    count: int


class Sent(Struct, frozen=True):
    """What was sent over one connection since it subscribed.

    Attributes:
        connection: the connections are numbered from 1, in the order in which they came.
        channels: by channel, such as `Q.AAPL`.
        closed: the code with which the client closed or the answer to ours, 1006 for none; None: open.
    """

    connection: int
    market: str
    channels: Mapping[str, Tally]
    closed: int | None


_requests = msgspec.json.Decoder(Request)


class Session:
    """The provider's end of one connection.

    Attributes:
        key: the accepted key; empty until then.
        held: the channels that it is subscribed to.
        silent: half-open: it sends nothing and hears nothing, not even a ping.
        unwanted: one connection too many, to be refused once it has subscribed.
    """

    def __init__(self, number: int, market: str, link: ServerConnection, config: ProviderConfig, tape: Tape) -> None:
        self.number = number
        self.market = market
        self.key = ""
        self.held: set[Channel] = set()
        self.silent = False
        self.unwanted = False
        self._link = link
        self._config = config
        self._tape = tape
        self._names: set[str] = set()
        self._tallies: dict[str, Tally] = {}

    async def serve(self, admit: Callable[["Session", str], None], subscribed: Callable[["Session"], None]) -> None:
        """Answer requests until the connection ends; `admit` decides about a key."""
        self.say("connected", "Connected Successfully")
        with suppress(ConnectionClosed), anyio.move_on_after(self._config.auth_timeout) as waiting:
            async for message in self._link:
                self._answer(message, admit, subscribed)
                if self.key:
                    waiting.deadline = math.inf
        if waiting.cancelled_caught:
            self.say("auth_timeout", "No authentication request received.")
            self.drop_after_sending()

    def sent(self) -> Sent:
        """A snapshot of what was sent."""
        closed = self._link.close_code if self._link.state is State.CLOSED else None
        tallies = {name: msgspec.structs.replace(tally) for name, tally in self._tallies.items()}
        return Sent(self.number, self.market, tallies, closed)

    def deliver(self, made: Made) -> None:
        """Send what has happened on the held channels, and count it."""
        if not self.is_open:
            return
        events: list[bytes] = []
        for channel, batch in made:
            if channel in self.held:
                events += batch
                self._count(channel, len(batch))
        size = self._config.frame_events
        for start in range(0, len(events), size):
            self.send(b"[" + b",".join(events[start : start + size]) + b"]")

    def say(self, status: str, message: str) -> None:
        """Send one status."""
        self.send(msgspec.json.encode([Status(status, message)]))

    def send(self, payload: bytes) -> None:
        """Send a text frame as it is; the client need not read it at once."""
        if self.is_open:
            broadcast((self._link,), payload, text=True)

    @property
    def is_open(self) -> bool:
        """Whether anything can be sent."""
        return self._link.state is State.OPEN and not self.silent

    @property
    def overdue(self) -> bool:
        """Whether the client is so far behind that it has to be cut off."""
        return self.is_open and bool(self.key) and self._link.transport.get_write_buffer_size() > self._config.backlog

    async def close(self, code: int, reason: str) -> None:
        """The closing handshake; then the socket is dropped in any case."""
        with anyio.move_on_after(CLOSE_WITHIN):
            await self._link.close(code, reason)
        self.drop()

    def drop(self) -> None:
        """Break the connection without a word."""
        self._link.transport.abort()

    def drop_after_sending(self) -> None:
        """Break the connection without a close frame, once what was sent has left."""
        self._link.transport.close()

    def fall_silent(self) -> None:
        """Stay connected and do nothing more."""
        self.silent = True
        self._link.transport.pause_reading()

    def speak_again(self) -> None:
        """Undo `fall_silent`."""
        self.silent = False
        self._link.transport.resume_reading()

    def _count(self, channel: Channel, count: int) -> None:
        tally = self._tallies.setdefault(channel.name, Tally(channel.number - count + 1, 0, 0))
        tally.last = channel.number
        tally.count += count

    def _answer(
        self, message: str | bytes, admit: Callable[["Session", str], None], subscribed: Callable[["Session"], None]
    ) -> None:
        try:
            request = _requests.decode(message)
        except msgspec.DecodeError as error:
            self.say("error", f"malformed request: {error}")
            return
        names = [name.strip() for name in request.params.split(",")]
        match request.action:
            case "auth":
                admit(self, request.params)
            case _ if not self.key:
                self.say("error", "not authorized")
            case "subscribe":
                self._acknowledge(self._subscribe(names))
                subscribed(self)
            case "unsubscribe":
                self._acknowledge(self._unsubscribe(names))

    def _subscribe(self, names: Sequence[str]) -> list[Status]:
        answers: list[Status] = []
        for name in names:
            topic = name.partition(".")[0]
            if topic not in TOPICS[self.market] or name in self._names:
                continue
            if topic in self._config.withheld:
                answers.append(Status("error", "not authorized"))
            else:
                self._names.add(name)
                answers.append(Status("success", f"subscribed to: {name}"))
        return answers

    def _unsubscribe(self, names: Sequence[str]) -> list[Status]:
        given_back = [name for name in names if name in self._names]
        self._names.difference_update(given_back)
        return [Status("success", f"unsubscribed to: {name}") for name in given_back]

    def _acknowledge(self, answers: Sequence[Status]) -> None:
        # First the word, then the events.
        if answers:
            self.send(msgspec.json.encode(answers))
        self.held = self._tape.find(self.market, self._names)
