import hashlib
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from repope_eval.benchmarks.images import decodable, image_hashes, locate_images, open_image, refuse_outside
from repope_eval.errors import RepopeError


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.jpg"
    Image.linear_gradient("L").resize((64, 48)).convert("RGB").save(path)
    return path


def test_images_are_found_in_the_first_folder_that_holds_them(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for path in (one / "a.jpg", two / "a.jpg", two / "sub" / "b.jpg", two / "folder.jpg" / "x"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    names = ["c.jpg", "sub/b.jpg", "a.jpg", "folder.jpg", "a.jpg", "c.jpg"]
    found, missing = locate_images(names, [tmp_path / "absent", one, two])
    assert list(found.items()) == [("sub/b.jpg", two / "sub" / "b.jpg"), ("a.jpg", one / "a.jpg")]
    assert missing == ("c.jpg", "folder.jpg")


def test_images_are_known_by_the_hash_of_their_files(picture: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"")
    found = image_hashes({"b": picture, "a": tmp_path / "other"})
    assert found == {
        "b": hashlib.sha256(picture.read_bytes()).hexdigest(),
        "a": hashlib.sha256(b"").hexdigest(),
    }
    with pytest.raises(RepopeError, match=r"gone\.jpg: cannot be read \(No such file or directory\)"):
        image_hashes({"gone.jpg": tmp_path / "gone.jpg"})


@pytest.mark.parametrize("name", ["/etc/passwd", "../a.jpg", "a/../../b.jpg", "..", "", ".", "a\0.jpg"])
def test_names_that_lead_out_of_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RepopeError, match="leads out of the image folder"):
        refuse_outside(name)
    with pytest.raises(RepopeError, match="leads out of the image folder"):
        locate_images([name], [tmp_path])


@pytest.mark.parametrize("name", ["a.jpg", "sub/a.jpg", "..a.jpg", "a..jpg", "ä b?#%.jpg"])
def test_other_names_are_allowed(name: str) -> None:
    refuse_outside(name)


def test_a_name_that_cannot_be_looked_up_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match="cannot be looked up"):
        locate_images(["a" * 5000], [tmp_path])


def test_an_image_comes_whole_and_in_its_own_mode(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    Image.linear_gradient("L").save(path)
    image = open_image(path)
    path.unlink()
    assert (image.mode, image.size, image.getpixel((0, 255))) == ("L", (256, 256), 255)


def test_a_whole_image_is_decodable(picture: Path) -> None:
    decodable(picture)


@pytest.mark.parametrize("check", [open_image, decodable])
def test_what_is_no_image_is_named(tmp_path: Path, check: object) -> None:
    path = tmp_path / "page.jpg"
    path.write_text("<html>No such picture</html>")
    with pytest.raises(RepopeError) as caught:
        check(path)  # type: ignore[operator]
    assert str(caught.value) == f"{path}: is no image that Pillow can read; replace the file by a whole image"


@pytest.mark.parametrize("check", [open_image, decodable])
def test_a_truncated_image_is_refused(picture: Path, check: object) -> None:
    picture.write_bytes(picture.read_bytes()[:-200])
    with pytest.raises(RepopeError, match=f"{picture}: is damaged or cut short"):
        check(picture)  # type: ignore[operator]


@pytest.mark.parametrize("name", ["absent.jpg", "."])
def test_an_unreadable_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(RepopeError, match="cannot be read"):
        open_image(tmp_path / name)


def _png(width: int, height: int, pixels: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_a_wrong_checksum_is_found(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    content = bytearray(_png(2, 2, zlib.compress(b"\0\1\2" * 2)))
    path.write_bytes(content)
    decodable(path)
    content[-13] ^= 1  # in the checksum of the pixels
    path.write_bytes(content)
    with pytest.raises(RepopeError, match="is damaged"):
        decodable(path)


@pytest.mark.parametrize(("width", "height"), [(100_000, 2_000), (100_000, 1_000)])
@pytest.mark.filterwarnings("default")
def test_an_image_above_pillows_limit_is_refused_with_the_limit(
    tmp_path: Path, width: int, height: int, recwarn: pytest.WarningsRecorder
) -> None:
    """Also where Pillow itself only warns; the file has a header and no pixels, so nothing is decoded."""
    path = tmp_path / "wide.png"
    path.write_bytes(_png(width, height, b""))
    with pytest.raises(RepopeError) as caught:
        open_image(path)
    assert str(caught.value) == (
        f"{path}: is too large for an image of a benchmark, with more than {Image.MAX_IMAGE_PIXELS} pixels; "
        "replace the file by a smaller image"
    )


@pytest.mark.parametrize("factor", [1.2, 3])
@pytest.mark.filterwarnings("default")
def test_a_decompression_bomb_is_refused_whatever_happens_to_warnings(
    tmp_path: Path, factor: float, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    path = tmp_path / "bomb.png"
    path.write_bytes(_png(100, int(100 * factor), b""))
    with pytest.raises(RepopeError, match=f"{path}: is too large"):
        open_image(path)


def test_a_decompression_bomb_is_refused_where_warnings_are_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    path = tmp_path / "bomb.png"
    path.write_bytes(_png(100, 120, b""))
    with pytest.raises(RepopeError, match=f"{path}: is too large"):
        open_image(path)
