"""A chat model's run of several processes."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from demo_runs import answers
from run_folders import DEMO
from test_several_ranks import start_ranks
from tiny_checkpoints import chat_settings

from repope_eval.asking.asker import AskedImage
from repope_eval.asking.chat.ways import PLAIN
from repope_eval.asking.loaders import load_chat_asker
from repope_eval.asking.native.memory import HostMemory
from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.records import Question
from repope_eval.settings.config import RunSettings
from repope_eval.system.ranks import Ranks


@pytest.fixture
def images() -> list[AskedImage]:
    paths = sorted((DEMO_FOLDER / "images").iterdir())[:3]
    texts = ("Is there a cup in the image?", "Is there a dog in the image?")
    return [AskedImage(path, tuple(Question(path.name, text, "") for text in texts)) for path in paths]


def test_what_was_tried_out_is_asked_anew_in_the_way_of_all(
    checkpoint: Callable[[str], Path], images: list[AskedImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As of a process whose memory is measured from the start of its trial on.
    monkeypatch.setattr(
        HostMemory, "free_over_peak", lambda memory, growth=0: None if memory._before is None else 10.0
    )
    settings = RunSettings(model=chat_settings(checkpoint("llava")), bench=DEMO, device="cpu")
    asker = load_chat_asker(settings, Ranks())
    fast = asker.try_out(images)
    assert asker.facts()["batch_size"] > 2, "the first batch has set the size of others"
    asker.take_choices([fast, (1, "its prompts do not begin with the image")])
    found = [answer for answers in asker.ask(images) for answer in answers]
    plain = load_chat_asker(replace(settings, engine="sequential"), Ranks())
    assert found == [answer for answers in plain.ask(images) for answer in answers]
    assert asker.facts()["way"] == PLAIN.name


def test_two_processes_and_more_than_there_are_images_take_one_way(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    words = ("model=chat", f"model.checkpoint={checkpoint('llava')}", "model.dtype=float32", "device=cpu")
    ranks = start_ranks(3, *words, "model.max_new_tokens=4", "limit=2", f"out={tmp_path / 'run'}")
    said = "".join(rank.communicate(timeout=240)[1] for rank in ranks)
    assert [rank.returncode for rank in ranks] == [0, 0, 0], said
    assert len({line["image"] for line in answers(tmp_path / "run")}) == 2
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    name = "the questions about several images together"
    assert [rank.get("way") for rank in manifest["inference"]["ranks"]] == [name, name, None]
    assert manifest["starts"][0]["way"] == f"asked {name}"
