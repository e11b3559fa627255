"""How the failures of the broker's customers are treated."""

from otp.policy import on
from services.execution.errors import BrokerSilent, BrokerUnavailable
from services.shared import policies

BROKER = policies.policy(
    # However long the broker is away, that is no reason to end the tree: what waits for it waits in Redis.
    on((BrokerUnavailable, BrokerSilent), policies.NETWORK_BLIP, name="broker_away", expected=True)
)
"""For workers that talk to the broker, and to Redis."""
