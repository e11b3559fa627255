"""Each word with which a server says that it cannot do it now, to each service: held, nothing lost, nothing doubled."""

import itertools

import anyio
import pytest

from otp.events import DependencyDown
from services.shared.redis_refusals import NOT_NOW
from tests.services.not_now.rigs import RIGS
from tests.services.not_now.troubles import TROUBLES
from tests.sizes import WHOLE

SOME = list(zip(itertools.cycle(RIGS), TROUBLES, strict=False))
CELLS = list(itertools.product(RIGS, TROUBLES)) if WHOLE else SOME


def test_every_word_has_its_trouble():
    assert frozenset(TROUBLES) == NOT_NOW
    assert {service for service, _ in SOME} == set(RIGS)
    assert {code for _, code in SOME} == NOT_NOW


@pytest.mark.parametrize("cell", CELLS, ids="-".join)
async def test_a_server_that_says_not_now_holds_the_workers_and_nothing_is_lost_or_doubled(
    serving, bus, between, until, cell
):
    service, code = cell
    async with serving(service) as rig:
        await anyio.sleep(0.1)
        rig.work()
        with TROUBLES[code].on(bus, between):
            await rig.is_held()
            await anyio.sleep(0.3)
            spent = rig.restarts()
            await anyio.sleep(0.3)
            assert rig.restarts() == spent, "it is held, not restarted against the server"
        await until(rig.is_up, 10)
        await rig.is_done()
    assert code in rig.events.of(DependencyDown)[0].crash.message
