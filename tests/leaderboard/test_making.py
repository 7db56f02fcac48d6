"""The leaderboard of runs whose answers are known: places, names, agreement, what differs, the paper beside them."""

from pathlib import Path
from typing import Any

import pytest
from run_folders import answer_lines, demo, write_run

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.leaderboard.entries import Leaderboard
from repope_eval.leaderboard.making import make_leaderboard
from repope_eval.leaderboard.report import leaderboard_document
from repope_eval.leaderboard.sentences import leader_sentence, sentences
from repope_eval.leaderboard.tables import leaderboard_tables
from repope_eval.runs.finished_runs import read_runs
from repope_eval.runs.run_selection import select
from repope_eval.scoring.protocol_scores import score
from repope_eval.scoring.published import published_scores
from repope_eval.settings.config import BenchSettings, ReportSettings

REPOPE = {"name": "repope", "source": "coco", "variants": ["random", "popular", "adversarial"]}


@pytest.fixture(scope="module")
def benchmark() -> Benchmark:
    return demo()


def board_of(folder: Path, **settings: Any) -> Leaderboard:
    runs, left_out = read_runs(folder, unfinished_runs)
    report = ReportSettings(runs=str(folder), out="", **settings)
    return make_leaderboard(select(runs, report, left_out), report)


@pytest.fixture(scope="module")
def board(benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> Leaderboard:
    """Three runs that agree with POPE's or RePOPE's labels, two of one model, of which one lacks an answer.

    Two more are not ranked.
    """
    folder = tmp_path_factory.mktemp("runs")

    def other_engine(manifest: dict[str, Any]) -> None:
        manifest["settings"]["engine"] = "sequential"

    write_run(folder / "popes", benchmark, "popes", answer_lines(benchmark, 0.0, labels=0))
    write_run(folder / "one", benchmark, "repopes", answer_lines(benchmark, 0.0, labels=1))
    write_run(folder / "two", benchmark, "repopes", answer_lines(benchmark, 0.2, 1)[1:], other_engine)
    write_run(folder / "few", benchmark, "few", answer_lines(benchmark.first_images(7)))
    write_run(
        folder / "going",
        benchmark,
        "going",
        answer_lines(benchmark)[:99],
        lambda m: m.update(status="running"),
    )
    return board_of(folder, coverage=0.99)


def test_models_stand_in_the_order_of_f1_under_the_corrected_labels(board: Leaderboard) -> None:
    assert [entry.name for entry in board.entries] == ["repopes (one)", "popes", "repopes (two)"]
    assert board.places["repope"]["mean"] == {"repopes (one)": 1, "popes": 2, "repopes (two)": 3}
    assert board.places["pope"]["mean"] == {"popes": 1, "repopes (one)": 2, "repopes (two)": 3}


def test_figures_are_those_of_scoring(board: Leaderboard, benchmark: Benchmark, tmp_path: Path) -> None:
    write_run(tmp_path / "a", benchmark, "a", answer_lines(benchmark, 0.1))
    (run,) = read_runs(tmp_path, unfinished_runs)[0]
    scores = score("a", "demo", benchmark.label_sets, run.answers, "repope")
    (entry,) = board_of(tmp_path).entries
    assert entry.cells == scores.cells


def test_where_a_variant_has_one_label_all_questions_together_decide_the_order(
    shared: Path, tmp_path: Path
) -> None:
    """POPEv2's photographs all have the label yes: F1 of a half is no ranking, and its mean is undefined."""
    bench = BenchSettings(name="popev2", source="popev2", variants=("photograph", "painted_out"))
    pairs = load_benchmark(bench, shared / "benchmarks")

    def of_pairs(manifest: dict[str, Any]) -> None:
        manifest["settings"] |= {
            "bench": {"name": "popev2", "source": "popev2", "variants": list(bench.variants)},
            "data_dir": str(shared / "benchmarks"),
        }

    for name, wrong in (("half", 0.5), ("tenth", 0.1), ("fifth", 0.2)):
        write_run(tmp_path / name, pairs, name, answer_lines(pairs, wrong, labels=0), of_pairs)
    found = board_of(tmp_path)
    assert found.variants == ("photograph", "painted_out", "distinct")
    assert found.headline == "distinct"
    assert found.places["popev2"]["distinct"] == {"tenth": 1, "fifth": 2, "half": 3}
    assert [entry.name for entry in found.entries] == ["tenth", "fifth", "half"]
    standing = found.standing("popev2", "distinct", "fifth")
    assert standing is not None
    assert (standing.place, standing.interval) == (2, (2, 2))
    assert found.entries[0].cells["popev2"]["distinct"].figures.n_questions == 1000
    assert found.entries[0].coverage["popev2"]["distinct"].yes == 1


def test_overtakings_have_a_probability_and_three_runs_no_tau(board: Leaderboard) -> None:
    mean = next(each for each in board.agreements if each.variant == "mean")
    assert (mean.group, mean.n_models) == ("runs", 3)
    tau = mean.agreement.taus["f1"]
    assert (tau.value, tau.reason) == (None, "3 models, and it takes 5")
    rows = leaderboard_tables(board)["rank_agreement"].rows
    assert {row.cells[-1].text for row in rows} == {tau.reason}
    told = leaderboard_document(board)["agreements"][-1]
    assert (told["kendall_tau"], told["share_of_yes"], told["reason"]) == (None, None, tau.reason)
    assert not any("re-ranking" in sentence for sentence in sentences(board))
    (pair,) = mean.agreement.overtakings
    assert (pair.model, pair.overtaken) == ("repopes (one)", "popes")
    assert pair.probability is not None
    assert pair.probability > 0.9


def test_answers_are_counted_against_the_questions_about_the_runs_images(board: Leaderboard) -> None:
    counts = {entry.name: (entry.n_answered, entry.n_questions, entry.n_images) for entry in board.entries}
    assert counts["repopes (one)"] == (1026, 1026, 100)
    assert counts["repopes (two)"] == (1025, 1026, 100)


def test_ranked_runs_have_figures_on_the_questions_that_all_of_them_answered(board: Leaderboard) -> None:
    assert (board.n_questions, board.n_benchmark_questions, board.n_images) == (1025, 1026, 100)
    for name in board.label_sets:
        for variant in board.variants[:-1]:
            cells = [entry.cells[name][variant].figures for entry in board.entries]
            ((n_questions, n_answered),) = {(cell.n_questions, cell.n_answered) for cell in cells}
            assert n_questions == n_answered


def test_all_runs_with_answers_are_compared_in_pairs_on_what_both_answered(board: Leaderboard) -> None:
    assert board.comparison is not None
    pairs = {frozenset((d.first, d.second)): d for d in board.comparison.differences["pope"]["mean"]}
    assert len(pairs) == 5 * 4 / 2
    whole = pairs[frozenset(("popes", "repopes (one)"))]
    assert (whole.n_questions, whole.n_images, whole.reason) == (1026, 100, None)
    few = pairs[frozenset(("popes", "few"))]
    assert (few.n_images, few.interval) == (7, None)
    assert few.p is not None
    assert few.p_adjusted == 9 * few.p  # one pair of the ten has the same answers
    assert few.value is not None
    assert few.reason == "7 images, and an interval takes 100"


def test_a_cell_that_leaves_out_questions_of_a_label_is_marked(benchmark: Benchmark, tmp_path: Path) -> None:
    """With answers to 63 of 1,500 negative questions a run stood first."""
    lines = answer_lines(benchmark, 0.05)
    truth = benchmark.label_sets[0].variants["random"]
    negative = {(q.image, q.text) for q, label in truth.items() if not label}
    kept = [line for line in lines if (line["image"], line["question"]) not in negative]
    write_run(tmp_path / "a", benchmark, "a", lines)
    write_run(tmp_path / "b", benchmark, "b", kept)
    board = board_of(tmp_path)
    assert [entry.name for entry in board.entries] == ["a"]
    assert not any(board.entries[0].is_partial(name, "mean") for name in board.label_sets)
    (unranked,) = board.unranked
    found = unranked.entry.coverage["pope"]["random"]
    assert (found.yes, found.no, found.is_partial) == (1, 0, True)
    assert unranked.entry.is_partial("pope", "mean")
    # Ranked together, both are scored on what both answered, which is of the other mix.
    together = board_of(tmp_path, coverage=0.5)
    assert [entry.is_partial("pope", "random") for entry in together.entries] == [True, True]
    assert {entry.n_answered for entry in together.entries} == {1026, len(kept)}


@pytest.mark.usefixtures("all_replicates")
def test_without_a_ranked_run_there_are_differences(benchmark: Benchmark, tmp_path: Path) -> None:
    for name, wrong in (("a", 0.02), ("b", 0.3)):
        write_run(tmp_path / name, benchmark, name, answer_lines(benchmark, wrong)[1:])
    board = board_of(tmp_path)
    assert (board.entries, board.agreements, board.n_questions, board.n_images) == ((), (), None, None)
    assert board.comparison is not None
    (difference,) = board.comparison.differences["repope"]["mean"]
    assert difference.p_adjusted is not None
    assert difference.p_adjusted < 0.001


def test_unfinished_and_smaller_runs_have_scores_over_their_images_and_no_place(board: Leaderboard) -> None:
    found = {each.entry.name: each.entry for each in board.unranked}
    assert set(found) == {"few", "going"}
    assert found["going"].n_answered == 99
    assert found["going"].n_questions == 1026
    assert found["few"].n_images == 7
    assert found["few"].cells["pope"]["random"].figures.n_questions == 7 * 6
    assert not set(found) & set(board.places["pope"]["mean"])


def test_settings_that_differ_are_listed_with_the_runs_that_have_them(board: Leaderboard) -> None:
    assert [(each.key, each.value, each.names) for each in board.differences] == [
        ("engine", "shared", ("repopes (one)", "popes")),
        ("engine", "sequential", ("repopes (two)",)),
    ]


def test_an_adapter_is_a_model_of_its_own_and_no_other_setting(benchmark: Benchmark, tmp_path: Path) -> None:
    for name, adapter in (("a", None), ("a+seer", "/mine/seer")):
        model = {"family": "chat", "checkpoint": "org/a", "adapter": adapter, "name": name}
        write_run(
            tmp_path / name,
            benchmark,
            name,
            answer_lines(benchmark),
            lambda manifest, model=model: manifest["settings"].update(model=model),
        )
    board = board_of(tmp_path)
    assert {entry.name for entry in board.entries} == {"a", "a+seer"}
    assert not board.differences


def test_a_model_that_always_says_no_has_no_place(benchmark: Benchmark, tmp_path: Path) -> None:
    write_run(tmp_path / "a", benchmark, "a", answer_lines(benchmark))
    write_run(tmp_path / "b", benchmark, "b", answer_lines(benchmark, yes="No"))
    board = board_of(tmp_path)
    assert [entry.name for entry in board.entries] == ["a", "b"]
    assert board.places["repope"]["mean"] == {"a": 1, "b": None}


def test_the_protocol_is_the_reports(benchmark: Benchmark, tmp_path: Path) -> None:
    lines = answer_lines(benchmark, yes="Yes, it is not hidden", no="No")
    write_run(tmp_path / "a", benchmark, "a", lines)
    (by_repope,) = board_of(tmp_path).entries
    (by_pope,) = board_of(tmp_path, protocol="pope").entries
    assert by_repope.cells["pope"]["random"].figures.tp > 0
    assert by_pope.cells["pope"]["random"].figures.tp == 0


def test_the_papers_models_alone_are_ranked_as_published(tmp_path: Path) -> None:
    board = board_of(tmp_path, reference="paper")
    assert len(board.entries) == 17
    assert board.has_paper
    assert not board.runs
    cells = {model.model: model.cells for model in published_scores()}
    for name in ("pope", "repope"):
        for variant in ("random", "popular", "adversarial", "mean"):
            places = board.places[name][variant]
            order = sorted(places, key=lambda model: places[model] or 0)
            f1 = [cells[model][name][variant].figures.f1 or 0 for model in order]
            assert f1 == sorted(f1, reverse=True)
    assert [(each.group, each.variant, each.n_models) for each in board.agreements] == [
        ("paper", variant, 17) for variant in ("random", "popular", "adversarial", "mean")
    ]


def test_runs_of_another_machine_are_reported_with_this_ones_data(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = BenchSettings(name="repope", source="coco", variants=tuple(REPOPE["variants"]))
    benchmark = load_benchmark(settings, shared)
    bench = {**REPOPE, "annotations": "/no/such/annotations"}

    def elsewhere(manifest: dict[str, Any]) -> None:
        manifest["settings"] |= {"bench": bench, "data_dir": "/no/such/folder"}

    write_run(tmp_path / "run", benchmark, "run", answer_lines(benchmark, 0.05), elsewhere)
    monkeypatch.setenv("REPOPE_DATA", str(shared))
    assert [entry.name for entry in board_of(tmp_path).runs] == ["run"]


def test_runs_stand_among_the_papers_models_and_beside_their_own(shared: Path, tmp_path: Path) -> None:
    settings = BenchSettings(name="repope", source="coco", variants=tuple(REPOPE["variants"]))
    benchmark = load_benchmark(settings, shared)

    def about_coco(manifest: dict[str, Any]) -> None:
        manifest["settings"] |= {"bench": REPOPE, "data_dir": str(shared)}

    for name in ("ovis2_1b", "Ovis2-2B"):
        write_run(tmp_path / name, benchmark, name, answer_lines(benchmark, 0.05), about_coco)
    board = board_of(tmp_path, reference="paper")
    assert [entry.name for entry in board.runs] == ["Ovis2-2B", "ovis2_1b"]
    assert len(board.entries) == 19
    papers = [entry.name for entry in board.entries if entry.is_paper]
    assert [name for name in papers if " (paper)" in name] == ["Ovis2-2B (paper)"]  # a run has its name
    assert len({entry.name for entry in board.entries}) == 19
    ((run, paper),) = board.pairs
    assert (run.name, paper.name) == ("ovis2_1b", "Ovis2-1B")
    assert [each.group for each in board.agreements] == ["runs"] * 4 + ["paper"] * 4
    assert board.standing("pope", "mean", "Ovis2-1B") is None
    for name in ("ovis2_1b", "Ovis2-2B"):
        path = tmp_path / name / "answers.jsonl"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    fewer = board_of(tmp_path, reference="paper", coverage=0.9)
    assert (len(fewer.runs), fewer.pairs) == (2, ()), "counts over fewer questions say nothing"
    assert fewer.paper_is_apart
    assert not board.paper_is_apart
    assert [entry.is_paper for entry in fewer.entries] == [False] * 2 + [True] * 17
    for by_variant in fewer.places.values():
        for places in by_variant.values():
            assert {places[entry.name] for entry in fewer.runs} == {1}  # their answers are the same
            assert {places[entry.name] for entry in fewer.entries if entry.is_paper} == {None}
    (apart,) = [sentence for sentence in sentences(fewer) if sentence.startswith("The paper's counts")]
    assert apart.startswith("The paper's counts are over all 5,127 questions, the runs' figures over 5,126:")
    ranks = {model["name"]: model["ranks"] for model in leaderboard_document(fewer)["models"]}
    assert ranks["Ovis2-1B"]["pope"]["mean"]["rank"] is None
    assert "no ranking holds both" in ranks["Ovis2-1B"]["pope"]["mean"]["reason"]
    first = leader_sentence(fewer) or ""
    assert first.startswith("First of your runs by F1 are Ovis2-2B and ovis2_1b under RePOPE")
    assert "in place" not in first
    for name in ("standings", "leaderboard", "every_figure"):
        assert apart.startswith(leaderboard_tables(fewer)[name].caption.partition(". ")[2]), name


def test_a_run_none_of_whose_answers_is_read_has_no_f1_and_no_mark(tmp_path: Path) -> None:
    """Under a protocol that counts them as wrong, its F1 would be 0; under another it is undefined."""
    write_run(tmp_path / "mute", demo(), "mute", answer_lines(demo(), yes="Hm.", no="Hm."))
    for protocol in ("vlmevalkit", "repope"):
        board = board_of(tmp_path, protocol=protocol)
        (row,) = leaderboard_tables(board)["standings"].rows
        assert [cell.text for cell in row.cells[2:4]] == ["–", "–"]
        assert not any("†" in sentence for sentence in sentences(board))
        assert leader_sentence(board) is None
