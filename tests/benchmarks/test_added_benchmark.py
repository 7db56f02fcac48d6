"""A benchmark that the package does not have, added in one file and one line of the table, with a figure of its own."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from repope_eval.benchmarks.benchmark import Benchmark, OwnSection, Source
from repope_eval.benchmarks.sources import SOURCES, load_benchmark
from repope_eval.exporting.names import dataset_of, dataset_title, page_of
from repope_eval.records import Answer, LabelSet, Question
from repope_eval.reporting.page import RunView, render_run_page
from repope_eval.reporting.results import print_scores
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.own_figures import KINDS, FigureTable, OwnFigures
from repope_eval.scoring.scores import Scores, score_benchmark
from repope_eval.settings import config
from repope_eval.settings.config import BenchSettings

PAIRS = [
    (
        Question(f"{name}.jpg", f"Is there a {name}?", name),
        Question(f"no_{name}.jpg", f"Is there a {name}?", name),
    )
    for name in ("cup", "dog", "tree", "boat")
]


def _load(settings: BenchSettings, data_dir: Path) -> Benchmark:
    labels = {
        "with": {shown: True for shown, _ in PAIRS},
        "without": {lacking: False for _, lacking in PAIRS},
    }
    groups = {question: pair[0].object for pair in PAIRS for question in pair}
    ids = {variant: dict(enumerate(of_variant)) for variant, of_variant in labels.items()}
    return Benchmark(settings.name, (LabelSet("twins", labels),), ids, {}, groups)


TWINS = OwnSection(
    kind="groups",
    title="Twins",
    about="Of two images one lacks the object.",
    caption="Twins that are both answered right",
    leads=True,
)

SOURCE = Source(
    load=_load,
    variants=("with", "without"),
    own_images=lambda _, data_dir: data_dir / "twins",
    images_missing=lambda _: "{number} images missing",
    origin="drawn for a test",
    measures="Whether both of a pair are told apart.",
    title="TWINS",
    bench="twins",
    own=(TWINS,),
    label_titles={"twins": "Twins'"},
    citations=("@misc{twins2026}",),
    page="https://example.org/twins",
    hub_datasets={"twins": "me/twins"},
)

SETTINGS = BenchSettings(name="twins", source="twins", variants=SOURCE.variants)  # type: ignore[arg-type]


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of the table."""
    monkeypatch.setitem(SOURCES, "twins", SOURCE)  # type: ignore[arg-type]


def scored(folder: Path) -> Scores:
    """The scores of a model that sees a boat everywhere, and the other objects where they are."""
    benchmark = load_benchmark(SETTINGS, folder)
    said = {
        question: Answer(question, "yes" if label or question.object == "boat" else "no")
        for question, label in benchmark.label_sets[0].distinct.items()
    }
    return score_benchmark(benchmark, said, "a-model")


def page_of_scores(scores: Scores) -> str:
    return render_run_page(RunView(scores=scores, settings={"bench.source": "twins"})).html


@pytest.mark.usefixtures("added")
def test_its_own_figure_stands_first_and_has_a_section(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = scored(tmp_path)
    page = page_of_scores(scores)
    headline = "".join(page.partition('<p class="headline">')[2].partition("</p>")[0])
    assert "groups right under Twins&#39;</span> <b>75.0</b>" in headline
    assert "over 4 groups" in headline
    assert "All answers are right in 3 of 4 groups; all 8 questions are answered." in page
    assert "<h2>Twins</h2>\n<p>Of two images one lacks the object.</p>" in page
    assert "@misc{twins2026}" in page
    assert scores.sentence.startswith("groups right 75.0 (95 % ")
    assert scores.to_dict()["groups"]["twins"]["n_right"] == 3
    print_scores(scores)
    assert "Twins that are both answered right" in capsys.readouterr().out


@pytest.mark.usefixtures("added")
def test_it_is_called_outside_as_it_says_itself() -> None:
    assert dataset_title(SETTINGS, "twins") == "TWINS"
    assert (page_of(SETTINGS), dataset_of(SETTINGS, "twins")) == ("https://example.org/twins", "me/twins")


@pytest.mark.usefixtures("added")
def test_another_figure_is_a_function_and_a_line_of_the_table_of_kinds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Page, console and document show what they do not know."""

    def objects_seen(
        section: OwnSection,
        benchmark: Benchmark,
        answers: Mapping[Question, Answer],
        protocol: config.Protocol,
    ) -> OwnFigures:
        seen = {question.object for question, answer in answers.items() if answer.response == "yes"}
        share = Estimate(value=len(seen) / len(PAIRS), interval=(0.4, 1.0))
        return OwnFigures(
            section=section,
            document={"share": share.value},
            headline={"objects seen": share},
            scope="over all objects",
            clause="each object is seen",
            phrase="objects seen 100.0",
            table=FigureTable(columns=("objects", "seen", "share"), rows=[("all", len(seen), share)]),
        )

    section = replace(TWINS, kind="objects_seen", title="Objects seen", caption="Which objects are seen")  # type: ignore[arg-type]
    monkeypatch.setitem(KINDS, "objects_seen", objects_seen)  # type: ignore[arg-type]
    monkeypatch.setitem(SOURCES, "twins", replace(SOURCE, own=(section,)))  # type: ignore[arg-type]
    scores = scored(tmp_path)
    page = page_of_scores(scores)
    assert '<a href="#objects_seen">Objects seen</a>' in page
    assert '<span class="of">objects seen</span> <b>100.0</b>' in page
    assert re.search(r"<td[^>]*>100.0<small>40.0–100.0</small></td>", page)
    assert scores.to_dict()["objects_seen"] == {"share": 1.0}
    print_scores(scores)
    assert "Which objects are seen" in capsys.readouterr().out
