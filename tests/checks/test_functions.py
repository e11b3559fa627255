"""Functions that can never work are refused when they are handed over, with what to write instead."""

from functools import partial, wraps

import pytest

from otp import SpecError, Watchdog, dependency, open_supervisor, run, supervisor
from otp.application.entry import serve
from otp.foreign.guard import CallFailed, Role, call
from otp.policy import GiveUp, on


async def awaited(*_):
    pass


async def yielding(*_):
    yield


def generator(*_):
    yield


def without():
    pass


def one(_):
    pass


def two(_, __):
    pass


class Async:
    async def __call__(self, *_):
        pass


class Odd:
    """A callable that answers in odd ways when it is asked what it takes."""

    @property
    def __signature__(self):
        raise GeneratorExit

    def __call__(self, *_):
        pass


class Client:
    def ping(self):
        pass

    async def answers(self):
        pass


@wraps(awaited)
def around(*args):
    return awaited(*args)


def says_so() -> "Awaitable[None]":  # noqa: F821
    return awaited()


async def hooked(hook):
    async with open_supervisor(supervisor("root"), hooks=[hook]):
        pass


async def attached(hook):
    async with open_supervisor(supervisor("root")) as root:
        root.attach(hook)


async def opened(function):
    await serve(supervisor("root"), opened=function, control=False, loop_watch=None)


def where(function):
    on(ValueError, GiveUp(), where=function)


def progress(function):
    Watchdog(within=1.0, progress=function)


def probe(function, *args):
    dependency("redis", function, *args)


PLAIN = (hooked, attached, opened, where, progress)


async def hand_over(place, function):
    """Hand it over; a place that begins something does no harm."""
    said = place(function)
    if said is not None:
        await said


@pytest.mark.parametrize("place", PLAIN)
@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (awaited, "the async function"),
        (partial(partial(awaited, 1), 2), "the async function"),
        (Client().answers, "the async function"),
        (Async(), "the async function"),
        (yielding, "the async generator function"),
        (generator, "the generator function"),
        (7, "got 7"),
        (None, "got None"),
        (two, "two"),
    ],
    ids=str,
)
async def test_what_is_no_plain_function_is_refused(place, function, kind):
    if function is None and place in (opened, where, progress):
        return  # there is none then
    with pytest.raises(SpecError, match=kind) as refused:
        await hand_over(place, function)
    assert "expected a plain function" in str(refused.value)
    assert "; write " in str(refused.value)


@pytest.mark.parametrize("place", [hooked, attached, opened, where])
async def test_a_function_that_does_not_take_the_argument_is_refused(place):
    with pytest.raises(SpecError, match=r"of 1 argument \(\w+\), got .*without\(\); write"):
        await hand_over(place, without)


async def test_a_progress_that_takes_an_argument_is_refused():
    with pytest.raises(SpecError, match=r"without arguments, got .*one\(_\); write progress=lambda"):
        progress(one)


@pytest.mark.parametrize("place", [hooked, attached, where])
@pytest.mark.parametrize("function", [one, partial(two, 1), print, Odd(), [].append, lambda *_: None], ids=str)
async def test_whatever_can_be_called_with_it_is_fine(place, function):
    await hand_over(place, function)


@pytest.mark.parametrize("function", [without, [].__len__, lambda: 1, Odd(), dict], ids=str)
def test_whatever_can_be_called_with_nothing_may_tell_progress(function):
    progress(function)


@pytest.mark.parametrize(
    ("function", "args", "said"),
    [
        (without, (), "expected an async function without arguments, got the plain function"),
        (Client().ping, (), "got the plain function tests.checks.test_functions.Client.ping"),
        (partial(one, 1), (), "got the plain function"),
        (yielding, (), "got the async generator function"),
        (generator, (), "got the generator function"),
        (7, (), "got 7"),
        (Client.answers, (), r"without arguments, got .*Client.answers\(self\)"),
        (Client().answers, ("host", 6379), r"of 2 arguments \(argument 1, argument 2\), got .*Client.answers\(\)"),
    ],
    ids=str,
)
def test_what_cannot_probe_is_refused(function, args, said):
    with pytest.raises(SpecError, match=said) as refused:
        probe(function, *args)
    assert "probe of dependency 'redis': " in str(refused.value)
    assert "; write async def probe(" in str(refused.value)


@pytest.mark.parametrize(
    "function", [awaited, partial(awaited, 1), Async(), Client().answers, around, says_so, lambda: awaited(1)], ids=str
)
def test_whatever_may_give_an_awaitable_may_probe(function):
    probe(function)


@pytest.mark.parametrize("function", [one, without, 7, yielding], ids=str)
def test_what_cannot_run_beside_a_tree_is_refused(function):
    with pytest.raises(SpecError, match="beside=: expected an async function of 1 argument"):
        run(supervisor("root"), beside=[function])


def test_a_hook_is_refused_before_anything_runs():
    with pytest.raises(SpecError, match="event hook: expected a plain function of 1 argument"):
        run(supervisor("root"), hooks=[awaited])


def test_what_is_shown_of_a_value_never_raises():
    class Unspeakable:
        def __repr__(self):
            raise GeneratorExit

    with pytest.raises(SpecError, match=r"got .*Unspeakable.*; write"):
        where(Unspeakable())


class Handle:
    """As anyio's of a task, and asyncio's task itself: to be awaited, if somebody likes to."""

    def __await__(self):
        yield


@pytest.mark.parametrize(("role", "fails"), [(Role.OPENED, False), (Role.HOOK, False), (Role.WHERE, True)])
def test_what_a_function_has_started_it_may_return_where_nobody_looks_at_it(role, fails):
    assert (type(call(role, "", Handle)) is CallFailed) == fails
