"""Takes prices from a socket: asks for the symbols of the plan, then reads lines `SYMBOL price`."""

import asyncio


class Worker:
    def __init__(self, config, logger):
        self.config = config
        self.logger = logger
        self.prices = config.setdefault("prices", {})

    async def run(self, stop_event):
        host, port = self.config["QUOTES_FEED"].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(" ".join(self.config["plan"]).encode() + b"\n")
            while not stop_event.is_set():
                line = await reader.readline()
                if not line:
                    raise ConnectionError("the feed has closed the connection")
                symbol, price = line.split()
                self.prices[symbol.decode()] = float(price)
        finally:
            writer.close()
