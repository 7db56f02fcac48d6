"""The HTTP client of a server: sends requests, and takes what comes back without letting the key out."""

import asyncio
import json
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx2

from repope_eval.asking.endpoint.replies import RequestError, complaint, fault_of
from repope_eval.errors import RepopeError
from repope_eval.settings.config import ModelSettings
from repope_eval.system import http
from repope_eval.system.secrets import as_written, hide, masked
from repope_eval.wording import LONGEST_WORD

LONGEST_TIMEOUT_OF_FACTS = 10.0
"""Seconds to wait for what a server tells of itself."""

LARGEST = 4 << 20
"""The most bytes of what a server tells of itself, and of a reply without what it tells of each token."""
LARGEST_OF_A_TOKEN = 2 << 10
"""The most bytes of a reply for each token: 20 log probabilities have 1,300."""
LARGEST_REPLY = 64 << 20
"""The most bytes of any reply: thoughts of 30,000 tokens have room."""
LARGEST_REFUSAL = 64 << 10
"""The most bytes that are read of a reply that is no success."""

_ENCODINGS = ("gzip", "deflate")
"""How a reply may be packed. A reply that is packed twice could keep the processor busy without giving a byte."""

_NO_TLS = re.compile("WRONG_VERSION_NUMBER|record layer failure|HTTP_REQUEST", re.IGNORECASE)
"""What OpenSSL says of a server that speaks plain HTTP."""
_TLS_ALONE = re.compile("HTTP request.{0,20}to.{0,8} HTTPS|plain HTTP to an SSL", re.IGNORECASE)
"""What nginx, Go's servers and Apache say to a plain request where they want TLS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A reply whose status is 2xx."""

    text: str
    """The body as the server sent it, secrets and all."""
    server: str
    """The server's name of itself; empty where it does not tell."""


class Client:
    """Talks to the server of a model's settings; it is entered within one event loop."""

    def __init__(self, settings: ModelSettings) -> None:
        """Reads the key from the environment."""
        self._address = (settings.url or "").rstrip("/")
        self.shown = str(as_written(settings.url)).rstrip("/")
        """The address as files and messages hold it."""
        self._timeout = settings.timeout
        self._largest = min(LARGEST + LARGEST_OF_A_TOKEN * settings.max_new_tokens, LARGEST_REPLY)
        self._variable = settings.api_key_env
        self._key = os.environ.get(settings.api_key_env, "").strip()
        if not (self._key.isascii() and self._key.isprintable()):
            raise RepopeError(f"{self._variable}: holds characters that no key has; set it to the key alone")
        if self._key:
            hide(self._key, f"({self._variable})")
        connecting = min(self._timeout, http.CONNECT_TIMEOUT)
        with http.environment_heeded(f"{self.shown}: cannot be asked"):
            self._http = httpx2.AsyncClient(
                timeout=httpx2.Timeout(self._timeout, connect=connecting, pool=None),
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
                headers={**http.AGENT, "Accept-Encoding": ", ".join(_ENCODINGS)},
            )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def complete(self, content: bytes) -> Received:
        """Sends a question in JSON.

        Raises:
            RequestError: the server refuses it or fails, or there is no connection.
        """
        url = f"{self._address}/chat/completions"
        return await self._send("POST", url, self._timeout, self._largest, content=content)

    async def models(self) -> list[Mapping[str, Any]]:
        """The entries of the models that the server lists, each with an `id`; none where it has no such list.

        Raises:
            RequestError: there is no connection.
        """
        try:
            received = await self._send("GET", f"{self._address}/models", self._timeout)
            entries = json.loads(received.text)["data"]
            return [entry for entry in entries if isinstance(entry["id"], str)]
        except RequestError as fault:
            if fault.no_connection or (fault.ends_run and fault.status == 0):
                raise
            return []  # the first question shows whether the key is right
        except (ValueError, KeyError, TypeError, RecursionError):
            return []

    async def version(self) -> str | None:
        """The version that vLLM and Ollama tell; None for servers that tell none."""
        root = self._address.removesuffix("/v1")
        for path in ("version", "api/version"):
            try:
                received = await self._send("GET", f"{root}/{path}", LONGEST_TIMEOUT_OF_FACTS, with_key=False)
                version = json.loads(received.text)["version"]
            except (RequestError, ValueError, KeyError, TypeError, RecursionError):
                continue
            if isinstance(version, str):
                return _told_text(version)
        return None

    def refusal(self, fault: RequestError) -> RepopeError:
        """The error that ends a run because of a fault, with its mend."""
        mend = fault.mend
        if fault.reason == http.CUT and self._address.startswith("http:"):
            mend = "check whether the server is up, and whether model.url should begin with https://"
        if fault.status in (401, 403):
            mend = f"check the key in {self._variable}"
            if not self._key:
                mend = f"set the environment variable {self._variable} to the key (model.api_key_env names another)"
        return RepopeError(f"{self.shown}: {fault}; {mend}")

    async def _send(
        self,
        method: str,
        url: str,
        seconds: float,
        largest: int = LARGEST,
        *,
        with_key: bool = True,
        content: bytes | None = None,
    ) -> Received:
        """Sends a request; returns the whole reply, whose status is 2xx.

        Args:
            seconds: in which the whole reply must be there, however it drips in.
            largest: the most bytes of its body, unpacked.
            with_key: whether the server may need the key for it.

        Raises:
            RequestError: as in `complete`, or the reply is too large.
        """
        headers = {} if content is None else {"Content-Type": "application/json"}
        if self._key and with_key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            async with (
                asyncio.timeout(seconds),
                self._http.stream(method, url, headers=headers, content=content) as response,
            ):
                largest = largest if response.is_success else LARGEST_REFUSAL
                text = (await _read_body(response, largest)).decode("utf-8", errors="replace")
        except TimeoutError:
            raise _timeout_fault(seconds) from None
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            raise self._connection_fault(error, seconds) from None  # its frames hold the key
        if response.status_code == 400 and _TLS_ALONE.search(text) and url.startswith("http:"):
            raise RequestError("no plain http", ends_run=True, mend="give model.url with https://")
        if not response.is_success:
            raise fault_of(response.status_code, response.headers, text)
        return Received(text=text, server=_told_text(response.headers.get("Server", "")))

    def _connection_fault(
        self, error: httpx2.RequestError | httpx2.InvalidURL, seconds: float
    ) -> RequestError:
        detail = complaint(str(error)) or type(error).__name__
        match error:
            case httpx2.ConnectError() if _is_of_certificate(error):
                mend = "have SSL_CERT_FILE name a file with the certificate that signed it"
                return RequestError("its certificate is not trusted", detail, ends_run=True, mend=mend)
            case httpx2.ConnectError() if _NO_TLS.search(detail):
                return RequestError("no https", detail, ends_run=True, mend="give model.url with http://")
            case _ if http.is_unreachable(error):
                return RequestError(http.NO_CONNECTION, detail, may_pass=True, no_connection=True)
            case httpx2.TimeoutException():
                return _timeout_fault(seconds)
            case _ if http.is_no_address(error):
                return RequestError("no address", detail, ends_run=True)
            case _:
                return RequestError(http.CUT, detail, may_pass=True)


async def _read_body(response: httpx2.Response, largest: int) -> bytes:
    """The body of a reply, unpacked; a refusal is read at its beginning only."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", *_ENCODINGS):
        raise RequestError(f"a reply that is packed as {masked(encoding[:LONGEST_WORD])!r}", may_pass=True)
    content = bytearray()
    async for piece in response.aiter_bytes():  # pieces of a MiB at most, however much is packed in one
        content += piece
        if len(content) > largest:
            if not response.is_success:
                break
            content.clear()  # which the error's traceback would keep
            raise RequestError(f"a reply of more than {largest:,} bytes", may_pass=True)
    return bytes(content[:largest])


def _told_text(text: str) -> str:
    """What a server says of itself, as files hold it."""
    return masked(text, even_words=True)[:LONGEST_WORD]


def _timeout_fault(seconds: float) -> RequestError:
    return RequestError(f"no answer within {seconds:g} s", may_pass=True, is_busy=True, is_timeout=True)


def _is_of_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
