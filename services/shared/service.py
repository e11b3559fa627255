"""What a service is, as data: its name, and how its configuration, its shared services and its tree are made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from otp import SupervisorSpec
from services.shared.logutil import LogUtil
from services.shared.shared_services import Closable

C = TypeVar("C")
S = TypeVar("S", bound=Closable)


@dataclass(frozen=True)
class Service(Generic[C, S]):
    """A service that runs as a supervised tree.

    Attributes:
        name: in the truth document, in the log, and of its root.
        config: checks the identity that `SetupBase` has loaded, and returns the configuration; raises ConfigError.
        shared: makes what the workers share and no restart touches; connects to nothing yet.
        tree: the spec, for a configuration and its shared services.
        parts: the services that run together as this one: each has its own identity and heartbeat, and a supervisor of
            its name below the root. `config` then gets their identities by their names. Empty: it is one service.
    """

    name: str
    config: Callable[[dict[str, Any]], C]
    shared: Callable[[C, LogUtil], S]
    tree: Callable[[C, S], SupervisorSpec]
    parts: tuple[str, ...] = ()
