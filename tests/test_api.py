"""The names that other programs import."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import PROJECT

import repope_eval
from repope_eval.records import Question

PAGE = PROJECT / "docs" / "how-to" / "use-from-python.md"
ANSWERS = PROJECT / "repope_eval" / "demo" / "answers.jsonl"


@pytest.fixture(scope="module")
def demo() -> repope_eval.Benchmark:
    return repope_eval.load_benchmark("demo")


def test_importing_the_package_imports_nothing_else() -> None:
    heavy = ("repope_eval.", "torch", "hydra", "omegaconf", "numpy", "PIL")
    code = f"import sys, repope_eval; print([name for name in sys.modules if name.startswith({heavy})])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize("name", repope_eval.__all__)
def test_each_public_name_is_there_has_a_docstring_and_stands_on_its_page(name: str) -> None:
    assert getattr(repope_eval, name).__doc__
    assert name in dir(repope_eval)
    assert f"`{name}" in PAGE.read_text(encoding="utf-8")


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Scorer'"):
        repope_eval.Scorer  # noqa: B018


@pytest.mark.usefixtures("all_replicates")
def test_the_scripts_of_the_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    scripts = re.findall(r"<!-- run by tests/test_api.py -->\n```python\n(.*?)```", text, re.DOTALL)
    evaluating, looking, scoring, reading = scripts
    evaluated, scored = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    shutil.copy(ANSWERS, tmp_path / "answers.jsonl")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(evaluating, names)
    assert capsys.readouterr().out == evaluated
    exec(looking, names)
    assert "change" in capsys.readouterr().out
    exec(scoring, names)
    assert capsys.readouterr().out == scored
    exec(reading, names)
    assert names["result"].n_images == 6


def test_answers_count_the_same_from_a_file_and_as_texts(demo: repope_eval.Benchmark) -> None:
    """The answers that are stored for checks, to the first six images."""
    answers = repope_eval.read_answers(ANSWERS, demo)
    by_file = repope_eval.score(answers, demo)
    by_text = repope_eval.score({key: answer.response for key, answer in answers.items()}, demo)
    assert by_file.confusions == by_text.confusions
    assert by_file.n_images == 6
    assert by_file.to_dict()["evidence"].keys() == {"pope", "repope"}
    assert {*by_file.cells["repope"]} == {"random", "popular", "adversarial", "mean"}


def test_images_are_found_by_their_name(demo: repope_eval.Benchmark) -> None:
    images = repope_eval.find_images("demo", demo.questions[:3])
    assert all(images[question.image].is_file() for question in demo.questions[:3])


@pytest.fixture
def table(tmp_path: Path) -> repope_eval.Benchmark:
    """A table of one question, loaded with settings of its own; its image is there."""
    row = {"picture": "a.jpg", "question": "Is there a dog in the image?", "truth": "yes"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row), encoding="utf-8")
    (tmp_path / "a.jpg").touch()
    columns = {"image": "picture", "label": "truth"}
    settings = {"questions": str(tmp_path / "rows.jsonl"), "images": str(tmp_path), "columns": columns}
    return repope_eval.load_benchmark("table", **settings)


def test_settings_are_those_of_the_command_line(table: repope_eval.Benchmark) -> None:
    assert [question.image for question in table.questions] == ["a.jpg"]


def test_a_loaded_benchmark_knows_where_its_images_lie(
    table: repope_eval.Benchmark, demo: repope_eval.Benchmark, tmp_path: Path
) -> None:
    assert repope_eval.find_images(table) == {"a.jpg": tmp_path / "a.jpg"}
    assert len(repope_eval.find_images(demo)) == 100
    assert repope_eval.find_images("demo") == repope_eval.find_images("demo", demo.questions)
    few = demo.first_images(2)
    assert list(repope_eval.find_images(few)) == list(dict.fromkeys(each.image for each in few.questions))
    assert list(repope_eval.find_images(demo, demo.questions[-1:])) == [demo.questions[-1].image]


def test_of_a_loaded_benchmark_settings_are_refused_and_of_another_its_images(
    table: repope_eval.Benchmark,
) -> None:
    with pytest.raises(repope_eval.RepopeError, match=r"^images: give it to load_benchmark"):
        repope_eval.find_images(table, images="elsewhere")
    made = repope_eval.Benchmark("mine", table.label_sets, table.ids, {})
    with pytest.raises(repope_eval.RepopeError, match=r"^mine: was not loaded by load_benchmark"):
        repope_eval.find_images(made)


def test_a_benchmark_is_shown_in_a_line(demo: repope_eval.Benchmark) -> None:
    assert repr(demo) == (
        "Benchmark demo: 1,026 questions about 100 images; variants random, popular, adversarial; label sets pope, "
        "repope"
    )


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("repop", {}, r"repop: no such benchmark \(did you mean repope\?\); there are amber, "),
        ("demo", {"question": "x"}, "question: no such setting of a benchmark.*questions"),
        ("demo", {"questions": "x"}, "bench.questions: not read by bench=demo"),
        ("demo", {"columns": 3}, "columns: takes a mapping"),
        ("table", {"columns": {"labell": "x"}}, r"columns.labell: no such setting.*columns.label"),
        ("demo", {"source": "elsewhere"}, "source=elsewhere: allowed are demo, coco"),
    ],
)
def test_a_mistake_is_one_line(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(repope_eval.RepopeError, match=message) as caught:
        repope_eval.load_benchmark(name, **settings)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_answers_that_cannot_be_scored_are_refused(demo: repope_eval.Benchmark) -> None:
    first = demo.questions[0]
    with pytest.raises(repope_eval.RepopeError, match="there are none to score"):
        repope_eval.score({}, demo)
    with pytest.raises(
        repope_eval.RepopeError, match=r"1 question not in demo, first 'no\.jpg', 'Is there a dog"
    ):
        repope_eval.score({Question("no.jpg", "Is there a dog?", "dog"): "yes"}, demo)
    with pytest.raises(
        repope_eval.RepopeError, match="protocol=mine: no such protocol; there are repope, pope"
    ):
        repope_eval.score({first: "yes"}, demo, protocol="mine")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([], "give a mapping"),
        ({("a.jpg", "Is there a dog?"): "yes"}, r"1 question not in demo, first .*a\.jpg.*of class Question"),
        (None, "is None; give a text, or leave the question out"),
        (1, "is 1; give a text"),
    ],
)
def test_what_is_no_answer_is_refused(answers: Any, message: str, demo: repope_eval.Benchmark) -> None:
    given = answers if isinstance(answers, list | dict) else {demo.questions[0]: answers}
    with pytest.raises(repope_eval.RepopeError, match=message):
        repope_eval.score(given, demo)


def test_images_of_what_is_no_question_are_refused() -> None:
    with pytest.raises(repope_eval.RepopeError, match="'x' is no Question"):
        repope_eval.find_images("demo", ["x"])  # type: ignore[list-item]
