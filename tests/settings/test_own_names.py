"""Names by the file of questions and by the checkpoint, which run folders have by default."""

import pytest

from repope_eval.settings.named_files import checkpoint_name, questions_name


@pytest.mark.parametrize(
    ("questions", "name"),
    [
        ("/x/mine.jsonl", "mine"),
        ("my questions.v2.csv", "my questions.v2"),
        ("hub:org/yes-no", "yes-no"),
        (".hidden.csv", "hidden"),
        ("demo.csv", ""),  # runs of both would be mixed
    ],
)
def test_a_benchmark_has_the_name_of_its_file(questions: str, name: str) -> None:
    assert questions_name(questions) == name


@pytest.mark.parametrize(
    ("checkpoint", "name"),
    [
        ("llava-hf/llava-1.5-7b-hf", "llava-1.5-7b-hf"),
        ("/x/qwen3_vl/", "qwen3_vl"),
        ("/x/llava/checkpoint", "llava-checkpoint"),
        ("/x/llava/model", "llava-model"),
        ("./checkpoint", "checkpoint"),
        ("../.cache/model", "cache-model"),
        ("/hub/models--org--seer-7b/snapshots/0a1b2c3d4e5f", "seer-7b"),
        ("gpt-4o", "gpt-4o"),
    ],
)
def test_a_model_has_a_name_that_tells_it_from_others(checkpoint: str, name: str) -> None:
    assert checkpoint_name(checkpoint) == name
