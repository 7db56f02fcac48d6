"""A server of tests, opened by the asker that is tested."""

from collections.abc import Sequence
from typing import Any

from chat_server import MODEL, ChatServer
from run_folders import DEMO

from repope_eval.asking.asker import AskedImage
from repope_eval.asking.endpoint.asker import EndpointAsker, load_endpoint_asker
from repope_eval.records import Answer
from repope_eval.settings.config import ModelSettings, RunSettings
from repope_eval.system.ranks import Ranks


def settings_of(chat: ChatServer, **model: Any) -> RunSettings:
    given = {"name": "seer", "family": "endpoint", "checkpoint": MODEL, "url": chat.url, **model}
    return RunSettings(model=ModelSettings(**given), bench=DEMO)


def opened(chat: ChatServer, **model: Any) -> EndpointAsker:
    return load_endpoint_asker(settings_of(chat, **model), Ranks())


def all_answers(asker: EndpointAsker, images: Sequence[AskedImage]) -> list[Answer]:
    return [answer for answers in asker.ask(images) for answer in answers]
