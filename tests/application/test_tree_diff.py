"""How trees differ from one another, as an operator reads it."""

import functools

import anyio
import pytest

from otp import FailurePolicy, Restart, Strategy, dynamic_supervisor, supervisor, worker
from otp.application.tree_diff import changes
from otp.policy import GiveUp, on


def w(id, **options):
    return worker(id, functools.partial(anyio.sleep, 1.0), **options)


def tree(*children, **options):
    return supervisor("root", children=[supervisor("sub", children=children, **options)])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (tree(w("a")), tree(w("a")), []),
        (tree(w("a")), tree(w("a", policy=FailurePolicy(on(OSError, GiveUp())))), []),
        (tree(w("a")), tree(w("a"), w("b")), ["root/sub/b is new"]),
        (tree(w("a"), w("b")), tree(w("b")), ["root/sub/a is gone"]),
        (tree(w("a"), w("b"), w("c")), tree(w("b"), w("a"), w("d")), None),
        (tree(w("a")), tree(supervisor("a")), ["root/sub/a is a supervisor"]),
        (tree(supervisor("a")), tree(w("a")), ["root/sub/a is a worker"]),
        (
            tree(),
            tree(strategy=Strategy.ONE_FOR_ALL, period=9.0),
            ["root/sub has strategy=one_for_all", "root/sub has period=9.0"],
        ),
        (tree(w("a")), tree(w("a", restart=Restart.TRANSIENT)), ["root/sub/a has restart=transient"]),
        (
            tree(dynamic_supervisor("d")),
            tree(dynamic_supervisor("d", max_children=2)),
            ["root/sub/d has max_children=2"],
        ),
        (supervisor("old"), supervisor("new"), ["old is called new"]),
    ],
)
def test_what_a_reader_of_both_would_see_is_told_and_nothing_else(old, new, told):
    order = ["root/sub/c is gone", "root/sub/d is new", "root/sub starts its children in another order"]
    assert list(changes(old, new)) == (order if told is None else told)
