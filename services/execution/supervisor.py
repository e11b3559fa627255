"""The supervisor of execution."""

from typing import Any

from services.execution.config import Execution
from services.execution.identity import execution_config
from services.execution.shared_services import SharedServices
from services.shared.base_supervisor import BaseSupervisor
from services.shared.logutil import LogUtil

__all__ = ("ExecutionSupervisor",)


class ExecutionSupervisor(BaseSupervisor[Execution, SharedServices]):
    """Runs execution as a supervised tree."""

    service = "execution"
    tree = "trees.execution:tree"

    @staticmethod
    def read(config: dict[str, Any]) -> Execution:
        """The checked configuration out of the identity."""
        return execution_config(config)

    @staticmethod
    def make_shared(config: Execution, logger: LogUtil) -> SharedServices:
        """The board, and the clients of the buses."""
        return SharedServices.make(config, logger)
