"""A newspaper with one RSS feed, over HTTP on this host, that prints what it is told."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from email.utils import formatdate
from html import escape

EDITION = 50
"""Articles that the feed lists, newest first."""


class Newspaper:
    """Its address, and what it has printed.

    Attributes:
        url: of the feed.
        printed: how many articles.
    """

    def __init__(self) -> None:
        self.url = ""
        self.printed = 0
        self._items: list[str] = []

    def prints(self, title: str, summary: str) -> None:
        """Print an article."""
        self.printed += 1
        link = f"{self.url}/{self.printed}"
        self._items.insert(
            0,
            f"<item><title>{escape(title)}</title><link>{link}</link><guid>{link}</guid>"
            f"<description>{escape(summary)}</description><pubDate>{formatdate()}</pubDate></item>",
        )
        del self._items[EDITION:]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request with the feed, whatever it asks for."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self._response())
            await writer.drain()
        writer.close()

    def _response(self) -> bytes:
        body = (
            '<?xml version="1.0"?><rss version="2.0"><channel><title>The Demo Gazette</title>'
            f"{''.join(self._items)}</channel></rss>"
        ).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: {len(body)}\r\n"
        return f"{head}Connection: close\r\n\r\n".encode() + body


@asynccontextmanager
async def open_newspaper() -> AsyncGenerator[Newspaper]:
    """Run the newspaper while the block runs."""
    paper = Newspaper()
    server = await asyncio.start_server(paper.answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    paper.url = f"http://{host}:{port}/feed"
    try:
        yield paper
    finally:
        server.close()
        await server.wait_closed()
