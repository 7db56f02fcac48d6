"""Checkpoints from the Hub, with a server on this machine in its place."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from adapter_files import save_adapter
from conftest import CommandLine
from hub_server import COMMIT, HubServer, commit_of

from perf.golden import golden_model, read_golden

NAME = "OpenGVLab/InternVL2_5-1B"
WORDS = (
    "model=internvl2_5_1b",
    "model.dtype=float32",
    "model.max_new_tokens=2",
    "model.max_tiles=1",
    "limit=1",
)


def online(server: HubServer) -> dict[str, str]:
    return {"HF_ENDPOINT": server.address, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}


def test_the_plain_command_downloads_runs_and_notes_the_commit(
    command_line: CommandLine, goldens: Path, tmp_path: Path
) -> None:
    out = f"out={tmp_path / 'run'}"
    with HubServer({NAME: goldens / "internvl2_5_qwen2"}) as server:
        result = command_line(*WORDS, out, **online(server))
    assert result.returncode == 0, result.stderr
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["checkpoint"] == {"name": NAME, "commit": COMMIT}
    asked = [path.rpartition("/")[2] for path in server.asked]
    assert "model.safetensors" in asked
    again = command_line(*WORDS, f"out={tmp_path / 'again'}")  # offline, from the cache
    assert again.returncode == 0, again.stderr
    first, second = (
        sorted((tmp_path / run / "answers.jsonl").read_text().splitlines()) for run in ("run", "again")
    )
    assert first == second


def test_the_command_of_the_mission_needs_no_more_than_a_name(
    command_line: CommandLine, goldens: Path, tmp_path: Path
) -> None:
    out = f"out={tmp_path / 'run'}"
    with HubServer({"AIDC-AI/Ovis2-1B": goldens / "ovis2"}) as server:
        result = command_line("model=ovis2_1b", *WORDS[2:], out, **online(server))
    assert result.returncode == 0, result.stderr
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["checkpoint"] == {"name": "AIDC-AI/Ovis2-1B", "commit": COMMIT}


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # which peft asks for
def test_an_adapter_is_downloaded_with_its_base_and_its_commit_noted(
    command_line: CommandLine, goldens: Path, tmp_path: Path
) -> None:
    base, adapter = goldens / "internvl2_5_qwen2", "me/seer"
    network = golden_model(base).network
    folders = {name: save_adapter(network, tmp_path / name, name) for name in (NAME, "other/base")}
    (folders[NAME] / "adapter_model.bin").write_text("pickled")
    words = (*WORDS, f"model.adapter={adapter}")
    with HubServer({NAME: base, adapter: folders[NAME]}) as server:
        fetched = command_line("fetch", *words[:1], words[-1], **online(server))
    assert fetched.returncode == 0, fetched.stderr
    assert fetched.stderr.splitlines()[-1].startswith(f"{adapter} is in {os.environ['HF_HOME']}")
    assert fetched.stderr.splitlines()[-1].endswith(f": it changes 8 tensors, commit {COMMIT}")
    assert not [path for path in server.asked if path.endswith(".bin")]
    result = command_line(*words, f"out={tmp_path / 'run'}")  # offline, from the cache
    assert result.returncode == 0, result.stderr
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["checkpoint"] == {
        "name": NAME, "commit": COMMIT, "adapter": adapter, "adapter_commit": COMMIT,
    }  # fmt: skip
    assert json.loads((tmp_path / "run" / "scores.json").read_text())["model"] == "internvl2_5_1b+seer"
    with HubServer({NAME: base, "me/wrong": folders["other/base"]}) as server:
        result = command_line(*WORDS, "model.adapter=me/wrong", f"out={tmp_path / 'no'}", **online(server))
    assert result.returncode == 1
    line = result.stderr.strip().splitlines()[-1]
    assert (
        f"was made for 'other/base', and model.checkpoint is '{NAME}'; give model.checkpoint=other/base"
        in line
    )
    result = command_line(*WORDS, "model.adapter=me/unknown", f"out={tmp_path / 'no'}")
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith("me/unknown is not in the Hub's cache and cannot be downloaded")
    assert line.endswith("or give a folder, model.adapter=FOLDER")


def with_a_wrong_field(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["llm_config"]["rms_norm_eps"] = "small"
    (folder / "config.json").write_text(json.dumps(config))


def with_a_broken_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.model").write_text("no pieces")


@pytest.mark.parametrize(
    ("command", "damage", "message"),
    [
        (["fetch"], with_a_wrong_field, "rms_norm_eps"),
        (["fetch"], with_a_broken_tokenizer, "tokenizer.model: cannot be used"),
        ([], with_a_wrong_field, "rms_norm_eps"),
    ],
)
def test_no_weight_is_asked_for_where_a_small_file_is_wrong(
    command_line: CommandLine,
    goldens: Path,
    tmp_path: Path,
    command: list[str],
    damage: Callable[[Path], None],
    message: str,
) -> None:
    folder = Path(shutil.copytree(goldens / "internvl2_5_internlm2", tmp_path / "repository"))
    damage(folder)
    with HubServer({NAME: folder}) as server:
        result = command_line(*command, "model=internvl2_5_1b", **online(server))
    assert result.returncode == 1
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith(os.environ["HF_HOME"])
    assert message in line
    asked = {path.rpartition("/")[2] for path in server.asked}
    assert "config.json" in asked
    assert not [name for name in asked if name.endswith(".safetensors")]


def test_a_revision_without_a_processor_has_mains(
    command_line: CommandLine, goldens: Path, tmp_path: Path
) -> None:
    name, golden = "google/paligemma-3b-mix-224", read_golden(goldens / "paligemma")
    whole = Path(shutil.copytree(golden.folder, tmp_path / "main"))
    revision = Path(shutil.copytree(golden.folder, tmp_path / "bfloat16"))
    (whole / "model.safetensors").unlink()
    for file in ("tokenizer.json", "preprocessor_config.json", "generation_config.json"):
        (revision / file).unlink()
    case, out = golden.cases[0], tmp_path / "run"
    questions = tmp_path / "questions.jsonl"
    asked = {"question_id": 1, "image": f"{case.image}.png", "text": case.question, "label": "yes"}
    questions.write_text(json.dumps(asked))
    words = (
        "model=paligemma_3b",
        "model.dtype=float32",
        "bench=custom",
        f"bench.questions={questions}",
        f"bench.images={goldens / 'images'}",
    )
    with HubServer({name: whole}, revisions={"bfloat16": revision}) as server:
        result = command_line(*words, f"out={out}", **online(server))
    assert result.returncode == 0, result.stderr
    assert json.loads((out / "answers.jsonl").read_text())["response"] == case.response
    assert json.loads((out / "manifest.json").read_text())["checkpoint"] == {
        "name": name,
        "commit": commit_of("bfloat16"),
        "processor_commit": COMMIT,
    }
    again = command_line(*words, f"out={tmp_path / 'again'}")  # offline, from the cache
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "again" / "answers.jsonl").read_text() == (out / "answers.jsonl").read_text()


def test_a_gated_checkpoint_names_the_licence_page_and_the_token(
    command_line: CommandLine, goldens: Path
) -> None:
    name = "google/paligemma-3b-mix-224"
    with HubServer({name: goldens / "paligemma"}, gated=frozenset({name})) as server:
        result = command_line("model=paligemma_3b", "limit=1", **online(server))
    assert result.returncode == 1
    (line,) = [line for line in result.stderr.splitlines() if "gated" in line]
    assert f"accept its licence at https://huggingface.co/{name}" in line
    assert "HF_TOKEN" in line
    assert "Traceback" not in result.stderr


def test_what_the_hub_does_not_have_is_named(
    command_line: CommandLine, goldens: Path, tmp_path: Path
) -> None:
    words = (
        f"model.checkpoint=nobody/nothing,{NAME}",
        "model.revision=v9",
        f"out={tmp_path}/${{hydra:job.num}}",
    )
    with HubServer({NAME: goldens / "internvl2_5_qwen2"}) as server:
        result = command_line("-m", *WORDS, *words, **online(server))
    assert result.returncode == 1
    assert "the Hub has no such model" in result.stderr
    assert f"{NAME} has no revision v9" in result.stderr
    assert "Traceback" not in result.stderr


def test_without_network_and_cache_one_line_says_how_to_get_it(command_line: CommandLine) -> None:
    result = command_line(*WORDS)
    assert result.returncode == 1
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith(f"{NAME} is not in the Hub's cache and cannot be downloaded")
    assert f"hf download {NAME}" in line
    assert "model.checkpoint=FOLDER" in line
