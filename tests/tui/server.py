"""A process that speaks the protocol with prepared words: a thread with a Unix socket."""

import socket
import threading
from contextlib import suppress

from msgspec.structs import replace

from otp.control.wire.commands import Acting, GetEvents, GetSnapshot, GetWhy, Watch
from otp.control.wire.protocol import (
    HEADER,
    MAX_REQUEST,
    PROTOCOL,
    Acted,
    Events,
    Failed,
    Greeting,
    Reply,
    decode_request,
    encode,
    length_of,
)
from otp.control.wire.rows import Change, Explained, Snapshot, StackRow, TaskRow, Why
from otp.core.explain import Explanation
from otp.spec import Restart as RestartType
from tests.tui.trees import event


class Server:
    """It greets, answers and remembers what it was asked; `say` sends a message to all who watch.

    Attributes:
        tree: the snapshot that a watcher gets.
        asked: all commands so far.
        refusal: the answer to acting commands, if not None.
        slow: an acting command is not answered in time.
        watchers: the connections of those who watch.
        still: it answers nothing any more, as if it were stopped.
    """

    def __init__(self, path, tree, role="operate"):
        self.path, self.tree, self.role = path, tree, role
        self.asked = []
        self.refusal = None
        self.slow = False
        self.events = (event(1, "massive", "is up", "DEBUG"), event(2, "massive/orchestrator", "up again after 2.0 s"))
        self.still = threading.Event()
        self.watchers = []
        self._connections = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(16)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """As a process that ends: its connections are cut, and its socket is gone."""
        self.path.unlink(missing_ok=True)
        for one in (self._listener, *self._connections):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._thread.join()

    def say(self, message):
        if isinstance(message, Snapshot):
            self.tree = message
        for watcher in self.watchers:
            watcher.sendall(encode(message))

    def commands(self, kind):
        return [command for command in self.asked if isinstance(command, kind)]

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with suppress(OSError):
            if self.still.is_set():
                return
            greeting = Greeting(
                protocol=PROTOCOL, app=self.tree.app, pid=self.tree.pid, version="0", role=self.role, faults=False
            )
            connection.sendall(encode(greeting))
            while header := connection.recv(HEADER, socket.MSG_WAITALL):
                body = connection.recv(length_of(header, MAX_REQUEST), socket.MSG_WAITALL)
                self._answer(connection, decode_request(body))

    def _answer(self, connection, request):
        command = request.command
        self.asked.append(command)
        if self.still.is_set() or (self.slow and isinstance(command, Acting)):
            return
        if isinstance(command, Watch):
            connection.sendall(encode(self.tree))
            self.watchers.append(connection)
        else:
            connection.sendall(encode(self._reply(request.id, command)))

    def _reply(self, id, command):
        if isinstance(command, GetSnapshot):
            return Reply(id, self.tree)
        if isinstance(command, GetEvents):
            return Reply(id, Events(self.events))
        if isinstance(command, GetWhy):
            return self._why(id, command.path)
        if self.refusal:
            return replace(self.refusal, id=id)
        if self.role == "read":
            return Failed(id=id, kind="refused", message="this socket is for looking only; use massive.sock")
        return Reply(id, self._acted(command))

    def _why(self, id, path):
        rows = {one.path: one for one in (self.tree.root, *self.tree.children)}
        if path not in rows:
            return Failed(id=id, kind="not_found", message=f"there is no child {path}")
        return Reply(id, why(rows[path], self.tree.root))

    def _acted(self, command):
        change = Change(
            path=command.path,
            radius=(command.path, f"{command.path}_neighbour"),
            before="running",
            after="running",
            took_s=0.08,
        )
        return Acted(op="01K9OP", dry_run=command.dry_run, changes=(change,), untouched=6)


def why(child, root):
    explanation = Explanation(
        path=child.path, restart=RestartType.PERMANENT, takes_along=(), needs=(), courses=(), levels=()
    )
    return Why(
        child=child,
        supervisor=root,
        siblings=(),
        incidents=(),
        failures=(),
        needs=(),
        timeline=(event(7, child.path, "restarting after ConnectionClosed: 1006"),),
        log=(),
        stacks=(
            StackRow(
                path=child.path,
                state="running",
                tasks=(TaskRow(name="run", depth=0, chain=("read_loop (feeds.py:131)", "recv (connection.py:304)")),),
            ),
        ),
        explained=Explained(
            text=f"{child.path} is given up after 5 failures in 60 s",
            explanation=explanation,
            radius=(child.path,),
            untouched=7,
        ),
    )
