"""A real server: `transformers serve` with a tiny checkpoint answers as the checkpoint does."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from endpoint_runs import all_answers
from run_folders import DEMO
from transformers import AutoModelForImageTextToText, AutoProcessor

from repope_eval.asking.asker import AskedImage
from repope_eval.asking.endpoint.asker import load_endpoint_asker
from repope_eval.asking.loaders import load_chat_asker
from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.records import Question
from repope_eval.settings.config import ModelSettings, RunSettings
from repope_eval.system.ranks import Ranks

SERVE = "import sys; from transformers.cli.transformers import main; sys.argv[0] = 'transformers'; main()"
TOKENS = 6


@pytest.fixture
def checkpoint(goldens: Path) -> Path:
    return goldens / "llava_next_mistral"


@pytest.fixture
def url(checkpoint: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a server that is started for the test."""
    for package in ("fastapi", "uvicorn", "openai"):
        pytest.importorskip(package, reason="is not installed; the dev extra has it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["serve", str(checkpoint), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    words += ["--dtype", "float32"]
    with (tmp_path / "serve.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", SERVE, *words], stdout=log, stderr=log, env=os.environ
        )
    try:
        deadline = time.monotonic() + 120
        while server.poll() is None and time.monotonic() < deadline:
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        assert server.poll() is None, (tmp_path / "serve.log").read_text()
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(timeout=60)


def own_answers(checkpoint: Path, images: list[AskedImage]) -> dict[Question, tuple[str, int]]:
    """What transformers' own `generate` answers, and in how many tokens."""
    processor = AutoProcessor.from_pretrained(checkpoint)
    model = AutoModelForImageTextToText.from_pretrained(checkpoint, dtype=torch.float32)
    found = {}
    for image in images:
        for question in image.questions:
            content = [{"type": "image", "url": str(image.path)}, {"type": "text", "text": question.text}]
            inputs = processor.apply_chat_template(
                [{"role": "user", "content": content}],
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
            )
            (tokens,) = model.generate(**inputs, do_sample=False, max_new_tokens=TOKENS)
            generated = tokens[inputs["input_ids"].shape[1] :]
            found[question] = (processor.decode(generated, skip_special_tokens=True), len(generated))
    return found


def chat_answers(checkpoint: Path, images: list[AskedImage]) -> dict[Question, tuple[str, int | None]]:
    """What `model=chat` answers with the same checkpoint, and in how many tokens."""
    model = ModelSettings(
        name="tiny", family="chat", checkpoint=str(checkpoint), dtype="float32", max_new_tokens=TOKENS
    )
    asker = load_chat_asker(RunSettings(model=model, bench=DEMO, device="cpu"), Ranks())
    found = [answer for answers in asker.ask(images) for answer in answers]
    assert asker.facts()["way"] == "the questions about several images together"
    return {answer.question: (answer.response, answer.n_tokens) for answer in found}


def test_answers_are_those_of_generate_and_of_a_chat_model(url: str, checkpoint: Path) -> None:
    paths = sorted((DEMO_FOLDER / "images").iterdir())[1:4]
    images = [
        AskedImage(
            path,
            tuple(
                Question(path.name, f"Is there {name} in the image?", "") for name in ("a cat", "an apple")
            ),
        )
        for path in paths
    ]
    model = ModelSettings(
        name="tiny", family="endpoint", checkpoint=str(checkpoint), url=url, max_new_tokens=TOKENS
    )
    asker = load_endpoint_asker(RunSettings(model=model, bench=DEMO), Ranks())
    answers = all_answers(asker, images)
    expected = own_answers(checkpoint, images)
    assert {answer.question: (answer.response, answer.n_tokens) for answer in answers} == expected
    assert chat_answers(checkpoint, images) == expected
    assert len({text for text, _ in expected.values()}) > 1
    assert {(answer.p_yes, answer.p_no) for answer in answers} == {(None, None)}
    facts = asker.facts()
    assert facts["evidence"] == {"answers": 0, "none": {"the server sends no logprobs": 6}}
    assert facts["server"] == "uvicorn"
    assert facts["sees_images"] is True
    assert facts["tokens_out"] == sum(number for _, number in expected.values())
