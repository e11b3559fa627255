"""The states of a child as a table: which may follow which, and when.

The machine does not read it. The explorer (`otp.testing.explore`) checks each assignment of a state against it, and a test
that each transition occurs. An assignment may be followed by another in the same step, so an observer sees fewer.

An incarnation that is not declared `ready` is RUNNING as soon as it is started; where a start leads to STARTING, it leads
to RUNNING too. A child that hung is stopped, and counts as failed once it has ended: so STOPPING, and REFUSED for one that
would not end in time, have the arrows of a failure as well.
"""

from collections.abc import Mapping

from otp.core.child import ChildState

_STARTED = {ChildState.STARTING: "it is started", ChildState.RUNNING: "it is started, and not declared `ready`"}

_FAILURE = {
    ChildState.BACKOFF: "its policy delays the restart",
    ChildState.HELD: "its dependencies are probed",
    ChildState.FAILED: "its policy parks it",
    ChildState.STOPPED: "its group is restarted, or its supervisor ends",
}
"""What a failure may lead to besides a start."""

_END = {
    **_STARTED,
    **_FAILURE,
    ChildState.DONE: "it has ended for good",
    ChildState.PAUSED: "it ended under maintenance",
}
"""What an end by itself may lead to."""


def _from(state: ChildState, arrows: Mapping[ChildState, str]) -> dict[ChildState, str]:
    """Without the arrow that leads back to the state itself, which is no transition."""
    return {after: why for after, why in arrows.items() if after is not state}


TRANSITIONS: Mapping[ChildState, Mapping[ChildState, str]] = {
    ChildState.PENDING: {
        **_STARTED,
        ChildState.STOPPED: "it is terminated before its turn",
        ChildState.PAUSED: "its supervisor is restarted, and it was paused before",
    },
    ChildState.STARTING: {
        ChildState.RUNNING: "it is ready",
        ChildState.STOPPING: "it is asked to stop, or not ready in time",
        ChildState.STOPPED: "its start failed",
        ChildState.DONE: "it ignored its start",
    },
    ChildState.RUNNING: {
        **_from(ChildState.RUNNING, _END),
        ChildState.STOPPING: "it is asked to stop, or hangs",
        ChildState.EXITED: "it ended during a plan",
        ChildState.REFUSED: "a supervisor ended, and a child in it still runs",
    },
    ChildState.STOPPING: {
        **_END,
        ChildState.STOPPED: "it has ended",
        ChildState.EXITED: "it hung, and ended during a plan",
        ChildState.REFUSED: "it does not end",
    },
    ChildState.EXITED: _END,
    ChildState.RESTARTING: {**_STARTED, **_FAILURE},
    ChildState.STOPPED: {
        **_STARTED,
        ChildState.RESTARTING: "its failed restart is to be tried again",
        ChildState.BACKOFF: "its start by request failed, and its policy delays the next",
        ChildState.HELD: "its start by request failed, and its dependencies are probed",
        ChildState.FAILED: "its start by request failed, and it is parked",
        ChildState.PAUSED: "its start failed under maintenance, or the restart that it waited for is off",
        ChildState.REFUSED: "a supervisor did not start, and a child in it still runs",
    },
    ChildState.DONE: {**_STARTED, ChildState.STOPPED: "a request, or the plan that was to stop it, goes on"},
    ChildState.BACKOFF: {**_STARTED, ChildState.STOPPED: "its group is restarted, or the restart is off"},
    ChildState.HELD: {
        **_STARTED,
        **_from(ChildState.HELD, _FAILURE),
        ChildState.BACKOFF: "its policy delays the restart, or its group waits for a longer delay",
    },
    ChildState.FAILED: {**_STARTED, ChildState.STOPPED: "it is terminated, or restarted by request"},
    ChildState.PAUSED: {
        **_STARTED,
        ChildState.BACKOFF: "its maintenance is over: it is due now",
        ChildState.STOPPED: "it is terminated, or restarted by request",
    },
    ChildState.REFUSED: {
        **_END,
        ChildState.STOPPED: "it has ended after all",
        ChildState.EXITED: "it hung, refused, and ended after all during a plan",
    },
}
