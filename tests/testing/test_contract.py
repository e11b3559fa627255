"""The contract's checks on services that keep it and on services that break it, each in its own way."""

import asyncio
from contextlib import asynccontextmanager

import anyio
import pytest

from otp import Restart, Strategy, supervisor, worker
from otp.testing import ContractBroken, contract_suite, workers_of
from tests.testing import contract_workers as workers

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])


def service(*children, **options):
    @asynccontextmanager
    async def opened():
        yield supervisor("service", children=children, **options)

    return opened


GOOD = [
    worker("plan", workers.ready, ready=True),
    supervisor("workers", children=[worker("feed", workers.ready, ready=True), worker("bus", anyio.sleep_forever)]),
    worker("once", workers.ready, ready=True, restart=Restart.TRANSIENT),
]


def checks(made, *paths):
    return {str(check): check for check in contract_suite(made, paths)}


@pytest.mark.parametrize("line", checks(service(), "plan", "workers/feed", "once"))
@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ONE, Strategy.REST_FOR_ONE])
async def test_a_service_that_keeps_the_contract_passes(line, strategy, anyio_backend):
    await checks(service(*GOOD, strategy=strategy), "plan", "workers/feed", "once")[line]()


def test_the_workers_of_a_tree_are_found(anyio_backend):
    assert list(workers_of(supervisor("service", children=GOOD))) == ["plan", "workers/feed", "workers/bus", "once"]


async def broken(made, line, match, *paths):
    with pytest.raises(ContractBroken, match=match):
        await checks(made, *paths)[line]()


STOPS = "it stops in order, each child within its time, and leaves nothing behind"


async def test_a_worker_that_does_not_end_in_time_is_found(anyio_backend):
    hanging = worker("hanging", workers.slow_to_end, shutdown=0.01)
    await broken(service(hanging), STOPS, "service/hanging was asked to stop, and: killed")


async def test_a_worker_that_raises_when_it_is_stopped_is_found(anyio_backend):
    await broken(
        service(worker("raising", workers.raises_at_the_end)), STOPS, "raising was asked to stop, and: OSError"
    )


async def test_a_task_that_is_left_behind_is_found(anyio_backend):
    if anyio_backend == "trio":
        pytest.skip("trio has no tasks without a nursery")
    await broken(service(worker("careless", workers.leaves_a_task)), STOPS, "left behind: forgotten")
    for task in asyncio.all_tasks():
        if task.get_name() == "forgotten":
            task.cancel()


async def test_a_worker_that_keeps_failing_is_no_silent_service(anyio_backend):
    flapping = worker("flapping", workers.flaps)
    await broken(
        service(flapping, intensity=1_000),
        "it comes up, and is silent while it is healthy",
        "healthy, and yet it is told",
    )


async def test_a_worker_that_takes_its_siblings_along_is_found(anyio_backend):
    shared = workers.Shared()
    tree = service(worker("one", shared.first), worker("two", shared.second), intensity=1_000)
    await broken(tree, "one restarts alone, by request", "one was restarted, and service/two with it", "one")


async def test_a_worker_that_knows_its_supervisor_is_found(anyio_backend):
    await broken(
        service(worker("curious", curious)), "curious knows nothing of its supervisor", "imports otp", "curious"
    )


async def curious():
    """It runs in this module, which imports otp."""
    await anyio.sleep_forever()


async def test_a_service_that_can_be_had_only_once_is_found(anyio_backend):
    once = workers.OnlyOnce()
    with pytest.raises(Exception, match="a second time"):
        await checks(service(worker("once", once.run, ready=True)))["it comes up a second time in the same process"]()
