"""Massive: the provider's feed, and the workers that put it on the buses."""

from typing import TypeVarTuple

from otp import ChildSpec, Strategy, SupervisorSpec, dependency, supervisor, worker
from otp.spec import StartsUp
from services.massive import orchestrator
from services.massive.config import Massive
from services.massive.policies import PROVIDER
from services.massive.shared_services import SharedServices
from services.massive.workers import consume, publish, stream, subscriptions
from services.shared.policies import REDIS
from services.shared.redis_clients import answers

Ts = TypeVarTuple("Ts")


def on_market(id: str, run: StartsUp[*Ts], *args: *Ts) -> ChildSpec:
    """A worker that lives on market-redis: held while that is down, not restarted against it."""
    return worker(id, run, *args, ready=True, policy=REDIS, needs=("market-redis",))


def tree(config: Massive, shared: SharedServices | None = None) -> SupervisorSpec:
    """The orchestrator first: without a plan no worker has work, and a new plan begins with fresh workers."""
    shared = shared or SharedServices.make(config)
    pipeline, control = shared.pipeline, shared.control
    return supervisor(
        "massive",
        strategy=Strategy.REST_FOR_ONE,
        intensity=5,
        period=60.0,
        dependencies=[dependency("market-redis", answers, control)],
        children=[
            on_market("orchestrator", orchestrator.run, config, pipeline, control, shared.logger),
            supervisor(
                "workers",
                intensity=10,
                period=60.0,
                children=[
                    on_market("redis_publisher", publish.run, config, pipeline, shared.producer),
                    on_market("redis_consumer", consume.run, config, pipeline, shared.blocking),
                    on_market("subscriptions", subscriptions.run, config, pipeline, control),
                    worker("ws_worker", stream.run, config.feed, pipeline, ready=True, policy=PROVIDER, shutdown=5.0),
                ],
            ),
        ],
    )
