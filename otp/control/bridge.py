"""The bridge between the tree's event loop and the thread `otp-control`: all that crosses, and on which side it is called.

The two loops share no object but this one. What crosses is a frozen value, carried by one callback in the other loop:

1. Both ends are joined before the thread begins, and before the tree does: nothing is missed, nothing comes too early.
2. The server's loop asks: `ask` puts a question into the tree's mailbox. It waits among the callbacks of the tree's loop
   for as long as that does not turn; `blocked` says meanwhile what keeps it.
3. The tree's loop answers each question once, also if its client has left: what an operator wanted is done.
4. The tree's loop publishes changes while `is_watched`, and pictures of a small tree unasked, so that the thread has
   something to show while step 2 waits. `is_watched` is written on one side and read on the other; an old value costs
   one message too many, or makes a change part of the snapshot with which watching begins.
5. The thread of the loop watch tells when the tree's loop stops turning, and when it turns again.
6. Either loop may end first. Without the tree's, `ask` raises and the client learns that the tree has ended; without the
   server's, nobody is left to be told, and what comes is dropped.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from msgspec import Struct

from otp.control.wire.commands import Command
from otp.control.wire.peer import Peer
from otp.control.wire.protocol import Answer, Failed
from otp.control.wire.rows import Blocked, Delta, Snapshot


class Question(Struct, frozen=True, eq=False):
    """A request on its way to the tree's loop; two of equal content are two questions.

    Attributes:
        op: the id of the request.
        peer: the process that asks.
        command: what it asks for.
    """

    op: str
    peer: Peer
    command: Command


class ServerEnd(Protocol):
    """The end in the thread `otp-control`; all but `soon` is called in its loop alone."""

    def soon(self, callback: Callable[..., object], *args: object) -> None:
        """Have `callback` called in the server's loop; from any thread, and without effect once that has ended."""

    def answer(self, question: Question, answer: Answer | Failed) -> None:
        """Take the answer to a question."""

    def publish(self, delta: Delta) -> None:
        """Take what has changed, for the clients that watch."""

    def keep(self, picture: Snapshot) -> None:
        """Take a picture of the tree, for the time in which its loop cannot be asked."""

    def tell_blocked(self, blocked: Blocked | None) -> None:
        """Take what keeps the tree's loop from turning; None: it turns again."""


class Bridge:
    """Carries questions in, and answers, changes and pictures out.

    Args:
        to_tree: has a callback called in the tree's loop; raises RuntimeError once that has ended.
        blocked: what keeps the tree's loop from turning now; None: it turns. Called in the server's loop.

    Attributes:
        blocked: as given.
        is_watched: whether a client watches. Written in the server's loop, read in the tree's.
    """

    def __init__(
        self, to_tree: Callable[[Callable[[], None]], None], blocked: Callable[[], Blocked | None] = lambda: None
    ) -> None:
        self.blocked = blocked
        self.is_watched = False
        self._to_tree = to_tree
        self._put: Callable[[Question], None]
        self._server: ServerEnd

    def join(self, put: Callable[[Question], None], server: ServerEnd) -> None:
        """Join both ends, before either loop uses the bridge.

        Args:
            put: takes a question; called in the tree's loop.
            server: takes what the tree's loop says.
        """
        self._put, self._server = put, server

    def ask(self, question: Question) -> None:
        """Ask the tree; called in the server's loop.

        Raises:
            RuntimeError: the tree's loop has ended.
        """
        self._to_tree(partial(self._put, question))

    def answer(self, question: Question, answer: Answer | Failed) -> None:
        """Answer a question; called in the tree's loop."""
        self._server.soon(self._server.answer, question, answer)

    def publish(self, delta: Delta) -> None:
        """Tell the clients that watch; called in the tree's loop."""
        self._server.soon(self._server.publish, delta)

    def keep(self, picture: Snapshot) -> None:
        """Leave a picture of the tree; called in the tree's loop."""
        self._server.soon(self._server.keep, picture)

    def tell_blocked(self, blocked: Blocked | None) -> None:
        """Tell that the tree's loop does not turn, or turns again; called in any thread."""
        self._server.soon(self._server.tell_blocked, blocked)
