"""One poll of a feed over HTTP: only if it has changed, within a time and a size."""

from collections.abc import Mapping
from http import HTTPStatus

import anyio
import httpx
from msgspec import Struct

from services.intel.config import Feed
from services.intel.errors import FeedBroken, FeedError, FeedRefused, FeedThrottled, FeedTooLarge, FeedUnreachable
from services.shared.retry_after import seconds_asked

VALIDATOR_LIMIT = 1_024
"""Characters of the longest ETag that is worth sending back."""


class Validators(Struct, frozen=True):
    """What the server gave us to ask with whether its document has changed; empty where it gave nothing."""

    etag: str = ""
    modified: str = ""

    def headers(self) -> Mapping[str, str]:
        """The conditions of a request."""
        given = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in given.items() if value}


class Document(Struct, frozen=True):
    """What the server sent.

    Attributes:
        content: the bytes, unpacked.
        content_type: as the server says, or empty.
        location: the address, after all redirects.
        validators: to ask with the next time.
    """

    content: bytes
    content_type: str
    location: str
    validators: Validators


async def fetch(
    http: httpx.AsyncClient, feed: Feed, validators: Validators, *, worked: bool = False
) -> Document | None:
    """Get the document, or None if it has not changed.

    Args:
        http: the client.
        feed: which one.
        validators: of the document that we have.
        worked: whether the feed was given to us before.

    Raises:
        FeedError: there is no document; the subclass says why.
    """
    try:
        with anyio.fail_after(feed.timeout):
            async with http.stream("GET", feed.url, headers=validators.headers()) as response:
                return await _take(response, feed, validators, worked=worked)
    except TimeoutError:
        raise FeedUnreachable(feed.id, f"not whole within {feed.timeout:g} s") from None
    except httpx.TransportError as error:
        raise FeedUnreachable(feed.id, str(error) or type(error).__name__) from error
    except (httpx.RequestError, httpx.InvalidURL) as error:  # too many redirects, or to nowhere; packed wrongly
        raise FeedBroken(feed.id, str(error) or type(error).__name__) from error


async def _take(response: httpx.Response, feed: Feed, asked: Validators, *, worked: bool) -> Document | None:
    if response.status_code == HTTPStatus.NOT_MODIFIED and asked.headers():
        return None
    if response.status_code != HTTPStatus.OK:
        raise _refusal(feed.id, response, worked=worked)
    return Document(
        content=await _body(response, feed),
        content_type=response.headers.get("content-type", ""),
        location=str(response.url),
        validators=Validators(_sendable(response, "etag"), _sendable(response, "last-modified")),
    )


async def _body(response: httpx.Response, feed: Feed) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > feed.size_limit:
            raise FeedTooLarge(feed.id, feed.size_limit)
    return bytes(body)


def _refusal(feed: str, response: httpx.Response, *, worked: bool) -> FeedError:
    status, wait = response.status_code, seconds_asked(response.headers.get("retry-after"))
    match status:
        case 401 | 403 | 407:
            return FeedRefused(feed, status, worked=worked)
        case 429:
            return FeedThrottled(feed, retry_after=wait)
        case 408 | 425:
            return FeedUnreachable(feed, f"HTTP {status}", status=status, retry_after=wait)
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return FeedUnreachable(feed, f"HTTP {status}", status=status, retry_after=wait)
        case _:
            return FeedBroken(feed, f"HTTP {status}")


def _sendable(response: httpx.Response, name: str) -> str:
    value: str = response.headers.get(name, "")
    return value if value.isascii() and value.isprintable() and len(value) <= VALIDATOR_LIMIT else ""
