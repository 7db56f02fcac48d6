"""What the documentation says in figures and names is so."""

import json
import re
from pathlib import Path

import pytest
from conftest import GOLDENS, PROJECT, CommandLine
from documentation_pages import TEXTS
from PIL import Image

from repope_eval import load_benchmark
from repope_eval.benchmarks.coco import POPE_ENTRY, REPOPE_ENTRY
from repope_eval.foreign_answers.formats import FORMATS
from repope_eval.scoring.confusion import Confusion, figures
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.published import published_scores

README = TEXTS["README.md"]
SPEED = "docs/concepts/how-it-asks.md"
RESULTS = (PROJECT / "perf" / "RESULTS.md").read_text(encoding="utf-8")
PICTURES = PROJECT / "docs" / "pictures"
IN_WORDS = {"seven": 7, "eight": 8, "nine": 9, "ten": 10}


def unwrapped(text: str) -> str:
    return " ".join(text.split())


def test_the_tables_of_a_real_models_scores_are_what_the_program_computes(
    shared: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    result = command_line(
        "score",
        f"answers={shared / 'answers' / 'llava-v1.5-13b.jsonl'}",
        f"questions={shared / 'answers' / 'llava-v1.5_questions.jsonl'}",
        "bench=repope",
        f"data_dir={shared}",
        f"out={tmp_path / 'run'}",
    )
    assert result.returncode == 0, result.stderr
    document = json.loads((tmp_path / "run" / "scores.json").read_text())
    scores = document["scores"]
    for variant in ("random", "adversarial"):
        for label_set, title in (("pope", "POPE"), ("repope", "RePOPE")):
            cell = scores[label_set][variant]
            counts = " | ".join(str(cell[name]) for name in ("tp", "fp", "tn", "fn"))
            ratios = " | ".join(f"{100 * cell[name]:.1f}" for name in ("precision", "recall", "f1"))
            page = TEXTS["docs/how-to/score-answers.md"]
            assert f"| {variant} | {title} | {counts} | {ratios} |" in page
    page, change = TEXTS["docs/concepts/prevalence.md"], document["change"]["mean"]
    assert f"F1 changes by {signed(change['f1'])} points in the mean over variants" in unwrapped(page)
    told = dict(re.findall(r"^\| `(\w+)` \| .+ \| ([+−]\d\.\d) \| .+ \|$", page, re.MULTILINE))
    assert told == {part: signed(found["value"]) for part, found in change["f1_parts"].items()}


def signed(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "−")


def test_the_labels_that_repope_changed_are_as_many_as_is_said(shared: Path) -> None:
    """In the table of the concepts, and rounded in the README."""
    page = TEXTS["docs/concepts/relabelling.md"]
    benchmark = load_benchmark("repope", data_dir=shared)
    old, new = (label_set.variants for label_set in benchmark.label_sets)
    shares = {}
    for variant, label in (("random", True), ("random", False), ("popular", False), ("adversarial", False)):
        asked = [question for question, truth in old[variant].items() if truth is label]
        counts = [
            sum(question in new[variant] and new[variant][question] is not label for question in asked),
            sum(question not in new[variant] for question in asked),
        ]
        shares[variant, label] = [100 * count / len(asked) for count in counts]
        name = "all (the same questions)" if label else variant
        told = " | ".join(f"{count} ({100 * count / len(asked):.1f} %)" for count in counts)
        assert f"| {name} | {'yes' if label else 'no'} | {len(asked):,} | {told} |" in page
    wrong, ambiguous = shares["random", True]
    assert f'About {wrong:.0f} % of POPE\'s "yes" labels are wrong and {ambiguous:.0f} % ambiguous' in README


def measured_speed() -> dict[str, tuple[float, float]]:
    """How many times faster the shared engine is, by family: a distinct question, and the paper's loop."""
    table = RESULTS.partition("## `python perf/engine.py")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if "| " in line]
    return {row[0]: (float(row[-2]), float(row[-1])) for row in rows if row[0] != "family" and "M" in row[1]}


def test_the_readme_is_as_fast_as_was_measured() -> None:
    whole = [ratios for family, ratios in measured_speed().items() if not family.startswith("PaliGemma")]
    assert len(whole) == 5
    (alone, papers) = zip(*whole, strict=True)
    said = f"{min(alone)} to {max(alone)} times as fast as asking each question alone, and "
    said += f"{min(papers)} to {max(papers)} times as fast as the paper's loop"
    assert said in unwrapped(README)


def test_the_concepts_are_as_fast_as_was_measured() -> None:
    rows = re.findall(r"^\| ([A-Z][\w.,\- ]+) \| ([\d.]+) \| ([\d. to]+) \|$", TEXTS[SPEED], re.MULTILINE)
    assert len(rows) == 5
    for families, alone, papers in rows:
        found = [
            ratios
            for name, ratios in measured_speed().items()
            if any(name == family or name.startswith(f"{family},") for family in families.split(", "))
        ]
        assert {f"{ratio}" for ratio, _ in found} == {alone}
        least, most = min(ratio for _, ratio in found), max(ratio for _, ratio in found)
        assert papers == (f"{least}" if least == most else f"{least} to {most}")


def test_other_programs_are_as_fast_as_was_measured() -> None:
    """The rows of the page on other harnesses are rows of the table, without the columns that it leaves out."""
    page = TEXTS["docs/concepts/which-harness.md"]
    rows = re.findall(r"^\| ([^|]+) \| (\d+\.\d\d) \| (\d+\.\d\d) \|$", page, re.MULTILINE)
    assert len(rows) == 6
    table = RESULTS.partition("## `python perf/peers.py")[2].partition("\n\n")[2]
    for program, seconds, times in rows:
        row = rf"^\| {re.escape(program)} \| \d+ \| {seconds} \| [\d.]+ \| {times} \| .* \| 36 of 36 \|$"
        assert re.search(row, table, re.MULTILINE), program
    ours = next(float(times) for program, _, times in rows if program == "vLLM, the files' order")
    assert f"it takes {ours} times as long" in unwrapped(page)


def test_the_readme_counts_goldens_and_formats() -> None:
    goldens = [json.loads(path.read_text(encoding="utf-8")) for path in GOLDENS.glob("*/golden.json")]
    said = re.search(r"All (\d+) answers of (\w+) tiny checkpoints", README)
    assert said is not None
    assert int(said[1]) == sum(len(golden["cases"]) for golden in goldens)
    assert IN_WORDS[said[2]] == len(goldens)
    formats = re.search(r"reads (\w+) formats of other programs", unwrapped(README))
    assert formats is not None
    assert IN_WORDS[formats[1]] == len(FORMATS)


def test_the_readme_finds_as_many_labels_as_was_measured() -> None:
    said = re.search(r"(\d+) % of POPE's flipped labels into the first 10 %", unwrapped(README))
    measured = re.search(r"\| `audit` \| \.(\d\d) \|", RESULTS)
    assert said is not None
    assert measured is not None
    assert said[1] == measured[1]


def test_intervals_hold_as_often_as_is_said() -> None:
    table = RESULTS.partition("## `python perf/coverage.py")[2].partition("\n## ")[0]
    table = re.sub(
        r"^\| wholes .*\n", "", table, flags=re.MULTILINE
    )  # the pages say that these hold less often
    shares = [float(share) for share in re.findall(r"\d\.\d{3}", table) if float(share) > 0.5]
    said = {page: re.findall(r"truth (\d+) times of 100", unwrapped(text)) for page, text in TEXTS.items()}
    found = {page: shares for page, shares in said.items() if shares}
    assert set(found) == {"README.md", "docs/concepts/intervals.md"}
    assert {share for shares in found.values() for share in shares} == {f"{round(100 * min(shares))}"}


def test_how_often_intervals_hold_at_worst_is_said() -> None:
    """Where 1.85 % of the images are all wrong, 100 images show none so often that no interval can know of them."""
    at_most = f"{100 * (1 - (1 - 0.0185) ** 100):.0f}"
    assert f"about {at_most} times of 100 where these are 1.85 % of 100 images" in unwrapped(
        TEXTS["docs/concepts/intervals.md"]
    )
    assert f"unless a few images have all of their questions wrong (about {at_most})" in unwrapped(README)


def test_the_correlation_depends_on_the_share_of_yes_as_is_said() -> None:
    """And balanced accuracy does not: recall .9 and TNR .8, by the expected counts of a million questions."""
    found = {}
    for share in (0.5, 0.43):
        yes, no = round(1e6 * share), round(1e6 * (1 - share))
        counts = Confusion(tp=round(0.9 * yes), fn=round(0.1 * yes), tn=round(0.8 * no), fp=round(0.2 * no))
        found[share] = figures(counts, PROTOCOLS["repope"])
    assert found[0.5].balanced_accuracy == pytest.approx(found[0.43].balanced_accuracy)
    half, fewer = (f"{found[share].mcc:.3f}".lstrip("0") for share in (0.5, 0.43))
    sentence = f"a model with recall .9 and TNR .8 has {half} at 50 % yes and {fewer} at 43 %."
    assert sentence in unwrapped(TEXTS["docs/concepts/prevalence.md"])


@pytest.mark.parametrize(
    ("page", "claim"),
    [
        ("docs/concepts/relabelling.md", "a question that either found ambiguous was removed"),
        ("docs/concepts/relabelling.md", "ambiguous questions, which flatters."),
        ("docs/how-to/label-by-people.md", "the way RePOPE was made"),
        ("docs/how-to/own-questions.md", "the way RePOPE was made"),
        ("docs/how-to/export-results.md", "with its 95 % interval; the yes ratio"),
    ],
)
def test_nothing_is_claimed_that_nobody_knows(page: str, claim: str) -> None:
    assert claim not in unwrapped(TEXTS[page])


def test_what_relabelling_does_is_so_in_each_of_the_papers_models() -> None:
    page = unwrapped(TEXTS["docs/concepts/relabelling.md"])
    models = published_scores()
    assert f"In each of the paper's {len(models)} models - true positives fall" in page
    for model in models:
        old, new = model.cells["pope"], model.cells["repope"]
        assert all(new[variant].figures.tp < old[variant].figures.tp for variant in old)
        assert new["random"].figures.fp > old["random"].figures.fp
        assert new["adversarial"].figures.fp < old["adversarial"].figures.fp


def test_the_share_of_flips_found_is_said_to_be_of_one_benchmark() -> None:
    page = unwrapped(TEXTS["docs/how-to/find-doubtful-labels.md"])
    assert "71 %" in page
    assert "That is one benchmark, with 188 flipped labels, and two models of one family" in page


def test_the_readme_cites_as_the_pages_do() -> None:
    assert f"{POPE_ENTRY}\n\n{REPOPE_ENTRY}\n" in README


@pytest.mark.parametrize("page", TEXTS)
def test_files_and_modules_it_names_exist(page: str) -> None:
    for path in re.findall(r"`((?:repope_eval|configs|tests|perf|slurm|docs)/[\w/.]+)`", TEXTS[page]):
        if not {"NAME", "FILE"} & set(re.split(r"\W", path)):
            assert (PROJECT / path).exists(), path
    for program in re.findall(r"`python (perf/\w+\.py)", TEXTS[page]):
        assert (PROJECT / program).exists(), program
    for module in re.findall(r"`python -m ((?:demo_making|docs_making)(?:\.\w+)?)`", TEXTS[page]):
        path = PROJECT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


@pytest.mark.parametrize("page", TEXTS)
def test_targets_of_make_that_it_names_exist(page: str) -> None:
    targets = re.findall(r"^([\w-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = re.findall(r"(?:`|^)make ([\w-]+)", TEXTS[page], re.MULTILINE)
    assert set(named) <= set(targets)


def test_its_pictures_are_there_and_are_made_by_a_program() -> None:
    named = {
        name for text in TEXTS.values() for name in re.findall(r"!\[[^\]]+\]\([./\w]*?(\w+\.png)\)", text)
    }
    assert named == {path.name for path in PICTURES.iterdir()}
    making = (PROJECT / "demo_making" / "pictures.py").read_text(encoding="utf-8")
    for name in named:
        assert name.removesuffix(".png") in making
        with Image.open(PICTURES / name) as picture:  # of a page, but for one of a chart
            assert picture.size == (1184, 800) or (name == "slopes.png" and 500 < picture.width < 1184)
