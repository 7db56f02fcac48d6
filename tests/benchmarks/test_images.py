import hashlib
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import EpsImagePlugin, Image

from repope_eval.benchmarks.images import (
    FORMATS,
    LARGEST_FILE,
    decodable,
    image_hashes,
    image_size,
    locate_images,
    open_image,
    refuse_outside,
)
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


@pytest.mark.parametrize("name", ["/etc/passwd", "../a.jpg", "a/../../b.jpg", "a\0.jpg"])
def test_names_that_lead_out_of_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RepopeError, match="leads out of the image folder"):
        refuse_outside(name)
    with pytest.raises(RepopeError, match="leads out of the image folder"):
        locate_images([name], [tmp_path])


@pytest.mark.parametrize("name", ["sub/a.jpg", "..a.jpg", "ä b?#%.jpg"])
def test_other_names_are_allowed(name: str) -> None:
    refuse_outside(name)


def test_a_name_that_cannot_be_looked_up_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match="cannot be looked up"):
        locate_images(["a" * 5000], [tmp_path])


def test_an_image_comes_whole_and_in_rgb(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    Image.linear_gradient("L").save(path)
    image = open_image(path)
    path.unlink()
    assert (image.mode, image.size, image.getpixel((0, 255))) == ("RGB", (256, 256), (255, 255, 255))


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


@pytest.mark.parametrize(
    "content", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", b"%PDF-1.4\n"]
)
def test_no_other_program_is_started_for_an_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    def start(*words: object, **_: object) -> None:
        raise AssertionError(words)

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", "gs")
    path = tmp_path / "picture.jpg"
    path.write_bytes(content)
    for check in (open_image, image_size, decodable):
        with pytest.raises(RepopeError, match="is no image that Pillow can read"):
            check(path)


@pytest.mark.parametrize("name", FORMATS)
def test_images_of_these_formats_are_read_as_pillow_reads_them(tmp_path: Path, name: str) -> None:
    path = tmp_path / "picture"
    Image.effect_noise((20, 16), 50).convert("RGB").save(path, name)
    with Image.open(path) as image:
        assert open_image(path).tobytes() == image.convert("RGB").tobytes()


def test_an_animation_is_its_first_frame_however_many_follow(tmp_path: Path) -> None:
    path = tmp_path / "picture.gif"
    Image.new("P", (8, 8)).save(path)
    content = path.read_bytes()
    frame = content[content.index(b",", 13) : -1]
    path.write_bytes(content[:-1] + frame * 100_000 + b";")
    decodable(path)
    assert open_image(path).size == (8, 8)


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_a_text_or_a_profile_that_unpacks_hugely_is_refused(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "picture.png"
    whole = _png(2, 2, zlib.compress(b"\0\1\2" * 2))
    bomb = b"a\0\0" + zlib.compress(bytes(50_000_000))
    chunk = struct.pack(">I", len(bomb)) + kind + bomb + struct.pack(">I", zlib.crc32(kind + bomb))
    path.write_bytes(whole[:33] + chunk + whole[33:])
    with pytest.raises(RepopeError, match=f"^{path}: is damaged or cut short .Decompressed data too large"):
        open_image(path)


def test_a_file_larger_than_any_image_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "picture.webp"
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)  # takes no room on the disk
    with pytest.raises(
        RepopeError, match=f"^{path}: is too large for an image of a benchmark, 268,435,457 bytes"
    ):
        open_image(path)


def test_a_pipe_is_not_waited_for_nor_a_device_read_to_its_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path, what in [
        (tmp_path / "pipe.jpg", "is a pipe or a device"),
        (Path("/dev/zero"), "is a pipe or a device"),
        (tmp_path, "is a folder"),
    ]:
        for check in (open_image, image_size, decodable):
            with pytest.raises(RepopeError) as caught:
                check(path)
            assert str(caught.value) == (
                f"{path}: cannot be read ({what}, and no file); replace it by a whole image"
            )
    assert locate_images(["pipe.jpg"], [tmp_path]) == ({}, ("pipe.jpg",))


def test_what_pillow_finds_odd_is_not_told(tmp_path: Path) -> None:
    """In a process of its own: the tests' own filters come before those of the package."""
    path = tmp_path / "picture.tif"
    Image.new("L", (8, 8)).save(path, dpi=(72, 72))
    content = bytearray(path.read_bytes())
    entry = content.index(struct.pack("<HH", 282, 5))  # the resolution, at a place behind the file's end
    content[entry + 8 : entry + 12] = struct.pack("<I", 1 << 20)
    path.write_bytes(content)
    program = (
        "import sys; from pathlib import Path; from repope_eval.benchmarks.images import open_image; "
        "open_image(Path(sys.argv[1]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert ended.stderr == ""
