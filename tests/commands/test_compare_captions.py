"""`compare` of a run that answers yes or no with one that describes the same images, in either order."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from coco_examples import write_shared_truth
from conftest import CommandLine
from test_mentions import CHAIR

ANNOTATIONS = CHAIR.parent / "annotations"
ANSWERS = CHAIR.parent / "answers"
N_IMAGES = 17
"""Images of POPE's 500 that the public captions are of."""

pytestmark = pytest.mark.skipif(
    not (CHAIR.is_dir() and ANNOTATIONS.is_dir() and ANSWERS.is_dir()),
    reason=f"{CHAIR}, {ANNOTATIONS} or {ANSWERS} is not here: public captions, RePOPE's files and public answers",
)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_shared_truth(CHAIR.parent, folder / "annotations")
    return folder


def score(command_line: CommandLine, words: Iterable[str]) -> None:
    result = command_line("score", *words)
    assert result.returncode == 0, result.stderr


@pytest.fixture
def runs(command_line: CommandLine, data_dir: Path, tmp_path: Path) -> Path:
    """A run folder of LLaVA-1.5's answers, `answering`, and one of LLaVA's captions, `describing`."""
    answers = (
        f"answers={ANSWERS / 'llava-v1.5-7b.jsonl'}",
        f"questions={ANSWERS / 'llava-v1.5_questions.jsonl'}",
    )
    captions = (f"answers={CHAIR / 'captions' / 'pope_llava_describe.json'}", "model=llava")
    score(command_line, ("bench=repope", *answers, "model=llava-7b", "out=answering", f"data_dir={data_dir}"))
    score(command_line, ("bench=chair", *captions, "out=describing", f"data_dir={data_dir}"))
    return tmp_path / "work"


def test_public_answers_and_captions_in_either_order(
    command_line: CommandLine, data_dir: Path, runs: Path
) -> None:
    documents = []
    for a, b in (("answering", "describing"), ("describing", "answering")):
        result = command_line("compare", f"a={a}", f"b={b}", f"data_dir={data_dir}")
        assert result.returncode == 0, result.stderr
        documents.append(json.loads((runs / "compare" / "compare.json").read_text()))
        assert documents[-1]["verdict"] in " ".join(result.stdout.split())
        assert "in percent, with 95 % intervals" in result.stdout
    first, second = documents
    assert (first["answering"]["letter"], second["answering"]["letter"]) == ("a", "b")
    assert {**first, "answering": 0, "describing": 0} == {**second, "answering": 0, "describing": 0}
    assert (first["n_images"], first["unmapped"]) == (N_IMAGES, {})
    assert first["verdict"].startswith(
        "The answers are of llava-7b and the captions of llava. If these are two models"
    )
    denied = first["labels"]["repope"]["shares"]["mentioned_denied"]
    assert (denied["part"], denied["whole"]) == (6, 7)
    html = (runs / "compare" / "compare.html").read_text()
    assert "mentioned, denied: not there" in html


def test_no_margin_is_between_answers_and_captions(
    command_line: CommandLine, data_dir: Path, runs: Path
) -> None:
    result = command_line("compare", "a=answering", "b=describing", f"data_dir={data_dir}", "margin=.01")
    assert result.returncode == 1
    assert result.stderr.strip() == (
        "margin=0.01: says how far F1 of two results may differ that answer yes or no, and b describes images; leave "
        "it out"
    )


def test_an_answer_file_needs_its_benchmark(command_line: CommandLine, data_dir: Path, runs: Path) -> None:
    file = runs / "answering" / "answers.jsonl"
    words = ("compare", f"a={file}", "b=describing", f"data_dir={data_dir}")
    result = command_line(*words)
    assert result.returncode == 1
    assert f"a={file}: is no run folder, and the other describes images; name the benchmark" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    result = command_line(*words, "bench=repope")
    assert result.returncode == 0, result.stderr
    document = json.loads((runs / "compare" / "compare.json").read_text())
    assert (document["n_images"], document["answering"]["bench"]) == (N_IMAGES, "repope")
