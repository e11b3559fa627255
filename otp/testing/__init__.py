"""The kit for testing supervised programs: virtual time, an event recorder, workers that fail on plan, an explorer.

Recorder, probes and contract live in the event loop of the test; world and explorer need none.
"""

from otp.faults import InjectedCrash
from otp.testing.contract import ContractBroken, ContractCheck, contract_suite, workers_of
from otp.testing.explore import Exploration, Violation, explore
from otp.testing.faults import FaultSwitch, rewired
from otp.testing.probe import Act, Crash, FailStart, Finish, Hang, IgnoreStart, Journal, Probe, Refuse, Run
from otp.testing.recorder import EventRecorder
from otp.testing.virtual_time import VirtualTimeLoop, virtual_backend

__all__ = (
    "Act",
    "ContractBroken",
    "ContractCheck",
    "Crash",
    "EventRecorder",
    "Exploration",
    "FailStart",
    "FaultSwitch",
    "Finish",
    "Hang",
    "IgnoreStart",
    "InjectedCrash",
    "Journal",
    "Probe",
    "Refuse",
    "Run",
    "Violation",
    "VirtualTimeLoop",
    "contract_suite",
    "explore",
    "rewired",
    "virtual_backend",
    "workers_of",
)
