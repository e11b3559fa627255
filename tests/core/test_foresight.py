"""What could follow a restart by request is what does follow it."""

import pytest

from otp.core.foresight import after_a_failed_start, could_follow
from otp.errors import NotFound
from otp.policy import Backoff, FailurePolicy, Fatal, GiveUp, Limited, RestartAfter, RestartNow, on
from otp.spec import Strategy, supervisor
from tests.simulation import Simulation, stand_in

DELAY = Backoff(1.5, jitter=0.0)
ACTIONS = [
    RestartNow(),
    RestartNow(then=DELAY),
    RestartAfter(DELAY),
    Limited(1, 60.0),
    Limited(1, 60.0, then=Fatal()),
    Limited(1, 60.0, retry=RestartAfter(DELAY)),
    Limited(1, 60.0, retry=RestartNow(then=DELAY)),
    GiveUp(),
    Fatal(),
]
MIXED = FailurePolicy(
    on(OSError, RestartAfter(DELAY), name="blip"),
    on(TimeoutError, RestartNow(then=DELAY), name="slow"),
    on(KeyError, Fatal(), name="key"),
)


@pytest.mark.parametrize("action", ACTIONS, ids=repr)
def test_the_delay_that_is_foreseen_is_the_one_that_is_taken(action):
    child = stand_in("a", policy=FailurePolicy(otherwise=action))
    sim = Simulation(supervisor("root", children=[child])).begin()
    sim.failing.add("a")
    sim.restart("a")
    seconds = after_a_failed_start(action)
    assert sim.states == {"a": "failed" if seconds is None else "backoff"}
    assert sim.child("a").retry_at == seconds


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "it stays failed until somebody restarts it"),
        ({"policy": FailurePolicy(otherwise=RestartAfter(DELAY))}, "it is tried again after 1.5 s (unclassified)"),
        (
            {"policy": MIXED},
            "it is tried again after 1.5 s (blip, slow); it stays failed until somebody restarts it (key, unclassified)",
        ),
        (
            {"needs": ("redis", "db")},
            "it is held while redis or db is down; else it stays failed until somebody restarts it",
        ),
    ],
)
def test_what_follows_a_failed_start_is_said_by_its_policy_and_needs(options, sentence):
    tree = supervisor("root", children=[stand_in("a", **options)])
    assert could_follow(tree, "root/a")[0] == f"if its start fails: {sentence}"


@pytest.mark.parametrize(
    ("strategy", "path", "ends"),
    [
        (Strategy.ONE_FOR_ONE, "shop/sub/a", False),
        (Strategy.REST_FOR_ONE, "shop/sub/a", True),
        (Strategy.REST_FOR_ONE, "shop/sub/b", False),
        (Strategy.ONE_FOR_ALL, "shop/sub/b", True),
        (Strategy.ONE_FOR_ALL, "shop/sub", False),
    ],
)
def test_that_a_child_of_a_group_which_refuses_to_stop_may_end_the_process_is_said(strategy, path, ends):
    tree = supervisor("shop", children=[supervisor("sub", strategy=strategy, children=map(stand_in, "ab"))])
    said = could_follow(tree, path)[1]
    assert said == (
        "if a child refuses to stop: sub gives up, and shop and the process may end with it"
        if ends
        else "if it refuses to stop: it goes on as it is, and nothing is started beside it"
    )


@pytest.mark.parametrize("path", ["", "shop", "shop/x", "other/a", "shop/a/b"])
def test_a_child_that_is_not_there_is_not_found(path):
    with pytest.raises(NotFound):
        could_follow(supervisor("shop", children=[stand_in("a")]), path)


def test_a_delay_is_foreseen_without_its_jitter():
    assert after_a_failed_start(RestartAfter(Backoff(1.5, jitter=0.5))) == 1.5
