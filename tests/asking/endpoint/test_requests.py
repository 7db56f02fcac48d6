"""What is sent: image before text, the file's own bytes, and less where a server takes less."""

import base64
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from repope_eval.asking.endpoint.requests import Form, image_url
from repope_eval.errors import RepopeError
from repope_eval.models.sampling import Sampling
from repope_eval.records import Question

FORM = Form(model="org/seer", max_tokens=8, system_prompt=None, question_suffix=None)


def opened(url: str) -> tuple[str, Image.Image]:
    head, _, content = url.partition(",")
    return head, Image.open(io.BytesIO(base64.b64decode(content)))


def test_the_image_comes_before_the_text() -> None:
    assert FORM.body("Is there a cat?", "data:image/png;base64,AAAA") == {
        "model": "org/seer",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                    {"type": "text", "text": "Is there a cat?"},
                ],
            }
        ],
        "temperature": 0,
        "seed": 0,
        "max_tokens": 8,
        "logprobs": True,
        "top_logprobs": 20,
    }


@pytest.mark.parametrize("image", [None, "data:image/png;base64,AA+/"])
def test_what_is_sent_is_the_body_in_json(image: str | None) -> None:
    form = Form(model="m", max_tokens=8, system_prompt='"\\u0000" "', question_suffix="\n\u2028ü")
    assert json.loads(form.content("Is there\ta cat?", image)) == form.body("Is there\ta cat?", image)


def test_a_system_prompt_and_a_suffix_are_sent_as_they_are() -> None:
    form = Form(model="m", max_tokens=8, system_prompt="Be brief.\n", question_suffix="\nYes or no?")
    system, user = form.body("Is there a cat?", None)["messages"]
    assert system == {"role": "system", "content": "Be brief.\n"}
    assert user["content"] == [{"type": "text", "text": "Is there a cat?\nYes or no?"}]


def test_a_file_is_sent_as_it_is(tmp_path: Path) -> None:
    for image_format, mime in (("png", "png"), ("jpeg", "jpeg"), ("webp", "webp"), ("bmp", "bmp")):
        path = tmp_path / "picture.jpg"  # whatever its name says
        Image.new("RGB", (30, 20), "teal").save(path, image_format)
        expected = f"data:image/{mime};base64," + base64.b64encode(path.read_bytes()).decode()
        assert image_url(path) == expected
        assert image_url(path, max_side=30) == expected
    assert image_url(path, "png") != expected


def test_a_smaller_image_keeps_its_format_where_servers_know_it(tmp_path: Path) -> None:
    Image.new("RGB", (300, 200)).save(tmp_path / "a.jpg")
    Image.new("RGB", (300, 200)).save(tmp_path / "a.bmp")
    assert opened(image_url(tmp_path / "a.jpg", max_side=100))[1].format == "JPEG"
    assert opened(image_url(tmp_path / "a.bmp", max_side=100))[1].format == "PNG"


def test_a_file_that_is_cut_short_is_not_sent(tmp_path: Path) -> None:
    whole = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(whole, "JPEG")
    (tmp_path / "a.jpg").write_bytes(whole.getvalue()[:-500])
    with pytest.raises(RepopeError, match=r"a\.jpg: is "):
        image_url(tmp_path / "a.jpg")


def test_what_a_server_refuses_is_left_out_where_answers_do_not_depend_on_it() -> None:
    renamed = FORM.conceding("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    assert renamed is not None
    assert (renamed.body("", None)["max_completion_tokens"], "max_tokens" in renamed.body("", None)) == (
        8,
        False,
    )
    fewer = FORM.conceding("top_logprobs must be at most 5")
    assert fewer is not None
    assert fewer.body("", None)["top_logprobs"] == 5
    none = fewer.conceding("top_logprobs is not allowed")
    assert none is not None
    assert not {"logprobs", "top_logprobs"} & set(none.body("", None))
    assert none.conceding("logprobs are not supported") is None
    unseeded = FORM.conceding("unknown field: seed")
    assert unseeded is not None
    assert "seed" not in unseeded.body("", None)
    assert unseeded.conceding("unknown field: seed") is None
    assert FORM.conceding("temperature must be 1 for this model") is None


def test_a_server_is_told_how_to_sample_with_a_seed_for_each_draw() -> None:
    form = replace(FORM, sampling=Sampling(0.7, top_p=0.9, seed=3))
    seeds = [form.seed_of(Question("a.jpg", "Is there a cat?", "cat", draw=draw)) for draw in range(3)]
    assert len(set(seeds)) == 3
    body = form.body("Is there a cat?", None, seeds[1])
    assert (body["temperature"], body["top_p"], body["seed"]) == (0.7, 0.9, seeds[1])
    assert json.loads(form.content("Is there a cat?", None, seeds[1])) == body


def test_a_server_that_takes_no_seed_is_still_told_the_temperature() -> None:
    form = replace(FORM, sampling=Sampling(0.7)).conceding("unknown field: seed")
    assert form is not None
    body = form.body("Is there a cat?", None, 7)
    assert "seed" not in body
    assert "top_p" not in body
    assert body["temperature"] == 0.7
