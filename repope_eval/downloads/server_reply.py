"""A web server's reply when a file is asked for: its bytes, what its head says of them, and its faults."""

import email.utils
import re
import time
import zlib
from collections.abc import Iterator

import httpx

PIECE = 1 << 20
"""Most bytes that a compressed answer is unpacked to at once."""

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", re.ASCII)


class FetchError(Exception):
    """A file was not fetched; the text is the reason. This very kind: asking again would not help."""


class PassingError(FetchError):
    """A fault that may be gone in a moment."""

    def __init__(self, reason: str, *, retry_after: float = 0.0):
        super().__init__(reason)
        self.retry_after = retry_after


class NoConnectionError(PassingError):
    """No connection to the server, or to the proxy before it."""


class DeniedError(NoConnectionError):
    """The proxy lets nobody through to the server: asking again would not help, nor for another of its files."""


class LocalError(FetchError):
    """The file cannot be written here: a matter of the folder and no fault of the server."""


class StoppedError(FetchError):
    """The whole of the downloads was given up."""


def encoding_of(response: httpx.Response) -> str:
    """How the bytes are packed; `identity` where they are the file's own."""
    return str(response.headers.get("Content-Encoding", "identity")).strip().lower()


def pieces(response: httpx.Response) -> Iterator[bytes]:
    """The file's bytes, at most PIECE of them at a time.

    Some servers compress though asked not to, and a few bytes may then unpack to very many.

    Raises:
        FetchError: they are packed in another way than by gzip, or not rightly.
        httpx.RequestError: the connection failed.
    """
    encoding = encoding_of(response)
    if encoding == "identity":
        yield from response.iter_raw()
        return
    if encoding not in ("gzip", "x-gzip"):
        raise FetchError(f"is sent with the encoding {encoding[:80]!r}, though none was asked for")
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for packed in response.iter_raw():
            while packed:
                yield unpacking.decompress(packed, PIECE)
                packed = unpacking.unconsumed_tail
    except zlib.error as error:
        raise FetchError(f"cannot be unpacked ({error})") from error
    if not unpacking.eof:
        raise PassingError("the connection was cut")


def content_range(response: httpx.Response) -> tuple[int | None, int | None]:
    """Where the sent piece starts, and the size of the whole; None for what the server does not say."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if match is None:
        return None, None
    return int(match[1]), None if match[2] == "*" else int(match[2])


def validator(response: httpx.Response) -> str | None:
    """What tells this version of the file from others, for `If-Range`; None where the server says nothing."""
    etag: str | None = response.headers.get("ETag")
    if etag and not etag.startswith("W/"):  # weak ones are not allowed in If-Range
        return etag
    last_modified: str | None = response.headers.get("Last-Modified")
    return last_modified


def retry_after(response: httpx.Response) -> float:
    """The wait in seconds that the server asks for, as a number or a date; 0 where it asks for none."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0
