"""The images of a table: named, or in the table itself; and images that are none, or two of one name."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image
from question_tables import ROW, of_rows, picture, settings, write_csv, write_json, write_parquet

from repope_eval.benchmarks.sources import find_benchmark_images, find_local_images, load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.settings.config import TableColumns


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
