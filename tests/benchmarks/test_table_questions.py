"""What the rows of a table come to: labels in any words, objects, groups; and bad rows, each told in one line."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import CommandLine
from question_tables import ROW, of_rows, settings, write_json

from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.settings.config import TableColumns, TableLabels


def test_labels_are_words_numbers_and_truth_values_of_any_case(tmp_path: Path) -> None:
    labels = ["Yes", " NO ", True, False, 1, 0, 1.0, "present", "ABSENT", "unclear"]
    path = of_rows(
        tmp_path, *({"label": label, "image": f"{number}.jpg"} for number, label in enumerate(labels))
    )
    words = TableLabels(
        yes=("yes", "1", "True", "present"), no=("no", "0", "False", "absent"), left_out=("unclear",)
    )
    (found,) = load_benchmark(settings(path, labels=words), tmp_path).label_sets
    assert list(found.variants["table"].values()) == [
        True,
        False,
        True,
        False,
        True,
        False,
        True,
        True,
        False,
    ]


def test_an_object_is_read_where_it_can_be_and_else_the_group_stands_for_it(tmp_path: Path) -> None:
    path = of_rows(
        tmp_path,
        {"kind": "things"},
        {"question": "Does it rain?", "kind": "weather"},
        {"question": "Is it late?", "kind": ""},
    )
    benchmark = load_benchmark(settings(path, columns=TableColumns(group="kind")), tmp_path)
    assert [question.object for question in benchmark.questions] == ["cup", "weather", "Is it late?"]
    assert list(benchmark.groups.values()) == ["things", "weather"]


def test_a_group_counts_where_all_of_it_is_right(command_line: CommandLine, tmp_path: Path) -> None:
    path = of_rows(
        tmp_path, {"pair": 1}, {"pair": 1, "image": "b.jpg", "label": "no"}, {"pair": 2, "image": "c.jpg"}
    )
    answers = write_json(
        tmp_path / "answers.jsonl",
        [{**ROW, "image": image, "response": "Yes"} for image in ("a.jpg", "b.jpg", "c.jpg")],
    )
    out = tmp_path / "run"
    result = command_line(
        "score",
        f"answers={answers}",
        "bench=table",
        f"bench.questions={path}",
        "columns.group=pair",
        f"out={out}",
    )
    assert result.returncode == 0, result.stderr
    groups = json.loads((out / "scores.json").read_text())["groups"]["original"]
    assert (groups["n"], groups["n_right"]) == (2, 1)


def test_a_row_that_asks_again_counts_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "repope_eval")
    benchmark = load_benchmark(settings(of_rows(tmp_path, {}, {}, {"image": "b.jpg"})), tmp_path)
    assert len(benchmark.ids["table"]) == 3
    assert len(benchmark.label_sets[0].variants["table"]) == 2
    assert "own.jsonl: 1 question left out, which another row of the same variant asks" in caplog.text


def test_a_row_that_asks_the_same_with_other_spaces_around_counts_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "repope_eval")
    path = of_rows(
        tmp_path, {}, {"question": f"{ROW['question']} "}, {"question": f"<image>\n{ROW['question']}"}
    )
    benchmark = load_benchmark(settings(path), tmp_path)
    assert [question.text for question in benchmark.questions] == [ROW["question"]]
    assert "own.jsonl: 2 questions left out, which another row of the same variant asks" in caplog.text


def test_a_question_of_two_variants_is_one(tmp_path: Path) -> None:
    path = of_rows(tmp_path, {"part": "a"}, {"part": "b"})
    benchmark = load_benchmark(settings(path, columns=TableColumns(variant="part")), tmp_path)
    assert benchmark.questions == (Question("a.jpg", ROW["question"], "cup"),)


@pytest.mark.parametrize(
    ("changes", "columns", "message"),
    [
        (
            [{"label": "maybe"}],
            {},
            r"line 1: the label is 'maybe'; expected are, for yes: yes, true, 1; for no: .*bench\.labels\.yes=",
        ),
        ([{"label": None}], {}, "line 1: the label is None"),
        (
            [{}, {"label": "no"}],
            {},
            r"line 2: 'a\.jpg', 'Is .*\?' has two labels, no here and yes .*first .* line 1",
        ),
        (
            [{"part": "a"}, {"part": "b", "label": "no"}],
            {"variant": "part"},
            "line 2: .* has two labels",
        ),
        ([{"fix": "no"}, {"fix": "yes"}], {"relabel": "fix"}, "line 2: .* has two labels, yes here and no"),
        ([{"fix": "maybe"}], {"relabel": "fix"}, "line 1: the relabel is 'maybe'"),
        (
            [{}],
            {"question": "questoin"},
            r"no column 'questoin' \(did you mean question\?\); give bench",
        ),
        (
            [{}],
            {"group": "x"},
            r"no column 'x'; give bench\.columns\.group=COLUMN, one of image, question, label",
        ),
        ([{"image": None}], {}, "line 1: the image is None; the name of a file or an image is expected"),
        ([{"image": ["a.jpg", "b.jpg"]}], {}, "line 1: the image is "),
        ([{"image": "../a.jpg"}], {}, r"line 1: image name '\.\./a\.jpg' leads out"),
        (
            [{"image": "x?" * 150}],
            {},
            "line 1: the image is 'x.*, of 300 characters: no name of a file and no image",
        ),
        ([{"question": ""}], {}, "line 1: the question is empty"),
        (
            [{"part": "mean"}],
            {"variant": "part"},
            "line 1: the variant is 'mean', which is the name of figures",
        ),
        ([{"part": None}], {"variant": "part"}, "line 1: the variant is None, not a text"),
        (
            [{"pair": 1}, {"pair": 2}],
            {"group": "pair"},
            "line 2: the question is of group '2', and in line 1 of '1'",
        ),
        (
            [{"n": 1}, {"n": 1, "image": "b.jpg"}],
            {"question_id": "n"},
            "line 2: question_id 1 stands twice, first in line 1; give each its own",
        ),
        (
            [{"n": 1}, {"n": "1", "image": "b.jpg"}],
            {"question_id": "n"},
            "line 2: question_id '1' stands twice, first in line 1",
        ),
        (
            [{}, {"question": f" {ROW['question']} ", "label": "no"}],
            {},
            r"line 2: 'a\.jpg', 'Is .*\?' has two labels, no here and yes .*first .* line 1",
        ),
        (
            [{}, {"image": "./a.jpg", "label": "no"}],
            {},
            r"line 2: 'a\.jpg', 'Is .*\?' has two labels, no here and yes .*first .* line 1",
        ),
        (
            [{"fix": "no"}, {"fix": "ambiguous"}],
            {"relabel": "fix"},
            "line 2: .* has two labels, ambiguous here and no .*first .* line 1",
        ),
        (
            [{"fix": "", "part": "a"}, {"fix": "yes", "part": "b"}],
            {"relabel": "fix", "variant": "part"},
            "line 2: .* has two labels, yes here and ambiguous",
        ),
        ([{"n": 1.5}], {"question_id": "n"}, "line 1: the question_id is 1.5"),
        (
            [{"part": str(number), "image": f"{number}.jpg"} for number in range(60)],
            {"variant": "part"},
            "line 51: is of variant '50', after 50 others; bench.columns.variant names a column of few values",
        ),
    ],
)
def test_a_bad_row_is_one_line(
    changes: list[dict[str, Any]], columns: dict[str, str], message: str, tmp_path: Path
) -> None:
    path = of_rows(tmp_path, *changes)
    with pytest.raises(RepopeError, match=message) as caught:
        load_benchmark(settings(path, columns=TableColumns(**columns)), tmp_path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_word_that_means_both_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match=r"bench\.labels: '0' stands in both yes and no; give both lists"):
        load_benchmark(settings(of_rows(tmp_path, {}), labels=TableLabels(yes=("0",))), tmp_path)
