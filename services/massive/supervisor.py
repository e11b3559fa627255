"""The supervisor of massive."""

from typing import Any

from services.massive.config import Massive
from services.massive.identity import massive_config
from services.massive.shared_services import SharedServices
from services.shared.base_supervisor import BaseSupervisor
from services.shared.logutil import LogUtil

__all__ = ("MassiveSupervisor",)


class MassiveSupervisor(BaseSupervisor[Massive, SharedServices]):
    """Runs massive as a supervised tree."""

    service = "massive"
    tree = "trees.massive:tree"

    @staticmethod
    def read(config: dict[str, Any]) -> Massive:
        """The checked configuration out of the identity."""
        return massive_config(config)

    @staticmethod
    def make_shared(config: Massive, logger: LogUtil) -> SharedServices:
        """The pipeline, and the clients of market-redis."""
        return SharedServices.make(config, logger)
