import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fault_server import CUT, FaultServer, serving, status
from PIL import Image

from repope_eval.benchmarks import coco
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.benchmarks.published_files import find_published_files
from repope_eval.benchmarks.sources import find_benchmark_images
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings
from repope_eval.system import http

NAMES = ("coco_pope_random.json", "coco_repope_random.json")
CONTENTS = {name: f"made up for {name}\n".encode() for name in NAMES}
REAL = Path(__file__).parents[2].parent / "shared" / "annotations"


def _jpeg(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24), (shade, 2 * shade, 100)).save(buffer, "JPEG")
    return buffer.getvalue()


IMAGES = {f"COCO_val2014_{number:012}.jpg": _jpeg(number) for number in range(5)}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "FIRST_WAIT", 0.001)
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def _made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}
    monkeypatch.setattr(coco, "ANNOTATIONS", replace(coco.ANNOTATIONS, sha256=hashes))


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with serving() as state:
        state.files |= {f"annotations/{name}": content for name, content in CONTENTS.items()}
        state.files |= {f"val2014/{name}": content for name, content in IMAGES.items()}
        yield state


def _write(folder: Path, contents: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def _annotations(server: FaultServer, data_dir: Path, folder: Path | None = None) -> dict[str, Path]:
    bench = _settings(
        annotations=None if folder is None else str(folder), annotations_url=f"{server.url}/annotations"
    )
    return find_published_files(coco.ANNOTATIONS, NAMES, bench, data_dir)


def _settings(**given: Any) -> BenchSettings:
    return BenchSettings(name="repope", source="coco", variants=POPE_VARIANTS, **given)


def _images(
    server: FaultServer,
    data_dir: Path,
    folder: Path | None = None,
    names: Sequence[str] = tuple(IMAGES),
    **settings: Any,
) -> Mapping[str, Path]:
    bench = _settings(
        images=None if folder is None else str(folder), images_url=f"{server.url}/val2014", **settings
    )
    return find_benchmark_images(bench, data_dir, names)


@pytest.mark.usefixtures("_made_up")
class TestAnnotations:
    def test_missing_ones_are_fetched_once(self, server: FaultServer, tmp_path: Path) -> None:
        expected = {name: tmp_path / "annotations" / name for name in NAMES}
        assert _annotations(server, tmp_path) == expected
        assert {name: path.read_bytes() for name, path in expected.items()} == CONTENTS
        assert _annotations(server, tmp_path) == expected
        assert len(server.asked) == 2

    def test_the_data_folder_comes_first_and_only_the_missing_is_fetched(
        self, server: FaultServer, tmp_path: Path
    ) -> None:
        own = _write(tmp_path / "data" / "annotations", {NAMES[0]: CONTENTS[NAMES[0]]})
        folder = _write(tmp_path / "mine", CONTENTS)
        assert _annotations(server, tmp_path / "data", folder) == {
            NAMES[0]: own / NAMES[0],
            NAMES[1]: folder / NAMES[1],
        }
        assert server.asked == []

    @pytest.mark.parametrize("place", ["data", "mine"])
    def test_another_file_in_its_place_is_refused(
        self, server: FaultServer, tmp_path: Path, place: str
    ) -> None:
        folders = {"data": tmp_path / "data" / "annotations", "mine": tmp_path / "mine"}
        _write(folders["data"], {})
        _write(folders["mine"], {})
        path = folders[place] / NAMES[1]
        path.write_bytes(b"other labels")
        with pytest.raises(RepopeError) as caught:
            _annotations(server, tmp_path / "data", folders["mine"])
        line = str(caught.value)
        found = hashlib.sha256(b"other labels").hexdigest()
        assert line.startswith(f"{path}: SHA-256 is {found}, expected {coco.ANNOTATIONS.sha256[NAMES[1]]}")
        assert "bench=custom bench.questions=FILE bench.relabels=FILE bench.images=FOLDER" in line
        assert path.read_bytes() == b"other labels"

    def test_a_wrong_fetched_file_is_refused_and_removed(self, server: FaultServer, tmp_path: Path) -> None:
        server.files[f"annotations/{NAMES[0]}"] = b"other labels"
        with pytest.raises(RepopeError, match=r"1 of 2 annotation files .* SHA-256 is \w+, expected \w+"):
            _annotations(server, tmp_path)
        assert [path.name for path in (tmp_path / "annotations").iterdir()] == [NAMES[1]]


def test_missing_images_are_fetched_once_and_unchanged(server: FaultServer, tmp_path: Path) -> None:
    server.faults = {f"val2014/{name}": [CUT] for name in IMAGES}
    paths = _images(server, tmp_path)
    assert paths == {name: tmp_path / "val2014" / name for name in IMAGES}
    assert {name: path.read_bytes() for name, path in paths.items()} == IMAGES
    asked = len(server.asked)
    assert _images(server, tmp_path) == paths
    assert len(server.asked) == asked


def test_images_lie_in_both_folders_and_come_in_the_order_asked(server: FaultServer, tmp_path: Path) -> None:
    first, second, *others = IMAGES
    own = _write(tmp_path / "data" / "val2014", {second: IMAGES[second]})
    folder = _write(tmp_path / "coco", {first: IMAGES[first], second: b"not looked at"})
    paths = _images(server, tmp_path / "data", folder)
    assert list(paths.items()) == [
        (first, folder / first),
        (second, own / second),
        *((name, own / name) for name in others),
    ]
    assert sorted(server.asked) == [f"/val2014/{name}" for name in others]


def test_a_read_only_data_folder_is_fine_when_no_image_is_missing(
    server: FaultServer, tmp_path: Path
) -> None:
    (tmp_path / "data").write_text("nothing can be made below a file")
    folder = _write(tmp_path / "coco", IMAGES)
    assert _images(server, tmp_path / "data", folder) == {name: folder / name for name in IMAGES}


def test_what_cannot_be_fetched_is_told_with_all_the_ways_out(server: FaultServer, tmp_path: Path) -> None:
    names = list(IMAGES)
    server.always = {f"val2014/{name}": status(404) for name in names[1:]}
    folder = _write(tmp_path / "coco", {})
    with pytest.raises(RepopeError) as caught:
        _images(server, tmp_path / "data", folder)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"4 of 5 COCO images missing ({', '.join(names[1:4])}, ...) in ")
    assert f"{tmp_path / 'data' / 'val2014'} and {folder}" in line
    assert f"{server.url}/val2014/{names[1]}: HTTP 404" in line
    assert "bench.images=FOLDER" in line
    assert "python -m repope_eval data bench=repope" in line
    assert "bench.images_from=hub" in line
    assert (tmp_path / "data" / "val2014" / names[0]).read_bytes() == IMAGES[names[0]]


@pytest.mark.parametrize(
    "content", [b"<html>a login page</html>", IMAGES["COCO_val2014_000000000003.jpg"][:-90]]
)
def test_what_is_no_whole_image_is_not_kept(server: FaultServer, tmp_path: Path, content: bytes) -> None:
    name = next(iter(IMAGES))
    server.files[f"val2014/{name}"] = content
    with pytest.raises(RepopeError, match=rf"1 of 5 COCO images missing \({name}\)") as caught:
        _images(server, tmp_path)
    assert "image" in str(caught.value).split(f"/val2014/{name}: ")[1]
    assert len(list((tmp_path / "val2014").iterdir())) == 4


def test_an_unwritable_data_folder_is_named_when_images_are_missing(
    server: FaultServer, tmp_path: Path
) -> None:
    (tmp_path / "data").write_text("nothing can be made below a file")
    with pytest.raises(RepopeError, match=f"{tmp_path / 'data' / 'val2014'}: cannot be"):
        _images(server, tmp_path / "data")


def test_an_image_name_that_climbs_out_is_never_fetched(server: FaultServer, tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match="leads out of the image folder"):
        _images(server, tmp_path, names=["../outside.jpg"])
    assert server.asked == []


def test_missing_images_come_from_the_hub_where_asked(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = IMAGES
    own = _write(tmp_path / "val2014", {first: IMAGES[first]})
    calls: list[tuple[str, list[str], Path]] = []

    def copy(dataset: str, names: tuple[str, ...], folder: Path) -> None:
        calls.append((dataset, list(names), folder))
        _write(folder, {name: IMAGES[name] for name in names[:-1]})
        if len(calls) == 1:
            raise RepopeError("the Hub is away")
        _write(folder, {names[-1]: IMAGES[names[-1]]})

    monkeypatch.setattr(coco, "copy_hub_images", copy)

    def find() -> Mapping[str, Path]:
        return _images(server, tmp_path, images_from="hub", hub_dataset="some/pope")

    with pytest.raises(
        RepopeError, match=rf"1 of 5 .*{others[-1]}.*images_from=download.*\(the Hub is away\)"
    ):
        find()
    assert find() == {name: own / name for name in IMAGES}
    assert calls == [("some/pope", others, own), ("some/pope", others[-1:], own)]
    assert server.asked == []


def test_the_hub_dataset_has_moved_and_its_old_name_is_tried_where_the_new_one_is_gone(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, *others = IMAGES
    calls: list[tuple[str, list[str]]] = []

    def copy(dataset: str, names: list[str], folder: Path) -> None:
        calls.append((dataset, names))
        if dataset == "lmms-lab-encoder/POPE":
            _write(folder, {first: IMAGES[first]})
            raise RepopeError("the dataset lacks 4 of 5 images")
        _write(folder, {name: IMAGES[name] for name in names})

    monkeypatch.setattr(coco, "copy_hub_images", copy)
    found = _images(server, tmp_path, images_from="hub")
    assert found == {name: tmp_path / "val2014" / name for name in IMAGES}
    assert calls == [("lmms-lab-encoder/POPE", list(IMAGES)), ("lmms-lab/POPE", others)]
    assert caplog.messages == ["the dataset lacks 4 of 5 images; trying lmms-lab/POPE next"]
