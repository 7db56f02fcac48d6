"""What a table may be: Parquet, a dataset of the Hub or one like it; and what is none."""

from pathlib import Path

import datasets
import pyarrow
import pyarrow.parquet
import pytest
from question_tables import ROW, TEXT, hub_folder, picture, settings, write_parquet
from run_folders import demo

from repope_eval.benchmarks import table_rows
from repope_eval.benchmarks.sources import find_benchmark_images, load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings, TableColumns, TableLabels


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


@pytest.mark.parametrize(
    ("changes", "columns", "message"),
    [
        (
            [{"fix": "no"}, {"fix": "ambiguous"}],
            {"relabel": "fix"},
            "two labels, ambiguous here and no .* row 1",
        ),
        (
            [{"image": "p.png"}, {"image": "./p.png", "label": "no"}],
            {},
            "two labels, no here and yes .* row 1",
        ),
        ([{"n": "1"}, {"n": "1", "image": "b"}], {"question_id": "n"}, "'1' stands twice, first in row 1"),
    ],
)
def test_rows_of_parquet_that_do_not_fit_are_refused(
    changes: list[dict[str, str]], columns: dict[str, str], message: str, tmp_path: Path
) -> None:
    path = write_parquet(tmp_path / "own.parquet", [{**ROW, **change} for change in changes])
    with pytest.raises(RepopeError, match=rf"own\.parquet, row 2: .*{message}"):
        load_benchmark(settings(path, columns=TableColumns(**columns)), tmp_path)


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
