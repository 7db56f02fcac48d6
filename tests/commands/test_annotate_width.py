"""`annotate` with runs=: after each batch of labels it says how wide F1's interval is, and nothing that might sway."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from annotated import line, write_images, write_lines
from conftest import CommandLine
from run_folders import answer_lines, demo, write_run

from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.commands import annotate
from repope_eval.errors import InterruptionError, RepopeError
from repope_eval.records import Label, Question
from repope_eval.relabelling.label_file import Judgement
from repope_eval.relabelling.narrowing import BATCH, Narrowing
from repope_eval.relabelling.queue import Queued, read_queue, write_queue
from repope_eval.relabelling.session import Act, Session
from repope_eval.settings.command_settings import AnnotateSettings

N_ASKED = 300


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for seed, (name, wrong) in enumerate({"steady": 0.05, "hasty": 0.15}.items(), 1):
        write_run(folder / name, demo(), name, answer_lines(demo(), wrong, seed))
    return folder


@pytest.fixture
def queue(runs: Path, command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    words = ("audit", f"runs={runs}", "bench=demo", "budget=100", f"sample={N_ASKED - 100}")
    assert command_line(*words, f"out={tmp_path / 'audit'}").returncode == 0
    return tmp_path / "audit" / "queue.jsonl"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What is said of labels, in order."""
    monkeypatch.setattr(annotate.log.parent, "propagate", True)
    caplog.set_level("INFO", "repope_eval")
    return lambda: [each for each in caplog.messages if each.startswith(("With ", "how narrow"))]


def settings(queue: Path, runs: object, **changes: Any) -> AnnotateSettings:
    given = {
        "questions": str(queue),
        "images": str(DEMO_FOLDER / "images"),
        "annotator": "first",
        "out": "first.jsonl",
        "runs": None if runs is None else str(runs),
    }
    return AnnotateSettings(**{**given, **changes})


def right_label(question: Question) -> Label:
    label = demo().label_sets[1].distinct.get(question)
    return "ambiguous" if label is None else "yes" if label else "no"


def labelling(monkeypatch: pytest.MonkeyPatch, n_labels: int) -> None:
    """The next annotator labels so many questions, and ends the page."""

    def label(_: Any, session: Session, __: str) -> None:
        tab = session.open()["tab"]
        for place in range(1, n_labels + 1):
            number = session.num_labelled
            said = Judgement(right_label(session.questions[number]), "")
            session.store(Act(tab=tab, place=place, number=number, judgement=said))
        raise InterruptionError("ended", 130)

    monkeypatch.setattr(annotate, "_serve_page", label)


def test_the_width_is_told_after_each_batch_at_the_end_and_where_one_goes_on(
    queue: Path, runs: Path, told: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    labelling(monkeypatch, 2 * BATCH + 3)
    with pytest.raises(InterruptionError):
        annotate.execute(settings(queue, runs, width=0.02), "")
    sentences = told()
    assert [int(re.findall(r"\d+", each)[0]) for each in sentences] == [25, 50, 53]
    widest = re.compile(
        r"With 53 labels F1's widest 95 % interval \(that of (steady|hasty)\) is \d+\.\d points wide; about [\d,]+ "
        r"labels in all would narrow it to 2\.0(, and this queue asks for 300)?\."
    )
    assert widest.fullmatch(sentences[-1])
    labelling(monkeypatch, 0)
    with pytest.raises(InterruptionError):
        annotate.execute(settings(queue, runs, width=0.02), "")
    assert told()[3:] == 2 * sentences[-1:]


def test_without_a_width_it_is_told_what_the_whole_queue_comes_to(
    queue: Path, runs: Path, told: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    labelling(monkeypatch, 100)
    with pytest.raises(InterruptionError):
        annotate.execute(settings(queue, runs), "")
    now, whole = map(float, re.findall(r"\d+\.\d", told()[-1]))
    assert told()[-1].endswith(f" points wide; all 300 of the queue narrow it to about {whole}.")
    assert 0 < whole < now


def test_labelling_may_stop_where_the_interval_is_narrow_enough(
    queue: Path, runs: Path, told: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    labelling(monkeypatch, N_ASKED)
    with pytest.raises(InterruptionError):
        annotate.execute(settings(queue, runs, width=0.2), "")
    narrow = re.compile(r".* is (\d+\.\d) points wide, no wider than the 20.0 of width=0.2: you may stop\.")
    widths = [float(re.findall(r"is (\d+\.\d) points", each)[0]) for each in told() if "points" in each]
    assert widths
    assert [bool(narrow.fullmatch(each)) for each in told() if "points" in each] == [
        width <= 20 for width in widths
    ]
    assert narrow.fullmatch(told()[-1])


def test_it_is_told_where_labels_are_too_few(queue: Path, runs: Path) -> None:
    of_estimate = annotate._narrowing(settings(queue, runs))
    assert of_estimate is not None
    first, *_ = (each.question for each in read_queue(queue).values() if each.sampled)
    nothing = "nothing is known of F1 yet: too few labels; go on."
    assert of_estimate.sentence({}) == f"With 0 labels {nothing}"
    assert of_estimate.sentence({first: "no"}) == f"With 1 label {nothing}"
    drawn = [each.question for each in read_queue(queue).values() if each.sampled and each.p_sampled < 1]
    few = of_estimate.sentence({question: right_label(question) for question in (first, *drawn[:4])})
    assert re.fullmatch(
        r"With 5 labels little is known of F1 yet: too few labels; about [\d,]+ are needed\.", few
    )
    asked = [each.question for each in read_queue(queue).values() if each.sampled]
    no_object = "With 300 labels F1 has no value yet; go on."
    assert of_estimate.sentence(dict.fromkeys(asked, "no")) == no_object


def test_no_failure_of_the_estimate_breaks_the_labelling(
    queue: Path, runs: Path, told: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(Narrowing, "sentence", fail)
    labelling(monkeypatch, BATCH + 1)
    with pytest.raises(InterruptionError):
        annotate.execute(settings(queue, runs), "")
    sentence = "how narrow the interval is cannot be told (division by zero); labels are stored as ever"
    assert told() == [sentence, sentence]
    assert len(Path("first.jsonl").read_text().splitlines()) == BATCH + 1


def refusal(given: AnnotateSettings) -> str:
    with pytest.raises(RepopeError) as caught:
        annotate.execute(given, "")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"runs": None, "width": 0.02}, "width=: of which runs' interval? Give runs=FOLDER as well"),
        ({"runs": "gone"}, "runs=gone: no such folder; name the one that run folders lie in"),
        (
            {"questions": ("queue.jsonl", "other.jsonl")},
            "runs=: goes with one queue; give questions=QUEUE, the queue.jsonl that audit wrote",
        ),
        ({"questions": "rows.jsonl"}, "rows.jsonl, line 1: label None"),
        ({"questions": "of_others.jsonl"}, "questions=of_others.jsonl: has 1 question, of which 0 are among"),
        ({"questions": "undrawn.jsonl"}, "none of the 0 questions that the queue has as drawn is labelled"),
    ],
)
def test_what_does_not_go_together_is_told_before_the_page_is_served(
    changes: dict[str, Any], expected: str, queue: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotate, "_serve_page", lambda *_: pytest.fail("was served"))
    about = Question("a.png", "Is there a cat in the image?", "cat")
    write_images(Path("images"), "a.png")
    write_lines(Path("rows.jsonl"), {"image": about.image, "question": about.text})
    for name in ("queue.jsonl", "other.jsonl", "of_others.jsonl"):
        write_queue(Path(name), [Queued(question=about, label=True, score=1, p_sampled=1, sampled=True)])
    undrawn = [
        row | {"sampled": row["p_sampled"] == 1} for row in map(json.loads, queue.read_text().splitlines())
    ]
    write_lines(Path("undrawn.jsonl"), *undrawn)
    assert refusal(settings(queue, **{"runs": runs, **changes})).startswith(expected)


def test_a_decider_is_told_no_width(queue: Path, runs: Path) -> None:
    about = next(each.question for each in read_queue(queue).values() if each.sampled)
    write_lines(Path("a.jsonl"), line(about, "yes", annotator="a"))
    write_lines(Path("b.jsonl"), line(about, "no", annotator="b"))
    given = settings(queue, runs, annotators=("a.jsonl", "b.jsonl"), decide=True)
    assert refusal(given).startswith("runs=: a person who decides is asked about disputes alone")


@pytest.mark.parametrize("width", ["0.0", "-1.0", "0.5", "2.0"])
def test_a_width_that_is_none(width: str, command_line: CommandLine) -> None:
    result = command_line("annotate", f"width={width}", "images=x", "annotator=a", "out=o", "runs=r")
    assert result.returncode == 1
    assert f"width={width}: must be at " in result.stderr
