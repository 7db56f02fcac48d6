"""A run whose questions a server answers: stored, resumed, scored, and refused where it is another's."""

import dataclasses
import html
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import warm_commands
from chat_server import MODEL, OPENING, Asked, ChatServer, Sent, answer_to, error, reply_to
from conftest import ASKED_FILES, visible_files
from demo_runs import QUESTIONS, answers
from endpoint_runs import settings_of
from run_folders import demo

from repope_eval.asking.endpoint.asker import load_endpoint_asker
from repope_eval.asking.endpoint.requests import Form, image_url
from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.errors import RepopeError
from repope_eval.models.sampling import Sampling
from repope_eval.pipeline import run
from repope_eval.records import Question
from repope_eval.runs.folder import close_log
from repope_eval.settings.config import RunSettings
from repope_eval.system.ranks import Ranks
from repope_eval.wording import counted


@pytest.fixture
def settings(chat: ChatServer, tmp_path: Path) -> Iterator[RunSettings]:
    yield dataclasses.replace(settings_of(chat, price_in=1, price_out=2), limit=3, out=str(tmp_path / "run"))
    close_log()


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


def is_right(line: dict[str, Any]) -> bool:
    """Whether it is what the server answers about this image and this question."""
    form = Form(model=MODEL, max_tokens=8, system_prompt=None, question_suffix=None)
    body = form.body(line["question"], image_url(DEMO_FOLDER / "images" / line["image"]))
    return bool(line["response"] == answer_to(Asked(body, None)))


def test_a_thought_that_is_cut_off_is_counted_apart_and_not_asked_again(
    chat: ChatServer, settings: RunSettings, caplog: pytest.LogCaptureFixture
) -> None:
    thought: dict[str, Any] = {"content": None, "reasoning_content": "Apples? Hm."}
    chat.respond = lambda asked: (
        reply_to(asked, message=thought, finish_reason="length") if "apple" in asked.text else reply_to(asked)
    )
    run(settings, "the command")
    out = Path(settings.out)
    cut = [line for line in answers(out) if "apple" in line["question"]]
    assert {(line["response"], line["p_yes"], line["n_tokens"]) for line in cut} == {("", None, 2)}
    assert manifest(out)["inference"]["unanswered_in_thought"] == len(cut)
    assert manifest(out)["inference"]["unanswered"] == {}
    assert manifest(out)["inference"]["evidence"]["none"] == {"the model was still thinking": len(cut)}
    said = counted(len(cut), "question")
    assert f"{said}, cut off while the model was thinking" in (out / "report.html").read_text(
        encoding="utf-8"
    )
    assert f"{said} unanswered: the model was still thinking after 1024 tokens" in caplog.text
    asked = len(chat.questions)
    run(settings, "the command")
    assert len(chat.questions) == asked
    assert f"{said}, cut off while the model was thinking" in (out / "report.html").read_text(
        encoding="utf-8"
    )


def test_each_draw_is_asked_with_a_seed_of_its_own_and_stored_as_one(
    chat: ChatServer, settings: RunSettings
) -> None:
    def respond(asked: Asked) -> dict[str, Any]:
        return reply_to(asked, message={"content": "Yes" if asked.body["seed"] % 2 else "No"})

    chat.respond = respond
    model = dataclasses.replace(settings.model, temperature=0.7, top_p=0.9)
    sampled = dataclasses.replace(settings, model=model, repeats=3)
    run(sampled, "the command")
    sent = [asked for asked in chat.questions if asked.body["temperature"] == 0.7]
    by_question: dict[tuple[bytes, str], list[int]] = {}
    for asked in sent:
        assert asked.body["top_p"] == 0.9
        by_question.setdefault((asked.image, asked.text), []).append(asked.body["seed"])
    assert all(len(set(seeds)) == 3 for seeds in by_question.values())
    lines = answers(Path(settings.out))
    assert len(lines) == 3 * len(by_question)
    assert Counter(line.get("draw", 0) for line in lines) == dict.fromkeys(range(3), len(by_question))
    stored = {(line["image"], line["question"], line.get("draw", 0)): line["response"] for line in lines}
    drawn = Sampling(0.7, 0.9)
    for (image, text, draw), response in stored.items():
        seed = drawn.draw(Question(image, text, "", draw=draw)).server_seed
        assert response == ("Yes" if seed % 2 else "No")
    document = json.loads((Path(settings.out) / "scores.json").read_text())
    assert "sampled, T 0.7, top-p 0.9, seed 0, 3 draws" in document["sentence"]
    assert manifest(Path(settings.out))["inference"]["request"]["seed"] == "of each draw"


def test_questions_without_an_answer_are_asked_by_the_next_start_alone(
    chat: ChatServer, settings: RunSettings, caplog: pytest.LogCaptureFixture
) -> None:
    out = Path(settings.out)
    chat.respond = lambda asked: error(500, "apples!") if "apple" in asked.text else reply_to(asked)
    with pytest.raises(
        RepopeError, match=r"^\d of \d\d questions have no answer: of \d the reason is HTTP 500: appl"
    ):
        run(settings, "the command")
    first = answers(out)
    assert not (out / "scores.json").exists()
    assert not [line for line in first if "apple" in line["question"]]
    found = manifest(out)
    assert (found["status"], found["ended"]["how"]) == ("running", "failed")
    unanswered = found["inference"]["unanswered"]["HTTP 500"]
    assert found["inference"]["questions"] == len(first)
    before = len(chat.questions)
    chat.respond = reply_to
    run(settings, "the command")
    assert len(chat.questions) - before == unanswered
    assert visible_files(out) == ASKED_FILES
    stored = answers(out)
    assert (
        len(stored) == len({(line["image"], line["question"]) for line in stored}) == len(first) + unanswered
    )
    assert all(map(is_right, stored))
    assert {line["p_yes"] for line in stored} == {None, 0.875}
    found = manifest(out)
    assert (found["status"], found["server"], found["device"]) == (
        "complete",
        {"model": MODEL},
        {"name": "seer-server 1.2.3"},
    )
    assert not {"model.dtype", "model.quantization", "model.revision"} & set(found["identity"])
    assert not {"engine", "device"} & set(found["settings"])
    assert " questions asked, seer-server 1.2.3" in (out / "report.html").read_text(encoding="utf-8")
    assert found["inference"]["price"] == pytest.approx(unanswered * (140 + 2 * 2) / 1e6, abs=1e-6)
    (line,) = [line for line in caplog.messages if line.startswith("asked ")]
    assert line.split("; ")[0].endswith(
        f", {unanswered * 140} tokens sent and {unanswered * 2} answered for 0.00"
    )
    assert "all 100 images would take about " in line
    assert line.endswith(" answered for 0.01") or " tokens sent and " in line.split("; ")[1]


def test_another_model_behind_the_same_name_is_refused_and_another_address_is_not(
    chat: ChatServer, settings: RunSettings
) -> None:
    failing = dataclasses.replace(settings, limit=1)
    chat.respond = lambda asked: (
        error(500) if "envelope" in asked.text or "star" in asked.text else reply_to(asked)
    )
    with pytest.raises(RepopeError, match="no answer"):
        run(failing, "the command")
    before = answers(Path(settings.out))
    moved = dataclasses.replace(
        failing, model=dataclasses.replace(settings.model, url=chat.url.replace("127.0.0.1", "localhost"))
    )
    chat.respond = lambda asked: reply_to(asked, model=f"{MODEL}-2026-11-26")
    with pytest.raises(
        RepopeError, match=r"server\.model is 'org/seer' there and 'org/seer-2026-11-26' here"
    ):
        run(moved, "the command")
    larger = dataclasses.replace(failing, model=dataclasses.replace(settings.model, max_side=64))
    with pytest.raises(RepopeError, match=r"model\.max_side is not set there and 64 here"):
        run(larger, "the command")
    assert answers(Path(settings.out)) == before
    chat.respond = lambda asked: error(500) if "envelope" in asked.text else reply_to(asked)
    with pytest.raises(RepopeError, match="no answer"):
        run(moved, "the command")
    assert len(answers(Path(settings.out))) > len(before)


def test_an_address_is_needed(chat: ChatServer) -> None:
    with pytest.raises(RepopeError) as caught:
        load_endpoint_asker(settings_of(chat, url=None), Ranks())
    assert (
        str(caught.value) == "model=endpoint needs the address of its server: model.url=http://HOST:PORT/v1"
    )


def test_what_the_server_decides_is_refused(settings: RunSettings) -> None:
    with pytest.raises(RepopeError, match="batch_size: the server decides; leave it out"):
        run(dataclasses.replace(settings, batch_size="2"), "the command")
    assert not Path(settings.out).exists()


def test_one_process_asks(chat: ChatServer) -> None:
    with pytest.raises(
        RepopeError, match=r"one process asks a server: start one, and raise model\.concurrency"
    ):
        load_endpoint_asker(settings_of(chat), Ranks(rank=1, count=2))


KEY = "sk-4f.9a+/secret=="


def test_a_key_that_a_server_sends_back_is_in_no_file_and_no_line(
    chat: ChatServer,
    settings: RunSettings,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    says = {"content": f"No. Incorrect API key provided: {KEY}, {quote(KEY, safe='')}"}

    def respond(asked: Asked) -> Sent:
        if "apple" in asked.text and not any("apple" in each.text for each in chat.asked[:-1]):
            return error(500, f"Bearer {KEY}")
        body = json.dumps(reply_to(asked, message=says)).replace("+", r"\u002b")
        return Sent(200, body, {"Server": f"seer {KEY}"})

    chat.respond = respond
    run(settings, "the command")
    out = Path(settings.out)
    texts = [path.read_text(errors="replace") for path in out.rglob("*") if path.is_file()]
    everything = "".join([caplog.text, *capsys.readouterr(), *texts])
    for form in (KEY, quote(KEY, safe=""), json.dumps(KEY).replace("/", r"\/"), html.escape(KEY)):
        assert form not in everything
    (said,) = {line["response"] for line in answers(out)}
    assert said == "No. Incorrect API key provided: (OPENAI_API_KEY), (OPENAI_API_KEY)"
    (line,) = [line for line in caplog.messages if "held the server's key" in line]
    assert line.startswith(f"{len(answers(out))} answers held")


def test_what_a_server_calls_no_answer_is_not_stored_and_is_counted(
    chat: ChatServer, settings: RunSettings
) -> None:
    out = Path(settings.out)

    def respond(asked: Asked) -> dict[str, Any]:
        if "apple" in asked.text:
            return reply_to(asked, message={"content": ""}, finish_reason="content_filter")
        if "star" in asked.text:
            return reply_to(asked, message={"content": "Internal error: no capacity"}, finish_reason="error")
        return reply_to(asked)

    chat.respond = respond
    with pytest.raises(RepopeError, match=r"questions have no answer: .* the other answers are stored"):
        run(settings, "the command")
    stored = answers(out)
    assert not [line for line in stored if "apple" in line["question"] or "star" in line["question"]]
    assert all(map(is_right, stored))
    asked = Counter(asked.text + asked.image.hex() for asked in chat.questions if "apple" in asked.text)
    assert set(asked.values()) == {1}
    assert set(manifest(out)["inference"]["unanswered"]) == {
        "an answer that ended with error",
        "nothing that the server's content filter let pass",
    }


def test_tags_that_may_hold_thoughts_are_said_once(
    chat: ChatServer, settings: RunSettings, caplog: pytest.LogCaptureFixture
) -> None:
    says = {"content": "<reflection>Hm.</reflection>No"}
    chat.respond = lambda asked: reply_to(asked, message=says) if "apple" in asked.text else reply_to(asked)
    run(settings, "the command")
    number = len([asked for asked in chat.questions if "apple" in asked.text])
    (line,) = [line for line in caplog.messages if "reflection" in line]
    assert line.startswith(
        f"{counted(number, 'answer')} with a tag first that may hold a thought (<reflection> {number})"
    )


def test_tokens_without_end_have_no_price(chat: ChatServer, settings: RunSettings) -> None:
    chat.respond = lambda asked: reply_to(
        asked, usage={"prompt_tokens": 10**400, "completion_tokens": 10**400}
    )
    run(settings, "the command")
    assert "price" not in manifest(Path(settings.out))["inference"]


def start(chat: ChatServer, out: Path, *words: str, **environment: str) -> Any:
    given = ("model=endpoint", f"model.url={chat.url}", f"model.checkpoint={MODEL}", f"out={out}", *words)
    return warm_commands.start(*given, environment={**os.environ, **environment})


def wait_for(chat: ChatServer, number: int) -> None:
    wait_until(lambda: len(chat.questions) >= number)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.002)
    assert is_so()


KILLS = int(os.environ.get("REPOPE_KILLS", "3"))
"""How often a run is killed; `REPOPE_KILLS=20` takes a minute or two."""


def faulty(asked: Asked, chance: random.Random) -> dict[str, Any] | Sent:
    """An answer after a moment, or in one case of ten a fault that passes, few of which ask for fewer requests."""
    time.sleep(chance.uniform(0, 0.03))
    reply = json.dumps(reply_to(asked))
    common = [
        error(500),
        Sent(200, reply[:-40]),
        Sent(200, reply, is_cut=True),
        Sent(200, "<html>busy</html>"),
        Sent(200, json.dumps(reply_to(asked, finish_reason="error"))),
    ]
    rare = [error(429, "slow down", Retry_After="0.01"), error(503)]
    if asked.text == OPENING or chance.random() < 0.9:
        return reply_to(asked)
    return chance.choice(common if chance.random() < 0.98 else rare)


def lines_in(out: Path) -> list[bytes]:
    path = out / "answers.jsonl"
    return path.read_bytes().splitlines() if path.exists() else []


def wait_for_more_lines(out: Path, number: int) -> None:
    wait_until(lambda: len(lines_in(out)) > number)


def test_no_answer_is_lost_doubled_or_swapped_over_kills(chat: ChatServer, tmp_path: Path) -> None:
    out, at_once, images = tmp_path / "run", 16, 40
    number = len(demo().first_images(images).questions)
    chance = random.Random(7)
    chat.respond = lambda asked: faulty(asked, chance)
    before: list[bytes] = []
    for _ in range(KILLS):
        process = start(chat, out, f"model.concurrency={at_once}", f"limit={images}")
        wait_for_more_lines(out, len(before) + 1)
        time.sleep(chance.uniform(0, 2 / KILLS))
        process.kill()
        process.communicate()
        lines = lines_in(out)
        assert lines[: len(before)] == before  # what was stored once stays as it is
        before = lines[:-1]  # the last one may be cut
    stored = len(before)
    assert 0 < stored < number
    process = start(chat, out, f"model.concurrency={at_once}", f"limit={images}")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    lines_of_all = answers(out)
    assert len(lines_of_all) == len({(line["image"], line["question"]) for line in lines_of_all}) == number
    assert all(map(is_right, lines_of_all))


def test_a_signal_ends_it_though_the_server_hangs(chat: ChatServer, tmp_path: Path) -> None:
    out = tmp_path / "run"
    left = iter(range(100))

    def respond(asked: Asked) -> dict[str, Any] | Sent:
        with chat.lock:
            hangs = next(left, None) is None
        if hangs:
            chat.ended.wait(60)
        return reply_to(asked)

    chat.respond = respond
    process = start(chat, out, OPENAI_API_KEY="sk-hidden")
    wait_for(chat, 110)
    stored = out / "answers.jsonl"
    # What a busy machine has been told, it may yet have to store.
    wait_until(lambda: stored.is_file() and len(answers(out)) >= 50)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - began < 10
    assert process.returncode == 143
    number = len(answers(out))
    assert 50 <= number <= 100
    assert (
        errors.strip()
        .splitlines()[-1]
        .startswith(f"interrupted: {number} of {QUESTIONS} answers are safe in ")
    )
    assert chat.asked[-1].key == "Bearer sk-hidden"
    assert "sk-hidden" not in errors + "".join(path.read_text() for path in out.iterdir() if path.is_file())


def test_questions_without_images_are_sent_without_any(chat: ChatServer, settings: RunSettings) -> None:
    blind = dataclasses.replace(settings, bench=dataclasses.replace(settings.bench, blind="none"))
    seen: list[bool] = []

    def respond(asked: Asked) -> Sent:
        content = asked.body["messages"][-1]["content"]
        if asked.text != OPENING:
            seen.append(any(part["type"] == "image_url" for part in content))
        return reply_to(asked)

    chat.respond = respond
    run(blind, "the command")
    assert seen
    assert not any(seen)
