"""What happens in a tree: the closed union of lifecycle events.

`path` names the child or supervisor from the root down, `at` is `anyio.current_time()` in seconds, `generation` counts
the incarnations of a child from 1.
"""

from otp.events.children import (
    ChildDelayed,
    ChildExited,
    ChildFailed,
    ChildForgiven,
    ChildHeld,
    ChildHung,
    ChildIgnored,
    ChildLate,
    ChildPaused,
    ChildRefused,
    ChildReplaced,
    ChildRestarting,
    ChildStarted,
    ChildStartFailed,
)
from otp.events.event import Cause, FailureEvent
from otp.events.program import (
    CallbackFailed,
    DependencyDown,
    DependencyUp,
    HookFailed,
    LoopBlocked,
    LoopFreed,
    MaintenanceEnded,
    MaintenanceStarted,
)
from otp.events.supervisors import (
    FatalFailure,
    IntensityReached,
    SupervisorExited,
    SupervisorStarted,
    SupervisorStopping,
)

__all__ = (
    "CallbackFailed",
    "Cause",
    "ChildDelayed",
    "ChildExited",
    "ChildFailed",
    "ChildForgiven",
    "ChildHeld",
    "ChildHung",
    "ChildIgnored",
    "ChildLate",
    "ChildPaused",
    "ChildRefused",
    "ChildReplaced",
    "ChildRestarting",
    "ChildStartFailed",
    "ChildStarted",
    "DependencyDown",
    "DependencyUp",
    "Event",
    "FailureEvent",
    "FatalFailure",
    "HookFailed",
    "IntensityReached",
    "LoopBlocked",
    "LoopFreed",
    "MaintenanceEnded",
    "MaintenanceStarted",
    "SupervisorExited",
    "SupervisorStarted",
    "SupervisorStopping",
)

Event = (
    ChildStarted
    | ChildStartFailed
    | ChildIgnored
    | ChildExited
    | ChildRestarting
    | ChildDelayed
    | ChildHeld
    | ChildFailed
    | ChildPaused
    | ChildForgiven
    | ChildReplaced
    | ChildHung
    | ChildLate
    | ChildRefused
    | DependencyDown
    | DependencyUp
    | MaintenanceStarted
    | MaintenanceEnded
    | SupervisorStarted
    | IntensityReached
    | FatalFailure
    | SupervisorStopping
    | SupervisorExited
    | LoopBlocked
    | LoopFreed
    | HookFailed
    | CallbackFailed
)
