"""The supervisor of intel."""

from typing import Any

from services.intel.config import Intel
from services.intel.identity import intel_config
from services.intel.shared_services import SharedServices
from services.shared.base_supervisor import BaseSupervisor
from services.shared.logutil import LogUtil

__all__ = ("IntelSupervisor",)


class IntelSupervisor(BaseSupervisor[Intel, SharedServices]):
    """Runs intel as a supervised tree."""

    service = "intel"
    tree = "trees.intel:tree"

    @staticmethod
    def read(config: dict[str, Any]) -> Intel:
        """The checked configuration out of the identity."""
        return intel_config(config)

    @staticmethod
    def make_shared(config: Intel, logger: LogUtil) -> SharedServices:
        """The pipeline, the HTTP client, and the clients of market-redis and intel-redis."""
        return SharedServices.make(config, logger)
