"""A proxy that answers wrongly for a while: once that is over the workers are back, long before their watchdogs bark."""

import itertools

import anyio
import pytest

from services.shared import redis_clients
from tests.services.not_now.rigs import RIGS
from tests.sizes import WHOLE


def garbage(between):
    async def answer(words, hand_on):
        await hand_on()
        return b"\x00\xffHTTP/1.1 502 Bad Gateway\r\n\r\n"

    between.treat = answer


def halves(between):
    async def answer(words, hand_on):
        reply = await hand_on()
        return reply[: len(reply) // 2]

    between.treat = answer


def another_s(between):
    """Each answer is the one before, whoever asked."""
    late = [b"+OK\r\n"]

    async def answer(words, hand_on):
        late.append(await hand_on())
        return late.pop(0)

    between.treat = answer


SOME = [("massive", garbage), ("sentiment", halves), ("execution", another_s)]
CELLS = list(itertools.product(RIGS, (garbage, halves, another_s))) if WHOLE else SOME


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell[0]}-{cell[1].__name__}")
async def test_once_wrong_answers_are_over_the_workers_are_back(serving, between, until, monkeypatch, cell):
    service, lie = cell
    monkeypatch.setattr(redis_clients, "LONGEST_READ", 3.0)
    async with serving(service) as rig:
        await anyio.sleep(0.1)
        lie(between)
        if lie is not another_s:
            rig.work()
        await anyio.sleep(1.5)
        between.be_honest()
        await until(rig.is_up, 15)
        if lie is not another_s:
            await rig.is_done()
        else:  # what it took for answers may be lost; that it does its work again is not
            done = rig.moved()
            rig.work()
            await until(lambda: rig.moved() > done, 15)
