"""A run asks about its first image the plain way, too, and says whether that gives the same answers."""

import json
import logging
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from begun_runs import PER_IMAGE, Place
from demo_runs import answers
from fake_asker import FakeAsker
from test_asker import ask
from test_batches import ECHO, echo

from repope_eval.asking.native import verification
from repope_eval.asking.native.generation import Generation, Spellings
from repope_eval.asking.native.rows import PADDING, ImageRows
from repope_eval.asking.native.verification import MOST_CHANGE, Checked, Verification, compare, most_change
from repope_eval.errors import InterruptionError
from repope_eval.models.recipe import Prepared
from repope_eval.runs.folder import close_log

SAID = Generation((3, 4, 0), 0.5, 0.25)
IMAGES = [Prepared({}, ((3, 4, 0),) * 3), Prepared({}, ((5, 6, 0),) * 3)]
EQUAL = "checked against the plain way on 1 image: 8 of 8 answers equal, p_yes within .001"
IN_DOUBT = "more than float32 explains; ask anew with engine=sequential in another folder (out=)"


@pytest.fixture(autouse=True)
def kept(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("repope_eval"), "propagate", True)
    caplog.set_level(logging.INFO)


def said_of_it(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno == level and "the plain way" in record.getMessage()
    ]


def seeing_all_questions(rows: ImageRows, owners: torch.Tensor, dtype: torch.dtype) -> torch.Tensor | None:
    """A wrong mask: each question sees those before it."""
    if rows._owners.shape == owners.shape:
        return None
    slots = torch.arange(rows._owners.shape[1])
    before = slots[None, :] <= slots[-owners.shape[1] :, None]
    seen = (rows._owners != PADDING)[:, None, :] & before
    mask = torch.zeros(seen.shape, dtype=dtype)
    return mask.masked_fill(~seen, torch.finfo(dtype).min)[:, None]


def test_a_run_says_that_its_first_image_is_answered_alike(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    (start,) = place.manifest["starts"]
    assert start["verified"] == place.manifest["inference"]["verified"]
    found = dict(start["verified"])
    assert found.pop("seconds") > 0
    assert found.pop("p_yes_change") < 1e-5
    assert found == {
        "images": 1,
        "answers": PER_IMAGE,
        "equal": PER_IMAGE,
        "unexplained": 0,
        "in_doubt": False,
        "line": EQUAL,
    }
    place.start(verify=5)  # more than there are images left
    line = EQUAL.replace("1 image", "2 images").replace("8 of 8", "16 of 16")
    assert said_of_it(caplog, logging.INFO) == [line]
    assert [start["verified"]["line"] for start in place.manifest["starts"]] == [EQUAL, line]
    page = (place.out / "report.html").read_text(encoding="utf-8")
    assert (page.count(EQUAL), page.count(line), page.count('class="doubt"')) == (1, 1, 0)


@pytest.mark.parametrize("how", [{"verify": 0}, {"verify": 1, "engine": "sequential"}])
def test_where_there_is_nothing_to_check_nothing_is_said(
    place: Place, caplog: pytest.LogCaptureFixture, how: dict[str, Any]
) -> None:
    place.start(limit=3, **how)
    assert "verified" not in place.manifest["inference"]
    assert ["verified" in start for start in place.manifest["starts"]] == [True, False]
    assert not said_of_it(caplog, logging.INFO) + said_of_it(caplog, logging.WARNING)


def test_an_engine_that_errs_puts_the_run_in_doubt_for_good(
    place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageRows, "_mask", seeing_all_questions)
    place.start(limit=3, verify=1)
    said, again = said_of_it(caplog, logging.WARNING)  # while it is asked, and beside the scores
    assert said == again
    assert said.startswith("answers in doubt: checked against the plain way on 1 image: ")
    assert said.endswith(IN_DOUBT)
    found = place.manifest["starts"][1]["verified"]
    assert found["line"] == said
    assert found["unexplained"] >= found["answers"] - found["equal"] > 0
    monkeypatch.undo()
    place.start()  # the answers from before are still there
    page = (place.out / "report.html").read_text(encoding="utf-8")
    assert f'<p class="doubt" role="note">{said}</p>' in page
    assert place.manifest["status"] == "complete"


def plain_answer(p_yes: float, *tokens: int, lead: float = 9.0, logit: float = 20.0) -> Generation:
    """An answer of the plain way, whose second token leads by so much, and whose logits are of that size."""
    return Generation(tokens, p_yes, 0.25, leads=(9.0, lead, 9.0), best_logits=(logit,) * 3)


def test_a_format_explains_what_is_near_enough() -> None:
    bits, whole = "bfloat16", "float32"
    assert compare(SAID, plain_answer(0.5, 3, 4, 0), whole).has_equal_tokens
    near_tie = compare(SAID, plain_answer(0.5, 3, 8, 9, lead=0.25), bits)
    assert (near_tie.has_equal_tokens, near_tie.is_explained) == (False, True)
    assert not compare(SAID, plain_answer(0.5, 3, 8, 9, lead=0.25), whole).is_explained
    assert not compare(SAID, plain_answer(0.5, 3, 8, 9, lead=1.0), bits).is_explained
    assert compare(SAID, plain_answer(0.6, 3, 4, 0), bits).is_explained
    assert not compare(SAID, plain_answer(0.7, 3, 4, 0), bits).is_explained
    assert not compare(SAID, plain_answer(0.502, 3, 4, 0), whole).is_explained
    assert compare(SAID, plain_answer(0.5005, 3, 4, 0), whole).p_yes_change == pytest.approx(0.0005)


@pytest.mark.parametrize(
    ("number_format", "logit", "most"),
    [
        ("bfloat16", 0.0, 1 / 2),  # the rounding of hidden states, whatever the logit
        ("bfloat16", 31.875, 1 / 2),
        ("bfloat16", 32.0, 1.0),
        ("bfloat16", 63.75, 1.0),
        ("bfloat16", -64.0, 2.0),
        ("float16", 31.98, 1 / 16),
        ("float16", 32.0, 1 / 8),
        ("float16", 64.0, 1 / 4),
        ("float32", 32.0, 1 / 256),
        ("float32", 16384.0, 1 / 128),
        ("int8", 16.0, 1.0),
        ("int8", 200.0, 1.0),
    ],
)
def test_the_steps_of_large_logits_are_allowed_for(number_format: str, logit: float, most: float) -> None:
    assert most_change(number_format, logit) == most


@pytest.mark.parametrize("number_format", ["float16", "bfloat16"])
def test_four_steps_are_those_that_torch_has(number_format: str) -> None:
    for logit in (16.0, 20.0, 31.0, 32.0, 50.0, 100.0):
        number = torch.tensor(logit, dtype=getattr(torch, number_format))
        step = float(torch.nextafter(number, torch.tensor(torch.inf, dtype=number.dtype)) - number)
        assert most_change(number_format, logit) == 4 * step


@pytest.mark.parametrize(
    ("number_format", "logit", "most"),
    [
        ("bfloat16", 20.0, 1 / 2),
        ("bfloat16", 40.0, 1.0),
        ("float16", 40.0, 1 / 8),
        ("float32", 40.0, 1 / 256),
        ("int8", 40.0, 1.0),
    ],
)
def test_answers_differ_within_and_beyond_what_a_format_explains(
    number_format: str, logit: float, most: float
) -> None:
    """A tie may tip up to the bound, and p_yes change by a quarter of it."""
    tipped, beyond = (plain_answer(0.5, 3, 8, 9, lead=lead, logit=logit) for lead in (most, most * 1.001))
    assert compare(SAID, tipped, number_format).is_explained
    assert not compare(SAID, beyond, number_format).is_explained
    near, far = (plain_answer(0.5 + change * most / 4, 3, 4, 0, logit=logit) for change in (0.999, 1.001))
    assert compare(SAID, near, number_format).is_explained
    assert not compare(SAID, far, number_format).is_explained


def test_each_token_is_judged_by_its_own_logit_and_p_yes_by_the_first() -> None:
    tipped = Generation((3, 8, 0), 0.5, 0.25, leads=(9.0, 0.9, 9.0), best_logits=(20.0, 40.0, 20.0))
    assert compare(SAID, tipped, "bfloat16").is_explained
    assert not compare(SAID, replace(tipped, best_logits=(40.0, 20.0, 40.0)), "bfloat16").is_explained
    changed = Generation((3, 4, 0), 0.7, 0.25, leads=(9.0,) * 3, best_logits=(40.0, 20.0, 20.0))
    assert compare(SAID, changed, "bfloat16").is_explained
    assert not compare(SAID, replace(changed, best_logits=(20.0, 40.0, 40.0)), "bfloat16").is_explained


def checked(
    monkeypatch: pytest.MonkeyPatch, *plain: Generation | Exception, images: int = 1
) -> dict[str, Any]:
    """What is found where the plain way gives these, question by question, and the run's engine echoes prompts."""
    given = iter(plain)

    def generate(*_: object) -> list[list[Generation]]:
        found = next(given)
        if isinstance(found, Exception):
            raise found
        return [[found]]

    monkeypatch.setattr(verification, "generate_sequentially", generate)
    verified = Verification(ECHO, images, 5, Spellings({}, {}))
    assert not verified.facts()
    for image in IMAGES:
        verified.take([image], echo(ECHO, [image]))
        verified.check()
    found: dict[str, Any] = verified.facts()["verified"]
    return found


def test_a_tie_that_tips_is_told_and_several_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MOST_CHANGE, "float32", 0.5)  # type: ignore[arg-type]  # as if it had 16 bits
    same, tipped = (plain_answer(0.5, 3, token, 0, lead=0.1) for token in (4, 8))
    one = checked(monkeypatch, same, tipped, same)
    assert one["line"] == (
        "checked against the plain way on 1 image: 2 of 3 answers equal, p_yes within .001, as float32 explains"
    )
    two = checked(monkeypatch, tipped, same, tipped)
    assert (two["unexplained"], two["in_doubt"]) == (0, True)
    assert two["line"] == (
        f"answers in doubt: checked against the plain way on 1 image: 1 of 3 answers equal, p_yes within .001: "
        f"{IN_DOUBT}"
    )


def tally(number_format: str, *plain: Generation, describes: bool = True) -> Checked:
    """What is found where these are the plain way's answers, and the run's engine said `SAID` each time."""
    checked = Checked(ECHO)
    checked.number_format = number_format
    checked.images = len(plain)
    checked.answers = [checked.compare(SAID, one, describes=describes) for one in plain]
    return checked


def test_captions_are_said_to_be_equal_and_have_no_p_yes() -> None:
    found = tally("float32", *[plain_answer(0.5, 3, 4, 0)] * 8)
    line = "checked against the plain way on 8 images: 8 of 8 captions equal"
    assert found.line() == line
    assert found.facts(line, in_doubt=False)["verified"]["p_yes_change"] is None


def test_captions_in_16_bits_may_all_part_at_near_ties_and_at_nothing_else() -> None:
    same, tipped, wrong = (
        plain_answer(0.5, 3, token, 0, lead=lead) for token, lead in ((4, 9), (8, 0.25), (8, 1))
    )
    found = tally("bfloat16", same, tipped, tipped, tipped)
    assert not found.is_in_doubt
    assert found.line() == (
        "checked against the plain way on 4 images: 1 of 4 captions equal, the others up to a near tie of two tokens, "
        "as bfloat16 explains"
    )
    assert tally("bfloat16", same, tipped, tipped, tipped, describes=False).is_in_doubt
    assert tally("bfloat16", same, same, same, wrong).is_in_doubt
    assert tally("float32", same, same, same, tipped).is_in_doubt
    barely = plain_answer(0.5, 3, 8, 0, lead=0.001)
    assert not tally("float32", same, same, same, barely).is_in_doubt
    assert tally("float32", same, barely, barely, barely).is_in_doubt


def test_a_check_that_fails_is_told_and_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    same = plain_answer(0.5, 3, 4, 0)
    no_memory = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nand more")
    at_once = checked(monkeypatch, no_memory, images=2)
    assert (at_once["answers"], at_once["in_doubt"], at_once["p_yes_change"]) == (0, False, None)
    later = checked(monkeypatch, same, same, no_memory, images=2)
    assert (later["images"], later["answers"], later["in_doubt"]) == (1, 2, False)
    failure = "(OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB)"
    assert said_of_it(caplog, logging.WARNING) == [
        f"not checked against the plain way, which failed {failure}; the run goes on",
        "checked against the plain way on 1 image: 2 of 2 answers equal, p_yes within .001, until it failed "
        f"{failure}",
    ]


def test_an_image_is_given_so_many_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "SECONDS_AN_IMAGE", -1.0)
    first, second = (plain_answer(0.5, *image.prompts[0]) for image in IMAGES)
    found = checked(monkeypatch, first, second, images=2)
    assert (found["images"], found["answers"], found["equal"]) == (2, 2, 2)


def test_answers_are_stored_before_a_check_whose_time_is_no_asking_and_which_a_signal_may_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[int] = []

    def verify(_: FakeAsker) -> None:
        stored.append(len(answers(tmp_path / "run")))
        time.sleep(0.1)
        if len(stored) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(FakeAsker, "asked", [])
    monkeypatch.setattr(FakeAsker, "verify", verify)
    with pytest.raises(InterruptionError, match="answers are safe"):
        ask(tmp_path / "run")
    close_log()
    kept = answers(tmp_path / "run")
    assert 0 < stored[0] < stored[1] == len(kept)
    assert {line["image"] for line in kept} == set(FakeAsker.asked)
    assert len(FakeAsker.asked) == 2
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["inference"]["seconds"] < 0.2 <= manifest["seconds"]["inference"]
