"""Erlang/OTP supervision trees for Python.

    worker, supervisor, dynamic_supervisor      say what to supervise, as data
    main                                        a tree as the whole program, which ends with it
    run                                         a tree in a program that continues afterwards; returns the exit code
    open_supervisor                             a tree inside another program; gives the handle, a `Supervisor`
    FailurePolicy                               which failure gets which action; its parts are in `policy`
    Watchdog, beat                              how a worker shows that it is not hung
    dependency                                  what children need, so that they wait for it and not fail for it
    Ignore, ExitShutdown                        raised by a worker to say how it means to end

What happens in a tree is in `events`, why a child ended in `exits`; the test kit is `otp.testing`.

The package, and the loop and thread that each part lives in:

    spec policy dependency watchdog events exits errors     values; no loop and no thread
    core            decisions; called by the runtime, no loop of its own
    runtime         the tree's event loop
    observe         hooks in the tree's loop; the lines of the log leave by threads
    text checks foreign     text, checks of what is handed over, the guard around foreign code; any thread
    control         tree/ in the tree's loop, server/ in a thread with a loop of its own, client/ in another process
    application     opened in the tree's loop; watchman, loop watch and health port are threads
    cli tui         another process, which asks over a socket

docs/architecture.md has the picture.
"""

from otp import events, exits
from otp.application.entry import main, run
from otp.dependency import dependency
from otp.errors import (
    AlreadyPresent,
    AlreadyStarted,
    ChildRefused,
    ExitShutdown,
    FatalFailure,
    Hung,
    Ignore,
    IntensityReached,
    MaxChildren,
    NoProc,
    NotFound,
    NotSupported,
    OTPError,
    RequestError,
    Restarting,
    Running,
    SpecError,
    StartError,
    StartTimeout,
)
from otp.events import Event
from otp.exits import Exit
from otp.observe.log import log_events
from otp.policy import FailurePolicy
from otp.runtime.beat import beat
from otp.runtime.handle import Supervisor
from otp.runtime.inspect import ChildInfo, Counts
from otp.runtime.open import open_supervisor
from otp.runtime.reporter import EventHook
from otp.runtime.stack import ChildStack
from otp.spec import (
    AutoShutdown,
    ChildSpec,
    Restart,
    Strategy,
    SupervisorSpec,
    dynamic_supervisor,
    supervisor,
    worker,
)
from otp.version import __version__ as __version__
from otp.watchdog import Watchdog

__all__ = (
    "AlreadyPresent",
    "AlreadyStarted",
    "AutoShutdown",
    "ChildInfo",
    "ChildRefused",
    "ChildSpec",
    "ChildStack",
    "Counts",
    "Event",
    "EventHook",
    "Exit",
    "ExitShutdown",
    "FailurePolicy",
    "FatalFailure",
    "Hung",
    "Ignore",
    "IntensityReached",
    "MaxChildren",
    "NoProc",
    "NotFound",
    "NotSupported",
    "OTPError",
    "RequestError",
    "Restart",
    "Restarting",
    "Running",
    "SpecError",
    "StartError",
    "StartTimeout",
    "Strategy",
    "Supervisor",
    "SupervisorSpec",
    "Watchdog",
    "beat",
    "dependency",
    "dynamic_supervisor",
    "events",
    "exits",
    "log_events",
    "main",
    "open_supervisor",
    "run",
    "supervisor",
    "worker",
)
