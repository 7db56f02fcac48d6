"""Chat templates that would take time or memory without end."""

import sys
from pathlib import Path

import pytest

from repope_eval.errors import RepopeError
from repope_eval.models import tokenizers
from repope_eval.models.tokenizers import ChatTemplate

PATH = Path("chat_template.jinja")
TURN = "{% for part in messages[0].content %}{{ part.text or '<image>' }}{% endfor %}"

only_on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the bounds are Linux's")


def test_a_turn_is_rendered_with_the_special_tokens() -> None:
    template = ChatTemplate(PATH, f"{{{{ bos_token }}}}{TURN}", {"bos_token": "<s>"})
    assert template.render("Is there a cat?") == "<s><image>Is there a cat?"


@only_on_linux
def test_a_loop_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizers, "MOST_SECONDS", 0.2)
    loops = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}"
    with pytest.raises(
        RepopeError,
        match=rf"{PATH}: the chat template cannot be rendered \(TimeoutError: takes longer than 0.2 s\)",
    ):
        ChatTemplate(PATH, loops, {})


@only_on_linux
@pytest.mark.parametrize(
    "template",
    [
        "{% set n = 10000000000 %}{% for i in range(1) %}{{ 'a' * n }}{% endfor %}",
        "{% set kept = namespace(text='aaaaaaaaaa') %}"
        "{% for i in range(60) %}{% set kept.text = kept.text ~ kept.text %}{% endfor %}",
    ],
)
def test_memory_without_end_is_not_had(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizers, "MOST_BYTES", 2**28)
    with pytest.raises(
        RepopeError,
        match=rf"{PATH}: .* rendered \(MemoryError: takes more than 0.25 GiB of memory\)",
    ):
        ChatTemplate(PATH, template, {})


@only_on_linux
def test_a_template_that_loops_at_a_word_is_ended_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizers, "MOST_SECONDS", 0.2)
    loops = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}"
    template = ChatTemplate(
        PATH, f"{TURN}{{% if 'cat' in messages[0].content[1].text %}}{loops}{{% endif %}}", {}
    )
    assert template.render("Is there a dog?") == "<image>Is there a dog?"
    with pytest.raises(RepopeError, match=r"TimeoutError: takes longer than 0\.2 s"):
        template.render("Is there a cat?")


def test_a_template_adds_little_to_a_text() -> None:
    with pytest.raises(
        RepopeError, match=rf"{PATH}: the chat template makes 200,014 characters of 0; at most 100,"
    ):
        ChatTemplate(PATH, f"{{{{ 'a' * 200000 }}}}{TURN}", {})
    template = ChatTemplate(PATH, TURN * 2, {})
    with pytest.raises(RepopeError, match=r"makes 300,014 characters of 150,000"):
        template.render("a" * 150_000)
