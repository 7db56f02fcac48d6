"""The gallery: every verdict has its kind, and what does not fit is counted."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image
from run_examples import verdict

from repope_eval.reporting.gallery import LARGE, SMALL, Gallery, illustrated, make_gallery, thumbnail


def picture(path: Path, mode: str = "RGB", size: tuple[int, int] = (640, 480)) -> Path:
    Image.effect_noise(size, 80).convert(mode).save(path)
    return path


def decoded(data: str) -> Image.Image:
    prefix = "data:image/webp;base64,"
    assert data.startswith(prefix)
    return Image.open(io.BytesIO(base64.b64decode(data.removeprefix(prefix))))


@pytest.mark.parametrize(
    ("before", "after", "kind", "what", "labels"),
    [
        ("fp", "tp", "FP → TP", "excused", ("no", "yes")),
        ("tp", "fp", "TP → FP", "blamed", ("yes", "no")),
        ("tp", None, "TP removed", "removed", ("yes", "ambiguous")),
        ("fn", None, "FN removed", "removed", ("yes", "ambiguous")),
        ("fp", "fp", "FP stays", "stays", ("no", "no")),
        ("unparsed_yes", "unparsed_yes", "unparsed stays", "stays", ("yes", "yes")),
        ("unparsed_yes", "unparsed_no", "unparsed, label turned", "stays", ("yes", "no")),
        ("unparsed_no", None, "unparsed removed", "removed", ("no", "ambiguous")),
    ],
)
def test_kinds(before: str, after: str | None, kind: str, what: str, labels: tuple[str, str]) -> None:
    gallery = make_gallery([verdict(before, after)])
    ((item,),) = (card.items for card in gallery.cards)
    assert (item.kind, item.verdict, (item.label_before, item.label_after)) == (kind, what, labels)
    assert gallery.kinds == {kind: 1}


def test_an_image_stands_once_with_all_of_its_questions_the_turned_ones_first() -> None:
    verdicts = [
        verdict("fp", "fp", image="b", variants=("popular",)),
        verdict("tp", None, image="a"),
        verdict("fp", "tp", image="b"),
        verdict("tp", "fp", image="c"),
    ]
    gallery = make_gallery(verdicts)
    assert [(card.image, [item.kind for item in card.items]) for card in gallery.cards] == [
        ("b", ["FP → TP", "FP stays"]),
        ("c", ["TP → FP"]),
        ("a", ["TP removed"]),
    ]
    assert gallery.variants == ("random", "popular")
    assert (gallery.n_questions, gallery.n_left_out) == (4, 0)


def test_questions_that_there_is_no_room_for_are_counted() -> None:
    verdicts = [verdict(image=f"{number // 2}") for number in range(10)]
    gallery = make_gallery(verdicts, text_bytes=4_000)
    n_shown = sum(len(card.items) for card in gallery.cards)
    assert 0 < n_shown < 10
    assert gallery.n_left_out == 10 - n_shown
    assert sum(gallery.kinds.values()) == n_shown


def test_paper_has_room_for_so_many_lines_of_cards() -> None:
    few = make_gallery([verdict(image=f"{number}") for number in range(10)])
    assert few.n_printed == 10
    many = make_gallery([verdict(image=f"{number}") for number in range(1_000)])
    (item,) = many.cards[0].items
    assert many.n_printed == Gallery.PRINTED_LINES // (many.cards[0].lines + item.lines) < len(many.cards)
    long = make_gallery([verdict(image=f"{number}", response="word " * 50) for number in range(1_000)])
    assert 0 < long.n_printed < many.n_printed / 2


def test_an_image_with_more_questions_than_paper_has_room_for_is_printed() -> None:
    gallery = make_gallery([verdict(image="a", text=f"Is there {number}?") for number in range(1_000)])
    assert gallery.n_printed == len(gallery.cards) == 1


def test_long_responses_are_cut_and_say_so() -> None:
    gallery = make_gallery([verdict(response="x" * 1000)])
    assert gallery.cards[0].items[0].response == "x" * 300 + "… (700 more characters)"


def test_pictures_that_there_is_no_room_for_are_counted(tmp_path: Path) -> None:
    images = {f"{number}": picture(tmp_path / f"{number}.png") for number in range(5)}
    verdicts = [verdict(image=f"{number}") for number in range(6)]
    gallery = illustrated(make_gallery(verdicts), images, 1_000_000)
    shown = [card.thumbnail for card in gallery.cards if card.thumbnail]
    assert (len(shown), gallery.n_thumbnails_left_out, gallery.n_small) == (5, 0, 0)
    assert decoded(shown[0]).size == (LARGE, LARGE * 480 // 640)
    room = 2 * len(shown[0]) + 40  # what they are set in takes room, too
    fewer = illustrated(make_gallery(verdicts), images, room)
    n_shown = sum(card.thumbnail is not None for card in fewer.cards)
    assert 1 <= n_shown < 5
    assert fewer.n_thumbnails_left_out == 5 - n_shown
    assert sum(len(card.thumbnail or "") for card in fewer.cards) <= room


def test_the_first_pictures_are_large_as_far_as_small_ones_of_all_others_fit(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Image.effect_noise((640, 480), 15).save(path)
    images = {f"{number}": path for number in range(20)}
    verdicts = [verdict(image=f"{number}") for number in range(20)]
    gallery = illustrated(make_gallery(verdicts), images, 140_000)
    sides = [max(decoded(card.thumbnail or "").size) for card in gallery.cards]
    assert set(sides) == {LARGE, SMALL}
    assert sides[0] == LARGE
    assert gallery.n_small == sides.count(SMALL)
    assert gallery.n_thumbnails_left_out == 0


@pytest.mark.parametrize("content", [b"no picture", b"\x89PNG\r\n\x1a\n\0\0"])
def test_files_that_are_no_pictures_are_left_out(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    assert thumbnail(path, LARGE) is None
    assert thumbnail(tmp_path / "missing.png", LARGE) is None
    gallery = illustrated(make_gallery([verdict(image="a")]), {"a": path}, 1_000_000)
    assert gallery.cards[0].thumbnail is None
    assert gallery.n_thumbnails_left_out == 0


def test_a_picture_that_is_too_large_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 640 * 480 - 1)
    assert thumbnail(picture(tmp_path / "picture.png"), LARGE) is None
