import subprocess
import sys
from collections import Counter
from io import BytesIO
from itertools import chain, combinations
from random import Random

import numpy as np
import pytest

from demo_making.icons import KINDS, icon
from demo_making.scenes import (
    BENCHMARK_SEED,
    HELD_OUT_SEED,
    LEAST_VISIBLE_RARELY,
    SCENE_SIZES,
    THEMES,
    TRAINING_SEED,
    Scene,
    draw_scene,
)
from repope_eval.benchmarks.pope_file import question_text
from repope_eval.models.internvl import best_grid


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [draw_scene(Random(BENCHMARK_SEED + number)) for number in range(400)]


def test_a_seed_gives_the_same_scene_again():
    one, again, other = (draw_scene(Random(seed)) for seed in (7, 7, 8))
    assert one.objects == again.objects
    assert one.image.tobytes() == again.image.tobytes()
    assert one.objects != other.objects


def test_there_are_24_kinds_and_themes_share_them_out():
    assert len(KINDS) == 24
    assert sorted(chain.from_iterable(THEMES.values())) == list(KINDS)
    assert {kind for kind in KINDS if " an " in question_text(kind)} >= {"anchor", "apple", "umbrella"}


@pytest.mark.parametrize("kind", KINDS)
def test_each_icon_fills_its_masks(kind: str):
    drawing = icon(kind)
    assert drawing.shape.size == drawing.detail.size
    assert min(drawing.shape.size) >= 40
    shape, detail = np.asarray(drawing.shape), np.asarray(drawing.detail)
    assert (shape >= detail).all()
    assert 0.1 < (shape > 127).mean() <= 1


def test_no_two_icons_have_nearly_the_same_outline():
    masks = {kind: np.asarray(icon(kind).shape.resize((24, 24))) > 127 for kind in KINDS}
    for one, other in combinations(KINDS, 2):
        common = (masks[one] & masks[other]).sum() / (masks[one] | masks[other]).sum()
        assert common < 0.93, (one, other)


def test_scenes_have_the_announced_sizes_and_make_several_grids(scenes: list[Scene]):
    assert {scene.image.size for scene in scenes} == set(SCENE_SIZES)
    grids = {best_grid(*size, side=64, max_tiles=12) for size in SCENE_SIZES}
    assert len(grids) >= 5
    assert all(scene.image.mode == "RGB" and len(scene.objects) in range(1, 7) for scene in scenes)


def test_visible_fractions_tell_hidden_and_cut_off_objects(scenes: list[Scene]):
    visible = np.array([placed.visible for scene in scenes for placed in scene.objects])
    assert visible.max() <= 1
    assert visible.min() >= LEAST_VISIBLE_RARELY
    assert (visible < 0.3).mean() < 0.01
    assert 0.1 < (visible < 0.95).mean() < 0.35


def test_what_reaches_beyond_the_border_is_not_wholly_visible(scenes: list[Scene]):
    for scene in scenes:
        width, height = scene.image.size
        for placed in scene.objects:
            left, top, right, bottom = placed.box
            if left < -4 or top < -4 or right > width + 4 or bottom > height + 4:
                assert placed.visible < 1


def test_the_frontmost_object_is_only_hidden_by_the_border(scenes: list[Scene]):
    for scene in scenes:
        width, height = scene.image.size
        left, top, right, bottom = scene.objects[-1].box
        if left >= 0 and top >= 0 and right <= width and bottom <= height:
            assert scene.objects[-1].visible == 1


def test_kinds_are_skewed_and_keep_company(scenes: list[Scene]):
    shown = [{placed.kind for placed in scene.objects} for scene in scenes]
    counts = Counter(chain.from_iterable(shown))
    assert set(counts) == set(KINDS)
    assert counts.most_common()[0][1] > 3 * counts.most_common()[-1][1]
    boats = [kinds for kinds in shown if "boat" in kinds]
    with_fish = sum("fish" in kinds for kinds in boats) / len(boats)
    without = sum("fish" in kinds for kinds in shown) / len(shown)
    assert with_fish > 1.3 * without


def test_uniform_weighting_shows_all_kinds_alike():
    scenes = [draw_scene(Random(seed), "uniform") for seed in range(600)]
    counts = Counter(placed.kind for scene in scenes for placed in scene.objects)
    assert set(counts) == set(KINDS)
    assert counts.most_common()[0][1] < 2 * counts.most_common()[-1][1]


def test_a_size_can_be_asked_for():
    assert draw_scene(Random(1), size=(64, 64)).image.size == (64, 64)


def test_enough_scenes_suit_pope_and_their_files_are_small(scenes: list[Scene]):
    assert sum(len({placed.kind for placed in scene.objects}) >= 3 for scene in scenes) > 0.6 * len(scenes)
    size = 0
    for scene in scenes[:100]:
        buffer = BytesIO()
        scene.image.save(buffer, "PNG")
        size += buffer.tell()
    assert size < 3_000_000


def test_seed_ranges_are_apart():
    assert BENCHMARK_SEED + 100_000 < HELD_OUT_SEED < HELD_OUT_SEED + 100_000 < TRAINING_SEED


def test_scenes_need_no_torch():
    code = "import sys, demo_making.scenes; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
