"""Which paths are under maintenance, by what the events of a tree tell."""

import pytest

from otp.events import MaintenanceEnded, MaintenanceStarted
from otp.observe.maintained import Maintained


def maintained(*said):
    """`+path`: it starts there, `-path`: it ends there."""
    seen = Maintained()
    for at, one in enumerate(said):
        kind = MaintenanceStarted if one[0] == "+" else MaintenanceEnded
        seen.change(kind(path=one[1:], at=float(at)))
    return seen


@pytest.mark.parametrize(
    ("said", "under", "not_under"),
    [
        ([], [], ["root", "root/a"]),
        (["+root/a"], ["root/a", "root/a/x"], ["root", "root/b", "root/ab"]),
        (["+root"], ["root", "root/a", "root/a/x/y"], ["other"]),
        (["+root/a", "-root/a"], [], ["root/a", "root/a/x"]),
        (["+root", "-root/a"], ["root", "root/b"], ["root/a", "root/a/x"]),
        (["+root", "-root/a", "+root/a/x"], ["root", "root/a/x"], ["root/a", "root/a/y"]),
        (["+root", "-root/a", "+root"], ["root", "root/a"], []),
        (["+root/a", "-root"], [], ["root", "root/a"]),
        (["-root/a", "+root/a/x", "+root/a"], ["root/a", "root/a/x", "root/a/y"], ["root"]),
    ],
)
def test_the_last_that_was_said_of_a_path_or_of_one_above_it_counts(said, under, not_under):
    seen = maintained(*said)
    assert [path in seen for path in under] == [True] * len(under)
    assert [path in seen for path in not_under] == [False] * len(not_under)


def test_nothing_is_kept_of_maintenance_that_is_over():
    seen = maintained("+root/a", "+root/b", "-root/a", "-root/b", "+root", "-root/a", "-root")
    assert seen._said == {}
