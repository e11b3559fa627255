"""Sentiment: the articles of intel in, a score for each and a mean for each symbol out."""

from otp import SupervisorSpec, Watchdog, dependency, supervisor, worker
from services.sentiment import orchestrator
from services.sentiment.config import Sentiment
from services.sentiment.shared_services import SharedServices
from services.sentiment.workers import score
from services.shared.bus_probe import BusProbe
from services.shared.log_outlet import keep_log_outlet
from services.shared.policies import REDIS

NEEDS = ("intel-redis",)

HUNG_AFTER = 30.0
"""Seconds without a turn of the scorer's loop, which has one in two: then its read is never answered."""


def tree(config: Sentiment, shared: SharedServices | None = None) -> SupervisorSpec:
    """One for one: the orchestrator watches and the scorer works, and neither waits for the other."""
    if shared is None:
        keep_log_outlet()
        shared = SharedServices.make(config)
    tally, control, logger = shared.tally, shared.control, shared.logger
    return supervisor(
        "sentiment",
        intensity=5,
        period=60.0,
        dependencies=[
            dependency("intel-redis", BusProbe("intel-redis", control, "sentiment", logger).writes),
        ],
        children=[
            worker(
                "orchestrator", orchestrator.run, config, tally, control, logger, ready=True, policy=REDIS, needs=NEEDS
            ),
            supervisor(
                "workers",
                intensity=10,
                period=60.0,
                children=[
                    worker(
                        "scorer",
                        score.run,
                        config,
                        shared.lexicon,
                        tally,
                        shared.blocking,
                        ready=True,
                        policy=REDIS,
                        needs=NEEDS,
                        watchdog=Watchdog(within=HUNG_AFTER, progress=lambda: tally.turns),
                    ),
                ],
            ),
        ],
    )
