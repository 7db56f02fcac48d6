"""Serving an annotator's page at an address of this machine, until the program is ended."""

import secrets
import socket
from ipaddress import ip_address
from urllib.parse import urlencode

import uvicorn
from starlette.types import ASGIApp

from repope_eval.annotation.access import TOKEN
from repope_eval.annotation.connections import MOST_ACCEPTED, BoundedConnection
from repope_eval.errors import RepopeError

SECONDS_TO_FINISH = 2
"""How long a request that is being answered may take once the program is to end."""

ANY_HOST = ("0.0.0.0", "::")
"""Hosts that mean every address of the machine."""


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(24)


def listening(host: str, port: int) -> socket.socket:
    """A socket that browsers may ask from now on.

    Args:
        host: a name or address of this machine.
        port: the port; 0: one that is free.

    Raises:
        RepopeError: the port is taken, or the host is not this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # asyncio sends without delay only on a socket that is told its protocol; otherwise the second part of an
        # answer waits some 40 ms for the browser to acknowledge the first.
        found = socket.socket(family, kind, protocol)
    except OSError as error:
        raise RepopeError(f"host={host}: is no address of this machine ({error.strerror})") from error
    try:
        found.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # else a port is taken for a minute after its use
        found.bind(address)
        found.listen()
    except OSError as error:
        found.close()
        raise RepopeError(
            f"port={port}: cannot be listened to on {host} ({error.strerror}); choose another port=, or leave it out "
            "for one that is free"
        ) from error
    return found


def address_of(listener: socket.socket, token: str) -> str:
    """The address that a browser opens, token and all."""
    host, port = listener.getsockname()[:2]
    host = socket.gethostname() if host in ANY_HOST else f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}/?{urlencode({TOKEN: token})}"


def is_for_others(listener: socket.socket) -> bool:
    """Whether other machines can ask, too."""
    return not ip_address(listener.getsockname()[0]).is_loopback


def serve(application: ASGIApp, listener: socket.socket) -> None:
    """Answers browsers until a signal ends the program.

    Raises:
        KeyboardInterrupt: the signal came; what was being stored then is on the disk.
    """
    config = uvicorn.Config(
        application,
        http=BoundedConnection,
        backlog=MOST_ACCEPTED,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=SECONDS_TO_FINISH,
    )
    uvicorn.Server(config).run(sockets=[listener])
