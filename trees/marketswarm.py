"""MarketSwarm: all four services in one process, each with the tree that it has alone."""

from dataclasses import replace

from otp import SupervisorSpec, supervisor
from otp.policy import Backoff, FailurePolicy, RestartAfter
from services.marketswarm.config import MarketSwarm
from services.marketswarm.shared_services import SharedServices
from services.shared.log_outlet import keep_log_outlet
from trees import execution, intel, massive, sentiment

SERVICE = FailurePolicy(otherwise=RestartAfter(Backoff(1.0, cap=60.0)), healthy_after=300.0)
"""A service that has given up begins anew after a while; the others go on without it."""


def tree(config: MarketSwarm, shared: SharedServices | None = None) -> SupervisorSpec:
    """One for one: what the services tell each other is on the buses, so none needs another one to be up."""
    if shared is None:
        keep_log_outlet()
        shared = SharedServices.make(config)
    services = [
        massive.tree(config.massive, shared.massive),
        intel.tree(config.intel, shared.intel),
        sentiment.tree(config.sentiment, shared.sentiment),
        execution.tree(config.execution, shared.execution),
    ]
    return supervisor(
        "marketswarm",
        intensity=20,
        period=600.0,
        children=[replace(service, policy=SERVICE) for service in services],
    )
