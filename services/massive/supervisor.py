"""The supervisor of massive: phase four of `supervised_main`, and what the heartbeat says of it."""

import time
from typing import Any

import anyio

from otp import Supervisor
from otp.application import serve
from otp.loading import load
from services.massive.setup import massive_config
from services.massive.shared_services import SharedServices
from services.shared.logutil import LogUtil

__all__ = ("TREE", "MassiveSupervisor")

TREE = "trees.massive:tree"
"""The tree by its name, as in `otp run`: services know of no tree above them."""

LOOK_INTERVAL = 0.5
"""Seconds between two looks at the tree for the heartbeat; a loop that is stuck shows as an older look."""


class MassiveSupervisor:
    """Runs massive as a supervised tree, with the shared services that were made before."""

    def __init__(self, *, config: dict[str, Any], logger: LogUtil) -> None:
        self._config = massive_config(config)
        self._shared = SharedServices.make(self._config, logger)
        self._status = {"state": "starting"}
        self._looked = time.monotonic()

    async def run(self) -> int:
        """Run until SIGTERM, SIGINT or the end of the tree; returns the exit code of the process."""
        ...
