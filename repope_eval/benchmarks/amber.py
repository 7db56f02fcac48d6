"""AMBER's questions that yes or no answers: about existence, state, number, action and relation.

J. Wang et al., "AMBER: An LLM-free Multi-dimensional Benchmark for MLLMs Hallucination Evaluation", arXiv 2311.07397.
Ten questions stand twice, with one label each. All questions about existence have the label no.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark, BenchmarkSize, OwnSection, Source
from repope_eval.benchmarks.hub_images import copy_rows, load_parquet
from repope_eval.benchmarks.pope_file import MOST_QUESTION_CHARACTERS, asked_text, object_of
from repope_eval.benchmarks.published_files import PublishedFiles, find_published_files
from repope_eval.errors import RepopeError
from repope_eval.records import LabelSet, Question, Variant
from repope_eval.settings.config import BenchSettings
from repope_eval.system.json_files import read_rows

NAME = "amber"
"""The name of its folder in data_dir, and of its only label set."""

VARIANT_OF_TYPE: Mapping[str, Variant] = {
    "discriminative-hallucination": "existence",
    "discriminative-attribute-state": "state",
    "discriminative-attribute-number": "number",
    "discriminative-attribute-action": "action",
    "discriminative-relation": "relation",
    "relation": "relation",
}
"""The variant of a question by the type that `annotations.json` gives its id."""

VARIANTS = tuple(dict.fromkeys(VARIANT_OF_TYPE.values()))

HUB_DATASET = "MM-Hallu/amber-benchmark"
HUB_FILES = tuple(f"discriminative-{part}-*.parquet" for part in ("existence", "attribute", "relation"))


def _published_file(path: str, name: str, digest: str) -> PublishedFiles:
    return PublishedFiles(
        folder=NAME,
        sha256={name: digest},
        repository="junyangwang0410/AMBER",
        commit="534babf6bbfcce2e735c26289dedfb21cef3c939",
        path=path,
        licence="Apache-2.0",
    )


QUERIES = _published_file(
    "data/query",
    "query_discriminative.json",
    "1502887ac020f4bb7ea564af4e37bddcb030d61b78490d00f9da492a2307abb8",
)
TRUTHS = _published_file(
    "data", "annotations.json", "db22a436c4836fbb295e60b4e80d519573077579fb7032f01b193c1bd022b797"
)


def _load(settings: BenchSettings, data_dir: Path) -> Benchmark:
    queries, truths = (_file_of(published, settings, data_dir) for published in (QUERIES, TRUTHS))
    hashes = {**QUERIES.sha256, **TRUTHS.sha256}
    return amber_benchmark(settings.name, settings.variants, queries, truths, hashes)


def _file_of(published: PublishedFiles, settings: BenchSettings, data_dir: Path) -> Path:
    (path,) = find_published_files(published, list(published.sha256), settings, data_dir).values()
    return path


def amber_benchmark(
    name: str, variants: Sequence[Variant], queries: Path, truths: Path, hashes: Mapping[str, str]
) -> Benchmark:
    """The benchmark out of the file of questions and the file of their types and labels."""
    truth_of = {row.get("id"): row for row in read_rows(truths)}
    ids: dict[Variant, dict[int | str, Question]] = {variant: {} for variant in variants}
    labels: dict[Variant, dict[Question, bool]] = {variant: {} for variant in variants}
    for number, variant, question, label in _labelled_rows(queries, truth_of):
        if variant in ids:
            ids[variant][number] = question
            if labels[variant].setdefault(question, label) != label:
                raise RepopeError(f"{queries}: id {number}: {question.text!r} has two labels; keep one")
    return Benchmark(name, (LabelSet(NAME, labels),), ids, dict(hashes))


def _labelled_rows(
    queries: Path, truth_of: Mapping[Any, Mapping[str, Any]]
) -> Iterator[tuple[int, str, Question, bool]]:
    for row in read_rows(queries):
        number, truth = row.get("id"), truth_of.get(row.get("id"), {})
        variant = VARIANT_OF_TYPE.get(str(truth.get("type")))
        if not isinstance(number, int) or variant is None or truth.get("truth") not in ("yes", "no"):
            raise RepopeError(
                f"{queries}: id {number!r} has no type and label in annotations.json; put AMBER's own files there"
            )
        where = f"{queries}, id {number}"
        image = asked_text("image", row.get("image"), where=where)
        text = asked_text("query", row.get("query"), MOST_QUESTION_CHARACTERS, where=where)
        thing = object_of(text)
        # Where the text names no object, the kind of question stands for it.
        of = variant if thing == text else thing
        yield number, variant, Question(image, text, of), truth["truth"] == "yes"


def _fetch_images(settings: BenchSettings, names: Sequence[str], folder: Path) -> None:
    """Copies images out of the Hub dataset, whose rows have the ids of the questions."""
    if settings.images_from != "hub":
        return
    dataset = settings.hub_dataset or HUB_DATASET
    split = load_parquet(dataset, HUB_FILES, ["id"], HUB_DATASET)
    row_of_id = {str(number): row for row, number in enumerate(split["id"])}
    row_of: dict[str, int | None] = dict.fromkeys(names)
    for row in read_rows(_file_of(QUERIES, settings, data_dir=folder.parents[1])):
        if row_of.get(row["image"], 0) is None:
            row_of[row["image"]] = row_of_id.get(str(row["id"]))
    copy_rows(split, row_of, dataset, folder, "; put them there by hand")


def _images_missing(settings: BenchSettings) -> str:
    other = ", or take them out of the Hub dataset with bench.images_from=hub"
    return (
        "{number} of {total} image{plural} of AMBER missing ({examples}) in {folders}: unpack them there, or name "
        "their folder with bench.images=FOLDER" + ("" if settings.images_from == "hub" else other)
    )


ENTRY = """\
@article{wang2023amber,
  title   = {{AMBER}: An {LLM}-free Multi-dimensional Benchmark for {MLLMs} Hallucination Evaluation},
  author  = {Wang, Junyang and Wang, Yuhang and Xu, Guohai and Zhang, Jing and Gu, Yukai and Jia, Haitao and
             Wang, Jiaqi and Xu, Haiyang and Yan, Ming and Zhang, Ji and Sang, Jitao},
  journal = {arXiv preprint arXiv:2311.07397},
  year    = {2023}
}"""

NOES = OwnSection(
    kind="amber",
    title="AMBER",
    about="Its authors take “no” for the positive class, count an answer only if it is exactly “Yes” or “No”, and make "
    "F1 of rounded figures. All questions about existence have the label no: what they tell is how many of the noes "
    "due were said (their recall, TNR elsewhere on this page; their precision is 100 for any model that says no), and "
    "nothing of how often a model that sees the object says so.",
    caption="AMBER's own figures in percent, “no” being the positive class, rounded as its authors do",
    leads=True,
)

SOURCE = Source(
    load=_load,
    variants=VARIANTS,
    sizes={
        VARIANTS: BenchmarkSize(1004, 14_206),
        ("existence",): BenchmarkSize(1004, 4918),
        ("state",): BenchmarkSize(979, 4764),
        ("number",): BenchmarkSize(773, 2068),
        ("action",): BenchmarkSize(377, 792),
        ("relation",): BenchmarkSize(1004, 1664),
    },
    reads=frozenset({"images", "annotations", "annotations_url", "images_from", "hub_dataset"}),
    own_images=lambda _, data_dir: data_dir / NAME / "images",
    fetch_images=_fetch_images,
    images_missing=_images_missing,
    origin=QUERIES.origin,
    measures="All questions about existence have label no: the true negative rate is all that they tell, and nothing "
    "of whether a model sees what is there. The 1,004 images are AMBER's own.",
    title="AMBER",
    bench=NAME,
    own=(NOES,),
    label_titles={NAME: "AMBER"},
    citations=(ENTRY,),
    page=QUERIES.page,
    hub_datasets={NAME: HUB_DATASET},
)
