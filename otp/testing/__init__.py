"""The kit for testing supervised programs: virtual time, an event recorder, workers that fail on plan, an explorer."""

from otp.testing.explore import Exploration, Violation, explore
from otp.testing.probe import Act, Crash, FailStart, Finish, Hang, IgnoreStart, Journal, Probe, Refuse, Run
from otp.testing.recorder import EventRecorder
from otp.testing.virtual_time import VirtualTimeLoop, virtual_backend

__all__ = (
    "Act",
    "Crash",
    "EventRecorder",
    "Exploration",
    "FailStart",
    "Finish",
    "Hang",
    "IgnoreStart",
    "Journal",
    "Probe",
    "Refuse",
    "Run",
    "Violation",
    "VirtualTimeLoop",
    "explore",
    "virtual_backend",
)
