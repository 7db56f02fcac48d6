"""Captions that programs wrote, as answers to the prompts of a benchmark that asks for descriptions."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.captions.caption_files import CAPTION_FIELDS, CaptionRow, read_caption_rows
from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.joining import Joined
from repope_eval.foreign_answers.rows import AnswerRow
from repope_eval.records import Answer, Question
from repope_eval.scoring.protocols import answer_in, is_thought_alone
from repope_eval.settings.config import BenchSettings
from repope_eval.wording import counted, shown

UNKNOWN_PROMPT = "a prompt that is not known"
"""What stands in the place of the prompt where a file does not say what was asked."""


def caption_bench(bench: BenchSettings, answers: Sequence[Path]) -> BenchSettings:
    """A benchmark's settings with the images and the prompt of a file of captions, where these are not given.

    Raises:
        RepopeError: the file cannot be read; several files are given, and no image list; the rows have several prompts.
    """
    if bench.image_list is None and len(answers) > 1:
        raise RepopeError(
            f"answers: {len(answers)} files of captions; name the images that they are about with bench.image_list=FILE"
        )
    prompts = {row.prompt for path in answers for row in read_caption_rows(path)}
    if bench.prompt is None and len(prompts) > 1:
        first, second = sorted(prompts)[:2]
        raise RepopeError(
            f"{answers[0]}: captions to {len(prompts)} prompts, such as {shown(first)} and {shown(second)}; score each "
            "prompt's by itself"
        )
    image_list = str(answers[0]) if bench.image_list is None else bench.image_list
    prompt = (next(iter(prompts)) or UNKNOWN_PROMPT) if bench.prompt is None else bench.prompt
    return replace(bench, image_list=image_list, prompt=prompt)


def join_captions(answers: Sequence[Path], benchmark: Benchmark) -> Joined:
    """The captions in files, joined to the benchmark's prompts by their images.

    Raises:
        RepopeError: a row has no caption or an empty one, an image has two, or none is of the benchmark's images.
    """
    questions = {question.image: question for question in benchmark.questions}
    found: dict[Question, Answer] = {}
    unjoined, n_rows, n_thoughts, n_cut = [], 0, 0, 0
    for path in answers:
        for row in read_caption_rows(path):
            n_rows += 1
            caption = _caption_of(row, path)
            question = questions.get(row.image)
            if question is None:
                unjoined.append(AnswerRow(n_rows, caption, image=row.image, text=row.image))
                continue
            if question in found:
                raise RepopeError(
                    f"{path}, {row.place}: a second caption of {row.image}; a model has one for each image, so score "
                    "each prompt's, or each draw's, by itself"
                )
            text = answer_in(caption)
            n_thoughts += text != caption
            n_cut += is_thought_alone(caption)
            found[question] = Answer(question, text)
    if not found:
        raise RepopeError(
            f"{answers[0]}: none of {counted(n_rows, 'caption')} is of an image of this benchmark; leave "
            "bench.image_list out to score all of them"
        )
    return Joined(found, n_rows, tuple(unjoined), 0, None, 0, n_thoughts, n_cut)


def _caption_of(row: CaptionRow, path: Path) -> str:
    if row.caption is None:
        raise RepopeError(
            f"{path}, {row.place}: has no caption; its field may be called {' or '.join(CAPTION_FIELDS[:3])}"
        )
    if not row.caption.strip():
        raise RepopeError(
            f"{path}, {row.place}: the caption is empty; remove the row if the model gave none, and the image counts "
            "as not described"
        )
    return row.caption
