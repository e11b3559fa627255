"""Writes the prices to a file, now and then, and once more when it is told to stop."""

import asyncio
import json
from pathlib import Path


class Worker:
    def __init__(self, config, logger):
        self.config = config
        self.logger = logger

    async def run(self, stop_event):
        while not stop_event.is_set():
            self.write("running")
            try:
                await asyncio.wait_for(stop_event.wait(), float(self.config["QUOTES_INTERVAL"]))
            except TimeoutError:
                continue
        self.write("stopped")

    def write(self, state):
        prices = self.config.get("prices", {})
        Path(self.config["QUOTES_REPORT"]).write_text(json.dumps({"state": state, "prices": prices}))
