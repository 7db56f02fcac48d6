"""What is shown in the place of images: another image, a gray one of the same size, or none."""

from pathlib import Path

import pytest
from PIL import Image

from repope_eval.benchmarks.blind import GRAY, gray_images, swapped_images
from repope_eval.benchmarks.sources import find_shown_images, load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings, Blind


def benchmark_shown(blind: Blind | None) -> BenchSettings:
    return BenchSettings(name="demo", source="demo", variants=("random",), blind=blind)


def test_each_image_is_swapped_with_another_and_none_is_shown_twice() -> None:
    names = [f"{number}.jpg" for number in range(50)]
    swapped = swapped_images(names)
    assert sorted(swapped) == sorted(swapped.values()) == sorted(names)
    assert all(name != shown for name, shown in swapped.items())


def test_names_alone_decide_what_is_swapped() -> None:
    names = [f"{number}.jpg" for number in range(50)]
    assert swapped_images(reversed(names)) == swapped_images([*names, *names])


def test_an_image_that_is_alone_cannot_be_swapped() -> None:
    assert swapped_images(["a.jpg"]) == {"a.jpg": "a.jpg"}


def test_gray_images_are_of_the_same_sizes(tmp_path: Path) -> None:
    images = {}
    for name, size in {"a": (30, 20), "b": (20, 30), "c": (30, 20)}.items():
        images[name] = tmp_path / f"{name}.jpg"
        Image.new("RGB", size, "red").save(images[name])
    shown = gray_images(images, tmp_path / "gray")
    assert len(set(shown.values())) == 2
    for name, path in shown.items():
        with Image.open(images[name]) as image, Image.open(path) as gray:
            assert gray.size == image.size
            assert gray.getcolors() == [(gray.width * gray.height, GRAY)]


def test_a_folder_for_gray_images_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    Image.new("RGB", (4, 4)).save(tmp_path / "b.png")
    with pytest.raises(RepopeError, match=r"data_dir=.*cannot be made or written"):
        gray_images({"b": tmp_path / "b.png"}, tmp_path / "a.png" / "gray")


@pytest.mark.parametrize("blind", ["gray", "swapped", "none"])
def test_what_a_benchmark_tells_says_that_its_images_are_not_shown(tmp_path: Path, blind: Blind) -> None:
    shown = load_benchmark(benchmark_shown(blind), tmp_path)
    plain = load_benchmark(benchmark_shown(None), tmp_path)
    assert shown.measures.endswith(plain.measures)
    assert "so what is right was known or guessed" in shown.measures
    assert shown.hashes == plain.hashes
    assert shown.questions == plain.questions


def test_part_of_a_benchmark_is_swapped_as_all_of_it_is(tmp_path: Path) -> None:
    whole = load_benchmark(benchmark_shown("swapped"), tmp_path)
    names = list(dict.fromkeys(question.image for question in whole.questions))
    some = find_shown_images(whole.first_images(5), names[:5]).files
    every = find_shown_images(whole, names).files
    assert some == {name: every[name] for name in names[:5]}
    assert {path.name for path in every.values() if path} == set(names)


def test_no_image_is_needed_where_none_is_shown(tmp_path: Path) -> None:
    benchmark = load_benchmark(benchmark_shown("none"), tmp_path)
    shown = find_shown_images(benchmark, ["nowhere.jpg"])
    assert shown.own == {}
    assert shown.files == {"nowhere.jpg": None}
