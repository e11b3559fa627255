"""The provider, simulated: an honest server of the vendor's wire protocol that misbehaves on command.

    config.py      which market, how fast, which rules
    recording.py   real prices to replay
    tape.py        what happens on the market, numbered, whether or not anybody listens
    pace.py        how much of it is due by now
    session.py     one connection: its key, its channels, what was sent to it
    server.py      all connections, and the faults
    commands.py    the faults as lines of text

`python -m services.massive.provider` runs it alone; its faults are then lines on the standard input.
"""

from services.massive.provider.config import ProviderConfig
from services.massive.provider.server import Provider, open_provider
from services.massive.provider.session import Sent, Tally

__all__ = ("Provider", "ProviderConfig", "Sent", "Tally", "open_provider")
