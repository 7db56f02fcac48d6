"""Tables of questions: in every form, what their rows come to, their images, and what is none of it."""

import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pyarrow.parquet
import pytest
from conftest import FIRST_IMAGES, CommandLine
from hub_server import HubServer
from PIL import Image
from question_tables import (
    ALL_COLUMNS,
    IMAGES,
    ROW,
    TEXT,
    demo_rows,
    embedded,
    hub_folder,
    hub_words,
    of_rows,
    picture,
    settings,
    write_csv,
    write_json,
    write_parquet,
    write_workbook,
)
from run_folders import demo

from repope_eval.benchmarks import table_rows
from repope_eval.benchmarks.sources import find_benchmark_images, find_local_images, load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings, TableColumns, TableLabels


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("demo.json", write_json),
        ("demo.jsonl", write_json),
        ("demo.csv", write_csv),
        ("demo.tsv", write_csv),
        ("demo.xlsx", write_workbook),
        ("demo.parquet", lambda path, rows: write_parquet(path, embedded(rows))),
    ],
)
def test_the_demo_is_the_same_in_every_form(
    name: str, write: Callable[[Path, Sequence[Mapping[str, Any]]], Path], tmp_path: Path
) -> None:
    path = write(tmp_path / name, demo_rows())
    given = settings(path, columns=ALL_COLUMNS, images=str(IMAGES))
    found, original = load_benchmark(given, tmp_path), demo()
    assert [each.name for each in found.label_sets] == ["original", "corrected"]
    assert [each.variants for each in found.label_sets] == [each.variants for each in original.label_sets]
    numbers = {variant: {str(number): one for number, one in of.items()} for variant, of in found.ids.items()}
    assert numbers == {
        variant: {str(number): one for number, one in of.items()} for variant, of in original.ids.items()
    }
    assert [question.object for question in found.questions] == [one.object for one in original.questions]
    assert set(found.hashes) == {name, "rows"}
    names = [question.image for question in found.questions]
    images = find_benchmark_images(given, tmp_path / "data", names)
    assert all(images[name].read_bytes() == (IMAGES / name).read_bytes() for name in names)


def test_the_demo_as_a_dataset_of_a_hub_has_the_demos_scores(
    short_unbroken: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    """With its images in it, and with other words for yes and no."""
    (tmp_path / "data").mkdir()
    words = ["model=tiny", "bench=table", FIRST_IMAGES, "verify=0", f"data_dir={tmp_path / 'data'}"]
    words += ["bench.questions=hub:owner/presence", "columns.variant=variant", "columns.relabel=relabel"]
    words += ["labels.yes=[present,yes]", "labels.no=[absent,no]", f"out={tmp_path / 'run'}"]
    with HubServer({"owner/presence": hub_folder(tmp_path / "hub")}) as server:
        result = command_line(*words, **hub_words(server.address))
    assert result.returncode == 0, result.stderr
    found, of_demo = (
        json.loads((folder / "scores.json").read_text())["scores"]
        for folder in (tmp_path / "run", short_unbroken)
    )
    assert list(found.items()) == [("original", of_demo["pope"]), ("corrected", of_demo["repope"])]


def test_some_variants_are_chosen_and_unknown_ones_refused(tmp_path: Path) -> None:
    path = of_rows(
        tmp_path, {"part": "easy", "pair": 1}, {"part": "hard", "image": "b.jpg", "pair": 1}, {"part": 3}
    )
    columns = TableColumns(variant="part", group="pair")
    given = BenchSettings(name="t", source="table", variants=("hard",), questions=str(path), columns=columns)
    benchmark = load_benchmark(given, tmp_path)
    assert list(benchmark.ids) == ["hard"]
    assert list(benchmark.groups) == list(benchmark.questions)
    assert list(load_benchmark(settings(path, columns=columns), tmp_path).ids) == ["easy", "hard", "3"]
    with pytest.raises(
        RepopeError, match=r"no such variant as esy \(did you mean easy\?\); there are easy, hard"
    ):
        load_benchmark(
            BenchSettings(name="t", source="table", variants=("esy",), questions=str(path), columns=columns),
            tmp_path,
        )


def test_a_table_that_has_changed_is_read_again(tmp_path: Path) -> None:
    path = of_rows(tmp_path, {})
    assert len(load_benchmark(settings(path), tmp_path).questions) == 1
    of_rows(tmp_path, {}, {"image": "b.jpg"})
    assert len(load_benchmark(settings(path), tmp_path).questions) == 2


def test_columns_are_not_read_by_other_benchmarks(tmp_path: Path) -> None:
    given = BenchSettings(
        name="demo", source="demo", variants=("random",), columns=TableColumns(label="answer")
    )
    with pytest.raises(RepopeError, match=r"bench\.columns: not read by bench=demo"):
        load_benchmark(given, tmp_path)


def test_labels_are_words_numbers_and_truth_values_of_any_case(tmp_path: Path) -> None:
    labels = ["Yes", " NO ", True, False, 1, 0, 1.0, "present", "ABSENT", "unclear"]
    path = of_rows(
        tmp_path, *({"label": label, "image": f"{number}.jpg"} for number, label in enumerate(labels))
    )
    words = TableLabels(
        yes=("yes", "1", "True", "present"), no=("no", "0", "False", "absent"), left_out=("unclear",)
    )
    (found,) = load_benchmark(settings(path, labels=words), tmp_path).label_sets
    assert list(found.variants["table"].values()) == [
        True,
        False,
        True,
        False,
        True,
        False,
        True,
        True,
        False,
    ]


def test_an_object_is_read_where_it_can_be_and_else_the_group_stands_for_it(tmp_path: Path) -> None:
    path = of_rows(
        tmp_path,
        {"kind": "things"},
        {"question": "Does it rain?", "kind": "weather"},
        {"question": "Is it late?", "kind": ""},
    )
    benchmark = load_benchmark(settings(path, columns=TableColumns(group="kind")), tmp_path)
    assert [question.object for question in benchmark.questions] == ["cup", "weather", "Is it late?"]
    assert list(benchmark.groups.values()) == ["things", "weather"]


def test_a_row_that_asks_again_counts_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "repope_eval")
    benchmark = load_benchmark(settings(of_rows(tmp_path, {}, {}, {"image": "b.jpg"})), tmp_path)
    assert len(benchmark.ids["table"]) == 3
    assert len(benchmark.label_sets[0].variants["table"]) == 2
    assert "own.jsonl: 1 question left out, which another row of the same variant asks" in caplog.text


def test_a_row_that_asks_the_same_with_other_spaces_around_counts_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "repope_eval")
    path = of_rows(
        tmp_path, {}, {"question": f"{ROW['question']} "}, {"question": f"<image>\n{ROW['question']}"}
    )
    benchmark = load_benchmark(settings(path), tmp_path)
    assert [question.text for question in benchmark.questions] == [ROW["question"]]
    assert "own.jsonl: 2 questions left out, which another row of the same variant asks" in caplog.text


@pytest.mark.parametrize(
    ("changes", "columns", "message"),
    [
        (
            [{"label": "maybe"}],
            {},
            r"line 1: the label is 'maybe'; expected are, for yes: yes, true, 1; for no: .*bench\.labels\.yes=",
        ),
        (
            [{}, {"label": "no"}],
            {},
            r"line 2: 'a\.jpg', 'Is .*\?' has two labels, no here and yes .*first .* line 1",
        ),
        ([{"part": "a"}, {"part": "b", "label": "no"}], {"variant": "part"}, "line 2: .* has two labels"),
        ([{"fix": "maybe"}], {"relabel": "fix"}, "line 1: the relabel is 'maybe'"),
        ([{}], {"question": "questoin"}, r"no column 'questoin' \(did you mean question\?\); give bench"),
        ([{"image": None}], {}, "line 1: the image is None; the name of a file or an image is expected"),
        ([{"image": "../a.jpg"}], {}, r"line 1: image name '\.\./a\.jpg' leads out"),
        (
            [{"image": "x?" * 150}],
            {},
            "line 1: the image is 'x.*, of 300 characters: no name of a file and no image",
        ),
        ([{"question": ""}], {}, "line 1: the question is empty"),
        (
            [{"part": "mean"}],
            {"variant": "part"},
            "line 1: the variant is 'mean', which is the name of figures",
        ),
        ([{"part": None}], {"variant": "part"}, "line 1: the variant is None, not a text"),
        (
            [{"n": 1}, {"n": 1, "image": "b.jpg"}],
            {"question_id": "n"},
            "line 2: question_id 1 stands twice, first in line 1; give each its own",
        ),
        (
            [{}, {"question": f" {ROW['question']} ", "label": "no"}],
            {},
            r"line 2: 'a\.jpg', 'Is .*\?' has two labels, no here and yes .*first .* line 1",
        ),
        (
            [{"fix": "no"}, {"fix": "ambiguous"}],
            {"relabel": "fix"},
            "line 2: .* has two labels, ambiguous here and no .*first .* line 1",
        ),
        (
            [{"part": str(number), "image": f"{number}.jpg"} for number in range(60)],
            {"variant": "part"},
            "line 51: is of variant '50', after 50 others; bench.columns.variant names a column of few values",
        ),
    ],
)
def test_a_bad_row_is_one_line(
    changes: list[dict[str, Any]], columns: dict[str, str], message: str, tmp_path: Path
) -> None:
    path = of_rows(tmp_path, *changes)
    with pytest.raises(RepopeError, match=message) as caught:
        load_benchmark(settings(path, columns=TableColumns(**columns)), tmp_path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_word_that_means_both_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match=r"bench\.labels: '0' stands in both yes and no; give both lists"):
        load_benchmark(settings(of_rows(tmp_path, {}), labels=TableLabels(yes=("0",))), tmp_path)


def test_images_in_base64_and_in_bytes_have_names_by_what_they_hold(tmp_path: Path) -> None:
    content = picture(kind="JPEG")
    rows = [{**ROW, "image": base64.b64encode(content).decode()}]
    assert len(rows[0]["image"]) > 255
    of_text = settings(write_csv(tmp_path / "own.tsv", rows))
    of_bytes = settings(write_parquet(tmp_path / "own.parquet", [{**ROW, "image": content}]))
    uri = f"data:image/jpeg;base64,{rows[0]['image']}"
    of_uri = settings(write_json(tmp_path / "own.json", [{**ROW, "image": uri}]))
    for given in (of_text, of_bytes, of_uri):
        (question,) = load_benchmark(given, tmp_path).questions
        assert question.image.endswith(".jpg")
        assert len(question.image) == 32 + len(".jpg")
        (path,) = find_benchmark_images(given, tmp_path, [question.image]).values()
        assert path.read_bytes() == content
        assert find_local_images(given, tmp_path, [question]) == {question.image: path}


def test_names_of_images_in_another_column_get_the_suffix_of_their_format(tmp_path: Path) -> None:
    path = write_parquet(
        tmp_path / "own.parquet", [{**ROW, "image": picture(), "source": "COCO_val2014_000000000001"}]
    )
    given = settings(path, columns=TableColumns(image_name="source"))
    assert [one.image for one in load_benchmark(given, tmp_path).questions] == [
        "COCO_val2014_000000000001.png"
    ]


def test_images_lie_beside_the_table_where_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(picture())
    path = of_rows(tmp_path, {"image": "pictures/a.png"})
    assert find_benchmark_images(settings(path), tmp_path / "no data", ["pictures/a.png"]) == {
        "pictures/a.png": tmp_path / "pictures" / "a.png"
    }
    with pytest.raises(RepopeError, match=r"1 of 1 image missing in .*: b\.png; put them there"):
        find_benchmark_images(settings(path), tmp_path, ["b.png"])


def test_one_name_of_two_images_is_refused(tmp_path: Path) -> None:
    rows = [
        {**ROW, "image": {"bytes": picture(colour), "path": "same.png"}, "question": f"Is it {colour}?"}
        for colour in ("teal", "teal", "red")
    ]
    path = write_parquet(tmp_path / "own.parquet", rows[1:])
    with pytest.raises(
        RepopeError, match=r"row 2: .*'same\.png', as another in row 1 has; .*image_name=COLUMN"
    ):
        load_benchmark(settings(path), tmp_path)
    write_parquet(path, [rows[0], {**rows[1], "question": "Is it blue?"}])
    assert len(load_benchmark(settings(path), tmp_path).questions) == 2


def test_one_file_by_two_names_of_two_images_is_refused(tmp_path: Path) -> None:
    images = {"same.png": picture("teal"), "./same.png": picture("red")}
    rows = [{**ROW, "image": image, "name": name, "question": name} for name, image in images.items()]
    path = write_parquet(tmp_path / "own.parquet", rows)
    with pytest.raises(
        RepopeError, match=r"row 2: the image has the name 'same\.png', as another in row 1 has"
    ):
        load_benchmark(settings(path, columns=TableColumns(image_name="name")), tmp_path)


def test_an_image_that_does_not_decode_is_told_with_its_row(tmp_path: Path) -> None:
    """No image at all shows when the table is read; one that is cut short when it is written, before any is asked."""
    other = {**ROW, "image": picture("red")}
    path = write_parquet(tmp_path / "own.parquet", [other, {**ROW, "image": b"no image"}])
    with pytest.raises(
        RepopeError, match=r"own\.parquet, row 2: the image, of 8 bytes, is none that Pillow can"
    ):
        load_benchmark(settings(path), tmp_path)
    noise = Image.effect_noise((64, 64), 90)
    buffer = io.BytesIO()
    noise.save(buffer, "PNG")
    write_parquet(path, [other, {**ROW, "image": buffer.getvalue()[:1500]}])
    names = [question.image for question in load_benchmark(settings(path), tmp_path).questions]
    with pytest.raises(RepopeError, match=r"of .*own\.parquet, row 2 is damaged or cut short"):
        find_benchmark_images(settings(path), tmp_path, names)


def test_a_folder_like_a_dataset_of_the_hub_and_a_split_that_is_not_there(tmp_path: Path) -> None:
    folder = hub_folder(tmp_path / "hub")
    words = TableLabels(yes=("present",), no=("absent",))
    given = settings(f"hub:{folder}", columns=TableColumns(variant="variant"), labels=words)
    (labels,) = load_benchmark(given, tmp_path).label_sets
    assert labels.variants == demo().label_sets[0].variants
    with pytest.raises(RepopeError, match=r"Unknown split \"train\".*test.*bench\.split= names another"):
        load_benchmark(settings(f"hub:{folder}", split="train"), tmp_path)
    with pytest.raises(RepopeError, match=rf"is a folder; a dataset in it is bench.questions=hub:{folder}"):
        load_benchmark(settings(folder), tmp_path)


def test_a_dataset_that_was_saved_to_disk(tmp_path: Path) -> None:
    features = datasets.Features({"image": datasets.Image(), **dict.fromkeys(("question", "label"), TEXT)})
    rows = [{**ROW, "image": {"bytes": picture(), "path": "a.png"}}]
    alone = datasets.Dataset.from_list(rows, features)
    alone.save_to_disk(tmp_path / "alone")
    datasets.DatasetDict({"val": alone}).save_to_disk(tmp_path / "splits")
    for given in (settings(f"hub:{tmp_path / 'alone'}"), settings(f"hub:{tmp_path / 'splits'}", split="val")):
        assert [question.image for question in load_benchmark(given, tmp_path).questions] == ["a.png"]
        (path,) = find_benchmark_images(given, tmp_path, ["a.png"]).values()
        assert path.read_bytes() == picture()
    with pytest.raises(RepopeError, match=r"splits: has no split 'vla' \(did you mean val\?\); .*one of val"):
        load_benchmark(settings(f"hub:{tmp_path / 'splits'}", split="vla"), tmp_path)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    names = [*ROW, "label"]
    table = pyarrow.table([[value] for value in (*ROW.values(), "no")], names=names)
    pyarrow.parquet.write_table(table, tmp_path / "own.parquet")
    with pytest.raises(RepopeError, match=r"own\.parquet: two columns are named 'label'; rename one"):
        load_benchmark(settings(tmp_path / "own.parquet"), tmp_path)


def test_rows_of_parquet_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "own.parquet", [{**ROW, "fix": fix} for fix in ("no", "ambiguous")])
    message = r"own\.parquet, row 2: .*two labels, ambiguous here and no .* row 1"
    with pytest.raises(RepopeError, match=message):
        load_benchmark(settings(path, columns=TableColumns(relabel="fix")), tmp_path)


def test_a_class_that_is_not_known_is_no_label(tmp_path: Path) -> None:
    kinds = {"label": datasets.ClassLabel(names=["no", "yes"])}
    path = write_parquet(tmp_path / "own.parquet", [{**ROW, "label": 1}, {**ROW, "label": -1}], **kinds)
    with pytest.raises(RepopeError, match="row 2: the label is None"):
        load_benchmark(settings(path), tmp_path)


def test_more_than_a_million_rows_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 1_000_001
    path = tmp_path / "own.parquet"
    columns = {name: pyarrow.DictionaryArray.from_arrays([0] * count, [value]) for name, value in ROW.items()}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    with pytest.raises(
        RepopeError, match=r"own\.parquet: has 1,000,001 rows, and at most 1,000,000 are read"
    ):
        load_benchmark(settings(path), tmp_path)
    monkeypatch.setattr(table_rows, "MOST_ROWS", 2)
    folder = tmp_path / "hub"
    folder.mkdir()
    write_parquet(folder / "test.parquet", [ROW, ROW, ROW])
    with pytest.raises(RepopeError, match="has 3 rows, and at most 2 are read"):
        load_benchmark(settings(f"hub:{folder}"), tmp_path)


def test_what_a_table_needs_is_told(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match=r"bench\.questions is required: give bench\.questions=FILE \(JSON"):
        load_benchmark(BenchSettings(name="table", source="table", variants=()), tmp_path)
    with pytest.raises(RepopeError, match=r"absent\.csv: cannot be read"):
        load_benchmark(settings(tmp_path / "absent.csv"), tmp_path)
    (tmp_path / "empty.csv").write_text("image,question,label\n")
    with pytest.raises(RepopeError, match=r"empty\.csv: holds no questions"):
        load_benchmark(settings(tmp_path / "empty.csv"), tmp_path)
