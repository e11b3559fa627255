"""A tree for the tests that look into a running process."""

import anyio
from loguru import logger

from otp import FailurePolicy, Restart, Strategy, supervisor, worker
from otp.policy import GiveUp, on


async def serve(name):
    logger.info(f"{name} is open")
    await customer()


async def customer():
    await anyio.sleep_forever()


async def burn():
    raise PermissionError("no licence")


async def sweep():
    pass


tree = supervisor(
    "corner",
    intensity=5,
    period=60.0,
    children=[
        worker("till", serve, "till"),
        supervisor(
            "stock",
            strategy=Strategy.REST_FOR_ONE,
            children=[worker(name, serve, name) for name in ("shelf", "cellar", "truck")],
        ),
        worker("sweeper", sweep, restart=Restart.TRANSIENT),
    ],
)

burning = supervisor(
    "burning",
    children=[worker("till", serve, "till"), worker("oven", burn, policy=FailurePolicy(on(PermissionError, GiveUp())))],
)
