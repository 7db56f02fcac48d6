"""`models`: the table of all, and one with its prompt."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import FAMILY_MODELS, CommandLine
from hub_server import HubServer
from safetensors.torch import load_file

from repope_eval.commands import models
from repope_eval.errors import RepopeError
from repope_eval.machine import memory_need
from repope_eval.machine.counting import size_of
from repope_eval.machine.memory_need import Size
from repope_eval.models.checkpoints import find_checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.recipe import RecipeOptions
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import ModelSettings, ModelsSettings

NAME = "OpenGVLab/InternVL2_5-1B"


@pytest.mark.parametrize("name", ["internvl2_5_qwen2", "internvl2_5_internlm2"])
def test_parameters_are_counted_from_the_configurations_shapes(goldens: Path, name: str) -> None:
    checkpoint = find_checkpoint(str(goldens / name), "main")
    size = size_of(recipe_of("internvl2_5", checkpoint, RecipeOptions()).network_without_weights())
    weights = load_file(goldens / name / "model.safetensors")
    assert size.parameters == sum(tensor.numel() for tensor in weights.values())
    marks = ("attention.w", "feed_forward.", "self_attn.", "mlp.")
    language = {key: value for key, value in weights.items() if key.startswith("language_model.model.layers")}
    assert size.quantizable == sum(
        tensor.numel() for key, tensor in language.items() if any(mark in key for mark in marks)
    )


def test_memory_is_two_bytes_a_parameter_less_for_what_is_quantized() -> None:
    size = Size(parameters=1_000, quantizable=640)
    assert size.weight_bytes("bf16") == 2_000
    assert size.weight_bytes("int8") == 640 + 2 * 360
    assert size.weight_bytes("nf4") == 640 / 2 + 640 / 64 * 4 + 2 * 360


def test_the_table_has_every_model_with_its_size_and_no_network(command_line: CommandLine) -> None:
    result = command_line("models")
    assert result.returncode == 0, result.stderr
    lines = {line.split()[0]: line.split() for line in result.stdout.splitlines() if line.split()}
    assert set(FAMILY_MODELS) <= set(lines)
    assert lines["qwen3_vl_8b"][1:4] == ["Qwen/Qwen3-VL-8B-Instruct", "chat", "?"]
    assert "chat" not in lines  # its checkpoint is a user's
    assert lines["tiny"][3:5] == ["1.2", "M"]
    assert lines["internvl2_5_1b"][3:9] == ["938.2", "M", "1.9", "GB", "1.5", "GB"]
    assert not any("?" in lines[name] for name in FAMILY_MODELS)
    for name in FAMILY_MODELS:
        assert (lines[name][-1] == "yes") == model_settings(name).gated
    assert result.stderr.startswith("?: to be counted from the checkpoint's configuration")


def test_a_size_that_is_not_known_is_a_question_mark_and_says_how_it_can_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(memory_need, "published_shape", lambda *_: None)
    with caplog.at_level("INFO", logger="repope_eval"):
        models.execute(ModelsSettings(), "")
    rows = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line.split()}
    assert rows["internvl2_5_1b"][3:7] == ["?"] * 4
    assert rows["tiny"][3:5] == ["1.2", "M"]
    assert "fetch=true fetches it from the Hub, without the weights" in caplog.text


def test_a_configuration_that_is_here_is_what_counts(command_line: CommandLine, goldens: Path) -> None:
    with HubServer({NAME: goldens / "internvl2_5_qwen2"}) as server:
        fetch = command_line(
            "models", "model=internvl2_5_1b", "fetch=true", HF_ENDPOINT=server.address, HF_HUB_OFFLINE="0"
        )
    assert fetch.returncode == 0, fetch.stderr
    lines = command_line("models").stdout.splitlines()
    (row,) = [line.split() for line in lines if line.split()[:1] == ["internvl2_5_1b"]]
    assert row[3:5] == ["0.3", "M"]


def test_fetched_configurations_are_counted_without_their_weights(
    command_line: CommandLine, goldens: Path
) -> None:
    with HubServer({NAME: goldens / "internvl2_5_qwen2"}) as server:
        result = command_line(
            "models",
            "model=internvl2_5_1b",
            "fetch=true",
            HF_ENDPOINT=server.address,
            HF_HUB_OFFLINE="0",
        )
    assert result.returncode == 0, result.stderr
    assert "0.3 M" in result.stdout
    assert "Is there a snowboard in the image?<|im_end|>" in result.stdout
    assert not any(path.endswith("model.safetensors") for path in server.asked)


def test_a_model_that_is_not_here_is_told_how_to_be_fetched(command_line: CommandLine) -> None:
    result = command_line("models", "model=internvl2_5_8b")
    assert result.returncode == 1
    assert "OpenGVLab/InternVL2_5-8B are not on this machine" in result.stderr
    assert "fetch=true" in result.stderr


def test_an_unknown_model_is_refused_with_those_there_are(command_line: CommandLine) -> None:
    result = command_line("models", "model=internvl2_5_8")
    assert result.returncode == 1
    assert "did you mean internvl2_5_8b, internvl2_5_78b or internvl2_5_38b?" in result.stderr


def test_a_model_is_shown_as_other_settings_make_it(
    goldens: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = goldens / "ovis2"
    model = replace(model_settings("ovis2_1b"), checkpoint=str(folder), question_suffix=" Answer yes or no.")
    models.execute(ModelsSettings(model=model), "")
    shown = capsys.readouterr().out
    assert str(folder) in shown
    assert "Is there a snowboard in the image? Answer yes or no.<|im_end|>" in shown


@pytest.mark.parametrize(
    ("checkpoint", "line"),
    [
        ("no_such_folder", "model.checkpoint=no_such_folder: no such folder"),
        (".", "holds no config.json"),
    ],
)
def test_what_is_wrong_with_a_checkpoint_is_not_called_missing(
    checkpoint: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RepopeError, match=line) as caught:
        models.execute(ModelsSettings(model=replace(model_settings("tiny"), checkpoint=checkpoint)), "")
    assert "fetch=true" not in str(caught.value)


def test_settings_of_a_model_are_its_files_over_the_defaults() -> None:
    settings = model_settings("tiny")
    assert isinstance(settings, ModelSettings)
    assert (settings.name, settings.checkpoint, settings.revision) == ("tiny", "demo", "main")
