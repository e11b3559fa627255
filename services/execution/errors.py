"""How talking to the broker fails.

    BrokerError
    ├── BrokerUnavailable     no connection to it, or it broke before the answer came
    ├── BrokerSilent          no answer in time; `.seconds`
    └── BrokerConfused        it does not understand us, or we do not understand it

Whatever fails, it is unknown whether the broker has acted. Asking it again under the same order id does no harm.
"""


class BrokerError(Exception):
    """What all failures of the broker have in common."""


class BrokerUnavailable(BrokerError):
    """There is no connection to the broker, or it broke before the answer came."""

    def __init__(self, socket: str, why: object) -> None:
        super().__init__(f"no connection to the broker at {socket}: {why}")


class BrokerSilent(BrokerError):
    """The broker did not answer in time.

    Attributes:
        seconds: how long we waited.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer from the broker for {seconds:g} s")
        self.seconds = seconds


class BrokerConfused(BrokerError):
    """One side does not understand the other; saying the same again would not help."""
