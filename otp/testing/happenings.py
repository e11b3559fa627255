"""What can happen in a small world, one thing at a time. Children are named by their path below the root: `"sub/x"`."""

from typing import ClassVar

from msgspec import Struct

from otp.core.inputs import Request, StartChild
from otp.core.paths import join


class _OfChild(Struct, frozen=True):
    does: ClassVar[str]
    child: str

    def __str__(self) -> str:
        return f"{self.child} {self.does}"


class Crashes(_OfChild, frozen=True):
    """A child that is up raises."""

    does = "crashes"


class Returns(_OfChild, frozen=True):
    """A child that is up returns."""

    does = "returns"


class Fails(_OfChild, frozen=True):
    """A child raises before it is up."""

    does = "fails to start"


class Ignores(_OfChild, frozen=True):
    """A child raises `Ignore` before it is up; it may have been asked to stop."""

    does = "ignores its start"


class Hangs(_OfChild, frozen=True):
    """A child that is up has given no sign of life within the time of its watchdog."""

    does = "hangs"


class Late(_OfChild, frozen=True):
    """A child is not up, or not gone, in time, or the delay before its restart is over: its timer fires.

    To refuse to stop is to be late twice, with `shutdown="brutal_kill"` once.
    """

    does = "is late"


class Asks(Struct, frozen=True):
    """Somebody asks a supervisor for something.

    Attributes:
        request: what for; its token is of no account.
        of: the path of the supervisor below the root; empty: the root.
    """

    request: Request
    of: str = ""

    @property
    def child(self) -> str:
        """The id of the child that it is about."""
        return self.request.spec.id if isinstance(self.request, StartChild) else self.request.child

    def __str__(self) -> str:
        return f"{type(self.request).__name__} {join(self.of, self.child)}"


class Passes(Struct, frozen=True):
    """So many seconds pass in which no timer is due."""

    seconds: float

    def __str__(self) -> str:
        return f"{self.seconds:g} s pass"


class Stops(Struct, frozen=True):
    """The tree is stopped. `brutal`: all at once and without grace."""

    brutal: bool = False

    def __str__(self) -> str:
        return "the tree is killed" if self.brutal else "the tree is stopped"


class _OfDependency(Struct, frozen=True):
    does: ClassVar[str]
    dependency: str

    def __str__(self) -> str:
        return f"{self.dependency} {self.does}"


class Down(_OfDependency, frozen=True):
    """Something that children need does not answer any more."""

    does = "is down"


class Back(_OfDependency, frozen=True):
    """It answers again: those that are held for it, and for nothing else, are due."""

    does = "is back"


class Up(_OfChild, frozen=True):
    """A child says that it is up; it may have been asked to stop."""

    does = "is up"


class Gone(_OfChild, frozen=True):
    """A child that was asked to stop is gone; it may have refused before."""

    does = "is gone"


class Raises(_OfChild, frozen=True):
    """A child that was asked to stop raises instead."""

    does = "raises while it stops"


class TriesAgain(Struct, frozen=True):
    """The oldest note reaches its supervisor: a failed restart is to be tried again (S35), or what a child needs was asked."""

    supervisor: str

    def __str__(self) -> str:
        return f"{self.supervisor or 'the root'} tries again"


Happening = (
    Crashes
    | Returns
    | Fails
    | Ignores
    | Hangs
    | Late
    | Asks
    | Passes
    | Stops
    | Down
    | Back
    | Up
    | Gone
    | Raises
    | TriesAgain
)
