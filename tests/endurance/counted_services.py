"""All four services as `supervised_main` runs them, with a count of our own at the socket: `python -m tests.endurance.counted_services FILE`.

Each event that massive's socket hands over is a line of the file, written before the service sees it; so `kill -9` of this
process loses none of them.
"""

import os
import sys

import anyio
import msgspec
from websockets.asyncio.client import ClientConnection

from services.marketswarm.supervised_main import SERVICE
from services.shared.log_outlet import log_outlet
from services.shared.supervised import supervised_main


def tap(descriptor):
    """Have each connection write down what it received."""
    receive = ClientConnection.recv

    async def recv(self, decode=None):
        payload = await receive(self, decode)
        events = msgspec.json.decode(payload)
        lines = [f"{event['ev']}.{event['sym']} {event['q']}\n" for event in events if event["ev"] in "TQ"]
        os.write(descriptor, "".join(lines).encode())
        return payload

    ClientConnection.recv = recv


if __name__ == "__main__":
    tap(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    with log_outlet():
        sys.exit(anyio.run(supervised_main, SERVICE))
