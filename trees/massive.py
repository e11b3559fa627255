"""Massive: the provider's feed, and the workers that put it on the buses."""

from otp import Strategy, SupervisorSpec, supervisor, worker
from services.massive import orchestrator
from services.massive.config import Massive
from services.massive.shared_services import SharedServices
from services.massive.workers import consume, publish, stream, subscriptions


def tree(config: Massive, shared: SharedServices | None = None) -> SupervisorSpec:
    """The orchestrator first: without a plan no worker has work, and a new plan begins with fresh workers."""
    shared = shared or SharedServices.make(config)
    pipeline = shared.pipeline
    return supervisor(
        "massive",
        strategy=Strategy.REST_FOR_ONE,
        intensity=5,
        period=60.0,
        children=[
            worker("orchestrator", orchestrator.run, config, pipeline, shared.control, shared.logger, ready=True),
            supervisor(
                "workers",
                intensity=10,
                period=60.0,
                children=[
                    worker("redis_publisher", publish.run, config, pipeline, shared.producer, ready=True),
                    worker("redis_consumer", consume.run, config, pipeline, shared.blocking, ready=True),
                    worker("subscriptions", subscriptions.run, config, pipeline, shared.control, ready=True),
                    worker("ws_worker", stream.run, config.feed, pipeline, ready=True, shutdown=5.0),
                ],
            ),
        ],
    )
