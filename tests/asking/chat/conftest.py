"""Each tiny checkpoint, made once for all tests of a process, and loaded once."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
from tiny_checkpoints import chat_settings

from perf.chat_families.families import FAMILIES
from repope_eval.asking.chat.loading import ChatModel, load_chat_model


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny checkpoint of a kind."""

    @cache
    def made(kind: str) -> Path:
        folder = tmp_path_factory.mktemp("chat") / kind
        FAMILIES[kind](folder)
        return folder

    return made


@pytest.fixture(scope="session")
def chat_model(checkpoint: Callable[[str], Path]) -> Callable[[str], ChatModel]:
    """A tiny checkpoint of a kind as a model; nobody may change it."""

    @cache
    def loaded(kind: str) -> ChatModel:
        return load_chat_model(chat_settings(checkpoint(kind)), torch.device("cpu"))

    return loaded
