"""Two runs that describe images, compared: what is read of them, sentences, tables, page and document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import describes_images, find_local_images
from repope_eval.captions.truth import CaptionTruth
from repope_eval.comparison.sides import Facts, decoding_of_facts, facts_of, finished_run
from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Variant
from repope_eval.reporting.figure_texts import (
    change_interval_text,
    change_text,
    number_text,
    percent_text,
    shortened_names,
)
from repope_eval.reporting.tables import (
    Column,
    Field,
    Table,
    estimate_field,
    number_field,
    points_cell,
    table,
    text_field,
)
from repope_eval.reporting.templates import render
from repope_eval.runs.finished_runs import (
    FinishedRun,
    benchmark_of,
    data_folder_of,
    given_files,
    scored_answers,
)
from repope_eval.runs.layout import MANIFEST
from repope_eval.runs.manifest_form import read_manifest
from repope_eval.scoring.caption_comparison import ComparedCaptions, compare_captions
from repope_eval.scoring.caption_counts import FIGURE_TITLES, SHARES
from repope_eval.scoring.caption_scores import truth_titles
from repope_eval.scoring.chair import FIRST_WORDS, Truth, VariantCaptions, score_captions
from repope_eval.scoring.estimates import Estimate, leaves_out_zero
from repope_eval.scoring.gap import FIRST, SECOND
from repope_eval.scoring.score_document import plain
from repope_eval.settings.command_settings import CompareSettings
from repope_eval.wording import counted

LONGEST_NAME = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionSide:
    """One of the two runs."""

    name: str
    where: str
    """The run folder, as the user wrote it."""
    prompt: str
    max_new_tokens: str
    """The longest caption in tokens; empty where it is not known."""
    answers: Sequence[Answer]
    truth: CaptionTruth
    facts: Facts | None = None
    """What the captions may depend on; None where that is unknown."""
    images: Mapping[str, Path] = field(default_factory=dict)
    """The pictures that are there, by image name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionComparison:
    """All that is shown of two runs."""

    sides: tuple[CaptionSide, CaptionSide]
    names: tuple[str, str]
    """Their names, never two alike."""
    truth: CaptionTruth
    """Of the images of both."""
    compared: Mapping[Truth, ComparedCaptions]
    captions: tuple[VariantCaptions, VariantCaptions]
    """What the captions of either come to by themselves."""

    @property
    def n_shared(self) -> int:
        """How many images both describe."""
        return self.compared["coco"].shared[0].counts.captions

    @property
    def verdict(self) -> str:
        """The one sentence that comes first, with what other images contribute where they do."""
        return " ".join(_sentences(self))


def describing_letters(settings: CompareSettings) -> tuple[str, ...]:
    """Which of two results, `a` and `b`, are runs that describe images."""
    values = {FIRST: settings.a, SECOND: settings.b}
    return tuple(
        letter
        for letter, value in values.items()
        if isinstance(value, str) and _describes_images(Path(value).expanduser() / MANIFEST)
    )


def _describes_images(path: Path) -> bool:
    """Whether a manifest is of such a run, without its answers; what is wrong with one is told where it is compared."""
    try:
        bench = read_manifest(path).get("settings", {}).get("bench", {}) if path.is_file() else {}
    except (RepopeError, OSError):
        return False
    return isinstance(bench, dict) and describes_images(bench.get("source"))


def compare_caption_runs(settings: CompareSettings) -> CaptionComparison:
    """Reads both runs and compares their captions.

    Raises:
        RepopeError: one is no run of captions, has not ended, or its files cannot be found.
    """
    first, second = (read_captions(FIRST, settings), read_captions(SECOND, settings))
    if first.truth.annotation != second.truth.annotation:
        raise RepopeError(
            f"a={settings.a} and b={settings.b}: describe images of two benchmarks; compare two runs of one"
        )
    truth = replace(
        first.truth,
        objects={**second.truth.objects, **first.truth.objects},
        verdicts={**second.truth.verdicts, **first.truth.verdicts},
    )
    names = shortened_names([first.name, second.name], LONGEST_NAME)
    return CaptionComparison(
        sides=(first, second),
        names=(names[0], names[1]),
        truth=truth,
        compared=compare_captions(first.answers, second.answers, truth),
        captions=(score_captions(first.answers, truth), score_captions(second.answers, truth)),
    )


def read_captions(letter: str, settings: CompareSettings) -> CaptionSide:
    """Reads the captions of one of two results.

    Raises:
        RepopeError: it has not ended, has captions to several prompts, or its files cannot be found.
    """
    value = settings.a if letter == FIRST else settings.b
    if not isinstance(value, str):
        raise RepopeError(
            f"{letter}={list(value)}: is several files, and the other describes images; give a run folder"
        )
    run = finished_run(letter, Path(value).expanduser())
    if settings.bench is not None and settings.bench.source == run.bench.source:
        run = given_files(run, settings.bench)
    data_dir = data_folder_of(run, settings.data_dir)
    benchmark = benchmark_of(run, data_dir)
    variant = _only_variant(letter, run, benchmark)
    own = set(benchmark.ids[variant].values())
    answers = [answer for question, answer in scored_answers(run, benchmark).items() if question in own]
    if not answers or benchmark.truth is None:
        raise RepopeError(f"{letter}={value}: has no caption; type its run's command again")
    return CaptionSide(
        name=run.model,
        where=str(value),
        prompt=next(iter(own)).text,
        max_new_tokens="" if "answers" in run.facts else run.facts.get("model.max_new_tokens", ""),
        answers=answers,
        truth=benchmark.truth,
        facts=facts_of(run),
        images=find_local_images(run.bench, data_dir, own),
    )


def _only_variant(letter: str, run: FinishedRun, benchmark: Benchmark) -> Variant:
    if len(benchmark.ids) > 1:
        raise RepopeError(
            f"{letter}={run.folder}: has captions to {len(benchmark.ids)} prompts; compare runs of one, which "
            "bench.variants=[PROMPT] asks"
        )
    return next(iter(benchmark.ids))


def _sentences(view: CaptionComparison) -> list[str]:
    if not view.n_shared:
        return [
            "No image is described by both, so their captions cannot be compared: figures of other images differ by "
            "the images, too."
        ]
    sentences = [_difference_sentence(view, view.compared["coco"].gaps["chair_i"].difference)]
    if "corrected" in view.compared:
        corrected = view.compared["corrected"].gaps["chair_i"].difference
        sentences.append(f"Under {truth_titles(view.truth)['corrected']} it is {_points_phrase(corrected)}.")
    other = view.compared["coco"].gaps["chair_i"]
    if other.images is not None and any(len(side.answers) > view.n_shared for side in view.sides):
        sentences.append(
            f"On all of its own images, the gap is {change_text('f1', other.gap)} points, of which "
            f"{change_text('f1', other.images)} come of images that only one of the two describes."
        )
    words = [each.figures["coco"].estimates["words_per_caption"].value for each in view.captions]
    if None not in words:
        lengths = " and ".join(number_text(value, ".0f") for value in words if value is not None)
        sentences.append(f"Their captions have {lengths} words on average, and longer ones hallucinate more.")
    return sentences


def _difference_sentence(view: CaptionComparison, difference: Estimate) -> str:
    under = truth_titles(view.truth)["coco"]
    where = f"on the {counted(view.n_shared, 'image', ',')} that both describe, under {under}"
    what = f"CHAIRi of {view.names[0]} less that of {view.names[1]}, {where}"
    return f"{what}: {_points_phrase(difference)}."


def _points_phrase(difference: Estimate) -> str:
    """A difference in points with its interval, and whether chance would do."""
    if difference.value is None:
        return f"undefined ({difference.reason or 'the captions of one mention nothing'})"
    points = f"{change_text('f1', difference.value)} points"
    if difference.interval is None:
        return f"{points} (no interval: {difference.reason})"
    chance = "more than" if leaves_out_zero(difference.interval) else "within"
    return f"{points} (95 % {change_interval_text('f1', difference.interval)}), {chance} chance"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    truth: Truth
    figure: str
    compared: ComparedCaptions
    is_first: bool


def gap_table(view: CaptionComparison) -> Table:
    """Each figure of both on the images of both, the difference, and what other images contribute."""
    rows = [
        _Row(truth=truth, figure=figure, compared=compared, is_first=figure == SHARES[0])
        for truth, compared in view.compared.items()
        for figure in SHARES
    ]
    has_others = any(len(side.answers) > view.n_shared for side in view.sides)
    fields: list[Field[_Row]] = [
        text_field("truth", lambda row: truth_titles(view.truth)[row.truth] if row.is_first else ""),
        text_field("", lambda row: FIGURE_TITLES[row.figure], stays=True),
        estimate_field(view.names[0], lambda row: row.compared.shared[0].estimates[row.figure]),
        estimate_field(view.names[1], lambda row: row.compared.shared[1].estimates[row.figure]),
        Field(Column(title="difference"), lambda row: points_cell(row.compared.gaps[row.figure].difference)),
    ]
    if has_others:
        fields += [
            number_field(
                f"{name}, all its images",
                lambda row, place=place: percent_text(row.compared.own[place].estimates[row.figure].value),  # type: ignore[misc]
            )
            for place, name in enumerate(view.names)
        ]
        fields.append(
            number_field(
                "of which the images", lambda row: change_text("f1", row.compared.gaps[row.figure].images)
            )
        )
    caption = (
        f"On the {counted(view.n_shared, 'image', ',')} that both describe, in percent, with 95 % intervals"
    )
    return table(caption, fields, rows, n_naming=2, starts_group=lambda row: row.is_first)


def length_table(view: CaptionComparison) -> Table:
    """CHAIRi of the first words of each model's captions, so that lengths are alike."""
    fields: list[Field[int]] = [number_field("first words", str)]
    for name, captions in zip(view.names, view.captions, strict=True):
        fields += _length_fields(name, captions)
    return table(
        f"CHAIRi of the first words of each caption, under {view.truth.annotation}'s truth, in percent",
        fields,
        FIRST_WORDS,
    )


def _length_fields(name: str, captions: VariantCaptions) -> list[Field[int]]:
    return [
        number_field(f"captions that are longer, {name}", lambda n_words: f"{captions.n_longer[n_words]:,}"),
        estimate_field(f"CHAIRi, {name}", lambda n_words: captions.cut[n_words]["coco"].estimates["chair_i"]),
    ]


def side_table(view: CaptionComparison) -> Table:
    """What either run was asked, and how many captions it has."""
    rows = list(zip(view.sides, view.captions, view.names, strict=True))
    return table(
        "The two runs",
        [
            text_field("run", lambda row: row[2], stays=True),
            text_field("folder", lambda row: row[0].where, wraps=True),
            text_field("prompt", lambda row: row[0].prompt, wraps=True),
            number_field("most tokens", lambda row: row[0].max_new_tokens or "not known"),
            text_field("decoding", lambda row: decoding_of_facts(row[0].facts), wraps=True),
            number_field("captions", lambda row: f"{len(row[0].answers):,}"),
            number_field(
                "words a caption",
                lambda row: number_text(
                    row[1].figures["coco"].estimates["words_per_caption"].value or 0, ".1f"
                ),
            ),
        ],
        rows,
    )


def caption_comparison_document(view: CaptionComparison) -> dict[str, Any]:
    """The document; undefined figures are null."""
    return {
        "kind": "captions",
        "verdict": view.verdict,
        "n_shared_images": view.n_shared,
        **{
            letter: {
                "name": side.name,
                "prompt": side.prompt,
                "max_new_tokens": side.max_new_tokens or None,
                "n_captions": len(side.answers),
            }
            for letter, side in zip("ab", view.sides, strict=True)
        },
        "truths": {
            truth: {
                "gaps": plain(compared.gaps),
                "shared": [plain(each.estimates) for each in compared.shared],
                "own": [plain(each.estimates) for each in compared.own],
            }
            for truth, compared in view.compared.items()
        },
    }


def render_caption_comparison(view: CaptionComparison, command: str) -> str:
    """The page, which needs no file and no network.

    Args:
        command: how it was started; shown in the page.
    """
    return render(
        "caption_comparison.html.j2",
        view=view,
        gaps=gap_table(view),
        lengths=length_table(view),
        runs=side_table(view),
        command=command,
    )
