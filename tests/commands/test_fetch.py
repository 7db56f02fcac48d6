"""`fetch`: weights from the Hub, with a server on this machine in its place, and folders that are here."""

import os
import shutil
from pathlib import Path

import pytest
from conftest import CommandLine
from hub_server import COMMIT, HubServer

NAME = "OpenGVLab/InternVL2_5-1B"


def online(server: HubServer) -> dict[str, str]:
    return {"HF_ENDPOINT": server.address, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}


def test_weights_are_downloaded_once_and_it_says_where_they_are(
    command_line: CommandLine, goldens: Path
) -> None:
    with HubServer({NAME: goldens / "internvl2_5_qwen2"}) as server:
        result = command_line("fetch", "model=internvl2_5_1b", **online(server))
    assert result.returncode == 0, result.stderr
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"{NAME} is in {os.environ['HF_HOME']}")
    assert f" MB in 1 file of weights, commit {COMMIT}" in last
    assert not any(path.endswith((".bin", ".py", "README.md")) for path in server.asked)
    again = command_line("fetch", "model=internvl2_5_1b")  # offline, from the cache
    assert again.returncode == 0, again.stderr
    assert again.stderr.splitlines()[-1] == last
    run = command_line("model=internvl2_5_1b", "model.dtype=float32", "model.max_new_tokens=2", "limit=1")
    assert run.returncode == 0, run.stderr


def test_a_gated_model_and_a_missing_network_are_one_clear_line(
    command_line: CommandLine, goldens: Path
) -> None:
    name = "google/paligemma-3b-mix-224"
    with HubServer({name: goldens / "paligemma"}, gated=frozenset({name})) as server:
        result = command_line("fetch", "model=paligemma_3b", **online(server))
    assert result.returncode == 1
    assert result.stderr.strip().splitlines()[-1].startswith(f"{name} is gated: accept its licence at")
    result = command_line("fetch", "model=internvl2_5_1b")
    assert result.returncode == 1
    assert "is not in the Hub's cache and cannot be downloaded" in result.stderr.strip().splitlines()[-1]


def test_the_packages_own_model_is_here(command_line: CommandLine) -> None:
    result = command_line("fetch")
    assert result.returncode == 0, result.stderr
    assert result.stderr.startswith("demo is in ")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "model.safetensors").unlink(), "holds no model*.safetensors"),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(
                (folder / "model.safetensors").read_bytes()[:-10]
            ),
            "model.safetensors: is damaged",
        ),
        (lambda folder: (folder / "vocab.json").unlink(), "the tokenizer's vocab.json is missing"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused(
    command_line: CommandLine, goldens: Path, tmp_path: Path, damage: object, message: str
) -> None:
    folder = tmp_path / "checkpoint"
    shutil.copytree(goldens / "internvl2_5_qwen2", folder)
    words = ("fetch", "model=internvl2_5_1b", f"model.checkpoint={folder}")
    whole = command_line(*words)
    assert whole.returncode == 0, whole.stderr
    assert str(folder) in whole.stderr
    damage(folder)  # type: ignore[operator]
    result = command_line(*words)
    assert result.returncode == 1
    (line,) = result.stderr.strip().splitlines()
    assert message in line
