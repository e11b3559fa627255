"""The health port: `/livez` and `/readyz`, for Kubernetes and for whoever has curl.

It is served by a thread, so it answers while the event loop is blocked, and says which child blocks it. What is live and
what is ready stands in `otp.application.readiness`. 200 and 503 are the answers; the body has a word, and the counts:

    ok                            root/workers/b blocks the event loop
    14/15 up, 1 backoff           14/15 up, 1 backoff

Nothing of the request but its path is used, and nothing that a child has said is in an answer.
"""

import errno
import socket
import socketserver
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

import anyio
import anyio.to_thread

from otp.application.readiness import Condition
from otp.control.server.token_bucket import TokenBucket
from otp.errors import HostError
from otp.observe.background_tasks import AGAIN
from otp.observe.logger import logger
from otp.runtime.crash import describe

__all__ = ("HealthServer", "answering")

CONNECTIONS = 16
"""Connections at a time: a new one takes the place of the oldest, so nobody can keep a probe out."""

TIMEOUT = 5.0
"""Seconds for which a connection may be silent."""

ACCEPTED_A_SECOND = 200.0
"""Connections that are accepted in a second: each costs a thread, and with it time of the tree's."""

AGAIN_ACCEPT = 0.25
"""Seconds after which it is tried again when no connection could be accepted, as without descriptors."""

COMPLAINTS_A_SECOND = 1 / 60
"""How often the log says so."""

_SHORT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""Error numbers of a system without descriptors. The connection stays in the queue, so `accept` has to be put off."""

POLL = 0.1
"""Seconds that the end of the server may take."""


@asynccontextmanager
async def answering(server: "HealthServer", look: Callable[[], Condition]) -> AsyncGenerator[None]:
    """Answer for as long as the block runs.

    Args:
        server: bound already; closed at the end.
        look: says how the tree is, from whatever thread.
    """
    server.look = look
    over = Event()
    Thread(target=_serve, args=(server, over), name="otp-health", daemon=True).start()
    try:
        yield
    finally:
        over.set()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(server.shutdown)


def _serve(server: "HealthServer", over: Event) -> None:
    """Whatever ends the serving, it is said once and begun again."""
    told = ""
    while not over.is_set():
        try:
            server.serve_forever(POLL)
        except Exception as bug:  # noqa: BLE001 # nobody would know any more how the tree is
            said = str(describe(bug))
            if said != told:
                told = said
                logger.error("the health port has failed, and is opened again: {}", said)
            over.wait(AGAIN)


class HealthServer(ThreadingHTTPServer):
    """Bound when it is made, so that a port in use is known before anything is started.

    Raises:
        HostError: the port cannot be had.
    """

    daemon_threads = True
    request_queue_size = 4 * CONNECTIONS
    look: Callable[[], Condition]

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._open: dict[socket.socket, None] = {}
        self._lock = Lock()
        self._allowed = TokenBucket(ACCEPTED_A_SECOND, 4 * CONNECTIONS)
        self._complaints = TokenBucket(COMPLAINTS_A_SECOND)
        try:
            super().__init__((host, port), _Probe)
        except OSError as error:
            raise HostError(
                f"the health port {host}:{port} cannot be had: {error.strerror}; name another one, or end who has it"
            ) from error

    def server_bind(self) -> None:
        """Bind, and do not ask the name service who we are, as `HTTPServer` does."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection, in time; without descriptors the next try comes later, for who waits goes on waiting."""
        time.sleep(self._allowed.book())
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in _SHORT:
                if self._complaints.take():
                    logger.warning("health: cannot accept, and tries on: {}", error.strerror)
                time.sleep(AGAIN_ACCEPT)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Let a thread answer, and cut off the oldest connection when there are too many."""
        with self._lock:
            self._open[request] = None
            oldest = next(iter(self._open)) if len(self._open) > CONNECTIONS else None
            if oldest is not None:
                del self._open[oldest]
                with suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)  # its thread closes it
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone away, or was cut off, is no news."""


class _Probe(BaseHTTPRequestHandler):
    """One request; the connection ends with its answer, as HTTP/1.0 has it."""

    server: HealthServer  # pyright: ignore[reportIncompatibleVariableOverride] # nobody else makes one
    timeout = TIMEOUT

    def do_GET(self) -> None:
        answer = self._answer()
        if answer is None:
            self._send(404, "there are /livez and /readyz\n")
            return
        well, trouble, condition = answer
        self._send(200 if well else 503, f"{'ok' if well else trouble}\n{condition.text}\n")

    do_HEAD = do_GET  # noqa: N815 # http.server's own name

    def version_string(self) -> str:
        return "otp"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 # http.server's own name
        """Nobody reads that a probe came."""

    def _answer(self) -> tuple[bool, str, Condition] | None:
        match self.path.partition("?")[0]:
            case "/livez":
                condition = self.server.look()
                return condition.live, condition.trouble, condition
            case "/readyz":
                condition = self.server.look()
                return condition.ready, condition.trouble or f"the tree is {condition.phase}", condition
            case _:
                return None

    def _send(self, status: int, body: str) -> None:
        raw = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)
