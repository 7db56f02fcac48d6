"""The loop, with an engine and a recipe that stand in for a model's."""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from repope_eval.asking.asker import AskedImage, group_by_image
from repope_eval.asking.native import batches, loader
from repope_eval.asking.native.batches import TransformersAsker
from repope_eval.asking.native.generation import Generation
from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.fields import Fields
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Inputs, Prepared, Recipe
from repope_eval.records import Answer, Question


class EchoRecipe(Recipe):
    """A prompt is the letters of its question; an answer repeats them."""

    family = "echo"
    stop_token_ids = (0,)

    def __init__(self) -> None: ...

    @staticmethod
    def recognises(config: Fields) -> bool:
        return True

    def prompt(self, question: str) -> str:
        return question

    def prepare(self, image: Image.Image, questions: Sequence[str]) -> Prepared:
        return Prepared({}, tuple(tuple(map(ord, question)) for question in questions))

    def count_features(self, width: int, height: int) -> int:
        if width == 1:
            raise RepopeError("1 pixel is too thin")
        return width * height

    def vocabulary(self) -> dict[str, int]:
        return {"Yes": 1, "no": 2}

    def decode(self, token_ids: Sequence[int]) -> str:
        return "".join(map(chr, token_ids))

    def image_features(self, network: Any, images: Sequence[Inputs]) -> list[torch.Tensor]:
        raise AssertionError("the engine stands in for the network")

    inputs = vision_values = None  # type: ignore[assignment]


ECHO = Model(
    recipe=EchoRecipe(),
    network=torch.nn.Module(),  # type: ignore[arg-type]
    checkpoint=Checkpoint("echo", Path(), None, {}),
    dtype=torch.float32,
    device=torch.device("cpu"),
)


def echo(_: Model, images: Sequence[Prepared], *__: object) -> list[list[Generation]]:
    return [[Generation(prompt, 0.5, 0.25) for prompt in image.prompts] for image in images]


@pytest.fixture
def questions(tmp_path: Path) -> list[Question]:
    """Three questions about each of five images, image by image in turn."""
    for number in range(5):
        Image.new("RGB", (4, 4)).save(tmp_path / f"{number}.png")
    return [
        Question(f"{image}.png", f"question {number} about {image}", "")
        for number in range(3)
        for image in range(5)
    ]


def echoing(**changes: Any) -> TransformersAsker:
    how = {"engine": "shared", "batch_size": "2", "workers": "0", "max_new_tokens": 5, **changes}
    return TransformersAsker(ECHO, **how)  # type: ignore[arg-type]


def in_order(questions: Sequence[Question], folder: Path) -> list[AskedImage]:
    images = {question.image: folder / question.image for question in questions}
    return echoing().order_images(group_by_image(questions, images))


def ask(questions: Sequence[Question], folder: Path, **changes: Any) -> dict[Question, Answer]:
    """All answers, in the order in which they come."""
    found = echoing(**changes).ask(in_order(questions, folder))
    return {answer.question: answer for answers in found for answer in answers}


def refusing(most: int, how: Exception, sizes: list[int]) -> Any:
    """An engine whose allocator refuses batches of more images than `most`; notes each batch's size."""

    def generate(model: Model, images: Sequence[Prepared], *rest: object) -> list[list[Generation]]:
        sizes.append(len(images))
        if len(images) > most:
            raise how
        return echo(model, images, *rest)

    return generate


def no_memory_on_a_cpu() -> RuntimeError:
    """What torch raises here for want of memory, had by asking for more than there is."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60)
    return caught.value


@pytest.mark.parametrize("batch_size", ["1", "2", "5", "100", "auto"])
def test_each_question_gets_its_own_answer(
    questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_size: str
) -> None:
    monkeypatch.setattr(batches, "ENGINES", {"shared": echo})
    answers = ask(questions, tmp_path, batch_size=batch_size)
    assert set(answers) == set(questions)
    for question, answer in answers.items():
        assert answer.response == question.text
        assert (answer.n_tokens, answer.p_yes, answer.p_no) == (len(question.text), 0.5, 0.25)


def test_an_images_questions_come_together_whatever_their_order(
    questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers: list[list[int]] = []

    def counting(model: Model, images: Sequence[Prepared], *rest: object) -> list[list[Generation]]:
        numbers.append([len(image.prompts) for image in images])
        return echo(model, images, *rest)

    monkeypatch.setattr(batches, "ENGINES", {"shared": counting})
    ask(questions, tmp_path)
    assert numbers == [[3, 3], [3, 3], [3]]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_was_answered_before_a_broken_image_is_handed_over(
    questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setattr(batches, "ENGINES", {"shared": echo})
    whole = (tmp_path / "3.png").read_bytes()
    (tmp_path / "3.png").write_bytes(whole[:45])  # its head is whole
    asked = echoing(workers=workers).ask(in_order(questions, tmp_path))
    assert {answer.question.image for answer in next(asked)} == {"0.png", "1.png"}
    with pytest.raises(
        RepopeError, match=r"3\.png: is damaged or cut short \([^\n]*\); replace the file"
    ) as caught:
        next(asked)
    assert "\n" not in str(caught.value)
    (tmp_path / "3.png").write_bytes(whole)
    assert set(ask(questions, tmp_path, workers=workers)) == set(questions)


def test_what_is_no_image_is_refused_before_the_first_question(
    questions: list[Question], tmp_path: Path
) -> None:
    (tmp_path / "3.png").write_bytes(b"no image")
    place = f"{tmp_path / '3.png'}: "
    with pytest.raises(RepopeError, match=f"^{place}is no image"):  # the path stands there once
        in_order(questions, tmp_path)
    Image.new("RGB", (1, 9)).save(tmp_path / "3.png")
    with pytest.raises(RepopeError, match=f"^{place}1 pixel is too thin"):
        in_order(questions, tmp_path)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_out_of_memory_halves_the_batch_and_goes_on(
    questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    sizes: list[int] = []
    how = torch.OutOfMemoryError("no memory")
    monkeypatch.setattr(batches, "ENGINES", {"shared": refusing(most, how, sizes)})
    answers = ask(questions, tmp_path, batch_size="4")
    assert set(answers) == set(questions)
    assert all(answer.response == question.text for question, answer in answers.items())
    assert sizes == {1: [4, 2, 1, 1, 1, 1, 1], 2: [4, 2, 2, 1], 3: [4, 2, 2, 1]}[most]


@pytest.mark.parametrize(
    "how",
    [
        no_memory_on_a_cpu(),
        MemoryError(),
        RuntimeError("could not create a primitive"),  # oneDNN, which was seen to say no more
        RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB, max allowed: 9.07 GB)"),
        RuntimeError("Invalid buffer size: 9.00 GB"),
        torch.AcceleratorError("CUDA error: out of memory\nCUDA kernel errors might be reported later"),
        torch.AcceleratorError("HIP error: out of memory"),
        RuntimeError("CUDA driver error: out of memory"),
        RuntimeError("Triton Error [CUDA]: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("GET was unable to find an engine to execute this computation"),
        RuntimeError("FIND was unable to find an engine to execute this computation"),
    ],
    ids=str,
)
def test_whatever_says_that_memory_ended_halves_the_batch(
    questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: Exception
) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(batches, "ENGINES", {"shared": refusing(2, how, sizes)})
    assert set(ask(questions, tmp_path, batch_size="4")) == set(questions)
    assert sizes == [4, 2, 2, 1]


def test_out_of_memory_with_a_single_image_says_what_to_do(
    questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    how = torch.OutOfMemoryError("no memory")
    monkeypatch.setattr(batches, "ENGINES", {"shared": refusing(0, how, sizes)})
    with pytest.raises(
        RepopeError,
        match=r"out of memory with a single image .*device_map=auto; .*quantization=nf4 .*max_tiles=6",
    ):
        ask(questions, tmp_path, batch_size="5")
    assert sizes == [5, 2, 1]


@pytest.mark.parametrize(
    "how", [RuntimeError("shapes differ"), torch.AcceleratorError("CUDA error: device-side assert triggered")]
)
def test_another_runtime_error_is_not_taken_for_want_of_memory(
    questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: RuntimeError
) -> None:
    monkeypatch.setattr(batches, "ENGINES", {"shared": refusing(0, how, [])})
    with pytest.raises(RuntimeError, match=str(how)):
        ask(questions, tmp_path)


def test_images_of_the_longest_prompts_are_first_and_equals_stay_in_order(
    questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ENGINES", {"shared": echo})
    Image.new("RGB", (4, 8)).save(tmp_path / "2.png")
    Image.new("RGB", (2, 2)).save(tmp_path / "0.png")
    order = list(dict.fromkeys(question.image for question in ask(questions, tmp_path)))
    assert order == ["2.png", "1.png", "3.png", "4.png", "0.png"]


def test_closing_it_between_batches_ends_the_workers(
    questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ENGINES", {"shared": echo})
    asked = echoing(workers="2").ask(in_order(questions, tmp_path))
    assert len(next(asked)) == 6
    assert len(multiprocessing.active_children()) == 2
    asked.close()
    assert not multiprocessing.active_children()


def test_the_facts_are_those_of_the_run(
    questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ENGINES", {"shared": echo})
    asked = echoing(workers="2")
    assert sum(map(len, asked.ask(in_order(questions, tmp_path)))) == 15
    facts = asked.facts()
    assert (facts["engine"], facts["batch_size"], facts["workers"]) == ("shared", 2, 2)
    assert facts["attention"] == "sdpa"
    assert facts["seconds_waited_for_images"] > 0
    assert facts["first_tokens"] == {"yes": {"Yes": 1}, "no": {"no": 2}}


def test_a_killed_worker_is_one_line(
    questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ENGINES", {"shared": echo})
    monkeypatch.setattr(EchoRecipe, "prepare", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(RepopeError, match=r"a process that prepares images ended .*workers=0") as caught:
        ask(questions, tmp_path, workers="1")
    assert "\n" not in str(caught.value)


def test_a_worker_that_is_killed_while_the_model_computes_is_one_line(
    questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Torch raises its error wherever the program is when the signal comes."""
    gone = RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that")
    monkeypatch.setattr(batches, "ENGINES", {"shared": refusing(0, gone, [])})
    with pytest.raises(RepopeError, match=r"a process that prepares images ended \(.*Bus error.*shm-size"):
        ask(questions, tmp_path, workers="1")


@pytest.mark.parametrize(
    "text",
    [
        "Caught AcceleratorError in pin memory thread for device 0.\nCUDA error: invalid device ordinal",
        "Too many open files. Communication with the workers is no longer possible.",
    ],
)
def test_no_other_error_of_the_loader_is_taken_for_a_worker_that_ended(
    questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Memory would mend none of them."""

    def fail(*_: object) -> None:
        raise RuntimeError(text)

    monkeypatch.setattr(loader, "islice", fail)
    monkeypatch.setattr(batches, "ENGINES", {"shared": echo})
    with pytest.raises(RuntimeError) as caught:
        ask(questions, tmp_path)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("cores", "programs", "images", "workers"),
    [
        (16, 1, 500, 15),  # one is left to the loop
        (64, 4, 500, 15),  # of each of four programs
        (128, 1, 500, 32),  # as many as images may be ahead
        (16, 1, 3, 3),
        (1, 1, 500, 1),
        (4, 8, 500, 1),
    ],
)
def test_workers_beside_a_gpu_are_as_many_as_there_are_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, programs: int, images: int, workers: int
) -> None:
    monkeypatch.setattr(loader, "usable_cores", lambda: cores)
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    assert loader._count_workers("auto", gpu, images, programs) == workers
    assert loader._count_workers("auto", cpu, images, programs) == 0
    assert loader._count_workers("2", gpu, images, programs) == 2
