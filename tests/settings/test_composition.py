import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from forgotten_groups import forget_groups
from omegaconf import OmegaConf

from repope_eval.errors import RepopeError
from repope_eval.settings import composition
from repope_eval.settings.command_settings import DataSettings
from repope_eval.settings.composition import compose, initialized, listed_models, register
from repope_eval.settings.config import (
    BenchSettings,
    ModelSettings,
    ModelsSettings,
    RunSettings,
    ScoreSettings,
)
from repope_eval.settings.fields import groups_of
from repope_eval.settings.named_files import choices, configuration_file, shipped_folder
from repope_eval.settings.schema import settings_from
from repope_eval.settings.words import quoted_texts

RECORDS = {"models": ModelSettings, "benchmarks": BenchSettings}
FILES = sorted(shipped_folder("configs").glob("*/*.yaml"))
OF_ANY_CHECKPOINT = ("chat", "endpoint")
"""Files of models that leave it to the command line which checkpoint is meant."""
COMPOSED = ("tiny", "paligemma_3b", "demo", "repope")
"""Of each kind of file one; the figures of models are in tests of their families."""


@pytest.fixture(autouse=True)
def _groups_of_one_record_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of the command line registers one record; this one registers several."""
    forget_groups(monkeypatch)


def _settings(*words: str, config_dir: Path | None = None, record: Any = RunSettings) -> Any:
    register(record, config_dir)
    with initialized(config_dir):
        return settings_from(record, compose(record, words))


def _defaults(record: type) -> dict[str, Any]:
    return {
        item.name: item.default
        for item in dataclasses.fields(record)
        if item.default is not dataclasses.MISSING
    }


def test_nothing_given_is_the_demo() -> None:
    settings = _settings()
    assert (settings.model.name, settings.bench.name, settings.out) == ("tiny", "demo", "runs/demo/tiny")
    given = {"model", "bench", "out"}
    assert all(
        getattr(settings, key) == value for key, value in _defaults(RunSettings).items() if key not in given
    )


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.stem in COMPOSED], ids=lambda path: path.stem
)
def test_shipped_files_compose_to_what_they_state_and_the_defaults(path: Path) -> None:
    record = RECORDS[path.parent.name]
    group = "model" if record is ModelSettings else "bench"
    stated: Any = OmegaConf.to_container(OmegaConf.load(path))
    listed = {key: tuple(value) if isinstance(value, list) else value for key, value in stated.items()}
    assert getattr(_settings(f"{group}={path.stem}"), group) == record(**{"name": path.stem} | listed)


@pytest.mark.parametrize("name", OF_ANY_CHECKPOINT)
def test_a_model_of_any_checkpoint_is_named_after_it(name: str) -> None:
    settings = _settings(f"model={name}", "model.checkpoint=org/seer")
    assert settings.model == ModelSettings(name="seer", family=name, checkpoint="org/seer")
    assert settings.out == "runs/demo/seer"
    assert _settings(f"model={name}", "model.checkpoint=/a/b", "model.name=mine").out == "runs/demo/mine"
    assert sorted({*(model.name for model in listed_models()), *OF_ANY_CHECKPOINT}) == sorted(
        choices("model")
    )


def test_choices_are_the_file_names_with_numbers_in_order() -> None:
    models = choices("model")
    assert sorted(models) == sorted(path.stem for path in FILES if path.parent.name == "models")
    plain = [name for name in models if re.fullmatch(r"internvl2_5_\d+b", name)]
    assert plain == [f"internvl2_5_{size}b" for size in (1, 2, 4, 8, 26, 38, 78)]


def test_no_shipped_file_is_read_but_those_that_are_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than fifty files take a tenth of a second."""
    composition._shipped_content.cache_clear()
    read: list[str] = []

    def noted(group: str, name: str) -> Path:
        read.append(name)
        return configuration_file(group, name)

    monkeypatch.setattr(composition, "configuration_file", noted)
    _settings("model=ovis2_4b")
    assert sorted(read) == ["demo", "ovis2_4b"]


def test_groups_are_a_records_own() -> None:
    assert groups_of(RunSettings) == {"model": "tiny", "bench": "demo"}
    assert groups_of(ScoreSettings) == {"bench": "demo"}
    assert groups_of(DataSettings) == {"bench": "repope"}


def test_a_group_may_be_without_a_choice(own: Path) -> None:
    (own / "model" / "mine.yaml").write_text("defaults: [tiny]\nquestion_suffix: ' Yes?'\nname: mine\n")
    assert groups_of(ModelsSettings) == {"model": None}
    assert _settings(record=ModelsSettings, config_dir=own).model is None
    model = _settings("model=mine", "model.max_tiles=3", record=ModelsSettings, config_dir=own).model
    assert (model.name, model.checkpoint, model.question_suffix, model.max_tiles) == (
        "mine",
        "demo",
        " Yes?",
        3,
    )


def test_model_is_a_text_where_a_command_takes_none() -> None:
    settings = _settings("model=anything", "answers=file.json", record=ScoreSettings)
    assert (settings.model, settings.answers, settings.out) == ("anything", "file.json", None)


@pytest.mark.parametrize(
    ("typed", "suffix"),
    [(r"\nAnswer yes or no.", "\nAnswer yes or no."), (r" Write \\n.", r" Write \n."), (r" \o/", r" \o/")],
)
def test_a_line_break_in_a_prompt_is_typed_as_in_a_programming_language(typed: str, suffix: str) -> None:
    words = quoted_texts(RunSettings, [f"model.question_suffix={typed}"], multirun=False)
    assert _settings(*words).model.question_suffix == suffix


def test_single_values_are_set_over_a_file() -> None:
    settings = _settings("model=internvl2_5_1b", "model.max_new_tokens=5", "bench.variants=[random]")
    assert (settings.model.checkpoint, settings.model.max_new_tokens) == ("OpenGVLab/InternVL2_5-1B", 5)
    assert settings.bench.variants == ("random",)


@pytest.mark.parametrize(
    ("out", "folder"),
    [
        ("out=${bench.name}-${model.dtype}", "demo-auto"),
        ("out=x/${protocol}/${hydra:runtime.choices.model}", "x/repope/tiny"),
        ("out='with spaces/and (brackets)'", "with spaces/and (brackets)"),
    ],
)
def test_out_may_be_written_with_other_values(out: str, folder: str) -> None:
    assert _settings(out).out == folder


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own configs"
    (folder / "model").mkdir(parents=True)
    return folder


def test_own_file_without_a_name_has_the_files_name(own: Path) -> None:
    (own / "model" / "mine.yaml").write_text("family: internvl2_5\ncheckpoint: /somewhere\ndtype: float16\n")
    settings = _settings("model=mine", config_dir=own)
    assert settings.model == ModelSettings(
        name="mine", family="internvl2_5", checkpoint="/somewhere", dtype="float16"
    )
    assert settings.out == "runs/demo/mine"


def test_own_file_goes_before_a_shipped_one_of_its_name(own: Path) -> None:
    (own / "model" / "tiny.yaml").write_text("family: internvl2_5\ncheckpoint: /mine\n")
    assert _settings(config_dir=own).model.checkpoint == "/mine"


def test_own_file_may_build_on_a_shipped_one(own: Path) -> None:
    (own / "model" / "short.yaml").write_text("defaults: [internvl2_5_1b]\nname: short\nmax_new_tokens: 3\n")
    model = _settings("model=short", config_dir=own).model
    assert (model.name, model.checkpoint, model.max_new_tokens) == ("short", "OpenGVLab/InternVL2_5-1B", 3)


def test_names_with_values_are_read_as_they_are_typed() -> None:
    words = "model.chat_template={enable_thinking:false,budget:5,style:brief}"
    found = _settings("model=chat", "model.checkpoint=mine", words).model.chat_template
    assert found == {"enable_thinking": False, "budget": 5, "style": "brief"}
    assert _settings("model=chat", "model.checkpoint=mine").model.chat_template is None


@pytest.mark.parametrize("value", ["yes", "{a:{b:1}}"])
def test_what_is_no_list_of_names_with_values_is_refused(value: str) -> None:
    with pytest.raises(RepopeError, match=r"names with values such as \{name:value\} or null is expected"):
        _settings("model=chat", "model.checkpoint=mine", f"model.chat_template={value}")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["model.checkpoint=Qwen/Qwen3-VL-8B-Instruct"], "Qwen3-VL-8B-Instruct"),
        (["model.checkpoint=org/mine", "model.name=other"], "other"),
        (["model.checkpoint=${oc.env:HOME}"], "chat"),  # no part of a variable's value stands in files
    ],
)
def test_a_users_checkpoint_names_its_run_folder(words: list[str], name: str) -> None:
    settings = _settings("model=chat", *words)
    assert (settings.model.name, settings.out) == (name, f"runs/demo/{name}")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["model=ovis2_1b"], "ovis2_1b+seer"),
        (["model=chat", "model.checkpoint=org/mine"], "mine+seer"),
        (["model=ovis2_1b", "model.name=other"], "other"),
        (["model=ovis2_1b", "model.name=${model.family}"], "ovis2"),
    ],
)
def test_an_adapter_names_its_run_folder_after_its_model(words: list[str], name: str) -> None:
    settings = _settings(*words, "model.adapter=/runs/seer/")
    assert (settings.model.name, settings.out) == (name, f"runs/demo/{name}")


@pytest.mark.parametrize(
    ("words", "length"),
    [
        (["bench=repope"], 15),
        (["bench=chair"], 1024),
        (["bench=demo_captions"], 1024),
        (["bench=chair", "model.max_new_tokens=15"], 15),
        (["bench=chair", "model.max_new_tokens=64"], 64),
    ],
)
def test_a_models_length_for_yes_or_no_cuts_no_caption(words: list[str], length: int) -> None:
    assert _settings("model=llava_next_vicuna_7b", *words).model.max_new_tokens == length


def test_a_longer_length_of_a_models_file_stays_for_captions() -> None:
    assert _settings("model=qwen3_5_4b", "bench=chair").model.max_new_tokens == 4096


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["bench=repope", "bench.blind=gray"], "repope_gray"),
        (["bench=repope", "bench.blind=none", "bench.name=mine"], "mine_none"),
        (["bench=custom", "bench.questions=a/b.jsonl", "bench.blind=swapped"], "b_swapped"),
        (["bench=repope"], "repope"),
    ],
)
def test_the_name_of_a_benchmark_says_that_its_images_are_not_shown(words: list[str], name: str) -> None:
    settings = _settings(*words)
    assert settings.bench.name == name
    assert settings.out == f"runs/{name}/tiny"
