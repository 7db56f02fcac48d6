"""Construction of POPE's questions: worked examples by hand, and properties over many seeds."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import pytest

from repope_eval.benchmarks.construction import ConstructedVariant, ObjectList, construct
from repope_eval.benchmarks.pope_file import Row, read_rows, write_rows
from repope_eval.errors import RepopeError

VARIANTS: tuple[ConstructedVariant, ...] = get_args(ConstructedVariant)

# Images with each object: bird, cup, dog and tree 2, car and cat 1. Only park and yard have three objects.
FOUR_IMAGES = (
    ObjectList("park.jpg", ("bird", "dog", "tree")),
    ObjectList("yard.jpg", ("cat", "cup", "dog")),
    ObjectList("lane.jpg", ("car", "tree")),
    ObjectList("cage.jpg", ("bird", "cup")),
)


def objects(rows: Sequence[Row], image: str, label: str) -> list[str]:
    return [row.question.object for row in rows if row.question.image == image and row.label == label]


def made_up_pool(seed: int) -> tuple[ObjectList, ...]:
    """Forty images with one to six of twelve objects, some far more frequent than others."""
    generator = random.Random(seed)
    names = [f"object {letter}" for letter in "abcdefghijkl"]
    weights = range(len(names), 0, -1)
    return tuple(
        ObjectList(
            f"{number}.jpg",
            tuple(dict.fromkeys(generator.choices(names, weights, k=generator.randint(1, 6)))),
        )
        for number in range(40)
    )


def test_rows_have_popes_form() -> None:
    rows = construct(FOUR_IMAGES, images=2, variant="random", seed=0)

    assert [row.question_id for row in rows] == list(range(1, 13))
    assert [row.label for row in rows] == ["yes", "no"] * 6
    images = [row.question.image for row in rows]
    assert images == [images[0]] * 6 + [images[6]] * 6
    assert set(images) == {"park.jpg", "yard.jpg"}


def test_rows_are_unchanged_by_writing_and_reading(tmp_path: Path) -> None:
    rows = construct(FOUR_IMAGES, images=2, variant="adversarial", seed=0)
    write_rows(tmp_path / "pope.json", rows)
    assert read_rows(tmp_path / "pope.json") == rows


def test_article_is_an_before_a_vowel() -> None:
    pool = (ObjectList("a.jpg", ("apple", "dog", "oven")), ObjectList("b.jpg", ("cat", "cup", "umbrella")))
    rows = construct(pool, images=2, variant="random", seed=0)
    assert {row.question.text for row in rows} == {
        "Is there an apple in the image?",
        "Is there a dog in the image?",
        "Is there an oven in the image?",
        "Is there a cat in the image?",
        "Is there a cup in the image?",
        "Is there an umbrella in the image?",
    }


@pytest.mark.parametrize("seed", range(3))
def test_popular_on_four_images(seed: int) -> None:
    # park lacks cup (2 images), car and cat (1 each, so by name); yard lacks bird and tree (2 each), car (1).
    rows = construct(FOUR_IMAGES, images=2, variant="popular", seed=seed)
    assert objects(rows, "park.jpg", "no") == ["cup", "car", "cat"]
    assert objects(rows, "yard.jpg", "no") == ["bird", "tree", "car"]


@pytest.mark.parametrize("seed", range(3))
def test_adversarial_on_four_images(seed: int) -> None:
    # With dog stand cat and cup once each, so cat by name; with tree car; with bird cup.
    rows = construct(FOUR_IMAGES, images=2, variant="adversarial", seed=seed)
    positives, negatives = objects(rows, "park.jpg", "yes"), objects(rows, "park.jpg", "no")
    assert dict(zip(positives, negatives, strict=True)) == {"bird": "cup", "dog": "cat", "tree": "car"}


@pytest.mark.parametrize("seed", range(3))
def test_popular_counts_images_that_cannot_be_asked_about(seed: int) -> None:
    # vase stands in two images with one object only, boat and cup in one image.
    pool = (
        ObjectList("a.jpg", ("bird", "cat", "dog")),
        ObjectList("b.jpg", ("vase",)),
        ObjectList("c.jpg", ("vase",)),
        ObjectList("d.jpg", ("boat", "cup")),
    )
    rows = construct(pool, images=1, variant="popular", seed=seed)
    assert objects(rows, "a.jpg", "no") == ["vase", "boat", "cup"]


@pytest.mark.parametrize("seed", range(3))
def test_adversarial_prefers_what_is_seen_most_with_the_positive_to_what_is_most_frequent(seed: int) -> None:
    # With dog: kite 2, car 1. car is the most frequent object (4 images) and comes first by name.
    pool = (
        ObjectList("park.jpg", ("bird", "dog", "tree")),
        ObjectList("b.jpg", ("car", "dog")),
        ObjectList("c.jpg", ("dog", "kite")),
        ObjectList("d.jpg", ("dog", "kite")),
        ObjectList("e.jpg", ("car", "tree")),
        ObjectList("f.jpg", ("bird", "cup")),
        ObjectList("g.jpg", ("car",)),
        ObjectList("h.jpg", ("car",)),
    )
    rows = construct(pool, images=1, variant="adversarial", seed=seed)
    positives, negatives = objects(rows, "park.jpg", "yes"), objects(rows, "park.jpg", "no")
    assert dict(zip(positives, negatives, strict=True)) == {"bird": "cup", "dog": "kite", "tree": "car"}


def test_adversarial_asks_about_nothing_twice_and_falls_back_to_random() -> None:
    # cat co-occurs with all three positives and nothing else does: the first takes it, the others draw.
    pool = (
        ObjectList("park.jpg", ("bird", "dog", "tree")),
        ObjectList("b.jpg", ("cat", "dog")),
        ObjectList("c.jpg", ("bird", "cat")),
        ObjectList("d.jpg", ("cat", "tree")),
        ObjectList("e.jpg", ("cup", "fork")),
    )
    negatives = [
        objects(construct(pool, images=1, variant="adversarial", seed=seed), "park.jpg", "no")
        for seed in range(20)
    ]
    assert {tuple(of_seed) for of_seed in negatives} == {("cat", "cup", "fork"), ("cat", "fork", "cup")}


@pytest.mark.parametrize("variant", VARIANTS)
def test_negatives_are_absent_and_no_question_stands_twice(variant: ConstructedVariant) -> None:
    for seed in range(50):
        pool = made_up_pool(seed)
        shown = {entry.image: set(entry.objects) for entry in pool}
        rows = construct(pool, images=8, variant=variant, seed=seed)

        assert len({row.question for row in rows}) == len(rows) == 48
        for row in rows:
            assert (row.question.object in shown[row.question.image]) == (row.label == "yes")
            assert len(shown[row.question.image]) >= 3


def test_variants_share_images_and_positives() -> None:
    for seed in range(50):
        pool = made_up_pool(seed)
        positives = [
            [row for row in construct(pool, images=8, variant=variant, seed=seed) if row.label == "yes"]
            for variant in VARIANTS
        ]
        assert positives[0] == positives[1] == positives[2]


@pytest.mark.parametrize("variant", VARIANTS)
def test_seed_decides(variant: ConstructedVariant) -> None:
    pool = made_up_pool(0)
    one, again, other = (construct(pool, images=8, variant=variant, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_positives_are_sampled_from_all_objects_of_an_image() -> None:
    pool = (ObjectList("a.jpg", tuple("pqrst")), ObjectList("b.jpg", tuple("xyz")))
    asked = {
        row.question.object
        for seed in range(40)
        for row in construct(pool, images=2, variant="random", seed=seed)
        if row.question.image == "a.jpg" and row.label == "yes"
    }
    assert asked == set("pqrst")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"images": 3},
            r"images is 3, but the pool has 2 of 4 images with at least 3 objects; ask for fewer",
        ),
        ({"images": 0}, r"images is 0; ask for at least 1"),
        ({"variant": "hard"}, r"variant is 'hard'; choose one of random, popular, adversarial"),
    ],
)
def test_arguments_that_cannot_be_met(arguments: dict[str, Any], message: str) -> None:
    settings: dict[str, Any] = {"images": 1, "variant": "random", "seed": 0, **arguments}
    with pytest.raises(RepopeError, match=message):
        construct(FOUR_IMAGES, **settings)


@pytest.mark.parametrize("variant", VARIANTS)
def test_image_that_lacks_too_few_objects(variant: ConstructedVariant) -> None:
    pool = (ObjectList("full.jpg", ("bird", "cat", "dog")), ObjectList("b.jpg", ("car", "cup")))
    with pytest.raises(
        RepopeError, match=r"^full\.jpg: only 2 of the pool's 5 objects are absent, 3 are needed"
    ):
        construct(pool, images=1, variant=variant, seed=0)
