"""The family of small trees that are walked through in every order: data, for the sweep and for its figures."""

from collections.abc import Iterator
from typing import NamedTuple

from otp import policy as actions
from otp.core.inputs import DeleteChild, Pause, Reset, RestartChild, RestartNow, Resume, StartChild, TerminateChild
from otp.policy import Backoff, FailurePolicy, Fatal, GiveUp, Limited, RestartAfter, on
from otp.spec import AutoShutdown, Restart, Strategy, SupervisorSpec, dynamic_supervisor, supervisor
from otp.testing.happenings import (
    Asks,
    Back,
    Crashes,
    Down,
    Fails,
    Hangs,
    Happening,
    Ignores,
    Late,
    Passes,
    Returns,
    Stops,
)
from tests.simulation import stand_in


class Tree(NamedTuple):
    """A tree, and what may happen to it."""

    name: str
    spec: SupervisorSpec
    happenings: list[Happening]


def terminate(path):
    return _about(TerminateChild, path)


def restart_child(path):
    return _about(RestartChild, path)


def delete(path):
    return _about(DeleteChild, path)


def restart(path):
    return _about(RestartNow, path)


def pause(path):
    return _about(Pause, path)


def resume(path):
    return _about(Resume, path)


def reset(path):
    return _about(Reset, path)


def start(spec):
    return Asks(StartChild(spec, None))


def _about(request, path):
    above, _, id = path.rpartition("/")
    return Asks(request(id, None), above)


def refuses(child):
    """Not gone in its time, nor after it was killed."""
    return [Late(child), Late(child)]


A, B, C = (stand_in(id, shutdown=1.0) for id in "abc")
PASSING = stand_in("b", restart=Restart.TEMPORARY)
SIGNIFICANT = [
    stand_in("a", restart=Restart.TRANSIENT, significant=True),
    stand_in("b", restart=Restart.TEMPORARY, significant=True),
]
DELAY = Backoff(1.0, factor=1.0, jitter=0.0)
POLICIES = {
    "at once": FailurePolicy(),
    "after a delay": FailurePolicy(otherwise=RestartAfter(DELAY)),
    "at once, then after a delay, expected": FailurePolicy(
        on(RuntimeError, actions.RestartNow(then=DELAY), expected=True)
    ),
    "within a limit, then parked": FailurePolicy(otherwise=Limited(1, within=61.0, then=GiveUp())),
    "parked": FailurePolicy(otherwise=GiveUp()),
    "fatal": FailurePolicy(otherwise=Fatal()),
}
SLOW = [stand_in(id, start_timeout=2.0) for id in "ab"]


def static(strategy) -> Iterator[Tree]:
    """Three children, whatever the strategy."""

    def of(*children, intensity=2, auto=AutoShutdown.NEVER):
        return supervisor("root", strategy=strategy, children=children, intensity=intensity, auto_shutdown=auto)

    yield Tree(
        "three crashes, two of them within the period",
        of(A, B, C, intensity=1),
        [Crashes("a"), Crashes("b"), Crashes("c"), Passes(6.0), Stops()],
    )
    yield Tree(
        "a failed restart, its child stopped, started and forgotten by request",
        of(A, B, C, intensity=3),
        [Crashes("b"), Fails("b"), Fails("c"), terminate("b"), restart_child("b"), delete("b"), Stops()],
    )
    yield Tree(
        "two requests to restart, a crash, a failed start and a terminate",
        of(A, B, C),
        [restart("b"), restart("b"), Crashes("c"), Fails("a"), terminate("b"), Stops()],
    )
    yield Tree(
        "a terminate and a restart_child wait for a child that a group restart takes along",
        of(A, B, C),
        [terminate("c"), restart_child("c"), restart("b"), Crashes("a")],
    )
    yield Tree(
        "a terminate, a restart_child and a restart while the tree starts",
        of(A, B, C),
        [terminate("a"), restart_child("a"), Fails("a"), restart("b"), restart("b"), Stops()],
    )
    yield Tree(
        "a child refuses to stop, and is wanted again, or down",
        of(A, B, C),
        [*refuses("b"), Crashes("a"), restart("b"), terminate("b"), Stops()],
    )
    yield Tree(
        "transient, temporary, brutally killed",
        of(stand_in("a", restart=Restart.TRANSIENT), PASSING, stand_in("c", shutdown="brutal_kill")),
        [Returns("a"), Crashes("b"), Crashes("c"), restart_child("a"), Ignores("c"), Late("c"), Stops()],
    )
    yield Tree(
        "starts that take too long",
        of(*SLOW, stand_in("c", ready=False)),
        [Late("a"), *refuses("b"), Crashes("c"), terminate("b"), Stops()],
    )
    yield Tree(
        "a child hangs, and refuses to stop, and is wanted again, or down",
        of(A, B),
        [Hangs("b"), *refuses("b"), Crashes("a"), restart("b"), terminate("b"), Stops()],
    )
    yield Tree(
        "children hang while the tree starts, or a group restarts",
        of(A, PASSING, C),
        [Hangs("a"), Hangs("b"), Hangs("c"), Crashes("a"), Fails("c"), delete("a"), Stops()],
    )
    for auto in (AutoShutdown.ANY_SIGNIFICANT, AutoShutdown.ALL_SIGNIFICANT):
        yield Tree(
            f"two significant children, {auto}",
            of(*SIGNIFICANT, C, auto=auto),
            [Returns("a"), Crashes("a"), Crashes("b"), Crashes("c"), terminate("a"), Ignores("a"), restart("a")],
        )
    yield Tree(
        "a child is added, also as a temporary one, and crashes, and is forgotten",
        of(A, B),
        [
            *(start(stand_in("x", restart=restart)) for restart in (Restart.TEMPORARY, Restart.PERMANENT)),
            *(Crashes("x"), Crashes("a"), Fails("x"), terminate("x"), delete("x"), Stops()),
        ],
    )
    yield Tree(
        "a child is paused and resumed while it and a sibling crash, fail to start, and are restarted",
        of(A, B, C, intensity=1),
        [pause("b"), Crashes("b"), Crashes("a"), Fails("b"), restart("b"), resume("b")],
    )
    yield Tree(
        "all are paused and resumed, twice one, while the tree starts",
        of(A, B, intensity=0),
        [pause(""), Fails("a"), Crashes("b"), pause("b"), terminate("b"), resume(""), Stops()],
    )
    yield Tree(
        "a reset among three crashes, two of them within the period",
        of(A, B, intensity=1),
        [Crashes("a"), Crashes("b"), Crashes("a"), reset(""), Passes(6.0), Fails("a")],
    )
    yield Tree(
        "a stop, and then a kill",
        of(A, B, C),
        [Late("c"), *refuses("b"), Crashes("b"), restart("b"), Stops(), Stops(brutal=True)],
    )


def judged(strategy) -> Iterator[Tree]:
    """A child with a policy, or with a need, between two without."""

    def of(b, intensity=2):
        return supervisor("root", strategy=strategy, children=[A, b, C], intensity=intensity)

    for name, policy in POLICIES.items():
        b = stand_in("b", shutdown=1.0, policy=policy)
        yield Tree(
            f"{name}: its start fails in a restart of its group, twice",
            of(b),
            [Crashes("a"), Fails("b"), Fails("b"), Late("b"), Crashes("c"), terminate("b")],
        )
        yield Tree(
            f"{name}: it is restarted by request, fails, and is paused and resumed",
            of(b, intensity=1),
            [restart("b"), Fails("b"), Fails("b"), pause("b"), resume("b"), Crashes("a"), Late("b")],
        )
        yield Tree(
            f"{name}: a restart_child that fails, and a restart of its group by request",
            of(b, intensity=1),
            [Crashes("b"), Fails("b"), Late("b"), restart_child("b"), restart("a"), Fails("c")],
        )
    needy = stand_in("b", shutdown=1.0, needs=("redis",))
    yield Tree(
        "what it needs goes down and comes back while its start fails in a restart of its group",
        of(needy),
        [Crashes("a"), Fails("b"), Fails("b"), Down("redis"), Back("redis"), Crashes("c")],
    )
    yield Tree(
        "what it needs is down while it is restarted by request, paused, and terminated",
        of(needy, intensity=1),
        [Down("redis"), restart("b"), Fails("b"), Crashes("b"), Back("redis"), pause("b"), resume("b"), terminate("b")],
    )
    needy = stand_in("b", needs=("redis",), policy=POLICIES["after a delay"])
    yield Tree(
        "what it needs is down, or its policy has it wait, in the first start too",
        of(needy),
        [Down("redis"), Fails("b"), Fails("b"), Late("b"), Back("redis"), restart("b"), restart("c"), Stops()],
    )


def waiting_below(strategy) -> Iterator[Tree]:
    """A worker, a supervisor of one that waits when it fails, and a worker behind it."""
    for name, leaf in (
        ("a leaf that is delayed", stand_in("x", policy=POLICIES["after a delay"])),
        ("a leaf that is parked", stand_in("x", policy=POLICIES["parked"])),
        ("a leaf that is held", stand_in("x", needs=("redis",))),
    ):
        below = supervisor("sub", intensity=1, children=[leaf, stand_in("y")])
        spec = supervisor("root", strategy=strategy, intensity=2, children=[stand_in("a"), below, stand_in("c")])
        yield Tree(
            f"{name}: its start fails while its supervisor is restarted, with its group, or by request",
            spec,
            [Crashes("a"), restart("sub"), Down("redis"), Fails("sub/x"), Fails("sub/x"), Late("sub/x"), Back("redis")],
        )
        yield Tree(
            f"{name}: it is paused with its supervisor, which gives up",
            spec,
            [pause("sub"), Crashes("a"), Fails("sub/x"), Crashes("sub/y"), Crashes("sub/y"), resume("sub")],
        )


def dynamic() -> Iterator[Tree]:
    """Children that come and go."""
    adds = [start(stand_in("x", restart=Restart.TEMPORARY)), start(stand_in("y")), start(stand_in("z"))]
    yield Tree(
        "children of all kinds come and go, two at the most",
        dynamic_supervisor("root", intensity=1, max_children=2),
        [*adds, Crashes("x"), Crashes("y"), Fails("y"), terminate("y"), restart("y"), Stops()],
    )
    yield Tree(
        "one refuses to stop while another is gone at once",
        dynamic_supervisor("root", intensity=1),
        [*adds[1:], *refuses("y"), Crashes("y"), Crashes("z"), Ignores("z"), terminate("y"), Stops()],
    )


def nested(strategy, kind) -> Iterator[Tree]:
    """A worker, and behind it a supervisor of two."""
    below = supervisor("sub", intensity=1, restart=kind, children=[stand_in("x"), stand_in("y", shutdown=1.0)])
    spec = supervisor("root", strategy=strategy, intensity=2, children=[stand_in("a"), below])
    yield Tree(
        f"a {kind} supervisor below: it gives up, is taken along, is stopped",
        spec,
        [Crashes("a"), Crashes("sub/x"), Crashes("sub/y"), Fails("sub/x"), terminate("sub"), Stops()],
    )
    yield Tree(
        f"a {kind} supervisor below: it is paused, and gives up",
        spec,
        [pause("sub"), Crashes("sub/x"), Fails("sub/x"), Crashes("a"), resume("sub"), Stops()],
    )
    yield Tree(
        f"a {kind} supervisor below: one of its children refuses to stop",
        spec,
        [Crashes("a"), *refuses("sub/y"), restart("sub"), terminate("sub/x"), Stops()],
    )


def _named(prefix, trees):
    return [tree._replace(name=f"{prefix}: {tree.name}") for tree in trees]


KINDS = (Restart.TRANSIENT, Restart.TEMPORARY)
ALONE, ALL, REST = Strategy.ONE_FOR_ONE, Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE
FAMILY: list[Tree] = [
    *_named(ALL, static(ALL)),
    *_named(REST, judged(REST)),
    *_named(ALL, waiting_below(ALL)),
    *_named("dynamic", dynamic()),
    *_named(REST, nested(REST, Restart.PERMANENT)),
    *(tree for kind in KINDS for tree in _named(ALL, nested(ALL, kind))),
]
MORE: list[Tree] = [
    *(tree for strategy in (ALONE, REST) for tree in _named(strategy, static(strategy))),
    *(tree for strategy in (ALONE, ALL) for tree in _named(strategy, judged(strategy))),
    *(tree for strategy in (ALONE, REST) for tree in _named(strategy, waiting_below(strategy))),
    *(tree for strategy in (ALONE, ALL) for tree in _named(strategy, nested(strategy, Restart.PERMANENT))),
]
"""The same under the other strategies: walked through where all tests are at their full size."""
