"""CHAIR: a model describes images, and what its captions mention is compared with what is there.

By default the images are POPE's 500, of which RePOPE has verdicts: all of POPE's labels agree with CHAIR's truth, so
what RePOPE corrected is wrong in CHAIR, too. The truth is made of COCO's two annotation files of val2014.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from repope_eval.benchmarks.benchmark import POPE_LABELS, Benchmark, BenchmarkSize, Source
from repope_eval.benchmarks.coco import (
    ANNOTATIONS,
    POPE_ENTRY,
    REPOPE_ENTRY,
    download_val2014,
)
from repope_eval.benchmarks.construction import read_object_lists
from repope_eval.benchmarks.custom import DEMO, DEMO_FOLDER
from repope_eval.benchmarks.images import locate_images
from repope_eval.benchmarks.object_labels import object_labels
from repope_eval.benchmarks.pope_file import POPE_VARIANTS, read_rows
from repope_eval.benchmarks.published_files import PUBLISHED_ON_SERVERS, find_published_files
from repope_eval.captions.caption_files import read_image_list
from repope_eval.captions.coco_files import COCO_FILES, kept_objects
from repope_eval.captions.mentions import Vocabulary
from repope_eval.captions.truth import REPOPE, CaptionTruth
from repope_eval.errors import RepopeError
from repope_eval.records import Label, Question, Variant
from repope_eval.settings.config import BenchSettings
from repope_eval.settings.named_files import named_folder
from repope_eval.system.downloads import download_from_mirrors
from repope_eval.system.texts import content_hash
from repope_eval.wording import counted, first_few, shown

NAME = "chair"
"""The name of its folder in data_dir."""

PROMPTS: Mapping[Variant, str] = {
    "describe": "Describe this image.",
    "detail": "Please describe this image in detail.",
    "short": "Generate a short caption of the image.",
}
"""What is asked about each image, by variant: as most papers do, as OPERA and those after it do, and as POPE's did."""

KEPT = "objects_val2014.json"
"""The file below data_dir that keeps what COCO's files say."""

ARCHIVE = "annotations_trainval2014.zip"
ARCHIVE_SERVERS = ("http://images.cocodataset.org/annotations",)
ARCHIVE_MD5 = "0a379cfc70b0e71301e0f377548639bd"
"""The hash that COCO's server and public loaders state; they state no other. It tells damage, and no forgery."""
LARGEST_ARCHIVE = 300 << 20
"""The most bytes of the archive, which has 252,872,794."""

CHAIR_ENTRY = """\
@inproceedings{rohrbach2018object,
  title     = {Object Hallucination in Image Captioning},
  author    = {Rohrbach, Anna and Hendricks, Lisa Anne and Burns, Kaylee and Darrell, Trevor and Saenko, Kate},
  booktitle = {Proceedings of the 2018 Conference on Empirical Methods in Natural Language Processing},
  year      = {2018},
  note      = {arXiv:1809.02156}
}"""

_PUBLISHED = [f"coco_{kind}_{variant}.json" for kind in ("pope", "repope") for variant in POPE_VARIANTS]
"""POPE's files, and their relabelled twins after them."""

DEMO_OBJECTS = DEMO_FOLDER / "objects.jsonl"
_DEMO_POPE, _DEMO_REPOPE = (
    [DEMO_FOLDER / f"{kind}_{variant}.jsonl" for variant in POPE_VARIANTS] for kind in POPE_LABELS
)

_DRAWN = (
    *("anchor", "apple", "arrow", "boat", "bottle", "car", "cat", "clock", "cup", "envelope", "fish", "flag"),
    *(
        "flower",
        "hat",
        "heart",
        "house",
        "key",
        "kite",
        "ladder",
        "moon",
        "mushroom",
        "star",
        "tree",
        "umbrella",
    ),
)
DEMO_VOCABULARY = Vocabulary(
    object_of={name: name for name in _DRAWN},
    singular_forms={**{f"{name}s": name for name in _DRAWN}, "fishes": "fish"},
)
"""What is drawn in the demo's scenes."""

_ASKS_YES_OR_NO = re.compile(
    r"\byes\b.*\bno\b|^\s*(is|are|does|do|can|has|have|was|were)\b[^?]*\?", re.I | re.S
)


def _load(settings: BenchSettings, data_dir: Path) -> Benchmark:
    annotated = _annotated(settings, data_dir)
    hashes = {name: ANNOTATIONS.sha256[name] for name in _PUBLISHED}
    images: Sequence[str] = tuple(annotated.verdicts)
    if settings.image_list is not None:
        path = Path(settings.image_list).expanduser()
        images = read_image_list(path)
        hashes[path.name] = content_hash(path)
    if strange := [image for image in images if image not in annotated.objects]:
        raise RepopeError(
            f"bench.image_list={settings.image_list}: {counted(len(strange), 'image')} of {len(images)} are none of "
            f"val2014, first {first_few(strange, 1)}; CHAIR's truth is of val2014 alone"
        )
    return _caption_benchmark(settings, annotated, images, hashes)


def _load_demo(settings: BenchSettings, _: Path) -> Benchmark:
    annotated = _annotated_demo()
    hashes = {path.name: content_hash(path) for path in (DEMO_OBJECTS, *_DEMO_POPE, *_DEMO_REPOPE)}
    return _caption_benchmark(settings, annotated, tuple(annotated.verdicts), hashes)


def _caption_benchmark(
    settings: BenchSettings, annotated: CaptionTruth, images: Sequence[str], hashes: Mapping[str, str]
) -> Benchmark:
    """The benchmark that asks about some images what the settings say.

    Args:
        annotated: has all of these images.
        hashes: SHA-256 of each file that was read, by name.
    """
    prompts = _prompts(settings)
    truth, hashes = _truth(settings, annotated, images), dict(hashes)
    if settings.relabels is not None:
        path = Path(settings.relabels).expanduser()
        hashes[path.name if path.name not in hashes else str(path)] = content_hash(path)
    ids: dict[Variant, Mapping[int | str, Question]] = {
        variant: {image: Question(image, prompt, "", describes=True) for image in images}
        for variant, prompt in prompts.items()
    }
    return Benchmark(settings.name, (), ids, hashes, truth=truth)


def _annotated(settings: BenchSettings, data_dir: Path) -> CaptionTruth:
    """What COCO has in each image of val2014, and RePOPE's verdicts in the order of POPE's files."""
    paths = find_published_files(ANNOTATIONS, _PUBLISHED, settings, data_dir)
    originals, relabelled = _PUBLISHED[: len(POPE_VARIANTS)], _PUBLISHED[len(POPE_VARIANTS) :]
    return CaptionTruth(
        _objects(settings, data_dir),
        pope_verdicts([paths[name] for name in originals], [paths[name] for name in relabelled]),
    )


def _annotated_demo() -> CaptionTruth:
    """What the hurried annotation of the drawn scenes has, and what those found who looked again."""
    verdicts = pope_verdicts(_DEMO_POPE, _DEMO_REPOPE)
    listed = {each.image: frozenset(each.objects) for each in read_object_lists(DEMO_OBJECTS)}
    return CaptionTruth(
        {image: listed[image] for image in verdicts},
        verdicts,
        vocabulary=DEMO_VOCABULARY,
        annotation="the annotation",
    )


def _truth(settings: BenchSettings, annotated: CaptionTruth, images: Iterable[str]) -> CaptionTruth:
    """The truth of those images that are annotated: people's labels count before those of RePOPE, which are older."""
    images = [image for image in images if image in annotated.objects]
    by_people: Mapping[str, Mapping[str, Label]] = {}
    if settings.relabels is not None:
        by_people = object_labels(Path(settings.relabels).expanduser(), annotated)
        if not by_people.keys() & set(images):
            raise RepopeError(
                f"bench.relabels={settings.relabels}: has no label of one of the {len(images):,} images that are "
                "described; is it the right file?"
            )
    verdicts, judges = {}, Counter[str]()
    for image in images:
        of_people = by_people.get(image, {})
        if of_image := {**annotated.verdicts.get(image, {}), **of_people}:
            verdicts[image] = of_image
            judges[REPOPE] += len(of_image) - len(of_people)
            judges[f"people's labels in {Path(settings.relabels or '').name}"] += len(of_people)
    counts = {judge: number for judge, number in judges.items() if number}
    objects = {image: annotated.objects[image] for image in images}
    return replace(annotated, objects=objects, verdicts=verdicts, judges=counts)


def _prompts(settings: BenchSettings) -> Mapping[Variant, str]:
    """The prompt of each variant that is asked for."""
    if settings.prompt is None:
        return {variant: PROMPTS[variant] for variant in settings.variants}
    if len(settings.variants) > 1:
        raise RepopeError(
            f"bench.prompt: is one prompt, and {len(settings.variants)} variants are named; leave one of the two out"
        )
    if not settings.prompt.strip():
        raise RepopeError("bench.prompt: is empty; give what is to be asked about each image")
    if _ASKS_YES_OR_NO.search(settings.prompt):
        raise RepopeError(
            f"bench.prompt={shown(settings.prompt)}: asks for yes or no, and CHAIR is about descriptions; give a "
            "prompt such as 'Describe this image.', or ask for yes or no with bench=repope"
        )
    return {settings.variants[0]: settings.prompt}


def pope_verdicts(originals: Sequence[Path], relabelled: Sequence[Path]) -> dict[str, dict[str, Label]]:
    """What a relabelling found of each pair that was asked about, by image and object, in the order of the files.

    Args:
        originals: files in POPE's format.
        relabelled: their relabelled twins; they lack the ambiguous pairs.
    """
    found: dict[str, dict[str, Label]] = {}
    for path in originals:
        for row in read_rows(path):
            found.setdefault(row.question.image, {})[row.question.object] = "ambiguous"
    for path in relabelled:
        for row in read_rows(path):
            found[row.question.image][row.question.object] = row.label
    return found


def _objects(settings: BenchSettings, data_dir: Path) -> Mapping[str, frozenset[str]]:
    """COCO's objects of each image: as kept, or out of its two files in data_dir or beside it, or fetched."""
    kept = data_dir / NAME / KEPT
    folders = [data_dir / ANNOTATIONS.folder]
    if settings.annotations is not None:
        folders.append(named_folder("bench.annotations", settings.annotations))
    sources, missing = locate_images(COCO_FILES, folders)
    if not missing:
        return kept_objects(kept, sources)
    return kept_objects(kept, {}) if kept.is_file() else _fetched_objects(settings, kept)


def _fetched_objects(settings: BenchSettings, kept: Path) -> Mapping[str, frozenset[str]]:
    """The same out of COCO's archive, which is fetched, read and removed."""
    folder = kept.parent
    download_from_mirrors(
        [*(settings.annotations_url or "").split(), *ARCHIVE_SERVERS],
        folder,
        {ARCHIVE: None},
        description=f"of COCO's annotations (252 MB; or put {' and '.join(COCO_FILES)} into "
        f"{folder.parent / ANNOTATIONS.folder})",
        check=_check_archive,
        largest=LARGEST_ARCHIVE,
    )
    archive = folder / ARCHIVE
    with TemporaryDirectory(dir=folder) as unpacked, ZipFile(archive) as members:
        sources = {name: Path(members.extract(f"annotations/{name}", unpacked)) for name in COCO_FILES}
        objects = kept_objects(kept, sources)
    archive.unlink()
    return objects


def _check_archive(path: Path) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if digest != ARCHIVE_MD5:
        raise RepopeError(f"{path}: MD5 is {digest}, expected {ARCHIVE_MD5}, so it is not COCO's archive")


def _images_missing(_: BenchSettings) -> str:
    return (
        "{number} of {total} COCO image{plural} missing in {folders}: {examples}; put val2014's images there, or name "
        "their folder with bench.images=FOLDER"
    )


SOURCE = Source(
    load=_load,
    truth=lambda settings, data_dir, images: _truth(settings, _annotated(settings, data_dir), images),
    variants=tuple(PROMPTS),
    sizes={
        tuple(PROMPTS): BenchmarkSize(500, 1500),
        **{(variant,): BenchmarkSize(500, 500) for variant in PROMPTS},
    },
    reads=frozenset({*PUBLISHED_ON_SERVERS, "prompt", "image_list", "relabels"}),
    own_images=lambda _, data_dir: data_dir / "val2014",
    fetch_images=download_val2014,
    images_missing=_images_missing,
    origin="COCO's annotations of val2014 (CC BY 4.0), and the labels of POPE and RePOPE",
    measures="CHAIR compares the objects that captions mention with COCO's annotations, which have 80 objects: what "
    "else is made up counts nowhere. Of the 2,164 objects that COCO has in POPE's 500 images, RePOPE has looked at "
    "1,500: 139 are not there, and 207 are ambiguous. Longer captions hallucinate more: compare models at one length.",
    title="CHAIR",
    bench=NAME,
    citations=(CHAIR_ENTRY, POPE_ENTRY, REPOPE_ENTRY),
    page="https://cocodataset.org/#download",
)

DEMO_SOURCE = Source(
    load=_load_demo,
    truth=lambda settings, _, images: _truth(settings, _annotated_demo(), images),
    variants=tuple(PROMPTS),
    reads=frozenset({"prompt", "relabels"}),
    own_images=DEMO.own_images,
    origin=DEMO.origin,
    measures="A hundred drawn scenes, whose annotation has errors that were put there: figures show that the program "
    "works and what relabelling does to CHAIR, and say nothing of photographs.",
    citations=(CHAIR_ENTRY, POPE_ENTRY, REPOPE_ENTRY),  # it is made as they were
)
