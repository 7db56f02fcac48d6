"""The first request to a server, about a picture of ours: what it is, what it takes, and which model answers."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from repope_eval.asking.endpoint.client import Client
from repope_eval.asking.endpoint.concurrency import Retrying
from repope_eval.asking.endpoint.replies import Reply, RequestError, read_reply
from repope_eval.asking.endpoint.requests import Form, encoded, form_of
from repope_eval.errors import RepopeError
from repope_eval.settings.config import ModelSettings
from repope_eval.system.secrets import masked
from repope_eval.wording import first_few, shown

log = logging.getLogger(__name__)


QUESTION = "Is there a square in the image?"
"""What is asked about the picture."""
_SIDE = 224
"""Pixels of the picture's sides: processors refuse pictures that are smaller than a patch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What is known of a server before the first question of a benchmark is asked."""

    form: Form
    """The form of requests that the server accepts."""
    model: str
    """The model as it names it, or as it was asked for where it names none."""
    server: str
    """What it calls itself; empty where it does not tell."""
    version: str | None
    sees_images: bool | None
    """Whether a prompt has more tokens with a picture than without; None where the server counts none."""


async def open_server(settings: ModelSettings) -> Opened:
    """Asks a server about a picture of ours, and what it tells of itself."""
    async with Client(settings) as client:
        try:
            listed = await client.models()
            form, reply, server = await _first_reply(client, settings)
        except RequestError as fault:
            raise client.refusal(fault) from None
        _require_model(reply.model, _model_names(settings.checkpoint, listed), client.shown)
        return Opened(
            form=form,
            model=settings.checkpoint if reply.model in ("", settings.checkpoint) else masked(reply.model),
            server=server,
            version=await client.version(),
            sees_images=await _sees_images(client, form, reply),
        )


def _require_model(named: str, names: frozenset[str], address: str) -> None:
    """Refuses a reply of another model.

    A name with a date, a tag or a revision behind it stands for the same model: `gpt-4o-2024-08-06`, `llava:13b`,
    `org/name@main`.
    """
    plain = re.sub(r"-\d[\d-]*$|[:@][^/]*$", "", named)
    if named and not {named.casefold(), plain.casefold()} & {name.casefold() for name in names}:
        raise RepopeError(
            f"{address}: {shown(masked(named))} answers in place of {masked(first_few(sorted(names)))}; "
            "give its name as model.checkpoint if it is the one that is meant"
        )


def _model_names(checkpoint: str, listed: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The names of a model: its own, and those that the server lists with the same root, as vLLM does."""
    roots = [(entry["id"], entry["root"]) for entry in listed if isinstance(entry.get("root"), str)]
    own = {root for name, root in roots if name == checkpoint}
    return frozenset({checkpoint} | {name for name, root in roots if root in own})


async def _first_reply(client: Client, settings: ModelSettings) -> tuple[Form, Reply, str]:
    """Asks the first question, and leaves out what the server refuses and answers do not depend on."""
    form, retrying = form_of(settings), Retrying()
    picture = encoded(_test_picture(), settings.image_format or "png", settings.max_side)
    while True:
        try:
            received = await client.complete(form.content(QUESTION, picture))
            reply = read_reply(received.text, asks_evidence=form.top_logprobs > 0)
            if reply.is_cut:  # most other thoughts would be cut off, too
                raise RequestError(
                    "no text within model.max_new_tokens, which a thought took",
                    mend="raise model.max_new_tokens",
                )
            return form, reply, received.server
        except RequestError as fault:
            less = form.conceding(fault.detail) if fault.status in (400, 422) else None
            if less is None:
                log.info("%s: %s", client.shown, fault)
                await retrying.wait(fault)
            form = less or form


async def _sees_images(client: Client, form: Form, reply: Reply) -> bool | None:
    """Whether the picture made the prompt longer: a model without vision may be asked, and answer, without one."""
    if reply.tokens_in is None:
        return None
    try:
        received = await client.complete(form.content(QUESTION, None))
        without = read_reply(received.text, asks_evidence=False).tokens_in
    except RequestError:
        return None
    if without is None:
        return None
    if without == reply.tokens_in:
        log.warning(
            "%s: the prompt has %d tokens with an image and without; does the model see images?",
            client.shown,
            without,
        )
    return without != reply.tokens_in


def _test_picture() -> Image.Image:
    picture = Image.new("RGB", (_SIDE, _SIDE), "white")
    picture.paste((200, 30, 30), (_SIDE // 4, _SIDE // 4, 3 * _SIDE // 4, 3 * _SIDE // 4))
    return picture
