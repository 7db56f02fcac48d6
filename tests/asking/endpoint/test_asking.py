"""Many questions at once: their order, faults that pass and that do not, and what is left unanswered."""

import random
import threading
import time
from collections import Counter
from typing import Any

import pytest
from chat_server import OPENING, Asked, ChatServer, Sent, answer_to, error, reply_to
from endpoint_runs import all_answers, opened

from repope_eval.asking.asker import AskedImage
from repope_eval.asking.endpoint import concurrency
from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question
from repope_eval.system import http

Images = list[AskedImage]


def texts_of(answers: list[Answer]) -> set[tuple[str, str]]:
    """What was asked, each once."""
    found = [(answer.question.image, answer.question.text) for answer in answers]
    assert len(found) == len(set(found))
    return set(found)


def asked_texts(images: Images) -> set[tuple[str, str]]:
    return {(question.image, question.text) for image in images for question in image.questions}


def right(answer: Answer, chat: ChatServer) -> bool:
    """Whether it is what the server answers about this image and question, and nothing of another's."""
    (asked,) = {
        (asked.image, asked.text): asked
        for asked in chat.questions
        if asked.text == answer.question.text and asked.image == chat_image(answer)
    }.values()
    return answer.response == answer_to(asked)


FILES: dict[str, bytes] = {}


def chat_image(answer: Answer) -> bytes:
    return FILES[answer.question.image]


@pytest.fixture(autouse=True)
def _files(images: Images) -> None:
    FILES.update({image.path.name: image.path.read_bytes() for image in images})


def test_each_question_has_its_own_answer(chat: ChatServer, images: Images) -> None:
    asker = opened(chat)
    answers = all_answers(asker, images)
    assert texts_of(answers) == asked_texts(images)
    assert all(right(answer, chat) for answer in answers)
    assert len(chat.questions) == 20
    first = answers[0]
    assert (first.n_tokens, {first.p_yes, first.p_no}) == (2, {0.875, None})  # one word is listed
    facts = asker.facts()
    assert (facts["tokens_in"], facts["tokens_out"], facts["tokens_cached"]) == (2800, 40, 1400)
    assert facts["cache_hit_rate"] == 0.5
    unlisted = {"most_unlisted": 0.0625, "mean_unlisted": 0.0625}
    assert facts["evidence"] == {"answers": 20, **unlisted, "only_one_listed": 20}
    assert (facts["retries"], facts["time_outs"], facts["unanswered"]) == (0, 0, {})
    assert "price" not in facts


def test_an_images_first_question_is_answered_before_its_others_are_asked(
    chat: ChatServer, images: Images
) -> None:
    events: list[tuple[str, bytes]] = []
    lock = threading.Lock()

    def respond(asked: Asked) -> dict[str, Any]:
        with lock:
            events.append(("asked", asked.image))
        time.sleep(0.02)
        with lock:
            events.append(("answered", asked.image))
        return reply_to(asked)

    asker = opened(chat)
    chat.respond = respond
    all_answers(asker, images)
    for image in FILES.values():
        of_image = [what for what, about in events if about == image]
        assert of_image[:2] == ["asked", "answered"]
    assert chat.most_at_once > len(images)


def test_no_more_at_a_time_than_is_asked_for(chat: ChatServer, images: Images) -> None:
    chat.latency = 0.005
    asker = opened(chat, concurrency="3")
    all_answers(asker, images)
    assert chat.most_at_once == 3
    assert asker.facts()["concurrency"] == {"highest": 3, "last": 3}


@pytest.mark.parametrize(
    "fault",
    [
        error(429, "slow down", Retry_After="0.02"),
        error(500),
        Sent(200, '{"choices": [', is_cut=True),
        Sent(200, '{"error": {"message": "worker died"}}'),
    ],
)
def test_a_fault_that_passes_is_no_answer(chat: ChatServer, images: Images, fault: Sent) -> None:
    asker = opened(chat)
    chat.failing(fault, fault)
    answers = all_answers(asker, images[:2])
    assert texts_of(answers) == asked_texts(images[:2])
    assert all(right(answer, chat) for answer in answers)
    facts = asker.facts()
    assert (facts["retries"], facts["unanswered"]) == (2, {})
    assert (facts["concurrency"]["last"] < 10) == (fault.status == 429)


def test_a_pause_that_is_asked_for_is_kept(chat: ChatServer, images: Images) -> None:
    asker = opened(chat)
    chat.failing(error(503, "busy", Retry_After="0.15"))
    began = time.monotonic()
    all_answers(asker, images[:1])
    assert 0.15 <= time.monotonic() - began < 5


SEED = 14
"""With this seed some question is refused more often than a request may fail."""


def many(images: Images, questions: int) -> Images:
    """The same images with so many questions each."""
    return [
        AskedImage(
            image.path,
            tuple(
                Question(image.path.name, f"Is there a no. {n} in the image?", "") for n in range(questions)
            ),
        )
        for image in images
    ]


def test_a_server_that_refuses_three_requests_in_ten_answers_all_questions(
    chat: ChatServer, images: Images
) -> None:
    asker, asked_images = opened(chat), many(images, 25)
    chances = {text: random.Random(f"{SEED}{text}") for text in asked_texts(asked_images)}
    names = {content: name for name, content in FILES.items()}
    refused: Counter[tuple[str, str]] = Counter()

    def respond(asked: Asked) -> dict[str, Any] | Sent:
        text = names[asked.image], asked.text
        if chances[text].random() < 0.3:
            refused[text] += 1
            return error(429, "slow down")
        return reply_to(asked)

    chat.respond = respond
    assert texts_of(all_answers(asker, asked_images)) == asked_texts(asked_images)
    assert asker.facts()["unanswered"] == {}
    assert max(refused.values()) >= http.ATTEMPTS
    assert 0.25 < refused.total() / len(chat.questions) < 0.35


@pytest.mark.parametrize("sent", [error(429, "slow"), error(503, "slow", Retry_After="0.01")])
def test_a_request_that_is_refused_more_often_than_others_may_fail_is_answered(
    chat: ChatServer, images: Images, sent: Sent
) -> None:
    asker = opened(chat, concurrency="1")
    chat.failing(*[sent] * (2 * http.ATTEMPTS))
    assert texts_of(all_answers(asker, images[:1])) == asked_texts(images[:1])
    assert asker.facts()["retries"] == 2 * http.ATTEMPTS


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "HTTP 429 for longer than 0.2 s: slow down"),
        ({"Retry_After": "86400"}, "HTTP 429 for longer than 0.2 s: slow down, Retry-After: 86,400 s"),
    ],
)
def test_a_server_that_refuses_for_ever_is_given_up(
    chat: ChatServer, images: Images, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], reason: str
) -> None:
    for module in (concurrency, concurrency):
        monkeypatch.setattr(module, "LONGEST_PAUSE", 0.2)
    asker = opened(chat, concurrency="1")  # of several that fail at once, a ninth may be counted
    chat.respond = lambda asked: error(429, "slow down", **headers)
    began = time.monotonic()
    with pytest.raises(RepopeError) as caught:
        all_answers(asker, images)
    assert str(caught.value) == (
        f"20 of 20 questions have no answer: of 8 the reason is {reason}, and 12 were not asked any more; "
        "the other answers are stored, and the same command asks those alone"
    )
    assert time.monotonic() - began < 10


def test_a_question_that_alone_is_refused_for_ever_is_left(
    chat: ChatServer, images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(concurrency, "LONGEST_PAUSE", 0.05)
    asker = opened(chat)
    chat.respond = lambda asked: error(429, "too large") if "cow" in asked.text else reply_to(asked)
    with pytest.raises(
        RepopeError, match=r"4 of 20 questions .* HTTP 429 for longer than 0.05 s: too large; "
    ):
        all_answers(asker, images)


def test_a_pause_is_broken_off(chat: ChatServer, images: Images) -> None:
    asker = opened(chat)
    chat.respond = lambda asked: error(429, "slow down", Retry_After="300")
    answers = asker.ask(images)
    assert next(answers) == []
    began = time.monotonic()
    answers.close()
    assert time.monotonic() - began < 1.5  # less than closing waits for what does not end by itself


def test_a_request_that_hangs_is_asked_again(chat: ChatServer, images: Images) -> None:
    asker = opened(chat, timeout=0.5)
    hung: list[Asked] = []

    def respond(asked: Asked) -> dict[str, Any]:
        with chat.lock:
            hangs = not hung
            hung.append(asked)
        if hangs:
            chat.ended.wait(10)
        return reply_to(asked)

    chat.respond = respond
    assert texts_of(all_answers(asker, images)) == asked_texts(images)
    assert asker.facts()["time_outs"] == 1


def test_an_image_that_is_refused_leaves_its_own_questions_unanswered(
    chat: ChatServer, images: Images
) -> None:
    def respond(asked: Asked) -> dict[str, Any] | Sent:
        if asked.image == FILES["1.png"]:
            return error(400, "cannot identify image file")
        return reply_to(asked)

    asker = opened(chat)
    chat.respond = respond
    answers: list[Answer] = []
    with pytest.raises(RepopeError) as caught:
        answers.extend(answer for some in asker.ask(images) for answer in some)
    assert texts_of(answers) == asked_texts([images[0], *images[2:]])
    assert str(caught.value) == (
        "5 of 20 questions have no answer: of 5 the reason is HTTP 400: cannot identify image file; "
        "the other answers are stored, and the same command asks those alone"
    )
    assert asker.facts()["unanswered"] == {"HTTP 400": 5}


def test_a_question_that_fails_for_ever_is_left_and_the_others_are_asked(
    chat: ChatServer, images: Images
) -> None:
    asker = opened(chat)
    chat.respond = lambda asked: error(500, "cow!") if "cow" in asked.text else reply_to(asked)
    answers: list[Answer] = []
    with pytest.raises(
        RepopeError, match="4 of 20 questions have no answer: of 4 the reason is HTTP 500: cow!; the"
    ):
        answers.extend(answer for some in asker.ask(images) for answer in some)
    assert len(texts_of(answers)) == 16
    assert asker.facts()["retries"] == 16


def test_a_server_that_is_gone_is_given_up(chat: ChatServer, images: Images) -> None:
    asker = opened(chat, concurrency="1")
    chat.respond = lambda asked: error(500, "gone")
    with pytest.raises(RepopeError) as caught:
        all_answers(asker, images)
    assert str(caught.value).startswith(
        "20 of 20 questions have no answer: of 8 the reason is HTTP 500: gone, and 12 were not asked any more; "
    )
    assert 8 * 5 <= len(chat.questions) < 12 * 5


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (error(401, "expired"), "HTTP 401: expired; set the environment variable OPENAI_API_KEY"),
        (error(404, "unloaded"), "HTTP 404: unloaded; check model.url"),
        (
            {"model": "org/other"},
            "'org/other' answers in place of org/seer now; the same command goes on where ",
        ),
    ],
)
def test_what_concerns_all_questions_ends_it_at_once(
    chat: ChatServer, images: Images, sent: Sent | dict[str, str], message: str
) -> None:
    asker = opened(chat, concurrency="1")
    chat.respond = lambda asked: sent if isinstance(sent, Sent) else reply_to(asked, **sent)
    with pytest.raises(RepopeError) as caught:
        all_answers(asker, images)
    assert str(caught.value).startswith(f"{chat.url}: {message}")
    assert len(chat.questions) == 1


def test_a_damaged_image_is_named(chat: ChatServer, images: Images) -> None:
    images[2].path.write_bytes(b"no image")
    with pytest.raises(RepopeError, match=r"2\.png: is no image that Pillow can read"):
        all_answers(opened(chat), images)


def test_prices_are_added_up(chat: ChatServer, images: Images) -> None:
    asker = opened(chat, price_in=0.5, price_out=3)
    all_answers(asker, images)
    assert asker.facts()["price"] == pytest.approx((2800 * 0.5 + 40 * 3) / 1e6)


def test_closing_ends_the_requests(chat: ChatServer, images: Images) -> None:
    asker = opened(chat, concurrency="2")
    left = iter(range(3))

    def respond(asked: Asked) -> dict[str, Any]:
        with chat.lock:
            hangs = next(left, None) is None
        if hangs and asked.text != OPENING:
            chat.ended.wait(10)
        return reply_to(asked)

    chat.respond = respond
    answers = asker.ask(images)
    assert len(next(answers)) >= 1
    began = time.monotonic()
    answers.close()
    assert time.monotonic() - began < 1
    assert threading.active_count() < 20
    chat.ended.set()  # nothing hangs any more: whatever still asked would get to all 20 questions
    time.sleep(0.1)
    assert len(chat.questions) <= 3 + 2  # those answered, and those under way
