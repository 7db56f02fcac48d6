"""Tables of questions of any kind: the demo written as each of them, images that stand in them, and bad rows."""

import base64
import csv
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
from openpyxl import Workbook
from PIL import Image
from run_folders import demo

from repope_eval.benchmarks import table_rows
from repope_eval.benchmarks.demo import DEMO_FOLDER
from repope_eval.benchmarks.sources import find_benchmark_images, find_local_images, load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.settings.config import BenchSettings, TableColumns, TableLabels

IMAGES = DEMO_FOLDER / "images"


def settings(questions: Path | str, **given: Any) -> BenchSettings:
    return BenchSettings(name="table", source="table", variants=(), questions=str(questions), **given)


def demo_rows() -> list[dict[str, Any]]:
    """Every row of the demo, with both labels."""
    benchmark = demo()
    pope, repope = (label_set.variants for label_set in benchmark.label_sets)
    corrected = {True: "yes", False: "no", None: "ambiguous"}
    return [
        {
            "image": question.image,
            "question": question.text,
            "label": "yes" if pope[variant][question] else "no",
            "relabel": corrected[repope[variant].get(question)],
            "variant": variant,
            "id": number,
        }
        for variant, ids in benchmark.ids.items()
        for number, question in ids.items()
    ]


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_json(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    lines = [json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) if path.suffix == ".jsonl" else f"[{','.join(lines)}]")
    return path


def write_workbook(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    workbook = Workbook()
    for cells in (list(rows[0]), *(list(row.values()) for row in rows)):
        workbook.active.append(cells)  # type: ignore[union-attr]
    workbook.save(path)
    return path


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]], **kinds: Any) -> Path:
    """Parquet whose images stand in it; `kinds` are features of `datasets`."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    schema = None
    if kinds:
        text = datasets.Value("string")
        schema = datasets.Features({name: kinds.get(name, text) for name in columns}).arrow_schema
    pyarrow.parquet.write_table(pyarrow.table(columns, schema=schema), path)
    return path


def embedded(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    contents = {row["image"]: (IMAGES / row["image"]).read_bytes() for row in rows}
    return [{**row, "image": {"bytes": contents[row["image"]], "path": row["image"]}} for row in rows]


def hub_folder(folder: Path) -> Path:
    """A dataset as the Hub has them: embedded images, and labels that are numbers of named classes."""
    folder.mkdir()
    rows = [{**row, "label": int(row["label"] == "yes"), "id": str(row["id"])} for row in demo_rows()]
    kinds = {"image": datasets.Image(), "label": datasets.ClassLabel(names=["absent", "present"])}
    write_parquet(folder / "test-00000-of-00001.parquet", embedded(rows), **kinds)
    return folder


ALL_COLUMNS = TableColumns(variant="variant", relabel="relabel", question_id="id")


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
    assert found.label_sets == original.label_sets
    numbers = {variant: {str(number): one for number, one in of.items()} for variant, of in found.ids.items()}
    assert numbers == {
        variant: {str(number): one for number, one in of.items()} for variant, of in original.ids.items()
    }
    assert [question.object for question in found.questions] == [one.object for one in original.questions]
    assert set(found.hashes) == {name, "rows"}
    names = [question.image for question in found.questions]
    images = find_benchmark_images(given, tmp_path / "data", names)
    assert all(images[name].read_bytes() == (IMAGES / name).read_bytes() for name in names)


def hub_words(address: str) -> dict[str, str]:
    return {"HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}


def test_the_demo_as_each_kind_of_table_has_the_demos_scores(
    short_unbroken: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    """A CSV with columns of other names, a Parquet file with its images in it, and a dataset of a Hub."""
    renamed = {
        "image": "file",
        "question": "prompt",
        "label": "answer",
        "relabel": "fixed",
        "variant": "part",
    }
    rows = [{renamed[key]: value for key, value in row.items() if key in renamed} for row in demo_rows()]
    table = write_csv(tmp_path / "own.csv", rows)
    parquet = write_parquet(tmp_path / "own.parquet", embedded(demo_rows()))
    (tmp_path / "data").mkdir()
    words = ("model=tiny", "bench=table", FIRST_IMAGES, "verify=0", f"data_dir={tmp_path / 'data'}")
    in_csv = [f"columns.{field}={name}" for field, name in renamed.items()]
    in_parquet = ["columns.variant=variant", "columns.relabel=relabel"]
    kinds = {
        "csv": [f"bench.questions={table}", f"bench.images={IMAGES}", *in_csv],
        "parquet": [f"bench.questions={parquet}", *in_parquet],
        "hub": [
            "bench.questions=hub:owner/presence",
            *in_parquet,
            "labels.yes=[present,yes]",
            "labels.no=[absent,no]",
        ],
    }
    with HubServer({"owner/presence": hub_folder(tmp_path / "hub")}) as server:
        for kind, own in kinds.items():
            out = tmp_path / kind
            environment = hub_words(server.address) if kind == "hub" else {}
            result = command_line(*words, *own, f"out={out}", **environment)
            assert result.returncode == 0, result.stderr
            documents = [json.loads((folder / "scores.json").read_text()) for folder in (out, short_unbroken)]
            assert documents[0]["scores"] == documents[1]["scores"]


def test_a_folder_like_a_dataset_of_the_hub_and_a_split_that_is_not_there(tmp_path: Path) -> None:
    folder = hub_folder(tmp_path / "hub")
    words = TableLabels(yes=("present",), no=("absent",))
    given = settings(f"hub:{folder}", columns=TableColumns(variant="variant"), labels=words)
    assert load_benchmark(given, tmp_path).label_sets == demo().label_sets[:1]
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
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "state.json").write_text("{")
    with pytest.raises(RepopeError, match="broken: no dataset can be loaded"):
        load_benchmark(settings(f"hub:{tmp_path / 'broken'}"), tmp_path)


TEXT = datasets.Value("string")


def picture(colour: str = "teal", kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 12), colour).save(buffer, kind)
    return buffer.getvalue()


ROW = {"image": "a.jpg", "question": "Is there a cup in the image?", "label": "yes"}


def of_rows(tmp_path: Path, *changes: Mapping[str, Any]) -> Path:
    return write_json(tmp_path / "own.jsonl", [{**ROW, **change} for change in changes])


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


def test_a_group_counts_where_all_of_it_is_right(command_line: CommandLine, tmp_path: Path) -> None:
    path = of_rows(
        tmp_path, {"pair": 1}, {"pair": 1, "image": "b.jpg", "label": "no"}, {"pair": 2, "image": "c.jpg"}
    )
    answers = write_json(
        tmp_path / "answers.jsonl",
        [{**ROW, "image": image, "response": "Yes"} for image in ("a.jpg", "b.jpg", "c.jpg")],
    )
    out = tmp_path / "run"
    result = command_line(
        "score",
        f"answers={answers}",
        "bench=table",
        f"bench.questions={path}",
        "columns.group=pair",
        f"out={out}",
    )
    assert result.returncode == 0, result.stderr
    groups = json.loads((out / "scores.json").read_text())["groups"]["pope"]
    assert (groups["n"], groups["n_right"]) == (2, 1)


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


def test_a_row_that_asks_again_counts_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "repope_eval")
    benchmark = load_benchmark(settings(of_rows(tmp_path, {}, {}, {"image": "b.jpg"})), tmp_path)
    assert len(benchmark.ids["table"]) == 3
    assert len(benchmark.label_sets[0].variants["table"]) == 2
    assert "own.jsonl: 1 question left out, which another row of the same variant asks" in caplog.text


@pytest.mark.parametrize(
    ("changes", "columns", "message"),
    [
        (
            [{"label": "maybe"}],
            {},
            r"line 1: the label is 'maybe', and yes is yes, true, 1, no .*bench\.labels\.yes=",
        ),
        ([{"label": None}], {}, "line 1: the label is None"),
        (
            [{}, {"label": "no"}],
            {},
            r"line 2: 'a\.jpg', 'Is .*\?' has two labels, no here and yes .*first .* line 1",
        ),
        (
            [{"part": "a"}, {"part": "b", "label": "no"}],
            {"variant": "part"},
            "line 2: .* has two labels",
        ),
        ([{"fix": "no"}, {"fix": "yes"}], {"relabel": "fix"}, "line 2: .* has two labels, yes here and no"),
        ([{"fix": "maybe"}], {"relabel": "fix"}, "line 1: the relabel is 'maybe'"),
        (
            [{}],
            {"question": "questoin"},
            r"no column 'questoin' \(did you mean question\?\); give bench",
        ),
        (
            [{}],
            {"group": "x"},
            r"no column 'x'; give bench\.columns\.group=COLUMN, one of image, question, label",
        ),
        ([{"image": None}], {}, "line 1: the image is None; the name of a file or an image is expected"),
        ([{"image": ["a.jpg", "b.jpg"]}], {}, "line 1: the image is "),
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
            [{"pair": 1}, {"pair": 2}],
            {"group": "pair"},
            "line 2: the question is of group '2', and in line 1 of '1'",
        ),
        (
            [{"n": 1}, {"n": 1, "image": "b.jpg"}],
            {"question_id": "n"},
            "line 2: question_id 1 stands twice",
        ),
        ([{"n": 1.5}], {"question_id": "n"}, "line 1: the question_id is 1.5"),
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


def test_a_broken_parquet_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "own.parquet"
    for content in (b"PAR1", b"PAR1" + bytes(100) + b"PAR1"):
        path.write_bytes(content)
        with pytest.raises(RepopeError, match=r"own\.parquet: is no whole Parquet file") as caught:
            load_benchmark(settings(path), tmp_path)
        assert "\n" not in str(caught.value)


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


def test_a_question_of_two_variants_is_one(tmp_path: Path) -> None:
    path = of_rows(tmp_path, {"part": "a"}, {"part": "b"})
    benchmark = load_benchmark(settings(path, columns=TableColumns(variant="part")), tmp_path)
    assert benchmark.questions == (Question("a.jpg", ROW["question"], "cup"),)
