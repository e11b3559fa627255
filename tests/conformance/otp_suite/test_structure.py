"""supervisor_SUITE, the structure cases: a child that cannot be had, and a tree of three levels."""

import anyio
import pytest

from otp import ChildRefused, Restart, Strategy, open_supervisor, supervisor
from otp.core.roster import KILL_PATIENCE
from otp.testing import Probe, Refuse
from tests.conformance.otp_suite.stage import counts, end, states, turns


@pytest.mark.virtual_time
async def test_child_unlink_refused_d7():
    """A child cannot detach itself from its supervisor here, but it can be as deaf as one that did."""
    naughty, nice = Probe("naughty", Refuse(60.0)), Probe("nice")
    children = [naughty.spec(shutdown=1.0), nice.spec()]
    async with open_supervisor(supervisor("root", children=children)) as root:
        began = anyio.current_time()
        with pytest.raises(ChildRefused, match="refused to stop: root/naughty"):
            await root.terminate_child("naughty")
        assert anyio.current_time() == pytest.approx(began + 1.0 + KILL_PATIENCE)
        assert states(root) == {"naughty": "refused", "nice": "running"}
        assert await root.restart("nice") == 2
        await anyio.sleep(60.0)
        assert states(root) == {"naughty": "stopped", "nice": "running"}


def three_levels(a, b):
    fixed = supervisor("fixed", restart=Restart.TRANSIENT, intensity=1, children=[a.spec(), b.spec()])
    empty = supervisor("empty", intensity=1)
    return supervisor("root", strategy=Strategy.ONE_FOR_ALL, intensity=4, children=[fixed, empty])


async def give_up(child):
    """Make the supervisor of `child` give up: it allows one restart."""
    for _ in range(2):
        end(child)
        await turns()


async def test_tree():
    a, b, c, d = (Probe(name) for name in "abcd")
    async with open_supervisor(three_levels(a, b)) as root:
        assert (counts(root), counts(root, "fixed"), counts(root, "empty")) == (
            (2, 2, 2, 0),
            (2, 2, 0, 2),
            (0, 0, 0, 0),
        )
        await root.start_child(c.spec(), under="empty")
        await root.start_child(d.spec(), under="empty")
        assert counts(root, "empty") == (2, 2, 0, 2)

        end(d)
        await turns()
        assert [child.starts for child in (a, b, c, d)] == [1, 1, 1, 2]

        await give_up(a)
        assert [child.starts for child in (a, b, c, d)] == [3, 2, 1, 2]
        assert [child.alive for child in (a, b, c, d)] == [1, 1, 0, 0]
        assert (counts(root), counts(root, "fixed"), counts(root, "empty")) == (
            (2, 2, 2, 0),
            (2, 2, 0, 2),
            (0, 0, 0, 0),
        )


async def test_tree_terminated_supervisor():
    a, b, c = (Probe(name) for name in "abc")
    async with open_supervisor(three_levels(a, b)) as root:
        await root.terminate_child("fixed")
        assert counts(root) == (2, 1, 2, 0)
        assert (a.alive, b.alive) == (0, 0)

        await root.start_child(c.spec(), under="empty")
        await give_up(c)
        assert counts(root) == (2, 2, 2, 0)
        assert counts(root, "fixed") == (2, 2, 0, 2)
        assert [child.starts for child in (a, b, c)] == [2, 2, 2]
        assert [child.alive for child in (a, b, c)] == [1, 1, 0]
