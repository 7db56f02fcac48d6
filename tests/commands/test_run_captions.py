"""A run that describes images: `limit`, going on where it was cut off, and what is kept of each answer."""

import json
from pathlib import Path

import pytest
from coco_examples import write_coco
from conftest import CommandLine
from PIL import Image
from test_mentions import CHAIR

from repope_eval.captions.coco_files import image_name

ANNOTATIONS = CHAIR.parent / "annotations"
NUMBERS = (42, 73, 99, 133)

pytestmark = pytest.mark.skipif(
    not ANNOTATIONS.is_dir(), reason=f"{ANNOTATIONS} is not here: POPE's and RePOPE's files"
)


def test_a_run_that_was_cut_off_goes_on_to_the_same_captions(
    command_line: CommandLine, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    write_coco(folder / "annotations", {number: ["dog"] for number in NUMBERS})
    for path in ANNOTATIONS.glob("coco_*pope_*.json"):
        (folder / "annotations" / path.name).symlink_to(path)
    (folder / "val2014").mkdir()
    for place, number in enumerate(NUMBERS):
        picture = Image.effect_noise((64 + 32 * place, 96), 40 + 10 * place).convert("RGB")
        picture.save(folder / "val2014" / image_name(number))
    listed = folder / "list.txt"
    listed.write_text("\n".join(map(str, NUMBERS)))

    def answers(out: str, *words: str) -> list[str]:
        result = command_line(
            *("model=tiny", "model.max_new_tokens=16", "bench=chair", f"bench.image_list={listed}"),
            *(f"data_dir={folder}", f"out={out}", *words),
        )
        assert result.returncode == 0, result.stderr
        return sorted((tmp_path / "work" / out / "answers.jsonl").read_text().splitlines())

    unbroken = answers("unbroken")
    assert len(unbroken) == len(NUMBERS)
    assert all(json.loads(line)["p_yes"] is json.loads(line)["p_no"] is None for line in unbroken)
    begun = answers("begun", "limit=2")
    assert len(begun) == 2
    path = tmp_path / "work" / "begun" / "answers.jsonl"
    path.write_text(path.read_text()[:-20])  # as a process that was killed while it wrote leaves it
    assert answers("begun") == unbroken
