"""What lies in the thinking part is no answer."""

from pathlib import Path
from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from perf.chat_families.parts import tokenizer
from perf.chat_families.qwen import TOKENS as QWEN_TOKENS
from repope_eval.asking.chat.asking import AnswerReader, ReadAnswer
from repope_eval.errors import RepopeError

PROMPT = "<|im_start|>user\nIs there a cup?<|im_end|>\n<|im_start|>assistant\n"

TEMPLATE: dict[str, Any] = {
    "defaults": {"role": "assistant"},
    "start_anchor": "<|im_start|>assistant\n",
    "fields": {
        "reasoning_content": {"open": "<think>", "close": "</think>", "content": "text"},
        "content": {"close_pattern": r"\s*<\|im_end\|>", "content": "text"},
    },
}


@pytest.fixture(params=["tags", "response template"])
def words(request: pytest.FixtureRequest) -> PreTrainedTokenizerFast:
    """A tokenizer whose thoughts are read by their tags, or by a response template."""
    made = tokenizer(QWEN_TOKENS, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    if request.param == "response template":
        made.response_template = TEMPLATE
    return made


def read(words: PreTrainedTokenizerFast, text: str, opened: str = "") -> tuple[ReadAnswer, str | None]:
    """What is read in a generated text, and its first token."""
    token_ids = words(text, add_special_tokens=False).input_ids
    found = AnswerReader(words, Path()).read(token_ids, PROMPT + opened)
    return found, None if found.first is None else words.decode([token_ids[found.first]])


def test_an_answer_without_thoughts_is_all_of_it(words: PreTrainedTokenizerFast) -> None:
    found, first = read(words, "No, none.<|im_end|>")
    assert found.response == "No, none."
    assert first == "No"


@pytest.mark.parametrize(
    ("opened", "text"),
    [
        ("", "<think>\nYes? Not yes.\n</think>\n\nNo.<|im_end|>"),
        ("<think>\n", "Yes? Not yes.\n</think>\n\nNo.<|im_end|>"),
        ("<think>\n\n</think>\n\n", "No.<|im_end|>"),
    ],
)
def test_thoughts_are_left_out_whoever_opened_them(
    words: PreTrainedTokenizerFast, opened: str, text: str
) -> None:
    found, first = read(words, text, opened)
    assert (found.response, first, found.is_cut) == ("No.", "No", False)


@pytest.mark.parametrize(
    ("opened", "text"),
    [("", "<think>\nYes, there is"), ("<think>\n", "Yes, yes"), ("<think>\n", "Yes<|im_end|>")],
)
def test_a_thought_that_is_cut_off_is_no_answer(
    words: PreTrainedTokenizerFast, opened: str, text: str
) -> None:
    assert read(words, text, opened)[0] == ReadAnswer("", None, is_cut=True)


def test_an_end_that_says_nothing_is_an_empty_answer(words: PreTrainedTokenizerFast) -> None:
    assert read(words, "<think>Yes.</think>\n<|im_end|>")[0] == ReadAnswer("", None, is_cut=False)


def test_other_tags_are_those_of_the_response_template() -> None:
    words = tokenizer(["<|channel>", "<channel|>"], eos_token="<|im_end|>", pad_token="<pad>")
    thoughts = {"open": "<|channel>thought\n", "close": "<channel|>", "content": "text"}
    content = {"close": "<|im_end|>", "content": "text"}
    fields = {"reasoning_content": thoughts, "content": content}
    words.response_template = {"start_anchor": "assistant\n", "fields": fields}
    found, first = read(words, "<|channel>thought\nYes?<channel|>No.<|im_end|>")
    assert (found.response, first) == ("No.", "No")
    assert read(words, "<|channel>thought\nYes")[0].is_cut


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("[THINK]", "[/THINK]"),
        ("◁think▷", "◁/think▷"),
        ("<|START_THINKING|>", "<|END_THINKING|>"),
        ("<thinking>", "</thinking>"),
    ],
)
def test_tags_that_are_special_tokens_do_not_hide_a_thought(opening: str, closing: str) -> None:
    words = tokenizer([opening, closing], eos_token="<|im_end|>", pad_token="<pad>")
    found, first = read(words, f"{opening}Yes? Not yes.{closing}No.<|im_end|>")
    assert (found.response, first, found.is_cut) == ("No.", "No", False)
    assert read(words, f"Yes?{closing}No.<|im_end|>", opened=opening)[0].response == "No."
    assert read(words, f"{opening}Yes, or")[0].is_cut
    assert read(words, "Yes, or", opened=opening)[0].is_cut


def test_the_answer_of_channels_is_the_final_one() -> None:
    tokens = ["<|channel|>", "<|message|>", "<|start|>", "<|end|>"]
    words = tokenizer(tokens, eos_token="<|return|>", pad_token="<pad>")
    thought = "<|channel|>analysis<|message|>Yes? Not yes."
    text = f"{thought}<|end|><|start|>assistant<|channel|>final<|message|>No.<|return|>"
    found, first = read(words, text)
    assert (found.response, first) == ("No.", "No")
    assert read(words, thought)[0].is_cut


def test_tags_that_nobody_knows_are_told_though_they_are_special_tokens() -> None:
    words = tokenizer(["[HM]", "[/HM]"], eos_token="<|im_end|>", pad_token="<pad>")
    found, _ = read(words, "[HM]Yes?[/HM]No.<|im_end|>")
    assert (found.response, found.unknown_tag) == ("Yes?No.", "[HM]")
    assert read(words, "No.<|im_end|>")[0].unknown_tag is None


def test_a_response_template_that_transformers_cannot_use_is_refused() -> None:
    words = tokenizer(QWEN_TOKENS, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    words.response_template = {"fields": {}}
    with pytest.raises(
        RepopeError, match=r"folder/tokenizer_config\.json: response_template: cannot be used"
    ):
        AnswerReader(words, Path("folder"))
