"""Intel: the news feeds, each a worker of its own, and the signals out of massive's trades."""

from typing import TypeVarTuple

from otp import ChildSpec, FailurePolicy, Strategy, SupervisorSpec, Watchdog, dependency, supervisor, worker
from otp.spec import StartsUp
from services.intel import orchestrator
from services.intel.config import Intel
from services.intel.policies import FEED
from services.intel.shared_services import SharedServices
from services.intel.workers import feed, signals
from services.shared.bus_probe import BusProbe
from services.shared.log_outlet import keep_log_outlet
from services.shared.policies import REDIS

Ts = TypeVarTuple("Ts")

HUNG_AFTER = 30.0
"""Seconds without a turn of the loop of `signals`, which has one in two: then its read is never answered."""


def on_intel(id: str, run: StartsUp[*Ts], *args: *Ts, policy: FailurePolicy = REDIS) -> ChildSpec:
    """A worker that lives on intel-redis: held while that is down, not restarted against it."""
    return worker(id, run, *args, ready=True, policy=policy, needs=("intel-redis",))


def tree(config: Intel, shared: SharedServices | None = None) -> SupervisorSpec:
    """The orchestrator first: it says which symbols are watched. No feed's failure touches another feed or the signals."""
    if shared is None:
        keep_log_outlet()
        shared = SharedServices.make(config)
    pipeline, intel = shared.pipeline, shared.intel
    return supervisor(
        "intel",
        strategy=Strategy.REST_FOR_ONE,
        intensity=5,
        period=60.0,
        dependencies=[
            dependency("market-redis", BusProbe("market-redis", shared.market, "intel", shared.logger).writes),
            dependency("intel-redis", BusProbe("intel-redis", intel, "intel", shared.logger).writes),
        ],
        children=[
            on_intel("orchestrator", orchestrator.run, config, pipeline, intel, shared.logger),
            supervisor(
                "workers",
                intensity=10,
                period=60.0,
                children=[
                    worker(
                        "signals",
                        signals.run,
                        config,
                        pipeline,
                        shared.reader,
                        intel,
                        ready=True,
                        policy=REDIS,
                        needs=("market-redis", "intel-redis"),
                        watchdog=Watchdog(within=HUNG_AFTER, progress=lambda: pipeline.turns),
                    ),
                    supervisor(
                        "feeds",
                        intensity=10,
                        period=60.0,
                        children=[
                            on_intel(one.id, feed.run, one, config, pipeline, shared.http, intel, policy=FEED)
                            for one in config.news.feeds
                        ],
                    ),
                ],
            ),
        ],
    )
