"""The types of a spec's options, and their defaults."""

from collections.abc import Awaitable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVarTuple

if TYPE_CHECKING:
    from anyio.abc import TaskStatus


Ts = TypeVarTuple("Ts")

DEFAULT_INTENSITY = 3
"""Restarts that a supervisor allows within its period (Elixir's default, D2)."""

DEFAULT_PERIOD = 5.0
"""Seconds of the window in which a supervisor counts its restarts."""

DEFAULT_SHUTDOWN = 5.0
"""Seconds that a worker has to clean up when it is stopped (S4)."""

Cancel = Literal["once", "scope"]
"""How a worker on asyncio is asked to stop: by one cancellation, or by a cancel scope, again and again."""

DEEPEST = 64
"""Levels of supervisors that a tree may have: a start or a stop recurses through all of them in one step."""

Grace = float | Literal["brutal_kill"]
"""How a child is stopped: seconds to clean up (`math.inf`: as long as it takes), or without grace."""


class Strategy(StrEnum):
    """Which siblings are restarted with a child that fails (S21-S23)."""

    ONE_FOR_ONE = "one_for_one"
    """None."""

    ONE_FOR_ALL = "one_for_all"
    """All."""

    REST_FOR_ONE = "rest_for_one"
    """Those that were started after it."""


class Restart(StrEnum):
    """When a child that ended is started again (S16)."""

    PERMANENT = "permanent"
    """Always, also after a normal return."""

    TRANSIENT = "transient"
    """Only after an abnormal end."""

    TEMPORARY = "temporary"
    """Never; it is forgotten."""


class AutoShutdown(StrEnum):
    """Whether a supervisor ends with its significant children (S40)."""

    NEVER = "never"
    ANY_SIGNIFICANT = "any_significant"
    ALL_SIGNIFICANT = "all_significant"


class StartsUp(Protocol[*Ts]):
    """A worker that calls `task_status.started(value)` when it is up, by anyio's convention."""

    def __call__(self, *args: *Ts, task_status: "TaskStatus[Any]") -> Awaitable[object]:
        """Run until stopped."""
        ...
