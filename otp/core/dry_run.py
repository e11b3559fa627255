"""A child that fails again and again, played on the machine of a supervisor: no tasks, and a clock that is a number.

`explain` and `foresight` read from it what they say, so that they cannot differ from what a supervisor does.
"""

import math
from collections.abc import Awaitable, Iterable
from enum import StrEnum
from typing import NamedTuple

from otp.core.child import Child, ChildState
from otp.core.classify import Verdict, classify
from otp.core.effects import Done, Effect, Emit
from otp.core.inputs import Begin, Exited, RestartNow, Started, StartFailed, TimerFired
from otp.core.machine import SupervisorMachine
from otp.errors import FatalFailure
from otp.events import ChildDelayed
from otp.exits import Crashed, Exit, Shutdown
from otp.policy import FailurePolicy, Limited
from otp.spec import ChildSpec, SupervisorSpec

_ID = "child"

_FAR = 2_000
"""Failures that are played at the most; a limit above it counts as out of reach."""

_FIRST = 2
"""If no window can fill up, one failure is played: only it can end the restarts."""

_SAME = 100
"""Equal delays in a row after which nothing new happens any more, if they took longer than any window."""


class End(StrEnum):
    """What ends the restarts of a child that keeps failing."""

    NEVER = "never"
    """Nothing: it is restarted for ever."""

    PARKED = "parked"
    """Its policy leaves it down."""

    GIVEN_UP = "given_up"
    """Its supervisor gives up."""

    FATAL = "fatal"
    """Its policy ends the whole tree."""


class Ending(NamedTuple):
    """The end of the restarts of one child.

    Attributes:
        end: what ends them.
        failures: how many in a row; None: no number of them.
        at: seconds from the first start to the last failure; None: for ever.
    """

    end: End
    failures: int | None = None
    at: float | None = None


def keep_failing(above: SupervisorSpec, policy: FailurePolicy, exit: Exit, lasts: float = 0.0) -> Ending:
    """Let a child end with `exit` each time, at the earliest: its delays are as short as jitter makes them.

    Args:
        above: its supervisor, whose window counts.
        policy: of the child.
        exit: how each incarnation ends.
        lasts: seconds that each incarnation is up.
    """
    machine, child = _supervised(above, policy, ready=False, dice=0.0)
    verdict = classify(policy, exit)
    now, steady = 0.0, _Steady(_longest_window(above, verdict))
    for failure in range(1, _FAR if _lowest_limit(above, verdict) < _FAR else _FIRST):
        now += lasts
        effects = machine.handle(Exited(_ID, child.generation, exit), now)
        if (end := _end(child, effects)) is not None:
            return Ending(end, failure, now)
        if child.retry_at is not None and child.timer is not None:
            now = child.retry_at
            machine.handle(TimerFired(child.timer), now)
        if steady.is_reached(_delay(effects), now):
            break
    return Ending(End.NEVER)


def delay_after_request(policy: FailurePolicy, exit: Exit) -> float | None:
    """Seconds, without jitter, until a failed restart by request is tried again; None: the child is parked.

    Args:
        policy: of the child.
        exit: how its start failed.
    """
    machine, child = _supervised(SupervisorSpec(id="supervisor"), policy, ready=True, dice=0.5)
    machine.handle(Started(_ID, child.generation, None), 0.0)
    machine.handle(RestartNow(_ID, None), 0.0)
    machine.handle(Exited(_ID, child.generation, Shutdown()), 0.0)
    machine.handle(StartFailed(_ID, child.generation, exit), 0.0)
    return child.retry_at


def _supervised(
    above: SupervisorSpec, policy: FailurePolicy, *, ready: bool, dice: float
) -> tuple[SupervisorMachine, Child]:
    """A supervisor that has started its only child."""
    only = ChildSpec(id=_ID, run=_never_run, policy=policy, ready=ready)
    spec = SupervisorSpec(id=above.id, intensity=above.intensity, period=above.period, children=(only,))
    machine = SupervisorMachine(spec, "", lambda: dice)
    machine.heard = False
    machine.handle(Begin(), 0.0)
    return machine, machine.children[_ID]


def _never_run() -> Awaitable[object]:
    raise NotImplementedError


def _end(child: Child, effects: Iterable[Effect]) -> End | None:
    if child.state is ChildState.FAILED:
        return End.PARKED
    for effect in effects:
        if isinstance(effect, Done) and isinstance(effect.exit, Crashed):
            return End.FATAL if isinstance(effect.exit.error, FatalFailure) else End.GIVEN_UP
    return None


def _delay(effects: Iterable[Effect]) -> float:
    events = (effect.event for effect in effects if isinstance(effect, Emit))
    return next((event.delay for event in events if isinstance(event, ChildDelayed)), 0.0)


def _lowest_limit(above: SupervisorSpec, verdict: Verdict) -> float:
    """Restarts that the smallest window allows in which such a failure counts; infinite: it counts in none."""
    limit = verdict.action.n if isinstance(verdict.action, Limited) else math.inf
    return limit if verdict.expected else min(limit, above.intensity)


def _longest_window(above: SupervisorSpec, verdict: Verdict) -> float:
    """Seconds of the longest window in which such a failure counts; 0: in none."""
    limit = verdict.action.within if isinstance(verdict.action, Limited) else 0.0
    return limit if verdict.expected else max(limit, above.period)


class _Steady:
    """Whether delays have stayed the same for so long that no window can become fuller."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._delay = -1.0
        self._since = 0.0
        self._times = 0

    def is_reached(self, delay: float, now: float) -> bool:
        """Note the delay of the restart at `now`."""
        if delay != self._delay:
            self._delay, self._since, self._times = delay, now, 0
        self._times += 1
        return self._times > _SAME and now - self._since >= self._window
