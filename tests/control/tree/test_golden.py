"""What a tree that goes through a story says of itself, as JSON, beside `golden/`: how rows are made of what it knows."""

import json
import time
from pathlib import Path

import anyio
import msgspec
import pytest

from otp import FailurePolicy, Restart, Strategy, dependency, supervisor, worker
from otp.control.wire.commands import GetHealth, GetIncidents, GetSnapshot, GetWhy, Pause, Stop
from otp.control.wire.commands import Restart as RestartNow
from otp.policy import Backoff, GiveUp, Limited, RestartAfter, on
from otp.testing import Crash, Probe, Run
from tests import golden
from tests.control.stage import in_one_loop

GOLDEN = Path(__file__).parent / "golden"
LATER = FailurePolicy(on(PermissionError, GiveUp()), otherwise=RestartAfter(Backoff(100.0, cap=100.0, jitter=0.0)))
OTHERS = {"stacks", "seq", "timeline", "opened_wall", "fingerprint"}
"""Fields that are others each time, or on each loop."""

NOW = 1_790_000_000.0


@pytest.fixture
def anyio_backend(virtual):
    return virtual


async def done():
    pass


async def gone():
    raise ConnectionRefusedError("closed")


def shop():
    below = supervisor(
        "stock",
        strategy=Strategy.REST_FOR_ONE,
        intensity=7,
        period=900.0,
        children=[Probe("shelf", Crash(ValueError("torn")), Run()).spec(), Probe("truck").spec()],
    )
    return supervisor(
        "shop",
        dependencies=[dependency("bank", gone)],
        children=[
            Probe("till", Crash(ValueError("jam")), Run()).spec(policy=LATER),
            Probe("oven", Crash(PermissionError("no licence"))).spec(policy=LATER),
            Probe("lamp", Crash(OSError("dark")), Run()).spec(policy=FailurePolicy(on(OSError, Limited(3, 60.0)))),
            worker("sweeper", done, restart=Restart.TRANSIENT),
            below,
            Probe("sign").spec(),
            Probe("door").spec(),
            Probe("clerk", Crash(OSError("no money")), Run()).spec(needs=["bank"]),
        ],
    )


async def story(stage):
    """What there is to be seen, after a while in which much has happened."""
    await anyio.sleep(10.0)
    await stage.ask(RestartNow(path="sign", reason="new paint"))
    await stage.ask(Stop(path="door"))
    await stage.ask(Pause(path="stock", seconds=600.0))
    await anyio.sleep(20.0)
    return {
        "snapshot": await stage.ask(GetSnapshot()),
        "health": await stage.ask(GetHealth()),
        "incidents": await stage.ask(GetIncidents(resolved=True)),
        **{f"why-{path}": await stage.ask(GetWhy(path=path)) for path in ("till", "clerk", "stock", "shop")},
    }


def as_documents(found):
    """As JSON; ids, the process, and the lines of this file are other ones each time."""
    documents = json.loads(msgspec.json.encode(found))
    documents["snapshot"]["pid"] = 4121
    ids = {}

    def same(value, key=""):  # noqa: PLR0911 # one for each kind
        match value:
            case {"opened_wall": _, "last_wall": _, **rest}:
                return same(rest)
            case dict():
                return {key: same(each, key) for key, each in value.items() if key not in OTHERS}
            case list():
                return [same(each) for each in value]
            case float():
                return round(value, 3)
            case str() if key in ("incident", "id") and value:
                return ids.setdefault(value, f"{key} {len(ids)}")
            case str() if key == "frame":
                return value.partition(":")[0]
            case _:
                return value

    return same(documents)


@pytest.mark.virtual_time
async def test_what_a_tree_says_of_itself_is_what_it_said(monkeypatch):
    async with in_one_loop(shop(), ticking=True) as stage:
        begun = anyio.current_time()
        monkeypatch.setattr(time, "time", lambda: NOW + anyio.current_time() - begun)
        stage.event_log._wall = time.time
        found = as_documents(await story(stage))
        monkeypatch.undo()
    golden.check(GOLDEN / "shop.json", found)
