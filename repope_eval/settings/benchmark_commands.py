"""What can be set of the commands that fetch, show, make, label and relabel a benchmark; see `config` for its form."""

from dataclasses import dataclass
from typing import Literal

from repope_eval.settings.config import BenchSettings
from repope_eval.settings.declaration import setting


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
