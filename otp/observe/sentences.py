"""What an event means, in a sentence for the reader of a log, and how grave it is.

Healthy operation is DEBUG: a start, a stop in order, a task that is done. INFO is a recovery, and what an operator asked
for. WARNING is a failure that was dealt with, ERROR one that costs something, CRITICAL the end of a tree.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from otp import events
from otp.core.paths import parent_of
from otp.exits import Crash, Crashed, Exit, Killed, Normal, Refused, Shutdown
from otp.observe.failures import own_frame
from otp.text.durations import precise
from otp.text.frames import blocking_place, hanging_place
from otp.text.printable import printable
from otp.text.redaction import redact

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class Sentence(NamedTuple):
    """One line of the log, without its time and its path."""

    level: Level
    text: str


def sentence(event: events.Event) -> Sentence:
    """Return what `event` means, and how grave it is, by that event alone."""
    kind = type(event)
    said = _FIXED[kind] if kind in _FIXED else _SENTENCES[kind](event)
    return Sentence(said.level, printable(said.text))


def crash_of(event: events.Event) -> Crash | None:
    """Return the crash that the event tells of; None if it tells of none."""
    if isinstance(event, events.HookFailed | events.CallbackFailed):
        return event.crash
    exit = getattr(event, "exit", None)
    return exit.crash if isinstance(exit, Crashed) else None


# ------------------------------------------------------------------------------------------------ children


def _child_started(event: events.ChildStarted) -> Sentence:
    if event.downtime is None:
        return Sentence("DEBUG", "is up")
    # Without ready=True the start is the moment of the end: there is nothing that was measured.
    level: Level = "INFO" if event.recovering and event.downtime else "DEBUG"
    return Sentence(level, f"up again after {precise(event.downtime)}")


def _child_restarting(event: events.ChildRestarting) -> Sentence:
    if event.cause is events.Cause.MANUAL:
        return Sentence("INFO", "restarted by request")
    if event.cause is events.Cause.COLLATERAL:
        return Sentence("INFO", "restarted along with a sibling")
    if event.exit is None:  # ChildDelayed, ChildHeld or ChildPaused told it
        return Sentence("DEBUG", "starting it again")
    budget = f"  ({_class(event.verdict)}{event.used} of {event.intensity} in {event.period:g} s)"
    if event.start_failed:
        return Sentence("WARNING", f"starting it again{budget}")
    return Sentence("WARNING", f"restarting after {_why(event.exit)}{budget}{_where(event.exit)}")


def _child_delayed(event: events.ChildDelayed) -> Sentence:
    spent = "not counted" if event.expected else f"{event.used} of {event.intensity} in {event.period:g} s"
    budget = f"  ({_class(event.verdict)}failure {event.streak} in a row, {spent})"
    when = f"restarting in {precise(event.delay)}"
    if event.start_failed:
        return Sentence("WARNING", f"{when}{budget}")
    return Sentence("WARNING", f"{when} after {_why(event.exit)}{budget}{_where(event.exit)}")


def _child_held(event: events.ChildHeld) -> Sentence:
    needs = " and ".join(event.needs)
    back = "is" if len(event.needs) == 1 else "are"
    return Sentence("WARNING", f"is held until {needs} {back} there again; it failed: {_why(event.exit)}")


def _child_failed(event: events.ChildFailed) -> Sentence:
    text = f"is left down ({event.verdict}): {_why(event.exit)}; its siblings go on, a restart by request starts it"
    return Sentence("ERROR", f"{text}{_where(event.exit)}")


def _child_paused(event: events.ChildPaused) -> Sentence:
    then = "is left down until its maintenance is over"
    if event.exit is None:
        return Sentence("INFO", f"{then}; it had failed before")
    if event.start_failed:
        return Sentence("WARNING", then)
    return Sentence("WARNING", f"{then}: {_why(event.exit)}{_where(event.exit)}")


def _child_replaced(event: events.ChildReplaced) -> Sentence:
    return Sentence(
        "DEBUG", f"has another spec for its next start; it has recovered after {event.healthy_after:g} s up"
    )


def _dependency_down(event: events.DependencyDown) -> Sentence:
    return Sentence("WARNING", f"{event.dependency} does not answer: {event.crash}")


def _dependency_up(event: events.DependencyUp) -> Sentence:
    return Sentence("INFO", f"{event.dependency} answers again after {precise(event.downtime)}")


def _child_start_failed(event: events.ChildStartFailed) -> Sentence:
    why = "it returned before it was ready" if isinstance(event.exit, Normal) else _why(event.exit)
    why = why.removeprefix(f"{event.path} did not start: ")
    return Sentence("ERROR", f"did not start: {why}{_where(event.exit)}")


def _child_exited(event: events.ChildExited) -> Sentence:
    exit = event.exit
    if event.asked:
        return _stopped(exit, brutal=event.brutal)
    if exit.abnormal:
        return Sentence("ERROR", f"failed: {_why(exit)}; it is not restarted for that{_where(exit)}")
    return Sentence("DEBUG", f"ended: {_why(exit)}")


def _stopped(exit: Exit, *, brutal: bool) -> Sentence:
    match exit:
        case Crashed():
            return Sentence("WARNING", f"raised while it was stopped: {_why(exit)}{_where(exit)}")
        case Killed() if not brutal:
            return Sentence("WARNING", "was killed: it had no time left to clean up")
        case Refused():
            return Sentence("ERROR", f"is not down: {_why(exit)}")
        case Normal() | Shutdown() | Killed():
            return Sentence("DEBUG", "stopped")


def _child_hung(event: events.ChildHung) -> Sentence:
    text = f"gives no sign of life for {precise(event.silent)} and is stopped{_hanging(event.chain)}"
    if event.crash is not None:
        text = f"{text}; whether it makes progress could not be told: {event.crash}{_at(event.crash)}"
    return Sentence("WARNING", text)


def _child_late(event: events.ChildLate) -> Sentence:
    return Sentence("WARNING", f"did not end within {precise(event.grace)} and is killed{_hanging(event.chain)}")


def _child_refused(event: events.ChildRefused) -> Sentence:
    return Sentence("ERROR", f"refuses to stop and still runs{_hanging(event.chain)}")


# ------------------------------------------------------------------------------------------------ the event loop


def _loop_blocked(event: events.LoopBlocked) -> Sentence:
    place = blocking_place(event.stack)
    where = f", in {place}" if place else ""
    who = "blocks the event loop" if event.callback or "/" in event.path else "the event loop is blocked"
    who = f"{event.callback} {who}".strip()
    return Sentence("ERROR", f"{who}, for {precise(event.seconds)} now{where}")


def _loop_freed(event: events.LoopFreed) -> Sentence:
    known = event.callback or "/" in event.path
    who = "blocks the event loop no more; it did" if known else "the event loop turns again; it was blocked"
    who = f"{event.callback} {who}".strip()
    return Sentence("INFO", f"{who} for {precise(event.seconds)}")


# ------------------------------------------------------------------------------------------------ supervisors


def _intensity_reached(event: events.IntensityReached) -> Sentence:
    above = parent_of(event.path)
    then = f"its children stop, {above} decides what follows" if above else "the whole tree stops"
    why = f"{_class(event.verdict)}{_why(event.exit)}"
    text = f"gives up: {event.offender} ended{_spent(event)} ({why}); {then}{_where(event.exit)}"
    return Sentence("ERROR", text)


def _fatal_failure(event: events.FatalFailure) -> Sentence:
    text = f"ends: {event.offender} failed for good ({event.verdict}: {_why(event.exit)}); nothing is restarted"
    return Sentence("CRITICAL", f"{text}{_where(event.exit)}")


def _spent(event: events.IntensityReached) -> str:
    if event.intensity == 0:
        return ", and no restart is allowed"
    return f" once more after {event.intensity} restart{'s'[: event.intensity > 1]} in {event.period:g} s"


def _supervisor_stopping(event: events.SupervisorStopping) -> Sentence:
    return Sentence("DEBUG", f"stops its children: {_why(event.exit)}")


def _supervisor_exited(event: events.SupervisorExited) -> Sentence:
    if not event.exit.abnormal:
        return Sentence("DEBUG", "is down")
    # The supervisor above says what follows; above the root there is none.
    level: Level = "DEBUG" if "/" in event.path or isinstance(event.exit, Killed) else "CRITICAL"
    return Sentence(level, f"is down: {_why(event.exit)}")


def _hook_failed(event: events.HookFailed) -> Sentence:
    return Sentence("ERROR", f"event hook {event.hook} raised and is detached: {event.crash}{_at(event.crash)}")


_COUNTS_AS = {
    "where=": "; that counts as no match",
    "attribute": "; that counts as no match",
    "progress=": "; that counts as no progress",
    "opened=": "; the tree stops",
    "beside=": "; the tree stops",
    "hook": "; it is told of the next event all the same",
}
"""What follows when a function of the program fails, by the role of the function."""


def _callback_failed(event: events.CallbackFailed) -> Sentence:
    then = _COUNTS_AS.get(event.role, "")
    return Sentence(
        "ERROR", f"{event.role} {event.name} failed: {event.crash}{then}; this is told once{_at(event.crash)}"
    )


_FIXED = {
    events.ChildForgiven: Sentence("DEBUG", "its failures in a row are forgotten, by request"),
    events.MaintenanceStarted: Sentence(
        "INFO", "is under maintenance: what ends there is left down, and nobody is alerted"
    ),
    events.MaintenanceEnded: Sentence("INFO", "is not under maintenance any more: what is down over it is started"),
    events.ChildIgnored: Sentence("DEBUG", "is left out: it raised Ignore"),
    events.SupervisorStarted: Sentence("DEBUG", "all its children are up"),
}
"""Sentences that depend only on the kind of the event."""

_SENTENCES: dict[type[events.Event], Callable[[Any], Sentence]] = {
    events.ChildStarted: _child_started,
    events.ChildRestarting: _child_restarting,
    events.ChildDelayed: _child_delayed,
    events.ChildHeld: _child_held,
    events.ChildFailed: _child_failed,
    events.ChildPaused: _child_paused,
    events.ChildReplaced: _child_replaced,
    events.DependencyDown: _dependency_down,
    events.DependencyUp: _dependency_up,
    events.FatalFailure: _fatal_failure,
    events.ChildStartFailed: _child_start_failed,
    events.ChildExited: _child_exited,
    events.ChildHung: _child_hung,
    events.ChildLate: _child_late,
    events.ChildRefused: _child_refused,
    events.LoopBlocked: _loop_blocked,
    events.LoopFreed: _loop_freed,
    events.IntensityReached: _intensity_reached,
    events.SupervisorStopping: _supervisor_stopping,
    events.SupervisorExited: _supervisor_exited,
    events.HookFailed: _hook_failed,
    events.CallbackFailed: _callback_failed,
}


# ------------------------------------------------------------------------------------------------ phrases


_HUNG = "otp.errors.Hung"
_SAYS_IT_ALL = ("otp.errors.FatalFailure", "otp.errors.StartError", "otp.errors.StartTimeout")


def _class(verdict: str) -> str:
    return f"{verdict}, " if verdict and verdict != "unclassified" else ""


def _why(exit: Exit | None) -> str:  # noqa: PLR0911 # one arm a reason
    match exit:
        case Crashed(crash=Crash(type="otp.errors.IntensityReached")):
            return "it gave up"
        case Crashed(crash=Crash(type=kind, message=message)) if kind in _SAYS_IT_ALL:
            return message
        case Crashed(crash=Crash(type=kind, message=message)) if kind == _HUNG:
            return f"it {message.partition(' ')[2]}"  # the line begins with the path
        case Normal():
            return "it returned"
        case Killed():
            return "it was killed"
        case Refused(paths=paths):
            return f"{', '.join(paths)} refused to stop"
        case _:  # the detail of a shutdown is the child's own text; that of a crash has been looked through already
            return redact(str(exit)) if isinstance(exit, Shutdown) else str(exit)


def _where(exit: Exit | None) -> str:
    if not isinstance(exit, Crashed) or exit.crash is None or exit.crash.type == _HUNG:  # its message says where
        return ""
    return _at(exit.crash)


def _hanging(chain: tuple[str, ...]) -> str:
    place = hanging_place(chain)
    return f"; it hangs in {place}" if place else ""


def _at(crash: Crash) -> str:
    frame = own_frame(crash)
    return f"  [{frame}]" if frame else ""
