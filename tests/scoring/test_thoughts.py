"""Thoughts are told from answers."""

import time

import pytest

from repope_eval.scoring.protocols import answer_in, is_thought_alone, unknown_tag, unknown_tags_line


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("No", "No"),
        ("<think>I see ears, yes maybe.</think> No", "No"),
        ("<think>\nyes\n</think>\n\nNo, there is none.", "No, there is none."),
        ("I see ears, yes maybe.</think>\nNo", "No"),  # where the prompt opened the thought
        ("  <think>yes, but", ""),
        ("<think></think>", ""),
        ("Yes <think", "Yes <think"),
        ("[THINK]yes[/THINK]No", "No"),  # Magistral
        ("◁think▷yes◁/think▷\nNo", "No"),  # Kimi-VL-Thinking
        ("<thinking>yes</thinking>No", "No"),
        ("<reasoning>yes</reasoning>\nNo", "No"),
        ("<|START_THINKING|>yes<|END_THINKING|>No", "No"),
        ("<think>yes</think><thinking>yes</thinking>No", "No"),
        ("<think>yes</think><think>or", ""),
        ("Yes.<reasoning>I see no cat</reasoning>", "Yes."),
        ("<reflection>yes</reflection>No", "<reflection>yes</reflection>No"),
        ("[YES] no", "[YES] no"),
    ],
)
def test_the_answer_is_what_comes_after_the_thought(text: str, answer: str) -> None:
    assert answer_in(text) == answer


ANALYSIS, FINAL = "<|channel|>analysis<|message|>", "<|channel|>final<|message|>"
ASSISTANT = "<|end|><|start|>assistant"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (f"{ANALYSIS}yes{ASSISTANT}{FINAL}No", "No"),
        (f"{ANALYSIS}yes{ASSISTANT}{FINAL}No<|return|>", "No"),
        (f"{ANALYSIS}yes{ASSISTANT}{ANALYSIS}or{ASSISTANT}{FINAL}No<|end|>\n", "No"),
        (f"{FINAL}No", "No"),
        (f"{ANALYSIS}yes<|end|>No", "No"),  # llama.cpp, where it is told to leave thoughts
        (f"{ANALYSIS}yes", ""),
        (f"{ANALYSIS}yes<|end|>", ""),
        (f"{ANALYSIS}yes{ASSISTANT}<|channel|>commentary to=f <|constrain|>json<|message|>{{}}<|call|>", ""),
        ("analysisIs it? yes.assistantfinalNo, there is none.", "No, there is none."),
        ("analysis of the image: no", "analysis of the image: no"),
    ],
)
def test_the_answer_is_the_final_channel(text: str, answer: str) -> None:
    assert answer_in(text) == answer
    assert is_thought_alone(text) == (answer == "")


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("<reflection>Hm.</reflection>\nNo", "<reflection>"),
        (" [REASON]Hm.[/REASON] No", "[REASON]"),
        ("◁hm▷Hm.◁/hm▷No", "◁hm▷"),
        ("<SUMMARY>Hm.</SUMMARY><CONCLUSION>No</CONCLUSION>", "<SUMMARY>"),
        ("<answer>No</answer>", None),  # nothing comes after it
        ("No, <b>none</b> here", None),
        ("<think>Hm.</think>No", None),
        ("<reflection>Hm. No", None),
        ("[No] there is none", None),
    ],
)
def test_a_tag_that_nobody_knows_is_told(text: str, tag: str | None) -> None:
    assert unknown_tag(text) == tag


def test_unknown_tags_are_one_line() -> None:
    assert unknown_tags_line({"<a>": 2, "[B]": 1}).startswith(
        "3 answers with a tag first that may hold a thought (<a> 2, [B] 1): no such tag is known, so it stands"
    )


@pytest.mark.parametrize(
    "piece", ["<think>", "</think>", "<a>", "[A]", "<|channel|>commentary", "<|end|>", " "]
)
def test_a_text_of_any_length_is_read_in_little_time(piece: str) -> None:
    began = time.process_time()
    text = piece * (400_000 // len(piece))
    answer_in(text), is_thought_alone(text), unknown_tag(text)
    assert time.process_time() - began < 2


def test_only_a_thought_that_has_not_ended_stands_alone() -> None:
    assert is_thought_alone("<think>yes")
    assert not is_thought_alone("<think>yes</think>")
    assert not is_thought_alone("yes")
