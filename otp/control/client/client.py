"""Asking a running tree, and watching it, from another process.

    with connect(find_socket("massive")) as client:
        acted = client.ask(Restart(path="massive/workers/ws_worker", reason="new key"))

It blocks, and knows no event loop: a command line needs none, and a front end with one calls it from a thread.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, overload
from uuid import uuid4

from otp.control.client.connection import Connection, open_connection
from otp.control.client.errors import CommandFailed, Unreachable
from otp.control.wire import commands, protocol
from otp.control.wire.rows import Delta, Explained, Health, Snapshot, Why

PATIENCE = 30.0
"""Seconds that a command may take by default."""


def connect(path: Path, *, timeout: float = PATIENCE) -> "Client":
    """Connect to the socket at `path`.

    Args:
        path: of the socket.
        timeout: seconds that the server has for each answer, from its question to its last byte.

    Raises:
        Unreachable: no process listens, it does not greet as it should, or it is not trusted.
    """
    return Client(open_connection(path, timeout), timeout)


class Client:
    """One connection; a context manager that closes it.

    Attributes:
        greeting: of the process at the other end.
    """

    def __init__(self, connection: Connection, timeout: float) -> None:
        self.greeting = connection.greeting
        self._connection = connection
        self._timeout = timeout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; what was asked is done all the same."""
        self._connection.close()

    @overload
    def ask(self, command: commands.GetSnapshot, *, id: str = ...) -> Snapshot: ...
    @overload
    def ask(self, command: commands.GetHealth, *, id: str = ...) -> Health: ...
    @overload
    def ask(self, command: commands.GetEvents, *, id: str = ...) -> protocol.Events: ...
    @overload
    def ask(self, command: commands.GetIncidents, *, id: str = ...) -> protocol.Incidents: ...
    @overload
    def ask(self, command: commands.Explain, *, id: str = ...) -> Explained: ...
    @overload
    def ask(self, command: commands.GetWhy, *, id: str = ...) -> Why: ...
    @overload
    def ask(self, command: commands.GetStack, *, id: str = ...) -> protocol.Stacks: ...
    @overload
    def ask(self, command: commands.ResolveIncident, *, id: str = ...) -> protocol.Resolved: ...
    @overload
    def ask(self, command: commands.Drain, *, id: str = ...) -> protocol.Draining: ...
    @overload
    def ask(self, command: commands.OnChildren, *, id: str = ...) -> protocol.Acted: ...
    def ask(self, command: commands.Command, *, id: str = "") -> Any:
        """Ask, and wait for the answer.

        Args:
            command: what is wanted.
            id: of an earlier request, to ask for its answer again: an acting command is not done twice.

        Raises:
            CommandFailed: the answer is no, or does not come in time.
            Unreachable: the process has ended.
        """
        request = protocol.Request(id or uuid4().hex, command)
        deadline = time.monotonic() + self._timeout
        try:
            self._connection.send(request, deadline)
            message = self._connection.receive(deadline)
        except TimeoutError:
            self.close()  # the late answer would be taken for that to the next question
            raise CommandFailed(
                "timed_out",
                f"no answer within {self._timeout:g} s; it may still be done: look again, or wait longer with --timeout",
            ) from None
        match message:
            case protocol.Reply(id=request.id, answer=answer):
                return answer
            case _:
                raise self._no_answer(message)

    def watch(self) -> Iterator[Snapshot | Delta | None]:
        """A snapshot, and what changes from then on, until the process ends; nothing else can be asked after that.

        None comes after `patience` seconds without a message, so that the caller can do something else.

        Raises:
            CommandFailed: the answer is no.
            Unreachable: a message comes that does not belong to a watch.
        """
        with suppress(TimeoutError):  # then no answer comes either, and the caller gets None
            self._connection.send(protocol.Request(uuid4().hex, commands.Watch()), time.monotonic() + self._timeout)
        while True:
            try:
                message = self._connection.receive(time.monotonic() + self._timeout)
            except TimeoutError:
                yield None
                continue
            except Unreachable:
                return
            match message:
                case Snapshot() | Delta():
                    yield message
                case _:
                    raise self._no_answer(message)

    def until_closed(self, timeout: float) -> bool:
        """Wait until the other end is gone; whether it is, after `timeout` seconds."""
        return self._connection.until_closed(timeout)

    def patience(self, timeout: float) -> None:
        """Wait `timeout` seconds for each message from now on."""
        self._timeout = timeout

    def _no_answer(self, message: protocol.FromServer) -> CommandFailed | Unreachable:
        if isinstance(message, protocol.Failed):
            return CommandFailed(message.kind, message.message)
        return Unreachable(f"{self._connection.path} answers what was not asked: {type(message).__name__}")
