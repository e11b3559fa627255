"""The supervisor of all services in one process."""

from collections.abc import Mapping
from typing import Any

from otp import Supervisor
from otp.errors import RequestError
from services.execution.identity import execution_config
from services.intel.identity import intel_config
from services.marketswarm.config import SERVICES, MarketSwarm
from services.marketswarm.shared_services import SharedServices
from services.massive.identity import massive_config
from services.sentiment.identity import sentiment_config
from services.shared.base_supervisor import BaseSupervisor, status_of
from services.shared.logutil import LogUtil

__all__ = ("MarketSwarmSupervisor",)


class MarketSwarmSupervisor(BaseSupervisor[MarketSwarm, SharedServices]):
    """Runs all services as one supervised tree. Its `config` holds the identity of each, by its name."""

    service = "marketswarm"
    tree = "trees.marketswarm:tree"

    @staticmethod
    def read(config: dict[str, Any]) -> MarketSwarm:
        """The checked configuration out of the identities."""
        return MarketSwarm(
            massive=massive_config(config["massive"]),
            intel=intel_config(config["intel"]),
            sentiment=sentiment_config(config["sentiment"]),
            execution=execution_config(config["execution"]),
        )

    @staticmethod
    def make_shared(config: MarketSwarm, logger: LogUtil) -> SharedServices:
        """What each of the services shares."""
        return SharedServices.make(config, logger)

    def look(self, handle: Supervisor) -> Mapping[str, Any]:
        """The whole tree, and each service in it."""
        return {**status_of(handle), "services": {name: _status_below(handle, name) for name in SERVICES}}

    def heartbeat_of(self, service: str) -> Mapping[str, Any]:
        """What the heartbeat of one service adds to its payload."""
        whole = self.heartbeat()
        own: Mapping[str, Any] = whole.get("services", {}).get(service, {"state": whole["state"]})
        return {**own, "loop_age": whole["loop_age"]}


def _status_below(handle: Supervisor, service: str) -> Mapping[str, Any]:
    try:
        return status_of(handle.supervisor(service))
    except RequestError:  # it is down, and waits to be restarted
        return {"state": "down"}
