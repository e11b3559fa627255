"""Many clients at once against a tree under constant crashes: all are answered, and nothing is done twice."""

from itertools import cycle, islice

import anyio
from loguru import logger

from otp import supervisor, worker
from otp.control.client.client import connect
from otp.control.wire.commands import Explain, GetEvents, GetHealth, GetSnapshot, GetStack, GetWhy, Restart
from otp.control.wire.protocol import Acted
from otp.events import ChildRestarting
from tests.control.stage import InThread, served

CLIENTS = 20
EACH = 10


async def flap():
    await anyio.sleep(0.001)
    raise ValueError


def requests():
    """Looks and restarts; every restart is sent by two clients under one id."""
    looks = cycle(
        [GetSnapshot(), GetHealth(), GetEvents(), Explain(path="w1"), GetWhy(path="flapping"), GetStack(path="w2")]
    )
    restarts = [(f"op-{number}", Restart(path=f"w{number % 5}")) for number in range(CLIENTS * EACH // 4)]
    mixed = [(None, look) for look in islice(looks, CLIENTS * EACH // 2)]
    both = [restart for pair in zip(restarts, restarts, strict=True) for restart in pair]
    return [one for pair in zip(mixed, both, strict=True) for one in pair]


async def test_all_are_answered_and_each_restart_is_done_once(place):
    logger.disable("otp.control")
    made = requests()
    children = [worker(f"w{number}", anyio.sleep_forever) for number in range(5)]
    spec = supervisor("shop", intensity=10**9, period=1.0, children=[*children, worker("flapping", flap)])

    def client(path, mine):
        with connect(path) as connected:
            return [(id, connected.ask(command, id=id) if id else connected.ask(command)) for id, command in mine]

    try:
        async with served(spec, place) as stage:
            clients = [InThread(client, stage.socket, made[number::CLIENTS]) for number in range(CLIENTS)]
            answers = [answer for one in clients for answer in await one.result()]
            manual = {child.path: child.manual for child in stage.handle.walk()}
            generations = stage.generations()
            assert stage.events.of(ChildRestarting, "shop/flapping")
    finally:
        logger.enable("otp.control")
    assert len(answers) == len(made)
    by_id = {}
    for id, answer in answers:
        if id:
            assert isinstance(answer, Acted)
            assert answer.changes[0].error == ""
            assert by_id.setdefault(id, answer) == answer
    assert sum(manual.values()) == len(by_id) == CLIENTS * EACH // 4
    assert all(generations[path] == 1 + count for path, count in manual.items() if path != "shop/flapping")
