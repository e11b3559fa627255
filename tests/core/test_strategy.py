"""Which ends want a restart, and whom a restart takes along: the tables of S16 and S21-S23."""

import pytest

from otp.core.child import Child
from otp.core.paths import is_within, join, parts
from otp.core.strategy import taken_along, wants_restart
from otp.exits import Crashed, Killed, Normal, Refused, Shutdown
from otp.spec import Restart, Strategy
from tests.simulation import stand_in

NORMAL = (Normal(), Shutdown(), Shutdown("auto_shutdown"))
ABNORMAL = (Crashed(ValueError("no")), Killed(), Refused(("root/a",)))


@pytest.mark.parametrize("exit", NORMAL + ABNORMAL, ids=str)
def test_which_ends_want_a_restart_s16(exit):
    assert exit.abnormal == (exit in ABNORMAL)
    assert wants_restart(Restart.PERMANENT, exit)
    assert wants_restart(Restart.TRANSIENT, exit) == exit.abnormal
    assert not wants_restart(Restart.TEMPORARY, exit)


@pytest.mark.parametrize(
    ("strategy", "failed", "group"),
    [
        (Strategy.ONE_FOR_ONE, "a", "a"),
        (Strategy.ONE_FOR_ONE, "c", "c"),
        (Strategy.ONE_FOR_ALL, "a", "abcd"),
        (Strategy.ONE_FOR_ALL, "d", "abcd"),
        (Strategy.REST_FOR_ONE, "a", "abcd"),
        (Strategy.REST_FOR_ONE, "c", "cd"),
        (Strategy.REST_FOR_ONE, "d", "d"),
    ],
)
def test_whom_a_restart_takes_along_in_start_order(strategy, failed, group):
    children = {id: Child(stand_in(id), f"root/{id}") for id in "abcd"}
    assert [child.spec.id for child in taken_along(strategy, children.values(), children[failed])] == list(group)


def test_a_path_is_the_ids_from_the_root_down():
    assert join("", "root") == "root"
    assert join("root", "a") == "root/a"
    assert parts("root/a/b") == ("root", "a", "b")
    assert parts("/root//a/") == ("root", "a")
    assert parts("") == ()


def test_a_path_is_within_itself_and_those_above_it():
    assert is_within("root/a", "root/a")
    assert is_within("root/a/b", "root/a")
    assert not is_within("root/ab", "root/a")
    assert not is_within("root", "root/a")
