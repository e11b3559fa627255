"""Whatever foreign code does where it is called: the tree restarts a child, tells an event, and stops, as before."""

import anyio
import pytest

from otp.events import SupervisorExited
from otp.exits import Shutdown
from tests.runtime.foreign_matrix import CELLS, Cell


@pytest.mark.parametrize(("place", "behaviour"), CELLS, ids=lambda part: getattr(part, "name", "") or part.__name__)
async def test_the_tree_does_not_mind(place, behaviour, recwarn):
    with anyio.fail_after(20):
        if behaviour.ends == "interrupt":
            with pytest.raises(SystemExit) as raised:
                await live(place, behaviour)
            assert raised.value.code == 3
        else:
            await live(place, behaviour)
    dropped = (place.__name__, behaviour.name) == ("log_sink", "returns a coroutine")  # by loguru, who calls its sinks
    assert bool(recwarn.list) is dropped, [str(warning.message) for warning in recwarn]


async def live(place, behaviour):
    async def rest():
        assert not behaviour.ends, "the tree was to end"
        await cell.shows_life()

    raised = None
    async with anyio.create_task_group() as beside:
        cell = Cell(behaviour, beside)
        try:
            await place(cell, rest)
        except (SystemExit, BaseExceptionGroup) as error:
            raised = error
        beside.cancel_scope.cancel()
    assert cell.calls > 0
    assert [type(event.exit) for event in cell.events.of(SupervisorExited, "root")] == [Shutdown]
    assert (cell.a.alive, cell.b.alive, cell.w.alive) == (0, 0, 0)
    if raised is not None:
        raise raised
