"""One line on how a stop went: how long it took, which children were late or refused, and where they hung.

root  stopped in 12.4 ms, after SIGTERM
root  stopped in 5.2 s, by request; killed: root/b after 5 s, in drain (workers/b.py:88)
root  not all stopped after 5.7 s; …; the process exits with code 70, with this still running: root/c in hang (workers/c.py:12)
"""

from collections.abc import Callable

from otp import events
from otp.core.paths import is_within
from otp.exits import Crash, Crashed, Exit, Killed, Refused, Shutdown
from otp.observe.sentences import Level, Sentence
from otp.text.durations import precise
from otp.text.frames import hanging_place


class ShutdownReport:
    """An event hook that gathers how the stop of a whole tree went.

    Attributes:
        cause: why the tree stops, where no event says so: a signal, or an exception of the program that opened it.
        began: called once when the stop begins.
    """

    lasting = True

    def __init__(self, root: str) -> None:
        self.cause = ""
        self.began: Callable[[], None] = lambda: None
        self._why = "by request"
        self._root = root
        self._began: float | None = None
        self._took: float | None = None
        self._killed: dict[str, str] = {}
        self._refused: dict[str, str] = {}
        self._still: dict[str, str] = {}

    def __call__(self, event: events.Event) -> None:
        """Take note of an event."""
        match event:
            case events.SupervisorStopping(path=self._root):
                self._began = event.at
                self._why = _why(event.exit)
                self.began()
            case events.SupervisorExited(path=self._root):
                self._took = event.at - self._began if self._began is not None else None
            case events.ChildRefused():
                self._note_refusal(event.path, named(event.path, event.chain))
            case events.ChildLate() if self._began is not None:
                self._killed[event.path] = named(f"{event.path} after {event.grace:g} s,", event.chain).rstrip(",")
            case events.ChildExited() | events.ChildStartFailed():
                self._note_end(event)
            case _:
                pass

    def sentence(self) -> Sentence | None:
        """The line for a tree that is gone; None: it never stopped in order."""
        if self._took is None:
            return None
        level: Level = "ERROR" if self._refused else "WARNING" if self._killed else "INFO"
        return Sentence(level, "; ".join((f"stopped in {precise(self._took)}, {self._cause()}", *self._names())))

    def waiting(self) -> Sentence:
        """The line on children that refused to end, while the caller of `run` or `serve` waits for them."""
        names = ", ".join(self._still.values()) or "something that cannot be told"
        left = f"waits for what still runs and cannot be ended: {names}"
        return Sentence("CRITICAL", "; ".join((*self._not_all(), left)))

    def last_words(self, code: int, *others: str) -> Sentence:
        """The line on what still runs when the process is ended.

        Args:
            code: of the exit.
            others: threads, tasks and processes that still run, children that refused apart.
        """
        names = ", ".join((*self._still.values(), *others)) or "something that cannot be told"
        end = f"the process exits with code {code}, with this still running: {names}"
        level: Level = "CRITICAL" if code or self._still else "WARNING"
        return Sentence(level, "; ".join((*self._not_all(), end)))

    @property
    def still(self) -> frozenset[str]:
        """Paths of the children that refused to stop and still run."""
        return frozenset(self._still)

    def _not_all(self) -> list[str]:
        if self._took is None or not self._still:
            return []
        return [f"not all stopped after {precise(self._took)}, {self._cause()}", *self._names()]

    def _cause(self) -> str:
        return f"after {self.cause}" if self.cause else self._why

    def _names(self) -> list[str]:
        parts: list[str] = []
        if self._killed:
            parts.append(f"killed: {', '.join(self._killed.values())}")
        over = [name for path, name in self._refused.items() if path not in self._still]
        if over:
            parts.append(f"refused to stop, and ended after all: {', '.join(over)}")
        return parts

    def _note_refusal(self, path: str, name: str) -> None:
        self._still[path] = name
        self._killed.pop(path, None)
        if self._began is not None:
            self._refused[path] = name

    def _note_end(self, event: events.ChildExited | events.ChildStartFailed) -> None:
        self._still.pop(event.path, None)
        if self._began is None or event.path in self._refused or not isinstance(event.exit, Killed):
            return
        meant = isinstance(event, events.ChildExited) and event.brutal
        if not meant and not any(is_within(path, event.path) for path in self._killed):  # not those above it as well
            self._killed[event.path] = event.path


def _why(exit: Exit) -> str:
    match exit:
        case Shutdown(detail="auto_shutdown"):
            return "by itself"
        case Crashed(crash=Crash(type=kind)):
            return f"after {kind.rpartition('.')[2]}"
        case Refused():
            return "after a child refused to stop"
        case _:
            return "by request"


def named(name: str, chain: tuple[str, ...]) -> str:
    """The name, and the place in the chain of awaits where it hangs, as far as that is known."""
    place = hanging_place(chain)
    return f"{name} in {place}" if place else name
