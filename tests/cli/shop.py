"""Trees for the tests of the command line, and things that are none."""

import math

import anyio
from msgspec import Struct

from otp import AutoShutdown, Restart, Strategy, SupervisorSpec, dynamic_supervisor, supervisor, worker


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """What the shop needs."""

    name: str
    tills: int = 1


async def work(*_):
    print("working", flush=True)  # noqa: T201 # what a test waits for
    await anyio.sleep_forever()


async def work_up(*_, task_status):
    task_status.started()
    await anyio.sleep_forever()


async def fail():
    raise RuntimeError("out of stock")


spec = supervisor(
    "shop",
    strategy=Strategy.REST_FOR_ONE,
    intensity=5,
    period=60.0,
    children=[
        worker("till", work_up, ready=True),
        supervisor(
            "stock",
            intensity=1,
            auto_shutdown=AutoShutdown.ANY_SIGNIFICANT,
            restart=Restart.TRANSIENT,
            children=[
                worker("counter", work_up, ready=True, start_timeout=2.5, shutdown="brutal_kill", watchdog=30.0),
                worker("truck", work, restart=Restart.TRANSIENT, significant=True, shutdown=math.inf),
            ],
        ),
        dynamic_supervisor("guests", max_children=40),
        worker("light", work, restart=Restart.TEMPORARY, shutdown=0.5, watchdog=1e9),
    ],
)

lonely = worker("lonely", work)


def tree() -> SupervisorSpec:
    return spec


def tree_of(config: Config) -> SupervisorSpec:
    return supervisor(config.name, children=[worker(f"till{n}", work) for n in range(config.tills)])


def maybe(config: Config = Config("default")) -> SupervisorSpec:  # noqa: B008
    return tree_of(config)


def untyped(config):
    return tree_of(config)


def greedy(config: Config, more: int) -> SupervisorSpec:
    return supervisor(config.name, intensity=more)


def by_name(*, config: Config) -> SupervisorSpec:
    return tree_of(config)


def raising() -> SupervisorSpec:
    raise LookupError("no shop today")


def wrong() -> SupervisorSpec:
    return supervisor("shop", children=[lonely, lonely])


async def awaited() -> SupervisorSpec:
    return spec


def failing() -> SupervisorSpec:
    return supervisor("shop", intensity=0, children=[worker("till", fail)])
