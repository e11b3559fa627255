"""Any argument, anywhere: a `SpecError`, or a spec that can be run, drawn, explained and stopped."""

import contextlib
import enum
import itertools
import math
from decimal import Decimal
from fractions import Fraction

import anyio
import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from otp import open_supervisor
from otp.checks.values import LARGEST, NAME_LIMIT
from otp.cli.on_paper import draw, on_paper
from otp.core.explain import explain
from otp.dependency import Dependency, dependency
from otp.errors import OTPError, SpecError
from otp.exits import Killed, Normal, Shutdown
from otp.policy import Backoff, FailurePolicy, Fatal, GiveUp, Limited, RestartAfter, RestartNow, Rule, on
from otp.spec import (
    AutoShutdown,
    ChildSpec,
    Restart,
    Strategy,
    SupervisorSpec,
    check_needs,
    dynamic_supervisor,
    supervisor,
    worker,
)
from otp.testing import virtual_backend
from otp.watchdog import Watchdog


class Hostile:
    """Whatever it is asked, it raises."""

    def nothing(self, *_):
        raise GeneratorExit("asked")

    __repr__ = __str__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __len__ = __iter__ = nothing
    __hash__ = __int__ = __float__ = __index__ = __contains__ = __getattribute__ = __format__ = nothing


class Liar:
    __class__ = property(lambda _: ChildSpec)


class HostileStr(str):
    __slots__ = ()
    __eq__ = __ne__ = __len__ = __iter__ = __repr__ = __str__ = __format__ = isprintable = Hostile.nothing
    __hash__ = str.__hash__


class HostileFloat(float):
    __slots__ = ()
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __repr__ = __format__ = __float__ = Hostile.nothing
    __add__ = __radd__ = Hostile.nothing
    __hash__ = float.__hash__


class HostileInt(int):
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __repr__ = __format__ = __int__ = Hostile.nothing
    __hash__ = int.__hash__


class HostileTuple(tuple):
    __slots__ = ()
    __iter__ = __len__ = __eq__ = __repr__ = __getitem__ = Hostile.nothing
    __hash__ = tuple.__hash__


class NumpyLike:
    """An integer that is no `int`, as numpy's are."""

    def __int__(self):
        return 3

    __index__ = __int__

    def __float__(self):
        return 3.0

    def __eq__(self, other):
        return [True, False]

    __hash__ = None


class Count(enum.IntEnum):
    THREE = 3


class Name(str, enum.Enum):  # noqa: UP042 # its str() is not its value
    ONE = "one"


class Gentler(GiveUp):
    """An action of somebody's own."""


def raising():
    yield from ()
    raise LookupError("of a generator")


async def run(*_, task_status=None):
    if task_status is not None:
        task_status.started()
    await anyio.sleep_forever()


async def crash(*_, task_status=None):
    await anyio.sleep(0.1)  # else virtual time stands still, if any number of restarts is allowed
    raise ValueError("crash")


async def probe(*_):
    pass


NUMBERS = [
    0,
    1,
    -1,
    3,
    True,
    0.5,
    5e-324,
    1e-9,
    1e308,
    math.inf,
    -math.inf,
    math.nan,
    10**18,
    2**63,
    10**400,
    -(10**400),
]
NUMBERS += [
    10**5_000,
    HostileFloat(2.5),
    HostileInt(2),
    Count.THREE,
    NumpyLike(),
    Decimal(3),
    Fraction(1, 3),
    1j,
    2**64,
]
TEXTS = [
    "",
    "a",
    "b",
    "brutal_kill",
    "one_for_all",
    "permanent",
    "a/b",
    "*",
    " ",
    "\x1b[2J",
    "\u202e",
    "\ud800",
    "é",
    "字",
]
TEXTS += [
    "x" * NAME_LIMIT,
    "x" * 100_000,
    HostileStr("hostile"),
    Name.ONE,
    "..",
    ".",
    "-h",
    "%s",
    "{}",
    b"a",
    bytearray(b"a"),
]
OTHERS = [
    None,
    (),
    [],
    {},
    set(),
    object,
    object(),
    Hostile(),
    Liar(),
    HostileTuple(("a",)),
    [[]],
    ({},),
    [None],
    run,
    crash,
]
OTHERS += [
    print,
    lambda: None,
    Ellipsis,
    NotImplemented,
    type,
    ValueError,
    ValueError(),
    [0] * 100_000,
    {"a": Hostile()},
]
OTHERS += [Restart.TRANSIENT, Restart.TEMPORARY, *Strategy, *AutoShutdown, Normal, Killed, Shutdown, Normal()]
OTHERS += [
    GiveUp(),
    Fatal(),
    Gentler(),
    RestartNow(),
    RestartAfter(),
    RestartNow(Backoff()),
    Limited(1, 1.0),
    Backoff(),
]
OTHERS += [FailurePolicy(), FailurePolicy(on(ValueError, Fatal())), Watchdog(within=1.0), on(OSError, RestartAfter())]
OTHERS += [Rule(name="r", failures=(OSError,), action=GiveUp()), Dependency(id="d", probe=probe), ["d"], ("d", "d")]
OTHERS += [
    worker("w", run),
    supervisor("s"),
    dynamic_supervisor("y"),
    [worker("w", run)],
    [supervisor("s"), worker("v", crash)],
]
OTHERS += [[dependency("d", probe)], (Dependency(id="d", probe=probe),), (OSError, ValueError), (OSError, 5)]

MAKERS = [lambda value=value: value for value in (*NUMBERS, *TEXTS, *OTHERS)]
MAKERS += [raising, lambda: iter("ab"), itertools.count, lambda: (worker(id, run) for id in "ab")]

anything = st.integers(0, len(MAKERS) - 1).map(lambda number: MAKERS[number]())  # Hypothesis would show the values
seconds = st.floats(min_value=0.001, max_value=1e308) | st.integers(min_value=1, max_value=10**300)
ids = st.sampled_from(["a", "b", "c", "d", Name.ONE, "x" * 200, "字"])


def knob(good):
    """Mostly something that can be, else anything."""
    return st.integers(0, 15).flatmap(lambda number: anything if number == 7 else good)


backoffs = st.builds(lambda i, f, j: Backoff(i, f, i, j), seconds, st.floats(1, 1e308), st.floats(0, 1))
retries = st.sampled_from([RestartNow(), RestartAfter()]) | backoffs.map(RestartAfter) | backoffs.map(RestartNow)
actions = st.one_of(
    retries,
    st.sampled_from([GiveUp(), Fatal()]),
    st.builds(Limited, st.integers(1, LARGEST), seconds, st.sampled_from([None, GiveUp(), Fatal()]), retries),
)
rules = st.builds(on, st.sampled_from([ValueError, OSError, (KeyError, Normal), Killed]), actions)
policies = st.builds(
    lambda r, o, h: FailurePolicy(*r, otherwise=o, healthy_after=h),
    st.lists(rules, max_size=3),
    st.none() | actions,
    seconds,
)
graces = seconds | st.sampled_from([math.inf, "brutal_kill", 0])
common = {
    "restart": knob(st.sampled_from(Restart)),
    "shutdown": knob(graces),
    "significant": knob(st.just(False)),
    "policy": knob(st.none() | policies),
}
of_workers = common | {
    "ready": knob(st.booleans()),
    "start_timeout": knob(st.none() | seconds),
    "needs": knob(st.sampled_from([(), ["d"], {"d"}, ("d", "d")])),
    "watchdog": knob(st.none() | seconds | st.builds(lambda s: Watchdog(within=s, progress=lambda: 5), seconds)),
}
of_limits = {"intensity": knob(st.integers(0, LARGEST)), "period": knob(seconds)}
dependencies = st.lists(
    st.builds(lambda e, t, s: dependency("d", probe, every=e, timeout=t, stagger=s), seconds, seconds, seconds),
    max_size=1,
)
of_supervisors = of_limits | {"dependencies": knob(dependencies)}


def built(build):
    """What is built; None if that is refused in words that are short and can be printed."""
    try:
        return build()
    except SpecError as error:
        text = str(error)
        assert len(text) < 2_000
        assert text.isprintable()
        assert "expected" in text or ";" in text
        return None


RETRY, RULE = RestartAfter(), on(OSError, GiveUp())

CONSTRUCTORS = {
    "Backoff": (Backoff, ["initial", "factor", "cap", "jitter"]),
    "RestartNow": (RestartNow, ["then"]),
    "RestartAfter": (RestartAfter, ["backoff"]),
    "Limited": (lambda n=1, within=1.0, **more: Limited(n, within, **more), ["n", "within", "then", "retry"]),
    "on": (
        lambda failure=OSError, action=RETRY, **more: on(failure, action, **more),
        ["failure", "action", "name", "where", "expected", "code"],
    ),
    "Rule": (
        lambda name="r", failures=(OSError,), action=RETRY, **more: Rule(
            name=name, failures=failures, action=action, **more
        ),
        ["name", "failures", "action", "attributes", "where", "expected"],
    ),
    "FailurePolicy": (
        lambda rule=RULE, **more: FailurePolicy(rule, **more),
        ["rule", "otherwise", "healthy_after"],
    ),
    "Watchdog": (lambda within=1.0, **more: Watchdog(within=within, **more), ["within", "progress"]),
    "dependency": (
        lambda id="d", probe=probe, **more: dependency(id, probe, **more),
        ["id", "probe", "every", "timeout", "stagger"],
    ),
    "Dependency": (
        lambda id="d", probe=probe, **more: Dependency(id=id, probe=probe, **more),
        ["id", "probe", "args", "every", "timeout", "stagger"],
    ),
    "worker": (lambda id="w", run=run, **more: worker(id, run, **more), ["id", "run", *of_workers]),
    "ChildSpec": (
        lambda id="w", run=run, **more: ChildSpec(id=id, run=run, **more),
        ["id", "run", "args", *of_workers],
    ),
    "supervisor": (
        lambda id="s", **more: supervisor(id, **more),
        ["id", "children", "strategy", "auto_shutdown", *common, *of_supervisors],
    ),
    "SupervisorSpec": (
        lambda id="s", **more: SupervisorSpec(id=id, **more),
        ["id", "children", "strategy", "auto_shutdown", "dynamic", "max_children", *common, *of_supervisors],
    ),
    "dynamic_supervisor": (
        lambda id="s", **more: dynamic_supervisor(id, **more),
        ["id", "max_children", *common, *of_supervisors],
    ),
}

PLACES = [(name, argument) for name, (_, arguments) in CONSTRUCTORS.items() for argument in arguments]


@pytest.mark.parametrize(("name", "argument"), PLACES, ids=["-".join(place) for place in PLACES])
def test_any_value_in_any_place_is_refused_in_words_or_makes_a_spec(name, argument):
    """All of these values in all of these places; what they make can be drawn, explained and told to other programs."""
    construct = CONSTRUCTORS[name][0]
    for make in MAKERS:
        made = built(lambda make=make: construct(**{argument: make()}))
        if made is not None:
            tree = built(lambda made=made: in_tree(made))
            if tree is not None:
                look_at(tree)


def in_tree(made):  # noqa: PLR0911 # one arm a kind
    """A tree with what was made in it."""
    match made:
        case Backoff():
            return in_tree(RestartAfter(made))
        case RestartNow() | RestartAfter() | Limited() | GiveUp() | Fatal():
            return in_tree(FailurePolicy(otherwise=made))
        case Rule():
            return in_tree(FailurePolicy(made))
        case FailurePolicy():
            return in_tree(worker("w", crash, policy=made))
        case Watchdog():
            return in_tree(worker("w", run, watchdog=made))
        case Dependency():
            return supervisor("root", dependencies=[made], children=[worker("w", crash, needs=[made.id])])
        case _:
            auto = AutoShutdown.ALL_SIGNIFICANT if made.significant else AutoShutdown.NEVER
            return supervisor("root", children=[made], auto_shutdown=auto, dependencies=[dependency("d", probe)])


def paths(spec, path):
    for child in spec.children:
        yield f"{path}/{child.id}"
        if isinstance(child, SupervisorSpec):
            yield from paths(child, f"{path}/{child.id}")


def look_at(tree):
    check = built(lambda: check_needs(tree) or True)
    assert draw(tree).encode(errors="surrogatepass")
    assert msgspec.json.encode(on_paper(tree).document)
    for path in paths(tree, tree.id):
        explained = explain(tree, path)
        assert str(explained)
        assert msgspec.json.encode(explained)
    return check


async def run_and_stop(tree):
    """It is opened, seen, told of, and stopped; or it ends as a tree does."""
    told = []
    with anyio.move_on_after(0.5):
        async with open_supervisor(tree, hooks=[told.append]) as root:
            list(root.walk())
            root.count_children()
            root.running_spec()
            msgspec.json.encode([root.budget(), *root.which_children()])
            await anyio.sleep(0.01)
    msgspec.json.encode(told)


of_children = {
    "worker": of_workers,
    "dynamic": common | of_supervisors | {"max_children": knob(st.none() | st.integers(1, LARGEST))},
    "supervisor": common
    | of_supervisors
    | {"strategy": knob(st.sampled_from(Strategy)), "auto_shutdown": knob(st.sampled_from(AutoShutdown))},
}


@st.composite
def specs(draw, kinds=("worker", "worker", "dynamic", "supervisor"), levels=3):
    """One of these kinds, with any values for some of its knobs; None if they are refused."""
    kind, id = draw(st.sampled_from(kinds)), draw(knob(ids))
    more = {name: draw(values) for name, values in of_children[kind].items() if draw(st.integers(0, 3)) == 0}
    if kind == "worker":
        which = draw(st.sampled_from([run, run, crash]))
        return built(lambda: worker(id, which, **more))
    if kind == "dynamic":
        return built(lambda: dynamic_supervisor(id, **more))
    below = ("worker", "worker", "dynamic", "supervisor") if levels else ("worker", "dynamic")
    children = [draw(specs(below, levels - 1)) for _ in range(draw(st.integers(0, 3)))]
    return built(lambda: supervisor(id, children=[child for child in children if child is not None], **more))


@pytest.mark.parametrize("loop", ["asyncio", "uvloop", "trio"])
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=specs(("supervisor",)))
def test_a_tree_that_is_built_is_run_drawn_explained_and_stopped(loop, tree):
    if tree is None or not look_at(tree):
        return
    backend, options = ("asyncio", {"use_uvloop": True}) if loop == "uvloop" else virtual_backend(loop)
    with contextlib.suppress(OTPError):  # a child crashes, and no restart is allowed
        anyio.run(run_and_stop, tree, backend=backend, backend_options=options)


@example(10**400)
@example(5)
@given(st.integers())
def test_seconds_are_kept_as_floats(value):
    spec = built(lambda: worker("w", run, shutdown=value))
    assert spec is None or type(spec.shutdown) is float
