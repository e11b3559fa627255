"""What follows a failure that calls for a restart: a restart at once, later, when dependencies are there, or none.

    the child failed
    ├── under maintenance              paused until that is over; costs no credit
    ├── a dependency is down           held until it is back; costs no credit
    ├── the policy says no             parked (`GiveUp`), or the whole tree ends (`Fatal`)
    ├── over a limit                   the supervisor gives up, and the one above decides (S31)
    └── within the limits              restarted at once, or after a delay

A child that is held or delayed leaves its siblings as they are, whatever the strategy. When it is due, the strategy
applies, after the longest delay in the group; a failure without a delay takes along siblings that are held or delayed.
If a start fails in a group restart and the child is parked, held or delayed, the rest of the group is still started. Only
the first start of a tree waits for a child that is held or delayed.

A start by request that fails is answered, costs no credit and ends nothing: the child is delayed, held or parked.
"""

from collections.abc import Callable
from typing import cast

from otp import events
from otp.core import effects
from otp.core.backoff import delay, schedule
from otp.core.child import Child, ChildState, Purpose
from otp.core.classify import Verdict, classify
from otp.core.inputs import Checked, RestartDue, TimerKind, TryAgain
from otp.core.plan import PlannedRoster
from otp.core.strategy import taken_along
from otp.errors import FatalFailure, IntensityReached
from otp.events import Cause
from otp.exits import Crashed, Exit
from otp.foreign.causes import cause_of, causes
from otp.policy import UNCLASSIFIED, Fatal, GiveUp, Limited, RestartAfter, RestartNow
from otp.spec import Restart, SupervisorSpec

# The restart path reads it: through its class a member costs 70 ns on Python 3.11, ten times as much.
_CRASH = Cause.CRASH
_UNCLASSIFIED = UNCLASSIFIED.name
_OTP = Verdict(_UNCLASSIFIED, UNCLASSIFIED.action, expected=False)


def even_dice() -> float:
    """What stands for random numbers where delays have no jitter."""
    return 0.5


class Recovery(PlannedRoster):
    """Decides about restarts. Each costs one credit of the window, however large the group (S26, S38)."""

    def __init__(self, spec: SupervisorSpec, path: str, dice: Callable[[], float] = even_dice) -> None:
        super().__init__(spec, path)
        self._dice = dice

    def recover(self, child: Child, exit: Exit) -> None:
        """Decide what follows an end that calls for a restart, or a failed restart."""
        if child.paused:
            self.leave_paused(child, exit)
            return
        if child.guarded:
            self._recover_guarded(child, exit)
            return
        child.streak += 1
        if self.window.record(self.now):
            self._restart(child, exit, _UNCLASSIFIED)
        else:
            self.give_up(child, exit)

    def _restart(self, child: Child, exit: Exit | None, verdict: str) -> None:
        child.verdict = verdict
        plan = self.plan
        if self.grouped and (plan is None or plan.purpose is not Purpose.STARTUP):
            self.plan = None  # the group restart in which its start failed begins anew (S39)
            self.restart_group(child, _CRASH, exit)
        else:  # one_for_one, or the child that the startup is waiting for
            self.restart_one(child, _CRASH, exit)

    # ------------------------------------------------------------------------------------------------ by policy

    def _recover_guarded(self, child: Child, exit: Exit) -> None:
        if self.ends_all(child, exit):
            return
        if child.spec.needs:
            child.purpose = Purpose.RESTART  # also after a startup or a request: a failure is tried again
            self._ask_whether_it_can(child, exit)
        else:
            self._decide(child, exit)

    def _ask_whether_it_can(self, child: Child, exit: Exit) -> None:
        """Hold the child until its dependencies are probed; the input `Checked` follows."""
        child.state = ChildState.HELD
        child.failed_with = exit
        self.effects.append(effects.Check(child.spec.id, child.generation, child.spec.needs))

    def checked(self, event: Checked) -> None:
        """Hold the child if a dependency is down; else decide about its failure."""
        child = self.current(event.child, event.generation)
        if child is None or child.state is not ChildState.HELD or child.failed_with is None:
            return
        if self._is_busy_without(child):
            self.defer(event)
            return
        exit, child.failed_with = child.failed_with, None
        if event.down:
            child.verdict = "dependency_down"
            facts = self.failure_facts(child, exit)
            self.emit(events.ChildHeld(path=child.path, at=self.now, exit=exit, needs=event.down, **facts))
            self.awaited_no_more(child)
        elif child.purpose is Purpose.REQUEST:
            self._decide_on_request(child, exit)
        else:
            self._decide(child, exit)

    def _decide(self, child: Child, exit: Exit) -> None:
        verdict = self._verdict_on(child, exit)
        child.streak += 1
        match verdict.action:
            case GiveUp():
                self._park(child, exit, verdict)
            case Fatal():
                self._end_all(child, exit, verdict)
            case Limited() as limited if not child.budget(verdict.name, limited).record(self.now):
                self._over_its_limit(child, exit, verdict, limited)
            case Limited(retry=retry):
                self._restart_in_time(child, exit, verdict, retry)
            case RestartNow() | RestartAfter() as retry:  # pragma: no branch # there is no other
                self._restart_in_time(child, exit, verdict, retry)

    def _verdict_on(self, child: Child, exit: Exit) -> Verdict:
        """The verdict of its policy; calls into foreign code that failed meanwhile are reported."""
        policy = child.spec.policy
        verdict = _OTP if policy is None else classify(policy, exit)
        if verdict.failed:
            self.effects += [effects.CallFailed(child.path, one) for one in verdict.failed]
        return verdict

    def _over_its_limit(self, child: Child, exit: Exit, verdict: Verdict, limited: Limited) -> None:
        match limited.then:
            case GiveUp():
                self._park(child, exit, verdict)
            case Fatal():
                self._end_all(child, exit, verdict)
            case None:  # pragma: no branch # there is no other
                self.give_up(child, exit, verdict.name, limited.n, limited.within)

    def _restart_in_time(self, child: Child, exit: Exit, verdict: Verdict, retry: RestartNow | RestartAfter) -> None:
        if not verdict.expected and not self.window.record(self.now):
            self.give_up(child, exit, verdict.name)
            return
        backoff, failure = schedule(retry, child.streak)
        if backoff is None:
            self._restart(child, exit, verdict.name)
            return
        self._delay(child, exit, verdict, delay(backoff, failure, self._dice()))

    def _delay(self, child: Child, exit: Exit, verdict: Verdict, seconds: float) -> None:
        """Restart the child in so many seconds; a plan that waits for it goes on, unless it is patient."""
        child.state = ChildState.BACKOFF
        child.verdict = verdict.name
        child.retry_at = self.now + seconds
        self.set_timer(child, TimerKind.RETRY, seconds)
        self.emit(
            events.ChildDelayed(
                path=child.path,
                at=self.now,
                exit=exit,
                delay=seconds,
                verdict=verdict.name,
                expected=verdict.expected,
                used=self.window.used,
                intensity=self.spec.intensity,
                period=self.spec.period,
                **self.failure_facts(child, exit),
            )
        )
        self.awaited_no_more(child)

    def restart_due(self, event: RestartDue) -> None:
        """Restart the child: its delay is over, or its dependencies are back."""
        child = self.current(event.child, event.generation)
        if child is None or child.state not in (ChildState.BACKOFF, ChildState.HELD):
            return
        if self._is_busy_without(child):
            self.defer(event)
            return
        latest = self._latest_in_group(child)
        if latest > self.now:
            child.state = ChildState.BACKOFF
            child.retry_at = latest
            self.set_timer(child, TimerKind.RETRY, latest - self.now)
            return
        child.retry_at = None
        self._restart(child, None, child.verdict)

    def _latest_in_group(self, child: Child) -> float:
        """The time at which all children that restart together are due."""
        if not self.grouped or self.plan is not None:
            return self.now
        group = taken_along(self.spec.strategy, self.children.values(), child)
        return max((c.retry_at or self.now for c in group if c.state is ChildState.BACKOFF), default=self.now)

    def _is_busy_without(self, child: Child) -> bool:
        return self.plan is not None and self.plan.awaited is not child

    # ------------------------------------------------------------------------------------------------ no restart

    def _park(self, child: Child, exit: Exit, verdict: Verdict) -> None:
        """Leave the child down, for an operator to restart, and its siblings as they are."""
        child.state = ChildState.FAILED
        child.verdict = verdict.name
        facts = self.failure_facts(child, exit)
        self.emit(events.ChildFailed(path=child.path, at=self.now, exit=exit, verdict=verdict.name, **facts))
        self.awaited_no_more(child)

    def leave_paused(self, child: Child, exit: Exit | None) -> None:
        """Leave the child down until its maintenance is over; its siblings and the supervisor go on.

        Args:
            child: one that has failed, or that was held or delayed.
            exit: how it ended; None if that has been emitted.
        """
        child.state = ChildState.PAUSED
        child.verdict = "maintenance"
        if child.down_since is None:
            child.down_since = self.now
        facts = self.failure_facts(child, exit)
        self.emit(events.ChildPaused(path=child.path, at=self.now, exit=exit, **facts))
        self.awaited_no_more(child)

    def _end_all(self, child: Child, exit: Exit, verdict: Verdict) -> None:
        """End the supervisor with `FatalFailure`, at which all supervisors above end too."""
        child.verdict = verdict.name
        child.state = ChildState.STOPPED
        self.emit(
            events.FatalFailure(
                path=self.path,
                at=self.now,
                offender=child.path,
                exit=exit,
                verdict=verdict.name,
                **self.failure_facts(child, exit),
            )
        )
        error = FatalFailure(self.path, child.path, verdict.name)
        if isinstance(exit, Crashed):
            error.__cause__ = exit.error
        self.begin_stop(Crashed(error))

    def ends_all(self, child: Child, exit: Exit) -> bool:
        """Whether the exit is that of a supervisor below over a fatal failure; if so, end this supervisor too."""
        fatal = _fatal_in(exit) if isinstance(exit, Crashed) else None
        if fatal is not None:
            child.state = ChildState.STOPPED
            self.begin_stop(Crashed(fatal))
        return fatal is not None

    def give_up(
        self, child: Child, exit: Exit, verdict: str = "", intensity: int | None = None, period: float | None = None
    ) -> None:
        """One restart too many: stop all children and end with `Crashed(IntensityReached)` (S31, D3).

        Args:
            child: the offender.
            exit: how it ended.
            verdict: the name of the rule that its failure matched.
            intensity: the limit that was reached; None: the supervisor's.
            period: of that limit, in seconds; None: the supervisor's.
        """
        intensity = self.spec.intensity if intensity is None else intensity
        period = self.spec.period if period is None else period
        self.emit(
            events.IntensityReached(
                path=self.path,
                at=self.now,
                offender=child.path,
                exit=exit,
                intensity=intensity,
                period=period,
                verdict=verdict,
                **self.failure_facts(child, exit),
            )
        )
        child.state = ChildState.STOPPED
        error = IntensityReached(self.path, child.path, intensity, period)
        if isinstance(exit, Crashed):
            error.__cause__ = exit.error
        self.begin_stop(Crashed(error))

    # ------------------------------------------------------------------------------------------------ by request

    def start_by_request_failed(self, child: Child, exit: Exit) -> None:
        """Decide what follows a failed restart by request, which has been answered. It costs no credit.

        The child is held for its needs, or delayed if its policy has a delay; otherwise it is parked. It is not tried
        again at once: the caller knows that it failed, and can ask again.
        """
        if child.down_since is None:
            child.down_since = self.now
        if child.spec.needs:
            self._ask_whether_it_can(child, exit)
        else:
            self._decide_on_request(child, exit)

    def _decide_on_request(self, child: Child, exit: Exit) -> None:
        verdict = self._verdict_on(child, exit)
        action = verdict.action
        retry = action.retry if isinstance(action, Limited) else action
        child.streak += 1
        if isinstance(retry, RestartNow) and retry.then is not None:  # the start by request was the immediate retry
            child.streak = max(child.streak, 2)
        backoff, failure = (None, 0) if isinstance(retry, GiveUp | Fatal) else schedule(retry, child.streak)
        if backoff is None:
            self._park(child, exit, verdict)
        else:
            self._delay(child, exit, verdict, delay(backoff, failure, self._dice()))

    # ------------------------------------------------------------------------------------------------ once more

    def restart_failed(self, child: Child, exit: Exit) -> None:
        """Its restart failed: try again after the inputs that wait already, so that requests get in between (S35)."""
        child.state = ChildState.RESTARTING
        if child.down_since is None:
            child.down_since = self.now
        self.effects.append(effects.Retry(TryAgain(child.spec.id, exit)))

    def try_again(self, event: TryAgain) -> None:
        """Decide about a failed restart, unless another input took care of the child meanwhile."""
        child = self.children.get(event.child)
        if child is None:
            return
        if self._is_busy_without(child):
            self.defer(event)
        elif child.state is ChildState.RESTARTING:  # else another input took care of it (S37, S39)
            self.recover(child, event.exit)


def is_tried_again(child: Child) -> bool:
    """Whether a failed first start is retried. A supervisor retries its children itself; a temporary child ends."""
    worker = not isinstance(child.spec, SupervisorSpec)
    return worker and child.guarded and child.spec.restart is not Restart.TEMPORARY


def _fatal_in(exit: Crashed) -> FatalFailure | None:
    error = exit.error
    if error is not None and cause_of(error) is None:  # the usual case, without the cost of a loop
        return cast("FatalFailure", error) if issubclass(type(error), FatalFailure) else None
    fatal = (one for one in causes(error) if issubclass(type(one), FatalFailure))
    return cast("FatalFailure | None", next(fatal, None))
