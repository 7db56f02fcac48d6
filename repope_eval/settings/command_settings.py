"""What can be set of the commands beside a run; see `config` for the form."""

from dataclasses import dataclass
from typing import Any, Literal

from repope_eval.settings.config import (
    ANY_BENCH,
    DEFAULT_PROTOCOL,
    FILES_NOW,
    BenchSettings,
    ModelSettings,
    Protocol,
)
from repope_eval.settings.fields import setting, written_as


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSettings:
    """Says how far each run of a sweep is."""

    runs: str = setting("folder that run folders lie in, at any depth", "runs")
    watch: int | None = setting("show it again every so many seconds; null: once", None, minimum=1)
    json: bool = setting("for programs: a JSON document in place of the table", False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSettings:
    """Downloads a model's weights and configuration into the Hub's cache, and nothing else."""

    model: ModelSettings = setting("which model", choice="tiny")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """Says which labels, or mentions of captions, people should look at first."""

    runs: str = setting("folder that run folders lie in, at any depth", "runs")
    bench: BenchSettings = setting(
        f"benchmark whose labels, or captions (chair, demo_captions), are audited; null: most runs'; {FILES_NOW}",
        ANY_BENCH,
        is_partial=True,
    )
    budget: int = setting("number of the most doubtful questions, all of which are looked at", 500, minimum=0)
    sample: int = setting(
        "number of others that are drawn at random, so that scores can be estimated", 200, minimum=0
    )
    seed: int = setting("of the drawing", 0, minimum=0)
    protocol: Protocol = setting("how yes or no is read from an answer", DEFAULT_PROTOCOL)
    data_dir: str | None = setting("where data lies or goes; null: where the runs had it", None)
    out: str = setting("folder for queue.jsonl and its page, queue.html", "audit")


_TARGET = (
    "width of the leading figure's 95 % interval, such as .02 (two points), for which labels are counted"
)
_WIDTHS: dict[str, Any] = {"minimum": 0.001, "maximum": 0.499}


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateSettings:
    """Estimates scores under corrected labels, from the part that people looked at."""

    runs: str = setting("folder that run folders lie in, at any depth", "runs")
    bench: BenchSettings = setting(
        f"benchmark that is estimated, or of captions (chair), by its name; null: that of most runs; {FILES_NOW}",
        ANY_BENCH,
        is_partial=True,
    )
    labels: str = setting("what people found: an annotator's file, or what relabel wrote")
    queue: str = setting("the queue.jsonl that audit wrote")
    width: float | None = setting(
        f"{_TARGET}; null: what 200 further labels would do is told", None, **_WIDTHS
    )
    protocol: Protocol = setting("how yes or no is read from an answer", DEFAULT_PROTOCOL)
    data_dir: str | None = setting("where data lies or goes; null: where the runs had it", None)
    out: str = setting("folder for estimates.json and estimates.html", "estimates")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """Says how many images show a difference, or how many labels an interval takes."""

    runs: str = setting("folder that the pilot's run folders lie in, at any depth", "runs")
    bench: BenchSettings = setting(
        f"benchmark that is planned for, by its name; null: that of most runs; {FILES_NOW}",
        ANY_BENCH,
        is_partial=True,
    )
    difference: float = setting(
        "difference of F1 that is to be seen; 0.01: one point", 0.01, minimum=0.0001, maximum=0.5
    )
    power: float = setting(
        "in which share of all such comparisons it is to be seen", 0.8, minimum=0.5, maximum=0.999
    )
    comparisons: int = setting(
        "how many pairs are tested together; of 17 models, all with all: 136", 1, minimum=1, maximum=1_000_000
    )
    flips: float = setting(
        "a pilot of one run: share of the questions that another is assumed to answer otherwise",
        0.05,
        minimum=0.001,
        maximum=1,
    )
    width: float | None = setting(
        "95 % interval of F1 under true labels that labels by people are planned for, in the place of images; "
        "0.02: two points wide",
        None,
        minimum=0.001,
        maximum=0.5,
    )
    wrong: float = setting(
        "width=: share of the labels that are taken to be wrong; RePOPE found a tenth of POPE's, ambiguous ones among "
        "them",
        0.1,
        minimum=0.001,
        maximum=0.5,
    )
    protocol: Protocol = setting("how yes or no is read from an answer", DEFAULT_PROTOCOL)
    data_dir: str | None = setting("where data lies or goes; null: where the runs had it", None)
    out: str | None = setting("folder for plan.json; null: none is written", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSettings:
    """Fetches and verifies a benchmark's files, and counts what the relabelling changed."""

    bench: BenchSettings = setting("which benchmark", choice="repope")
    data_dir: str | None = setting("where data lies or goes; null: REPOPE_DATA or the cache folder", None)
    fetch_images: bool = setting("false: annotations alone", True)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionsSettings:
    """Writes a benchmark's questions, for code of your own to answer and `score` to read."""

    bench: BenchSettings = setting("which benchmark", choice="demo")
    limit: int | None = setting("only the first so many images; null: all", None, minimum=1)
    data_dir: str | None = setting("where data lies or goes; null: REPOPE_DATA or the cache folder", None)
    fetch_images: bool = setting("false: without images, and without their paths", True)
    out: str = setting("file to write: a question a line, with its image's path and an empty response")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSettings:
    """Constructs POPE questions from lists of the objects in images."""

    objects: str = setting("COCO instances JSON, or JSON lines of image and objects")
    images: int = setting("how many images to make questions about", minimum=1)
    variant: Literal["random", "popular", "adversarial"] = setting("how absent objects are chosen")
    seed: int = setting("of the drawing of images and objects", 0)
    out: str = setting("file to write, in POPE's format")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotateSettings:
    """Serves a page on which a person labels questions, or decides between two others."""

    questions: str | tuple[str, ...] | None = setting(
        "queue.jsonl of `audit`, or any rows of image and question or text; one or [A,B,C]; null: annotators' own",
        None,
    )
    images: str = setting("folder of their images")
    annotator: str = setting("who labels them", is_public=True, longest=100)
    out: str = setting("the annotator's file, JSON lines; one that is there is gone on with")
    annotators: tuple[str, ...] = setting("decide: two people's files, [A,B]", ())
    decide: bool = setting(
        "ask only where one of annotators says yes and the other no, and show what both say", False
    )
    guideline: str | None = setting(
        "text file in UTF-8 that says what the labels mean, shown before the first one and by the key ?; null: a short "
        "one of this program",
        None,
    )
    runs: str | None = setting(
        "folder of the runs that a queue was made of, to be told after each 25 labels how wide the 95 % interval of "
        "their F1 is; null: it is not told",
        None,
    )
    bench: BenchSettings = setting(
        f"with runs: benchmark, or that of captions (chair), by its name; null: that of most runs; {FILES_NOW}",
        ANY_BENCH,
        is_partial=True,
    )
    protocol: Protocol = setting("with runs: how yes or no is read from an answer", DEFAULT_PROTOCOL)
    data_dir: str | None = setting("with runs: where data lies or goes; null: where the runs had it", None)
    width: float | None = setting(f"with runs: {_TARGET}; null: none", None, **_WIDTHS)
    host: str = setting(
        "address of this machine to serve at; 0.0.0.0: all, for other machines and phones", "127.0.0.1"
    )
    port: int = setting("port to serve at; 0: one that is free", 0, minimum=0, maximum=65_535)
    open: bool = setting("open the page in this machine's browser", False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelabelSettings:
    """Corrects labels by the two-annotator rule."""

    questions: str | tuple[str, ...] = setting(
        "file in POPE's format or `audit`'s queue.jsonl, or one for each variant: [A,B,C]"
    )
    annotators: tuple[str, ...] = setting(
        "two people's files on all of these, labels yes, no or ambiguous: [A,B]", length=2
    )
    decider: str | None = setting("a third, for questions where the two say yes and no", None)
    partial: bool = setting("true: settle what both have labelled so far; false: all has to be", False)
    images: str | None = setting("folder of the images, for the page's pictures; null: none", None)
    out: str = setting("file to write, in the same format; the folder of several")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareSettings:
    """Says where the gap between two results comes from, or holds answers against captions."""

    a: str | tuple[str, ...] = setting(
        "a run folder, or an answer file as score takes it, or several: [A,B,C]"
    )
    b: str | tuple[str, ...] = setting(
        "the other result, such as the baseline of a method: a run folder or answer files, too"
    )
    bench: BenchSettings | None = setting(
        "benchmark of answer files; null: that of the run", None, choice=None
    )
    protocol: Protocol | None = setting(
        "how both are read to be compared; null: as both are read, or repope", None
    )
    protocol_a: Protocol | None = setting(
        "how a's own figures are read; null: as the run was, a file by protocol", None
    )
    protocol_b: Protocol | None = setting(
        "how b's own figures are read; null: as the run was, a file by protocol", None
    )
    margin: float | None = setting(
        "F1 that may differ where the two count as the same, such as .005; null: not tested",
        None,
        minimum=0.0001,
        maximum=0.9999,
    )
    labels_a: str | None = setting(
        "label set of a's own figures, such as pope or original; null: each by itself", None
    )
    labels_b: str | None = setting(
        "label set of b's own figures, such as repope or corrected; null: each by itself", None
    )
    questions_a: str | tuple[str, ...] | None = setting(
        "what question ids of a's answer file point into: question_id, image, text", None
    )
    questions_b: str | tuple[str, ...] | None = setting(
        "what question ids of b's answer file point into: question_id, image, text", None
    )
    data_dir: str | None = setting("where data lies or goes; null: where the runs had it", None)
    out: str = setting("folder for compare.html and compare.json", "compare")


ExportFormat = Literal["every_eval_ever", "eval_results", "lmms_eval", "model_card", "evaluation_card"]
Relationship = Literal["first_party", "third_party", "collaborative", "other"]

HUB_ID = r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*"
"""The pattern of a model's or a dataset's id on the Hub."""

_HUB_ID = written_as(HUB_ID, "OWNER/NAME, as on the Hub,", is_public=True)
_ADDRESS = written_as(
    r"https?://[^\s@]+",
    "an address that begins with https:// or http://, without a password in it,",
    is_public=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """Writes a finished run as cards, leaderboards' entries, or other harnesses' files."""

    run: str = setting("run folder, of a run or of score")
    format: ExportFormat = setting("the form that is written")
    out: str = setting("folder to write, new or empty")
    model_id: str | None = setting(
        "the model on the Hub, OWNER/NAME; null: the run's checkpoint, where it is one", None, **_HUB_ID
    )
    dataset: str | None = setting(
        "eval_results, model_card: Hub dataset of the leaderboard, OWNER/NAME; null: the benchmark's own",
        None,
        **_HUB_ID,
    )
    url: str | None = setting(
        "eval_results, model_card: where readers find the run or its report; null: no link", None, **_ADDRESS
    )
    organization: str = setting("every_eval_ever: who publishes the results", "unknown", is_public=True)
    relationship: Relationship = setting("every_eval_ever: whether these made the model, too", "third_party")
    bench: BenchSettings = setting(
        f"null, or the name of the run's benchmark; {FILES_NOW}", ANY_BENCH, is_partial=True
    )
    data_dir: str | None = setting("where data lies or goes; null: where the run had it", None)
