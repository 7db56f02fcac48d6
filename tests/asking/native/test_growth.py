"""What memory a batch of descriptions could have needed, had they been longer."""

from types import SimpleNamespace

import pytest
import torch
from conftest import GOLDENS
from test_memory import Cuda

from perf.golden import golden_model
from repope_eval.asking.native.batches import TransformersAsker
from repope_eval.asking.native.generation import Generation
from repope_eval.asking.native.loader import PreparedImage
from repope_eval.asking.native.memory import memory_of
from repope_eval.models.attention_shape import cached_bytes_a_token
from repope_eval.models.recipe import Prepared
from repope_eval.records import Answer, Question


def test_a_cached_token_takes_what_the_cache_holds_of_it() -> None:
    text = SimpleNamespace(num_hidden_layers=3, num_attention_heads=8, num_key_value_heads=2, head_dim=16)
    assert cached_bytes_a_token(text, torch.bfloat16) == 2 * 3 * 2 * 16 * 2  # type: ignore[arg-type]


@pytest.mark.parametrize(("describes", "tokens"), [(True, (64 - 5) + (64 - 9)), (False, 0)])
def test_descriptions_may_grow_and_answers_of_yes_and_no_do_not(describes: bool, tokens: int) -> None:
    model = golden_model(GOLDENS / "internvl2_5_qwen2")
    asker = TransformersAsker(model, engine="shared", batch_size="auto", workers="0", max_new_tokens=64)
    question = Question("a.png", "Describe this image.", "", describes=describes)
    image = PreparedImage((question,), Prepared({}, ((1,),)))
    generations = [[Generation((1,) * length, 0.0, 0.0)] for length in (5, 9)]
    a_token = cached_bytes_a_token(model.network.config.get_text_config(), torch.float32)
    assert a_token > 0
    assert asker._growth([image] * 2, generations) == tokens * a_token


def test_growth_counts_as_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    Cuda(monkeypatch)
    measured = memory_of([torch.device("cuda:0")])
    measured.start()
    assert measured.free_over_peak(growth=35) == pytest.approx(250 / (90 + 35))


def test_a_description_is_stored_without_probabilities() -> None:
    for describes, kept in ((True, None), (False, 0.5)):
        answer = Answer(Question("a.png", "?", "", describes=describes), "A dog.", 4, 0.5, 0.5)
        assert (answer.as_stored().p_yes, answer.as_stored().p_no) == (kept, kept)
