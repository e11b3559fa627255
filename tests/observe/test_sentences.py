"""What the log says of each event, and how loud."""

from pathlib import Path

import anyio
import pytest

import otp.faults
from otp import events
from otp.errors import Hung
from otp.events import (
    CallbackFailed,
    Cause,
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
    DependencyDown,
    DependencyUp,
    FatalFailure,
    HookFailed,
    IntensityReached,
    LoopBlocked,
    LoopFreed,
    MaintenanceEnded,
    MaintenanceStarted,
    SupervisorExited,
    SupervisorStarted,
    SupervisorStopping,
)
from otp.exits import Crash, Crashed, Killed, Normal, Refused, Shutdown
from otp.observe.failures import failure, own_frame
from otp.observe.sentences import sentence
from otp.runtime.crash import describe

FRAMES = ("/srv/app/feed/stream.py:88 run", "/srv/app/feed/socket.py:12 read", "/usr/lib/site-packages/ws/x.py:3 recv")
CRASH = Crash("feed.errors.ProviderClosed", "1012 service restart", FRAMES)
CRASHED = Crashed(None, CRASH)
GAVE_UP = Crashed(None, Crash("otp.errors.IntensityReached", "top/sub gave up: …"))
CHAIN = ("run (/srv/app/feed/stream.py:90)", "drain (/srv/app/socket.py:40)", f"sleep ({anyio.__file__}:1)")
HUNG = Crashed(None, describe(Hung("top/a", 30.001, CHAIN)))
TIMEOUT = Crashed(None, Crash("otp.errors.StartTimeout", "top/a did not start: not ready within start_timeout=3 s"))


def started(**fields):
    return ChildStarted(**{"path": "top/a", "at": 1.0, "generation": 1, "downtime": None} | fields)


def restarting(**fields):
    default = {"path": "top/a", "at": 1.0, "generation": 2, "cause": Cause.CRASH, "exit": CRASHED}
    return ChildRestarting(**default | {"used": 1, "intensity": 5, "period": 60.0} | fields)


def exited(exit, **fields):
    return ChildExited(**{"path": "top/a", "at": 1.0, "generation": 1, "exit": exit, "asked": False} | fields)


def gave_up(**fields):
    default = {"path": "top/sub", "at": 1.0, "offender": "top/sub/a", "exit": Normal(), "intensity": 3, "period": 5.0}
    return IntensityReached(**default | fields)


def delayed(**fields):
    default = {"path": "top/a", "at": 1.0, "exit": CRASHED, "delay": 2.0, "verdict": "network_blip", "streak": 3}
    return ChildDelayed(**default | {"expected": False, "used": 2, "intensity": 5, "period": 60.0} | fields)


SAID = [
    (
        LoopBlocked(path="top", at=1.0, seconds=1.25, stack=FRAMES, callback="hook shop.audit"),
        "ERROR",
        "hook shop.audit blocks the event loop, for 1.2 s now, in run (feed/stream.py:88) → read (feed/socket.py:12)",
    ),
    (
        LoopFreed(path="top", at=1.0, seconds=2.0, callback="hook shop.audit"),
        "INFO",
        "hook shop.audit blocks the event loop no more; it did for 2.0 s",
    ),
    (
        LoopBlocked(path="top/a", at=1.0, seconds=1.25, stack=FRAMES),
        "ERROR",
        "blocks the event loop, for 1.2 s now, in run (feed/stream.py:88) → read (feed/socket.py:12)",
    ),
    (LoopBlocked(path="top", at=1.0, seconds=1.0, stack=()), "ERROR", "the event loop is blocked, for 1.0 s now"),
    (LoopFreed(path="top/a", at=1.0, seconds=3.0), "INFO", "blocks the event loop no more; it did for 3.0 s"),
    (LoopFreed(path="top", at=1.0, seconds=3.0), "INFO", "the event loop turns again; it was blocked for 3.0 s"),
    (restarting(exit=None), "DEBUG", "starting it again"),
    (
        restarting(verdict="provider_restart"),
        "WARNING",
        "restarting after ProviderClosed: 1012 service restart  (provider_restart, 1 of 5 in 60 s)  [feed/socket.py:12 read]",
    ),
    (
        delayed(),
        "WARNING",
        (
            "restarting in 2.0 s after ProviderClosed: 1012 service restart"
            "  (network_blip, failure 3 in a row, 2 of 5 in 60 s)  [feed/socket.py:12 read]"
        ),
    ),
    (
        delayed(exit=Normal(), expected=True, verdict="unclassified", delay=0.5),
        "WARNING",
        "restarting in 500.0 ms after it returned  (failure 3 in a row, not counted)",
    ),
    (
        ChildHeld(path="top/a", at=1.0, exit=CRASHED, needs=("market-redis", "venue")),
        "WARNING",
        "is held until market-redis and venue are there again; it failed: ProviderClosed: 1012 service restart",
    ),
    (
        ChildFailed(path="top/a", at=1.0, exit=CRASHED, verdict="bad_symbol"),
        "ERROR",
        (
            "is left down (bad_symbol): ProviderClosed: 1012 service restart; its siblings go on, "
            "a restart by request starts it  [feed/socket.py:12 read]"
        ),
    ),
    (
        ChildPaused(path="top/a", at=1.0, exit=CRASHED),
        "WARNING",
        "is left down until its maintenance is over: ProviderClosed: 1012 service restart  [feed/socket.py:12 read]",
    ),
    (
        ChildPaused(path="top/a", at=1.0, exit=None),
        "INFO",
        "is left down until its maintenance is over; it had failed before",
    ),
    (ChildForgiven(path="top/a", at=1.0), "DEBUG", "its failures in a row are forgotten, by request"),
    (
        ChildReplaced(path="top/a", at=1.0, healthy_after=5.0),
        "DEBUG",
        "has another spec for its next start; it has recovered after 5 s up",
    ),
    (
        MaintenanceStarted(path="top", at=1.0),
        "INFO",
        "is under maintenance: what ends there is left down, and nobody is alerted",
    ),
    (
        MaintenanceEnded(path="top", at=1.0),
        "INFO",
        "is not under maintenance any more: what is down over it is started",
    ),
    (
        DependencyDown(path="top", at=1.0, dependency="market-redis", crash=Crash("TimeoutError", "")),
        "WARNING",
        "market-redis does not answer: TimeoutError",
    ),
    (
        DependencyUp(path="top", at=1.0, dependency="market-redis", downtime=3.0),
        "INFO",
        "market-redis answers again after 3.0 s",
    ),
    (
        FatalFailure(path="top", at=1.0, offender="top/a", exit=CRASHED, verdict="config_error"),
        "CRITICAL",
        (
            "ends: top/a failed for good (config_error: ProviderClosed: 1012 service restart); nothing is restarted"
            "  [feed/socket.py:12 read]"
        ),
    ),
    (
        gave_up(verdict="logic_bug"),
        "ERROR",
        (
            "gives up: top/sub/a ended once more after 3 restarts in 5 s (logic_bug, it returned); "
            "its children stop, top decides what follows"
        ),
    ),
    (started(), "DEBUG", "is up"),
    (started(downtime=0.0), "DEBUG", "up again after 0.0 ms"),
    (restarting(cause=Cause.MANUAL, exit=None), "INFO", "restarted by request"),
    (restarting(cause=Cause.COLLATERAL, exit=None), "INFO", "restarted along with a sibling"),
    (
        restarting(),
        "WARNING",
        "restarting after ProviderClosed: 1012 service restart  (1 of 5 in 60 s)  [feed/socket.py:12 read]",
    ),
    (restarting(exit=Normal(), used=2), "WARNING", "restarting after it returned  (2 of 5 in 60 s)"),
    (restarting(exit=GAVE_UP), "WARNING", "restarting after it gave up  (1 of 5 in 60 s)"),
    (
        ChildStartFailed(path="top/a", at=1.0, generation=1, exit=CRASHED),
        "ERROR",
        "did not start: ProviderClosed: 1012 service restart  [feed/socket.py:12 read]",
    ),
    (
        ChildStartFailed(path="top/a", at=1.0, generation=1, exit=TIMEOUT),
        "ERROR",
        "did not start: not ready within start_timeout=3 s",
    ),
    (
        ChildStartFailed(path="top/a", at=1.0, generation=1, exit=Normal()),
        "ERROR",
        "did not start: it returned before it was ready",
    ),
    (ChildIgnored(path="top/a", at=1.0, generation=1), "DEBUG", "is left out: it raised Ignore"),
    (exited(Normal()), "DEBUG", "ended: it returned"),
    (exited(Shutdown("sold out")), "DEBUG", "ended: shutdown (sold out)"),
    (
        exited(CRASHED),
        "ERROR",
        "failed: ProviderClosed: 1012 service restart; it is not restarted for that  [feed/socket.py:12 read]",
    ),
    (exited(Shutdown(), asked=True), "DEBUG", "stopped"),
    (exited(Normal(), asked=True), "DEBUG", "stopped"),
    (exited(Killed(), asked=True), "WARNING", "was killed: it had no time left to clean up"),
    (
        exited(CRASHED, asked=True),
        "WARNING",
        "raised while it was stopped: ProviderClosed: 1012 service restart  [feed/socket.py:12 read]",
    ),
    (exited(Refused(("top/a/b",)), asked=True), "ERROR", "is not down: top/a/b refused to stop"),
    (
        ChildRefused(
            path="top/a",
            at=1.0,
            generation=1,
            chain=CHAIN,
        ),
        "ERROR",
        "refuses to stop and still runs; it hangs in run (feed/stream.py:90) → drain (app/socket.py:40)",
    ),
    (ChildRefused(path="top/a", at=1.0, generation=1), "ERROR", "refuses to stop and still runs"),
    (
        ChildHung(path="top/a", at=1.0, generation=1, silent=30.0, chain=CHAIN),
        "WARNING",
        "gives no sign of life for 30.0 s and is stopped; it hangs in run (feed/stream.py:90) → drain (app/socket.py:40)",
    ),
    (
        ChildHung(path="top/a", at=1.0, generation=1, silent=0.25, crash=Crash("KeyError", "'in'", FRAMES)),
        "WARNING",
        (
            "gives no sign of life for 250.0 ms and is stopped; whether it makes progress could not be told: KeyError: 'in'"
            "  [feed/socket.py:12 read]"
        ),
    ),
    (
        restarting(exit=HUNG),
        "WARNING",
        "restarting after it gave no sign of life for 30 s, in drain (app/socket.py:40)  (1 of 5 in 60 s)",
    ),
    (
        ChildLate(path="top/a", at=1.0, generation=1, grace=5.0, chain=CHAIN),
        "WARNING",
        "did not end within 5.0 s and is killed; it hangs in run (feed/stream.py:90) → drain (app/socket.py:40)",
    ),
    (ChildLate(path="top/a", at=1.0, generation=1, grace=0.5), "WARNING", "did not end within 500.0 ms and is killed"),
    (SupervisorStarted(path="top", at=1.0), "DEBUG", "all its children are up"),
    (
        gave_up(),
        "ERROR",
        "gives up: top/sub/a ended once more after 3 restarts in 5 s (it returned); its children stop, top decides what follows",
    ),
    (
        gave_up(path="top", offender="top/a", intensity=0, exit=CRASHED),
        "ERROR",
        f"gives up: top/a ended, and no restart is allowed ({CRASH}); the whole tree stops  [feed/socket.py:12 read]",
    ),
    (SupervisorStopping(path="top", at=1.0, exit=GAVE_UP), "DEBUG", "stops its children: it gave up"),
    (SupervisorExited(path="top", at=1.0, exit=Shutdown()), "DEBUG", "is down"),
    (SupervisorExited(path="top", at=1.0, exit=Killed()), "DEBUG", "is down: it was killed"),
    (SupervisorExited(path="top", at=1.0, exit=GAVE_UP), "CRITICAL", "is down: it gave up"),
    (SupervisorExited(path="top/sub", at=1.0, exit=GAVE_UP), "DEBUG", "is down: it gave up"),
    (SupervisorExited(path="top", at=1.0, exit=Refused(("top/a",))), "CRITICAL", "is down: top/a refused to stop"),
    (
        HookFailed(path="top", at=1.0, hook="Pager.ring", crash=CRASH),
        "ERROR",
        "event hook Pager.ring raised and is detached: ProviderClosed: 1012 service restart  [feed/socket.py:12 read]",
    ),
    (
        CallbackFailed(path="top/a", at=1.0, role="where=", name="closed: shop.is_final", crash=CRASH),
        "ERROR",
        (
            "where= closed: shop.is_final failed: ProviderClosed: 1012 service restart; that counts as no match; "
            "this is told once  [feed/socket.py:12 read]"
        ),
    ),
    (
        CallbackFailed(path="top/a", at=1.0, role="listener", name="shop.told", crash=CRASH),
        "ERROR",
        "listener shop.told failed: ProviderClosed: 1012 service restart; this is told once  [feed/socket.py:12 read]",
    ),
]


@pytest.mark.parametrize(("event", "level", "text"), SAID)
def test_each_event_has_a_sentence_and_a_level(event, level, text):
    assert tuple(sentence(event)) == (level, text)


def test_no_kind_of_event_is_without_a_sentence():
    assert {type(event) for event, *_ in SAID} == set(events.Event.__args__)


@pytest.mark.parametrize("say", [sentence, failure])
def test_what_is_said_of_an_event_depends_on_nothing_that_was_said_before(say):
    told = [event for event, *_ in SAID]
    first = {id(event): say(event) for event in told}
    for before in told:
        for event in told:
            say(before)
            assert say(event) == first[id(event)]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0042, "4.2 ms"), (0.9, "900.0 ms"), (1.0, "1.0 s"), (75.25, "75.2 s")]
)
def test_a_recovery_is_news_and_says_how_long_it_took(seconds, text):
    assert sentence(started(downtime=seconds, recovering=True)) == ("INFO", f"up again after {text}")


def test_a_start_that_nobody_restarted_is_not_news():
    assert sentence(started(downtime=0.3)).level == "DEBUG"


def test_a_start_that_was_not_measured_by_readiness_is_not_news():
    assert sentence(started(downtime=0.0, recovering=True)).level == "DEBUG"


def test_another_try_does_not_repeat_why():
    assert sentence(restarting(used=2, start_failed=True)) == ("WARNING", "starting it again  (2 of 5 in 60 s)")
    paused = ChildPaused(path="top/a", at=1.0, exit=CRASHED, start_failed=True)
    assert sentence(paused) == ("WARNING", "is left down until its maintenance is over")
    said = sentence(delayed(start_failed=True)).text
    assert said == "restarting in 2.0 s  (network_blip, failure 3 in a row, 2 of 5 in 60 s)"


def test_control_characters_do_not_get_through():
    hostile = Shutdown("done\n09:30:00.000 CRITICAL top  is down\x1b[31m\u202e")
    text = sentence(exited(hostile)).text
    assert text.isprintable()


def test_of_an_exception_group_the_first_leaf_shows_the_place():
    group = Crash("ExceptionGroup", "two", ("/srv/app/feed/group.py:1 run",), (CRASH, CRASH))
    assert own_frame(group) == "feed/socket.py:12 read"


def test_without_own_frames_the_innermost_one_is_shown():
    assert own_frame(Crash("E", "", ("/x/site-packages/a/b.py:1 f", "/x/site-packages/a/c.py:2 g"))) == "a/c.py:2 g"
    assert own_frame(Crash("E", "")) == ""


def test_what_stands_around_a_worker_where_faults_are_allowed_is_nobodys_own():
    around = str(Path(otp.faults.__file__))
    own, theirs = "/srv/app/feed/socket.py:12 read", f"{around}:229 Faults._exposed.<locals>.exposed"
    assert own_frame(Crash("E", "", (theirs, own))) == "feed/socket.py:12 read"
    assert own_frame(Crash("E", "", (own, theirs))) == "feed/socket.py:12 read"
