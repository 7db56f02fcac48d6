"""POPE on A-OKVQA's and GQA's images, whose objects and labels a segmentation model made (SEEM), not people.

Y. Li et al., "Evaluating Object Hallucination in Large Vision-Language Models", arXiv 2305.10355, as its authors'
repository has them. One question stands twice in each adversarial file: 3,000 rows ask 2,999 questions.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from repope_eval.benchmarks.benchmark import (
    POPE_LABELS,
    POPE_TITLES,
    Benchmark,
    BenchmarkSize,
    Source,
    read_benchmark,
)
from repope_eval.benchmarks.coco import POPE_ENTRY, VAL2014_MISSING, download_val2014
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.benchmarks.published_files import (
    PUBLISHED_ON_SERVERS,
    PublishedFiles,
    download_images,
    find_published_files,
)
from repope_eval.records import Variant
from repope_eval.settings.config import BenchSettings

VISUAL_GENOME = tuple(
    f"https://cs.stanford.edu/people/rak248/{folder}" for folder in ("VG_100K", "VG_100K_2")
)
"""Where Visual Genome keeps its images, GQA's among them: each lies in one of the two folders."""


def _file_name(dataset: str, variant: str) -> str:
    return f"{dataset}_pope_seem_{variant}.json"


def _benchmark_sizes(questions: int) -> dict[tuple[Variant, ...], BenchmarkSize]:
    """The sizes of either dataset, given how many distinct questions all variants have."""
    return {
        POPE_VARIANTS: BenchmarkSize(500, questions),
        ("random",): BenchmarkSize(500, 3000),
        ("popular",): BenchmarkSize(500, 3000),
        ("adversarial",): BenchmarkSize(500, 2999),
    }


def _published_files(dataset: str, sha256: dict[str, str]) -> PublishedFiles:
    return PublishedFiles(
        folder="pope_seem",
        sha256={_file_name(dataset, variant): digest for variant, digest in sha256.items()},
        repository="RUCAIBox/POPE",
        commit="3df3ba1b110ecce25696989577fad583b67d4239",
        path=f"output/seem/{dataset}",
        licence="MIT",
    )


AOKVQA = _published_files(
    "aokvqa",
    {
        "random": "f06eecde6d6ef4a00b95a7bbb510490708a09a6a67d952b59b8bdd33ac2c7200",
        "popular": "2ae5bedee3450cda52f9b033942c7b04a3917a86a110e859a66c1e41934c6ffd",
        "adversarial": "2ddd3bdfa0df7a77a2cb1765ed06ac5ed190b5a093aa405b96986e862e8cdac1",
    },
)
GQA = _published_files(
    "gqa",
    {
        "random": "6ce488eade3770185034939fabfe742fa32ed369011c8d9c3ac77bc0c85abd94",
        "popular": "dd03f06a458dd216e83233160fbf6628af9c63c84b11e99599f4fc0304b3361d",
        "adversarial": "74e01b41d8308e2392e3b8d961167496ff3901c01100265d931a7a392f138a7a",
    },
)


def _load(dataset: str, published: PublishedFiles, settings: BenchSettings, data_dir: Path) -> Benchmark:
    names = {variant: _file_name(dataset, variant) for variant in settings.variants}
    paths = find_published_files(published, list(names.values()), settings, data_dir)
    originals = {variant: paths[name] for variant, name in names.items()}
    return read_benchmark(settings.name, originals, {}, POPE_LABELS, may_repeat=True)


def _fetch_gqa_images(settings: BenchSettings, names: Sequence[str], folder: Path) -> None:
    download_images(settings, VISUAL_GENOME, names, folder, "GQA images")


MEASURES = (
    "Objects and labels come from a segmentation model (SEEM), and nobody has relabelled them: how many are wrong is "
    "not known, and where a model disagrees it may be right. Objects such as wall, floor, sky and paper are frequent."
)

GQA_IMAGES_MISSING = (
    "{number} of {total} GQA image{plural} missing ({examples}) in {folders}: unpack GQA's images.zip there, or name "
    "the folder that holds its images with bench.images=FOLDER, or run "
    "`python -m repope_eval data bench=pope_gqa{data}` on a machine with network; fetching them failed"
)

AOKVQA_SOURCE = Source(
    load=partial(_load, "aokvqa", AOKVQA),
    variants=POPE_VARIANTS,
    sizes=_benchmark_sizes(5145),
    reads=PUBLISHED_ON_SERVERS,
    own_images=lambda _, data_dir: data_dir / "val2014",
    fetch_images=download_val2014,
    images_missing=lambda _: f"{VAL2014_MISSING.format('pope_aokvqa')}; fetching them failed",
    origin=AOKVQA.origin,
    measures=MEASURES,
    title="POPE on A-OKVQA",
    bench="pope_aokvqa",
    label_titles=POPE_TITLES,
    citations=(POPE_ENTRY,),
    page=AOKVQA.page,
)
GQA_SOURCE = Source(
    load=partial(_load, "gqa", GQA),
    variants=POPE_VARIANTS,
    sizes=_benchmark_sizes(5171),
    reads=PUBLISHED_ON_SERVERS,
    own_images=lambda _, data_dir: data_dir / "gqa",
    fetch_images=_fetch_gqa_images,
    images_missing=lambda _: GQA_IMAGES_MISSING,
    origin=GQA.origin,
    measures=MEASURES,
    title="POPE on GQA",
    bench="pope_gqa",
    label_titles=POPE_TITLES,
    citations=(POPE_ENTRY,),
    page=GQA.page,
)
