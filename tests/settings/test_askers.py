"""Settings that mean nothing to whom is asked: refused where they are given, and absent from what is written."""

from typing import Any

import pytest
from run_folders import DEMO

from repope_eval.errors import RepopeError
from repope_eval.settings.askers import applicable_settings, refuse_idle
from repope_eval.settings.config import ModelSettings, RunSettings
from repope_eval.settings.fields import fields_by_key
from repope_eval.system.secrets import as_written, values_by_dotted_key


def settings(family: str, model: dict[str, Any], **changes: Any) -> RunSettings:
    made = ModelSettings(name="m", family=family, checkpoint="c", **model)
    return RunSettings(model=made, bench=DEMO, **changes)


@pytest.mark.parametrize(
    ("family", "model", "changes", "message"),
    [
        (
            "endpoint",
            {"dtype": "float32", "url": "http://h/v1"},
            {"batch_size": "2", "limit": 3},
            "batch_size, model.dtype: the server decides; leave it out",
        ),
        ("endpoint", {}, {"engine": "sequential"}, "engine: the server decides; leave it out"),
        (
            "ovis2",
            {"url": "http://h/v1", "dtype": "float32"},
            {"batch_size": "2"},
            "model.url: only model=endpoint asks a server; leave it out",
        ),
        (
            "ovis2",
            {"top_p": 0.9},
            {"repeats": 3},
            "repeats, model.top_p: means nothing to greedy answers, which are always the same; give "
            "model.temperature=0.7 or another above 0, or leave it out",
        ),
    ],
)
def test_they_are_named(family: str, model: dict[str, Any], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RepopeError) as caught:
        refuse_idle(settings(family, model, **changes))
    assert str(caught.value) == message


@pytest.mark.parametrize("family", ["endpoint", "ovis2", "another"])
def test_defaults_are_no_mistake_and_are_not_written(family: str) -> None:
    made = settings(family, {})
    refuse_idle(made)
    whole, written = values_by_dotted_key(as_written(made)), values_by_dotted_key(applicable_settings(made))
    idle = {"weights", "chat"} if family == "endpoint" else {"server"}
    of_others = {key for key, field in fields_by_key(RunSettings).items() if field.asked in idle}
    assert set(whole) - set(written) == of_others
    assert {"model.max_pixels", "engine"} <= of_others or {"model.url", "model.price_out"} <= of_others
    assert {key: whole[key] for key in written} == written
