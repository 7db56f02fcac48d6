"""The names that other programs import, of a benchmark that asks for captions."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from coco_examples import write_coco
from test_api import PAGE
from test_mentions import CHAIR

import repope_eval

ANNOTATIONS = CHAIR.parent / "annotations"

pytestmark = pytest.mark.skipif(
    not ANNOTATIONS.is_dir(), reason=f"{ANNOTATIONS} is not here: POPE's and RePOPE's files"
)


@pytest.fixture
def captions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of captions in the working folder, of four images with a dog; of these one has a cat, too."""
    folder = tmp_path / "data"
    write_coco(folder / "annotations", {1: ["dog"], 2: ["dog"], 3: ["dog"], 4: ["dog", "cat"]})
    for path in ANNOTATIONS.glob("coco_*pope_*.json"):
        (folder / "annotations" / path.name).symlink_to(path)
    rows = [{"image_id": number, "caption": "A dog and a cat."} for number in range(1, 5)]
    (tmp_path / "captions.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    monkeypatch.setenv("REPOPE_DATA", str(folder))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "captions.jsonl"


@pytest.mark.usefixtures("captions")
def test_the_script_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (script,) = re.findall(
        r"<!-- run by tests/test_api_captions.py -->\n```python\n(.*?)```", text, re.DOTALL
    )
    names: dict[str, Any] = {}
    exec(script, names)
    assert capsys.readouterr().out.startswith(
        "CaptionScores of mine on chair: 4 of 4 captions\nCHAIRi 37.5 (95 % "
    )
    assert isinstance(names["result"], repope_eval.CaptionScores)
    assert names["chair_i"].value == 3 / 8
    frame = names["frame"].set_index(["truth", "variant", "figure"])
    assert frame.loc[("coco", "describe", "chair_s"), "value"] == 3 / 4
    assert frame.loc[("coco", "describe", "recall"), "value"] == 1


def test_captions_count_the_same_from_a_file_and_as_texts(captions: Path) -> None:
    chair = repope_eval.load_benchmark("chair", image_list=str(captions))
    by_file = repope_eval.score(repope_eval.read_answers(captions, chair), chair)
    by_text = repope_eval.score(dict.fromkeys(chair.questions, "A dog and a cat."), chair)
    assert by_file.to_dict() == by_text.to_dict()


def test_a_file_of_captions_is_of_one_prompt(captions: Path) -> None:
    chair = repope_eval.load_benchmark("chair", image_list=str(captions), variants=["describe", "short"])
    with pytest.raises(
        repope_eval.RepopeError, match=r"^chair: asks 2 prompts, and a file of captions is of one"
    ):
        repope_eval.read_answers(captions, chair)
