"""A run that describes images: `limit`, going on where it was cut off, and what is kept of each answer."""

import json
import time
from pathlib import Path

import pytest
from chat_server import MODEL, reply_to, serving
from coco_examples import write_coco
from conftest import CommandLine
from PIL import Image
from test_mentions import CHAIR
from test_several_ranks import start_ranks

from perf.chat_families.families import FAMILIES
from repope_eval.captions.coco_files import image_name

ANNOTATIONS = CHAIR.parent / "annotations"
NUMBERS = (42, 73, 99, 133)

pytestmark = pytest.mark.skipif(
    not ANNOTATIONS.is_dir(), reason=f"{ANNOTATIONS} is not here: POPE's and RePOPE's files"
)


Words = tuple[str, ...]


@pytest.fixture
def words(tmp_path: Path) -> Words:
    """What a run of the smallest model is called with, but for `out=`: four pictures of two sizes and more."""
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
    return (
        *("model=tiny", "model.max_new_tokens=16", "bench=chair", f"bench.image_list={listed}"),
        f"data_dir={folder}",
    )


def stored(folder: Path) -> list[str]:
    return sorted((folder / "answers.jsonl").read_text().splitlines())


def test_a_run_that_was_cut_off_goes_on_to_the_same_captions(
    command_line: CommandLine, tmp_path: Path, words: Words
) -> None:
    def answers(out: str, *more: str) -> list[str]:
        result = command_line(*words, f"out={out}", *more)
        assert result.returncode == 0, result.stderr
        return stored(tmp_path / "work" / out)

    unbroken = answers("unbroken")
    assert len(unbroken) == len(NUMBERS)
    assert all(json.loads(line)["p_yes"] is json.loads(line)["p_no"] is None for line in unbroken)
    begun = answers("begun", "limit=2")
    assert len(begun) == 2
    path = tmp_path / "work" / "begun" / "answers.jsonl"
    path.write_text(path.read_text()[:-20])  # as a process that was killed while it wrote leaves it
    assert answers("begun") == unbroken


def test_a_run_of_other_captions_is_refused_with_both_lengths(
    command_line: CommandLine, words: Words
) -> None:
    begun = command_line(*words, "out=begun", "limit=2")
    assert begun.returncode == 0, begun.stderr
    longer = command_line(*words, "out=begun", "model.max_new_tokens=17")
    assert longer.returncode != 0
    (line,) = [line for line in longer.stderr.splitlines() if "max_new_tokens" in line]
    assert "16" in line
    assert "17" in line


def test_two_processes_caption_as_one_and_a_killed_one_is_made_up_for(tmp_path: Path, words: Words) -> None:
    one, two, killed = (tmp_path / name for name in ("one", "two", "killed"))
    (alone,) = start_ranks(1, *words, f"out={one}")
    said = alone.communicate(timeout=240)[1]
    assert alone.returncode == 0, said
    ranks = start_ranks(2, *words, f"out={two}")
    said = "".join(rank.communicate(timeout=240)[1] for rank in ranks)
    assert [rank.returncode for rank in ranks] == [0, 0], said
    assert stored(two) == stored(one)

    slow = ("batch_size=1", "verify=0", "model.max_new_tokens=4000")
    (cut,) = start_ranks(1, *words, *slow, f"out={killed}")
    deadline = time.monotonic() + 120
    file = killed / "answers.jsonl"
    while not (file.exists() and file.read_bytes().count(b"\n")):
        assert cut.poll() is None, cut.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    cut.kill()
    cut.communicate(timeout=60)
    assert 0 < file.read_bytes().count(b"\n") < len(NUMBERS)
    outs = []
    for out in (killed, tmp_path / "whole"):
        (again,) = start_ranks(1, *words, *slow, f"out={out}")
        said = again.communicate(timeout=240)[1]
        assert again.returncode == 0, said
        outs.append(stored(out))
    assert outs[0] == outs[1]


def test_a_server_and_a_chat_model_describe_images(
    command_line: CommandLine, tmp_path: Path, words: Words
) -> None:
    bench = [word for word in words if not word.startswith("model")]

    def captions(*more: str) -> list[str]:
        out = f"out={tmp_path / more[0]}"
        result = command_line(*more, *bench, "model.max_new_tokens=16", out)
        assert result.returncode == 0, result.stderr
        answers = [json.loads(line) for line in stored(tmp_path / more[0])]
        assert all(answer["p_yes"] is answer["p_no"] is None for answer in answers)
        assert (tmp_path / more[0] / "report.html").exists()
        return [answer["response"] for answer in answers]

    with serving() as chat:
        chat.respond = lambda asked: reply_to(asked, message={"content": "A dog on a bench."})
        served = captions("model=endpoint", f"model.url={chat.url}", f"model.checkpoint={MODEL}")
        assert [asked.body.get("logprobs") for asked in chat.questions] == [None] * len(NUMBERS)
        assert {asked.body["max_tokens"] for asked in chat.questions} == {16}
    assert served == ["A dog on a bench."] * len(NUMBERS)
    FAMILIES["llava"](tmp_path / "llava")
    own = ("model=chat", f"model.checkpoint={tmp_path / 'llava'}", "model.dtype=float32", "device=cpu")
    assert len(captions(*own)) == len(NUMBERS)
