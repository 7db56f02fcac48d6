"""Who may ask the server of an annotator's page: whoever has the token that stands in its address."""

import secrets
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN = "token"
"""The parameter of every address that holds the token."""

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""Headers of every response: the page asks no other machine for anything, and is told to nobody."""

REFUSAL = "The token in this address is missing or wrong. Open the address that `annotate` has printed.\n"


class WithToken:
    """An application that answers whoever has the token; others get status 403."""

    def __init__(self, application: ASGIApp, token: str) -> None:
        self._application = application
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        answers = self._application if self._has_token(scope) else PlainTextResponse(REFUSAL, status_code=403)
        await answers(scope, receive, send_with_headers)

    def _has_token(self, scope: Scope) -> bool:
        given = parse_qs(scope["query_string"].decode("latin-1")).get(TOKEN, [""])
        return len(given) == 1 and secrets.compare_digest(given[0].encode(), self._token)
