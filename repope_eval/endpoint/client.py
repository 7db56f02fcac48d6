"""The HTTP client of a server: sends requests, and takes what comes back without letting the key out."""

import asyncio
import json
import os
import ssl
from collections.abc import Mapping
from typing import Any, Self

import httpx2

from repope_eval.endpoint.faults import RequestError, complaint, fault_of
from repope_eval.errors import RepopeError
from repope_eval.settings.config import ModelSettings
from repope_eval.settings.written import as_written, from_environment

CONNECT_TIMEOUT = 10.0
"""Seconds to wait for a connection."""
LONGEST_TIMEOUT_OF_FACTS = 10.0
"""Seconds to wait for what a server tells of itself."""

NO_CONNECTION = "no connection"


class Client:
    """Talks to the server of a model's settings; it is entered within one event loop."""

    def __init__(self, settings: ModelSettings) -> None:
        """Reads the key from the environment.

        Args:
            settings: of the model, with an address.

        Raises:
            RepopeError: the key is no text that can be sent, or proxy or certificate settings are wrong.
        """
        self._address = (settings.url or "").rstrip("/")
        self.shown = str(as_written(settings.url)).rstrip("/")
        """The address as files and messages hold it."""
        self._timeout = settings.timeout
        self._variable = settings.api_key_env
        self._key = os.environ.get(settings.api_key_env, "").strip()
        if not (self._key.isascii() and self._key.isprintable()):
            raise RepopeError(f"{self._variable}: holds characters that no key has; set it to the key alone")
        if self._key:
            from_environment(self._key, f"({self._variable})")  # no message and no file will hold it
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        try:
            self._http = httpx2.AsyncClient(
                timeout=httpx2.Timeout(self._timeout, connect=min(self._timeout, CONNECT_TIMEOUT), pool=None),
                limits=limits,
                headers={"User-Agent": "repope-eval"},
            )
        except (ValueError, ImportError, OSError, httpx2.InvalidURL) as error:
            raise RepopeError(
                f"{self.shown}: cannot be asked with these proxy or certificate settings ({error}); "
                "check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and SSL_CERT_FILE"
            ) from error

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def complete(self, content: bytes) -> tuple[str, str]:
        """Sends a question in JSON; returns the body of the reply, and the server's name of itself.

        Raises:
            RequestError: the server refuses it or fails, or there is no connection.
        """
        response = await self._send(
            "POST", f"{self._address}/chat/completions", self._timeout, content=content
        )
        return self._text(response), str(response.headers.get("Server", ""))

    async def models(self) -> list[Mapping[str, Any]]:
        """The entries of the models that the server lists, each with an `id`; none where it has no such list.

        Raises:
            RequestError: there is no connection.
        """
        try:
            response = await self._send("GET", f"{self._address}/models", self._timeout)
            entries = response.json()["data"]
            return [entry for entry in entries if isinstance(entry["id"], str)]
        except RequestError as fault:
            if fault.reason == NO_CONNECTION or (fault.ends_run and fault.status == 0):
                raise
            return []  # whether the key is right, the first question shows
        except (ValueError, KeyError, TypeError, RecursionError):
            return []

    async def version(self) -> str | None:
        """The version that vLLM and Ollama tell; None for servers that tell none."""
        root = self._address.removesuffix("/v1")
        for path in ("version", "api/version"):
            try:
                response = await self._send("GET", f"{root}/{path}", LONGEST_TIMEOUT_OF_FACTS, with_key=False)
                version = response.json()["version"]
            except (RequestError, ValueError, KeyError, TypeError, RecursionError):
                continue
            if isinstance(version, str):
                return version[:100]
        return None

    def refusal(self, fault: RequestError) -> RepopeError:
        """The error that ends a run because of a fault, with its mend."""
        mend = fault.mend
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
        *,
        with_key: bool = True,
        content: bytes | None = None,
    ) -> httpx2.Response:
        """Sends a request; returns the whole reply, whose status is 2xx.

        Raises:
            RequestError: as in `complete`.
        """
        headers = {} if content is None else {"Content-Type": "application/json"}
        if self._key and with_key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            async with asyncio.timeout(seconds):
                response = await self._http.request(method, url, headers=headers, content=content)
        except TimeoutError:
            raise _timeout(seconds) from None
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            raise self._connection_fault(error, seconds) from None  # its frames hold the key
        if not response.is_success:
            raise fault_of(response.status_code, response.headers, self._text(response))
        return response

    def _text(self, response: httpx2.Response) -> str:
        return self._without_key(response.content.decode("utf-8", errors="replace"))

    def _without_key(self, text: str) -> str:
        """A text without the key, whether it stands there plainly or as JSON may write it."""
        for form in (self._key, json.dumps(self._key)[1:-1], self._key.replace("/", r"\/")):
            text = text.replace(form, f"({self._variable})") if form else text
        return text

    def _connection_fault(
        self, error: httpx2.RequestError | httpx2.InvalidURL, seconds: float
    ) -> RequestError:
        detail = complaint(self._without_key(str(error))) or type(error).__name__
        match error:
            case httpx2.ConnectError() if _is_of_certificate(error):
                mend = "have SSL_CERT_FILE name a file with the certificate that signed it"
                return RequestError("its certificate is not trusted", detail, ends_run=True, mend=mend)
            case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.ProxyError():
                return RequestError(NO_CONNECTION, detail, may_pass=True)
            case httpx2.TimeoutException():
                return _timeout(seconds)
            case httpx2.InvalidURL() | httpx2.UnsupportedProtocol() | httpx2.LocalProtocolError():
                return RequestError("no address", detail, ends_run=True)
            case _:
                return RequestError("the connection was cut", detail, may_pass=True)


def _timeout(seconds: float) -> RequestError:
    return RequestError(f"no answer within {seconds:g} s", may_pass=True, is_busy=True, is_timeout=True)


def _is_of_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
