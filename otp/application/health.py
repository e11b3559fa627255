"""The health port: `/livez` and `/readyz`, for Kubernetes, or curl.

A thread serves it, so it answers while the event loop is blocked, and names the child that blocks it. What is live and
what is ready is in `otp.core.readiness`. 200 and 503 are the answers; the body has a word, and the counts:

    ok                            root/workers/b blocks the event loop
    14/15 up, 1 backoff           14/15 up, 1 backoff

Of a request only its path is used. No answer contains text that comes from a child.
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

from otp.control.server.token_bucket import TokenBucket
from otp.core.readiness import Readiness
from otp.errors import HostError
from otp.observe.background_tasks import AGAIN
from otp.observe.logger import logger
from otp.runtime.crash import describe

CONNECTIONS = 16
"""Connections at a time: a new one takes the place of the oldest, so idle clients cannot keep a probe out."""

TIMEOUT = 5.0
"""Seconds for which a connection may be silent."""

ACCEPTED_A_SECOND = 200.0
"""Connections accepted per second: each costs a thread, and so takes time from the tree."""

AGAIN_ACCEPT = 0.25
"""Seconds until the next try when no connection could be accepted, for want of descriptors."""

COMPLAINTS_A_SECOND = 1 / 60
"""Log lines per second about that."""

_SHORT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""Errors for want of descriptors or memory. The connection stays queued, so an `accept` at once would fail again."""

POLL = 0.1
"""Seconds that the end of the server may take."""


@asynccontextmanager
async def answering(server: "HealthServer", readiness: Callable[[], Readiness]) -> AsyncGenerator[None]:
    """Answer for as long as the block runs.

    Args:
        server: bound already; closed at the end.
        readiness: called in a thread of the server.
    """
    server.readiness = readiness
    over = Event()
    Thread(target=_serve, args=(server, over), name="otp-health", daemon=True).start()
    try:
        yield
    finally:
        over.set()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(server.shutdown)


def _serve(server: "HealthServer", over: Event) -> None:
    """Serve again, whatever has ended it; the log says so once for each way of ending."""
    logged = ""
    while not over.is_set():
        try:
            server.serve_forever(POLL)
        except BaseException as bug:  # noqa: BLE001 # without this thread the tree would count as dead
            said = str(describe(bug))
            if said != logged:
                logged = said
                logger.error("the health port has failed, and is opened again: {}", said)
            over.wait(AGAIN)


class HealthServer(ThreadingHTTPServer):
    """Bound when it is made, so that a port in use is known before anything is started.

    Raises:
        HostError: the port cannot be had.
    """

    daemon_threads = True
    request_queue_size = 4 * CONNECTIONS
    readiness: Callable[[], Readiness]

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
        """Bind without a query of the name service, which `HTTPServer` makes and which may block."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection, at most so many per second; if descriptors are short, pause before the error is raised."""
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
        """Answer in a thread of its own; close the oldest connection if there are too many."""
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
        """Ignore a client that went away or was cut off."""


class _Probe(BaseHTTPRequestHandler):
    """One request. The connection is closed after the answer, as in HTTP/1.0."""

    server: HealthServer  # pyright: ignore[reportIncompatibleVariableOverride] # nobody else makes one
    timeout = TIMEOUT

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path not in ("/livez", "/readyz"):
            self._send(404, "there are /livez and /readyz\n")
            return
        readiness = self.server.readiness()
        well, trouble = readiness.live, readiness.trouble
        if path == "/readyz":
            well, trouble = readiness.ready, readiness.trouble or f"the tree is {readiness.phase}"
        self._send(200 if well else 503, f"{'ok' if well else trouble}\n{readiness.text}\n")

    do_HEAD = do_GET  # noqa: N815 # http.server's own name

    def version_string(self) -> str:
        return "otp"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 # http.server's own name
        """Log no probe."""

    def _send(self, status: int, body: str) -> None:
        raw = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)
