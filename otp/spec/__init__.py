"""Specs: what to supervise and how, as data.

`worker()`, `supervisor()` and `dynamic_supervisor()` build them; they are checked when built.
"""

from otp.spec.build import dynamic_supervisor, supervisor, worker
from otp.spec.child_spec import ChildSpec
from otp.spec.options import (
    DEEPEST,
    DEFAULT_INTENSITY,
    DEFAULT_PERIOD,
    DEFAULT_SHUTDOWN,
    AutoShutdown,
    Cancel,
    Grace,
    Restart,
    StartsUp,
    Strategy,
)
from otp.spec.rules import check_depth, check_needs
from otp.spec.supervisor_spec import AnySpec, SupervisorSpec

__all__ = (
    "DEEPEST",
    "DEFAULT_INTENSITY",
    "DEFAULT_PERIOD",
    "DEFAULT_SHUTDOWN",
    "AnySpec",
    "AutoShutdown",
    "Cancel",
    "ChildSpec",
    "Grace",
    "Restart",
    "StartsUp",
    "Strategy",
    "SupervisorSpec",
    "check_depth",
    "check_needs",
    "dynamic_supervisor",
    "supervisor",
    "worker",
)
