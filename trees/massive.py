"""Massive: the provider's feed, and the workers that put it on the buses."""

from collections.abc import Callable
from typing import TypeVarTuple

from otp import ChildSpec, Strategy, SupervisorSpec, Watchdog, dependency, supervisor, worker
from otp.spec import StartsUp
from services.massive import orchestrator
from services.massive.config import Massive
from services.massive.policies import PROVIDER
from services.massive.shared_services import SharedServices
from services.massive.workers import consume, publish, stream, subscriptions
from services.shared.bus_probe import BusProbe
from services.shared.log_outlet import keep_log_outlet
from services.shared.policies import REDIS

Ts = TypeVarTuple("Ts")


HUNG_AFTER = 30.0
"""Seconds without a turn of a worker's loop; each has a turn in five at the most, a slow Redis apart."""


def on_market(id: str, run: StartsUp[*Ts], *args: *Ts, turns: Callable[[], int] | None = None) -> ChildSpec:
    """A worker that lives on market-redis: held while that is down, not restarted against it.

    `turns` counts those of its loop: one that stands still is waiting for an answer that never comes.
    """
    watchdog = Watchdog(within=HUNG_AFTER, progress=turns) if turns is not None else None
    return worker(id, run, *args, ready=True, policy=REDIS, needs=("market-redis",), watchdog=watchdog)


def tree(config: Massive, shared: SharedServices | None = None) -> SupervisorSpec:
    """The orchestrator first: without a plan no worker has work, and a new plan begins with fresh workers."""
    if shared is None:
        keep_log_outlet()
        shared = SharedServices.make(config)
    pipeline, control = shared.pipeline, shared.control
    return supervisor(
        "massive",
        strategy=Strategy.REST_FOR_ONE,
        intensity=5,
        period=60.0,
        dependencies=[
            dependency("market-redis", BusProbe("market-redis", control, "massive", shared.logger).writes),
        ],
        children=[
            on_market(
                "orchestrator",
                orchestrator.run,
                config,
                pipeline,
                control,
                shared.logger,
                turns=lambda: pipeline.turns.orchestrator,
            ),
            supervisor(
                "workers",
                intensity=10,
                period=60.0,
                children=[
                    on_market(
                        "redis_publisher",
                        publish.run,
                        config,
                        pipeline,
                        shared.producer,
                        turns=lambda: pipeline.turns.redis_publisher,
                    ),
                    on_market(
                        "redis_consumer",
                        consume.run,
                        config,
                        pipeline,
                        shared.blocking,
                        turns=lambda: pipeline.turns.redis_consumer,
                    ),
                    on_market("subscriptions", subscriptions.run, config, pipeline, control),
                    worker("ws_worker", stream.run, config.feed, pipeline, ready=True, policy=PROVIDER, shutdown=5.0),
                ],
            ),
        ],
    )
