"""A control socket with prepared answers: the protocol is real, and so is the socket; there is no tree."""

import socket
import threading
from contextlib import contextmanager, suppress

from otp.control.wire.commands import Watch
from otp.control.wire.protocol import (
    HEADER,
    MAX_REQUEST,
    PROTOCOL,
    Failed,
    Greeting,
    Reply,
    decode_request,
    encode,
    length_of,
)

HANG = object()
"""An answer that does not come."""

LEAVE = object()
"""Instead of an answer the connection ends."""


class Prepared:
    """Answers each kind of command as prepared.

    Attributes:
        path: of its socket.
        asked: the commands that came, in order.
    """

    def __init__(self, path, answers, greeting):
        self.path = path
        self.asked = []
        self.connections = []
        self._answers = answers
        self._greeting = greeting
        self._last = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def answer(self, command, answer, *, then=None):
        """Answer `command` so; with `then=LEAVE` the connection ends behind it."""
        self._answers[command] = answer
        self._last.update({command} if then is LEAVE else ())

    def close(self):
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(5)

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections.append(connection)
                self._threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
                self._threads[-1].start()

    def _serve(self, connection):
        with connection, suppress(OSError, EOFError):
            if self._greeting is not None:
                connection.sendall(encode(self._greeting))
            while True:
                self._answer(connection, self._request(connection))

    def _answer(self, connection, request):
        self.asked.append(request.command)
        answer = self._answers.get(type(request.command), LEAVE)
        answer = answer(request.command) if callable(answer) else answer
        if answer is LEAVE:
            raise EOFError
        if isinstance(request.command, Watch) and not isinstance(answer, tuple):
            for message in answer:
                connection.sendall(encode(message) if not callable(message) else message())
            raise EOFError
        if isinstance(answer, tuple):
            connection.sendall(encode(Failed(id=request.id, kind=answer[0], message=answer[1])))
        elif answer is not HANG:
            connection.sendall(encode(Reply(request.id, answer)))
        if type(request.command) in self._last:
            raise EOFError

    def _request(self, connection):
        length = length_of(self._exactly(connection, HEADER), MAX_REQUEST)
        return decode_request(self._exactly(connection, length))

    def _exactly(self, connection, length):
        data = b""
        while len(data) < length:
            more = connection.recv(length - len(data))
            if not more:
                raise EOFError
            data += more
        return data


@contextmanager
def prepared(path, answers, *, role="operate", protocol=PROTOCOL, greeting=True):
    """A server at `path` that answers each kind of command: with a value, with what a function of the command returns,
    with a pair of failure and message, with `HANG` or `LEAVE`; and `Watch` with messages, after which it leaves.
    """
    greets = Greeting(protocol=protocol, app="massive", pid=4121, version="0.1.0", role=role, faults=False)
    server = Prepared(path, answers, greets if greeting else None)
    try:
        yield server
    finally:
        server.close()
