import hashlib
import json
import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repope_eval.benchmarks import amber, dash_b
from repope_eval.benchmarks.coco import POPE_ENTRY, REPOPE_ENTRY
from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.benchmarks.sources import (
    FILE_SETTINGS,
    SOURCES,
    citations_of,
    describes_images,
    find_benchmark_images,
    find_local_images,
    label_set_phrase,
    label_set_title,
    load_benchmark,
    measures_of,
    origin_of,
)
from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.settings.config import CAPTION_SOURCES, BenchSettings
from repope_eval.system import hub as hub_client
from repope_eval.system.hub import network_off

DEMO = BenchSettings(name="demo", source="demo", variants=POPE_VARIANTS)
REPOPE = BenchSettings(name="repope", source="coco", variants=POPE_VARIANTS)

ROWS = [
    {"question_id": 1, "image": "a.png", "text": "Is there a car in the image?", "label": "yes"},
    {"question_id": 2, "image": "b.png", "text": "Is there a “Käfer” in the image?", "label": "no"},
    {"question_id": "3", "image": "a.png", "text": "Anything else?", "label": "no"},
]


def _file(path: Path, rows: list[Mapping[str, Any]] | list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _custom(questions: Path | None, **others: Any) -> BenchSettings:
    named = str(questions) if questions else None
    return BenchSettings(name="custom", source="custom", variants=("custom",), questions=named, **others)


def _refusal(settings: BenchSettings, data_dir: Path) -> str:
    with pytest.raises(RepopeError) as caught:
        load_benchmark(settings, data_dir)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_demo_is_loaded_whole(tmp_path: Path) -> None:
    benchmark = load_benchmark(DEMO, tmp_path)
    assert [label_set.name for label_set in benchmark.label_sets] == ["pope", "repope"]
    assert all(tuple(label_set.variants) == POPE_VARIANTS for label_set in benchmark.label_sets)
    assert set(benchmark.hashes) == {
        f"{kind}_{variant}.jsonl" for kind in ("pope", "repope") for variant in POPE_VARIANTS
    }
    images = list({question.image: None for question in benchmark.questions})
    assert list(find_benchmark_images(DEMO, tmp_path, images)) == images
    assert not list(tmp_path.iterdir())


def test_what_is_to_be_cited_follows_from_where_the_questions_come_from() -> None:
    assert citations_of("coco") == f"{POPE_ENTRY}\n\n{REPOPE_ENTRY}"
    assert citations_of("pope_gqa") == POPE_ENTRY  # RePOPE relabelled COCO's questions alone
    assert (citations_of("amber"), citations_of("dash_b")) == (amber.ENTRY, dash_b.ENTRY)
    # Files of one's own, and a benchmark that has no paper of its own; a folder may be of a later copy.
    assert not any(map(citations_of, ("custom", "table", "popev2", "unknown")))


@pytest.mark.parametrize("source", [name for name, of in SOURCES.items() if of.truth is None])
def test_each_benchmark_with_labels_says_what_its_label_sets_are_called(source: str) -> None:
    assert SOURCES[source].label_titles or SOURCES[source].label_phrases


def test_a_label_set_has_a_title_and_a_phrase() -> None:
    assert [label_set_title(name) for name in ("repope", "dash_b", "original", "x")] == [
        "RePOPE",
        "DASH-B",
        "original",
        "x",
    ]
    assert [label_set_phrase(name) for name in ("repope", "amber", "corrected", "x")] == [
        "RePOPE",
        "AMBER",
        "the corrected labels",
        "x",
    ]


def test_what_is_measured_goes_with_the_benchmark_and_its_parts(tmp_path: Path) -> None:
    benchmark = load_benchmark(DEMO, tmp_path)
    assert benchmark.measures == benchmark.first_images(3).measures == SOURCES["demo"].measures


def test_one_variant_of_the_demo_is_its_files_alone(tmp_path: Path) -> None:
    settings = BenchSettings(name="demo", source="demo", variants=("popular",))
    benchmark = load_benchmark(settings, tmp_path)
    assert list(benchmark.ids) == ["popular"]
    content = (DEMO_FOLDER / "pope_popular.jsonl").read_bytes()
    assert benchmark.hashes["pope_popular.jsonl"] == hashlib.sha256(content).hexdigest()


def test_real_files_are_loaded_from_data_dir(shared: Path) -> None:
    benchmark = load_benchmark(REPOPE, shared)
    assert len(benchmark.questions) == 5127
    assert len({question.image for question in benchmark.questions}) == 500
    pope, repope = benchmark.label_sets
    assert {variant: len(labels) for variant, labels in pope.variants.items()} == dict.fromkeys(
        POPE_VARIANTS, 3000
    )
    assert all(len(repope.variants[variant]) < 3000 for variant in POPE_VARIANTS)
    assert len(benchmark.hashes) == 6
    assert len(benchmark.first_images(7).questions) < 7 * 18


def test_real_files_are_loaded_from_a_folder_of_their_own(shared: Path, tmp_path: Path) -> None:
    settings = BenchSettings(
        name="repope_random", source="coco", variants=("random",), annotations=str(shared / "annotations")
    )
    benchmark = load_benchmark(settings, tmp_path)
    assert len(benchmark.questions) == 3000
    assert not list(tmp_path.iterdir())


def test_custom_questions_alone_make_one_label_set(tmp_path: Path) -> None:
    benchmark = load_benchmark(_custom(_file(tmp_path / "mine.jsonl", ROWS)), tmp_path)
    (original,) = benchmark.label_sets
    assert (original.name, list(original.variants)) == ("original", ["custom"])
    assert list(original.variants["custom"].values()) == [True, False, False]
    assert [question.object for question in benchmark.questions] == ["car", "Anything else?", "“Käfer”"]
    assert list(benchmark.ids["custom"]) == [1, 2, "3"]


def test_custom_relabels_make_a_second_label_set(tmp_path: Path) -> None:
    questions = _file(tmp_path / "mine.jsonl", ROWS)
    relabels = _file(tmp_path / "corrected.jsonl", [ROWS[0] | {"label": "no"}, ROWS[2]])
    benchmark = load_benchmark(_custom(questions, relabels=str(relabels)), tmp_path)
    original, corrected = benchmark.label_sets
    assert (original.name, corrected.name) == ("original", "corrected")
    assert (len(original.variants["custom"]), list(corrected.variants["custom"].values())) == (
        3,
        [False, False],
    )
    assert set(benchmark.hashes) == {"mine.jsonl", "corrected.jsonl"}


@pytest.mark.parametrize(
    ("questions", "expected"),
    [
        ("hub:me/questions@v2", "the Hub dataset me/questions"),
        ("hub:./questions", "a table of your own"),
        ("questions.csv", "a table of your own"),
    ],
)
def test_a_table_is_told_from_the_hub_dataset_that_it_is_read_from(questions: str, expected: str) -> None:
    given = BenchSettings(name="table", source="table", variants=(), questions=questions)
    assert origin_of(given) == expected
    assert measures_of(given).startswith(f"Questions and labels are of {expected}: how they were chosen")


def test_files_of_the_same_name_are_both_hashed(tmp_path: Path) -> None:
    (tmp_path / "corrected").mkdir()
    questions = _file(tmp_path / "mine.jsonl", ROWS)
    relabels = _file(tmp_path / "corrected" / "mine.jsonl", ROWS[:1])
    benchmark = load_benchmark(_custom(questions, relabels=str(relabels)), tmp_path)
    assert set(benchmark.hashes) == {str(questions), str(relabels)}


def test_custom_without_questions_is_refused(tmp_path: Path) -> None:
    assert _refusal(_custom(None), tmp_path) == (
        "bench.questions is required: give bench.questions=FILE, a file in POPE's format"
    )


def test_custom_with_two_variants_is_refused(tmp_path: Path) -> None:
    settings = BenchSettings(name="custom", source="custom", variants=("a", "b"), questions="mine.jsonl")
    assert _refusal(settings, tmp_path) == (
        "bench.variants: a custom benchmark has one variant, not 2; bench=table takes several, from a column"
    )


@pytest.mark.parametrize(
    ("source", "variants", "what"),
    [("coco", ("random", "rare"), "no such variant as rare"), ("demo", (), "is empty")],
)
def test_unknown_variant_is_refused_with_the_choices(
    source: Any, variants: tuple[str, ...], what: str, tmp_path: Path
) -> None:
    settings = BenchSettings(name="any", source=source, variants=variants)
    assert _refusal(settings, tmp_path) == f"bench.variants: {what}; there are random, popular, adversarial"


@pytest.mark.parametrize(
    ("source", "key"),
    [
        (source, key)
        for key in FILE_SETTINGS
        for source in ("coco" if key not in SOURCES["coco"].reads else "demo",)
    ],
)
def test_setting_that_a_benchmark_does_not_read_is_refused(source: Any, key: str, tmp_path: Path) -> None:
    settings = BenchSettings(name="any", source=source, variants=("random",), **{key: "somewhere"})
    assert _refusal(settings, tmp_path) == (
        f"bench.{key}: not read by bench=any; leave it out, or name files of your own with bench=custom or "
        "bench=table"
    )


def test_missing_images_are_counted_named_and_located(tmp_path: Path) -> None:
    names = ["there.png", *(f"{number}.png" for number in range(5)), "0.png"]
    (tmp_path / "there.png").touch()
    settings = _custom(None, images=str(tmp_path))
    with pytest.raises(RepopeError) as caught:
        find_benchmark_images(settings, tmp_path, names)
    assert str(caught.value) == (
        f"5 of 6 images missing in {tmp_path}: 0.png, 1.png, 2.png, ...; put them there, or name their "
        "folder with bench.images=FOLDER"
    )


def test_custom_without_an_image_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match=r"^bench\.images is required: give bench\.images=FOLDER"):
        find_benchmark_images(_custom(None), tmp_path, ["a.png"])


@pytest.mark.parametrize(
    ("source", "name", "reason"),
    [
        ("coco", "typo", "no such folder"),
        ("dash_b", "typo", "no such folder"),
        ("custom", "file", "is no folder"),
    ],
)
def test_a_mistyped_image_folder_is_refused_and_nothing_is_fetched(
    tmp_path: Path, source: Any, name: str, reason: str
) -> None:
    (tmp_path / "file").touch()
    settings = BenchSettings(name=source, source=source, variants=("random",), images=str(tmp_path / name))
    with pytest.raises(RepopeError) as caught:
        find_benchmark_images(settings, tmp_path / "data", ["neg/a/b/c.jpg"])
    assert str(caught.value) == (
        f"bench.images={tmp_path / name}: {reason}; check the name, or name the folder that holds the files"
    )
    assert not (tmp_path / "data").exists()


def test_a_mistyped_folder_of_annotations_is_refused(tmp_path: Path) -> None:
    settings = BenchSettings(name="repope", source="coco", variants=("random",), annotations="/no/such")
    assert _refusal(settings, tmp_path).startswith(
        "bench.annotations=/no/such: no such folder; check the name"
    )


CATS = (Question("a.png", "Is there a cat?", "cat"), Question("b.png", "Is there a cat?", "cat"))


def test_images_are_found_as_far_as_they_are_here(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    assert find_local_images(_custom(None, images=str(tmp_path)), tmp_path, CATS) == {
        "a.png": tmp_path / "a.png"
    }


@pytest.mark.parametrize("name", ["/no/such/folder", "~no-such-user/images", "a" * 5000, "a\0b"])
def test_a_folder_that_cannot_be_looked_into_has_none(tmp_path: Path, name: str) -> None:
    assert find_local_images(_custom(None, images=name), tmp_path, CATS) == {}


@pytest.mark.parametrize("source", ["coco", "pope_aokvqa", "pope_gqa", "popev2", "amber"])
def test_what_only_reads_runs_asks_nobody_for_what_is_missing(
    source: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A manifest of others named the address, which was asked."""
    monkeypatch.setattr(socket, "socket", None)
    settings = BenchSettings(name="it", source=source, variants=SOURCES[source].variants)
    given: dict[str, Any] = {"annotations_url": "http://127.0.0.1:9/of/others"} if source == "coco" else {}
    with network_off():
        said = _refusal(replace(settings, **given), tmp_path)
    bench = SOURCES[source].bench
    assert f"type `python -m repope_eval data bench={bench} data_dir={tmp_path}` first" in said
    assert not list(tmp_path.iterdir())


def test_a_table_of_the_hub_is_read_from_this_machine_alone_where_nothing_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_client, "why_unreachable", lambda *_: pytest.fail("the Hub was asked"))
    settings = BenchSettings(name="it", source="table", variants=(), questions="hub:some/one")
    with network_off():
        said = _refusal(settings, tmp_path)
    assert said.startswith("questions of the dataset some/one cannot be loaded from this machine alone (")
    assert "`python -m repope_eval data bench=table and the keys of its table" in said
    dash_b = SOURCES["dash_b"].variants
    of_hub = BenchSettings(name="it", source="dash_b", variants=dash_b, images_from="hub")
    with network_off():
        said = _refusal(of_hub, tmp_path)
    assert "cannot be loaded from this machine alone (" in said


def test_settings_know_which_benchmarks_ask_for_captions() -> None:
    assert tuple(name for name in SOURCES if describes_images(name)) == CAPTION_SOURCES
