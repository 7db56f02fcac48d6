"""Where checkpoints come from."""

from pathlib import Path

import pytest

from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import find_checkpoint


def test_a_local_folder_is_taken_as_it_is(goldens: Path) -> None:
    checkpoint = find_checkpoint(str(goldens / "internvl2_5_qwen2"), "main")
    assert checkpoint.commit is None
    assert checkpoint.config["model_type"] == "internvl_chat"


@pytest.mark.parametrize("name", ["/nowhere", "./nowhere", "nowhere", "a/b/c"])
def test_what_is_neither_folder_nor_hub_id_is_refused(name: str) -> None:
    with pytest.raises(RepopeError, match="no such folder, and no Hub id"):
        find_checkpoint(name, "main")


def test_a_folder_without_a_configuration_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match=r"holds no config\.json"):
        find_checkpoint(str(tmp_path), "main")


def test_a_broken_configuration_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(RepopeError, match=r"config\.json: is no JSON"):
        find_checkpoint(str(tmp_path), "main")


def test_without_network_and_cache_one_line_says_what_to_do() -> None:
    with pytest.raises(RepopeError, match=r"not in the Hub's cache.*hf download OpenGVLab/InternVL2_5-1B"):
        find_checkpoint("OpenGVLab/InternVL2_5-1B", "main")
