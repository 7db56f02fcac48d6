"""What browsers are sent of an image: made once, one at a time, by a process that ends in time."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from PIL import Image

from repope_eval.errors import RepopeError
from repope_eval.relabelling import pictures
from repope_eval.relabelling.pictures import Pictures


@pytest.fixture
def tiff(tmp_path: Path) -> Path:
    path = tmp_path / "a b.tif"
    Image.new("L", (5, 4), 77).save(path)
    return path


async def nobody_left() -> bool:
    return False


async def all_left() -> bool:
    return True


def shown(made: Pictures, image: Path, is_gone: Callable[[], Awaitable[bool]] = nobody_left) -> Path:
    file, _ = asyncio.run(made.shown(image, is_gone))
    return file


def test_what_browsers_show_is_sent_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.new("L", (5, 4)).save(path, "JPEG")
    assert asyncio.run(Pictures().shown(path, all_left)) == (path, "image/jpeg")


def test_another_format_is_made_a_png_once(tiff: Path) -> None:
    made = Pictures()
    file, kind = asyncio.run(made.shown(tiff, nobody_left))
    assert kind == "image/png"
    with Image.open(file) as image:
        assert (image.format, image.getpixel((0, 0))) == ("PNG", (77, 77, 77))
    assert shown(made, tiff, all_left) == file


def test_what_was_made_is_removed_in_the_end_and_the_oldest_before(
    tiff: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MOST_KEPT", 2)
    others = [tmp_path / name for name in ("b.tif", "c.tif")]
    for other in others:
        other.write_bytes(tiff.read_bytes())
    made = Pictures()
    first, second = shown(made, tiff), shown(made, others[0])
    assert shown(made, tiff) == first
    third = shown(made, others[1])
    assert set(first.parent.iterdir()) == {first, third}
    assert second not in (first, third)
    del made
    assert not first.parent.exists()


def test_a_damaged_image_and_one_that_takes_too_long_are_refused_and_leave_nothing(
    tiff: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tiff.read_bytes()
    tiff.write_bytes(whole[:8] + b"\0" * 6 + whole[14:])
    made = Pictures()
    with pytest.raises(RepopeError):
        shown(made, tiff)
    tiff.write_bytes(whole)
    with monkeypatch.context() as patched:
        patched.setattr(pictures, "MOST_SECONDS", 0.001)
        with pytest.raises(RepopeError, match=r"takes more than 0\.001 s to be decoded"):
            shown(made, tiff)
    assert list(shown(made, tiff).parent.iterdir()) == [shown(made, tiff)]


def test_one_is_made_at_a_time_and_none_that_nobody_waits_for(
    tmp_path: Path, tiff: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running: list[Path] = []

    async def convert(image: Path, _: Path) -> None:
        assert not running
        running.append(image)
        await asyncio.sleep(0.01)
        running.remove(image)

    monkeypatch.setattr(pictures, "_convert_in_process", convert)
    others = [tmp_path / f"{number}.tif" for number in range(4)]
    for other in others:
        other.write_bytes(tiff.read_bytes())
    made = Pictures()

    async def show_all() -> list[object]:
        waits = [made.shown(other, nobody_left) for other in others]
        return await asyncio.gather(*waits, made.shown(tiff, all_left), return_exceptions=True)

    *_, unwanted = asyncio.run(show_all())
    assert isinstance(unwanted, RepopeError)
