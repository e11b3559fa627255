"""What follows the end of a child: before it was up, by itself, by request, or when it refuses to end (D7)."""

from otp import events
from otp.core import requests
from otp.core.child import Child, ChildState, Purpose
from otp.core.inputs import Exited, Request, RestartNow
from otp.core.paths import is_within
from otp.core.plan import Phase, stopped_early
from otp.core.recovery import Recovery, is_tried_again
from otp.core.strategy import wants_restart
from otp.errors import ChildRefused, Hung, NoProc, OTPError, StartError, StartTimeout
from otp.exits import Crashed, Exit, Normal, Refused, Shutdown
from otp.spec import AutoShutdown, Restart


class Termination(Recovery):
    """Handles the ends of children, and leaves to `Recovery` what follows an end that wants a restart."""

    # ------------------------------------------------------------------------------------------------ a start that fails

    def failed_to_start(self, child: Child, exit: Exit) -> None:
        """Answer and decide a failed start, by what the start was for (S13, S35, S49, S51)."""
        self.emit(
            events.ChildStartFailed(
                path=child.path,
                at=self.now,
                generation=child.generation,
                exit=exit,
                with_supervisor=child.starts_with_supervisor,
                **self.failure_facts(child, exit),
            )
        )
        child.failed_start = child.generation
        child.state = ChildState.STOPPED
        error = _start_error(child, exit)
        self.answer_start(child, error)
        if isinstance(exit, Refused):
            child.failure = error
            self.refuses_to_end(child, exit.paths)
            return
        if child.purpose is Purpose.START_CHILD:
            self.forget(child)
            self.advance()
        elif child.stop_pending:  # ended before its turn to be stopped; continue the plan
            self.stopped(child)
        else:
            self._after_failed_start(child, exit, error)
        for request in child.pop_waiting():
            self.request(request)

    def _after_failed_start(self, child: Child, exit: Exit, error: StartError) -> None:
        match child.purpose:
            case Purpose.STARTUP | Purpose.RESTART | Purpose.REQUEST if child.stays_down:
                self._left_down(child, exit, error)
            case Purpose.STARTUP if is_tried_again(child):
                self.restart_failed(child, exit)
            case Purpose.STARTUP:
                self.begin_stop(Crashed(error))
            case Purpose.RESTART_CHILD:
                self._stays_as_it_was(child)
            case Purpose.REQUEST:
                self._answer_for(child, error)
                self.start_by_request_failed(child, exit)
            case _:  # a restart over a failure
                self._group_begins_anew(child)
                self.restart_failed(child, exit)

    def _left_down(self, child: Child, exit: Exit, error: StartError) -> None:
        """Under maintenance: leave the child down, and continue the plan without it."""
        if self.plan is not None and self.plan.target is child:
            self.answer_plan(error)
        self.leave_paused(child, exit)

    def _stays_as_it_was(self, child: Child) -> None:
        """Leave the child as down as it was before the request: stopped, or parked."""
        if child.parked:
            child.state = ChildState.FAILED
        else:
            child.down_since = None
            child.left_behind = False
        self.awaited_no_more(child)

    def _answer_for(self, child: Child, error: OTPError) -> None:
        """Answer the request for a group restart with the error of this child; the plan goes on with those behind it."""
        if self.plan is not None and self.plan.awaited is child:
            self.answer_plan(error)

    def _group_begins_anew(self, child: Child) -> None:
        """End the plan, so that the next try of this child restarts its group anew, as in OTP (S39).

        If a policy or needs may delay that try, the plan goes on without the child instead.
        """
        if self.plan is not None and self.plan.awaited is child and not child.is_judged:
            for behind in self.plan.to_start:
                behind.left_behind = True
            self.plan = None

    # ------------------------------------------------------------------------------------------------ an end by itself

    def ended_during_plan(self, child: Child, event: Exited) -> None:
        """The child ended by itself during a plan: decide after the plan."""
        child.state = ChildState.EXITED
        child.ended(self.now)
        if child.stop_pending:  # ended before its turn to be stopped; continue the plan, at no second credit (S26)
            self.emit_exited(child, event.exit, asked=False)
            self.stopped(child)
        else:
            self.deferred.append(event)

    def ended(self, child: Child, exit: Exit) -> None:
        """The child ended by itself and no plan is at work: decide what follows (S16)."""
        child.ended(self.now)
        if wants_restart(child.spec.restart, exit) and type(exit) is not Refused:
            self.recover(child, exit)
            return
        self.emit_exited(child, exit, asked=False)
        if isinstance(exit, Refused):
            self.refuses_to_end(child, exit.paths)
        elif not self.ends_all(child, exit):
            self._ended_for_good(child)

    def _ended_for_good(self, child: Child) -> None:
        child.state = ChildState.DONE
        child.down_since = None
        if self.spec.dynamic or child.spec.restart is Restart.TEMPORARY:
            self.forget(child)
        if child.spec.significant and self._auto_shutdown():
            self.begin_stop(Shutdown("auto_shutdown"))

    def _auto_shutdown(self) -> bool:
        """Whether the supervisor ends with a significant child that has just ended for good (S40)."""
        if self.spec.auto_shutdown is AutoShutdown.ANY_SIGNIFICANT:
            return True
        over = (ChildState.STOPPED, ChildState.DONE)  # not FAILED: a parked child has not ended well (D3)
        return all(child.state in over for child in self.children.values() if child.spec.significant)

    def _hung_has_ended(self, child: Child, error: Hung) -> None:
        """Treat the child as if it had raised `error`, then handle the requests that waited for its end."""
        exit = Crashed(error)
        if self.plan is None:
            self.ended(child, exit)
        else:
            self.ended_during_plan(child, Exited(child.spec.id, child.generation, exit))
        for request in child.pop_waiting():
            self.request(request)

    # ------------------------------------------------------------------------------------------------ an end that was asked for

    def gone(self, child: Child, exit: Exit) -> None:
        """A child that was asked to stop has ended."""
        self.cancel_timer(child)
        if child.state is ChildState.REFUSED:
            self._ended_after_all(child)
        child.ended(self.now)
        failure, child.failure = child.failure, None
        if failure is not None and not child.is_claimed:
            if not isinstance(failure, Hung):
                self.failed_to_start(child, Crashed(failure))
                return
            if self.phase not in (Phase.STOPPING, Phase.DONE):
                self._hung_has_ended(child, failure)
                return
        self.emit_exited(child, exit, asked=True)
        if isinstance(exit, Refused):
            self.refuses_to_end(child, exit.paths)
            return
        self.stopped(child)

    def stopped(self, child: Child) -> None:
        """A child that was to be stopped has ended: handle the requests that waited for it, and continue the plan."""
        child.state = ChildState.STOPPED
        planned, child.stop_pending = child.stop_pending, False
        temporary = child.spec.restart is Restart.TEMPORARY
        if not planned or temporary:
            self.answer_start(child, stopped_early(child))
        for request in child.pop_waiting():
            self.request(request)
        known = self.children.get(child.spec.id) is child and child.state is ChildState.STOPPED
        if known and (temporary or (self.spec.dynamic and not planned)):
            self.forget(child)  # S22
        if self.plan is None:
            return
        if planned:
            self.advance()
        else:
            self.awaited_no_more(child)

    def request(self, event: Request) -> None:
        """Answer a request, now or when its child has ended; a supervisor that stops answers `NoProc` (S47)."""
        if self.phase in (Phase.STOPPING, Phase.DONE):
            self.reply(event, NoProc(self.path))
        else:
            requests.ANSWERS[type(event)](self, event)

    # ------------------------------------------------------------------------------------------------ a child that refuses

    def refuses_to_end(self, child: Child, paths: tuple[str, ...]) -> None:
        """A child still runs and cannot be killed: never start a second one beside it (D7).

        If the place is needed for a restart, the supervisor gives up with `Refused`. If not, only the request fails; a
        requested restart is made up for should the child end after all.

        Args:
            child: the one that still runs, or a supervisor above it.
            paths: of all that still run.
        """
        error = ChildRefused(paths)
        needed = _is_needed(child)
        if child.is_claimed:  # the request, and not the failure, decides what follows if it ends after all
            child.failure = None
        child.state = ChildState.REFUSED
        self.refused.extend(paths)
        self.answer_start(child, error)
        for request in child.pop_waiting():
            child.revive = isinstance(request, RestartNow)
            self.complete(request.token, error)
        if self.phase is Phase.STOPPING:
            self.advance()
        elif needed:
            self.answer_plan(error)
            self.begin_stop(Refused(tuple(self.refused)))
        else:
            self._answer_for(child, error)
            self.awaited_no_more(child)

    def _ended_after_all(self, child: Child) -> None:
        """A refused child ended after all: its place is free, and a requested restart can follow."""
        self.refused = [path for path in self.refused if not is_within(path, child.path)]
        if child.revive:
            child.revive = False
            child.wait(RestartNow(child.spec.id, None))


def _is_needed(child: Child) -> bool:
    """Whether the place of a refused child is needed for its next incarnation."""
    if child.stop_pending:
        return True
    if child.is_claimed or child.stays_down:
        return False
    if isinstance(child.failure, StartError):
        return child.purpose in (Purpose.STARTUP, Purpose.RESTART)
    return child.spec.restart is not Restart.TEMPORARY


def _start_error(child: Child, exit: Exit) -> StartError:
    if not isinstance(exit, Crashed):
        why = "it returned before task_status.started()" if isinstance(exit, Normal) else str(exit)
        return StartError(child.path, why)
    if type(exit.error) is StartTimeout and exit.error.path is child.path:  # by its own timer, not raised by it
        return exit.error
    error = StartError(child.path, str(exit))
    error.__cause__ = exit.error
    return error
