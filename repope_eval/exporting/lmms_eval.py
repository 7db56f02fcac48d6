"""The samples file that lmms-eval writes with `--log_samples`, which its tools and `score` read.

A document is a row of lmms-lab/POPE: the variants adversarial, popular, random one after the other, `doc_id` its index.
Its label is that of the first label set, which lmms-eval's own task has.
"""

import json
import logging
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.exporting.files import Files
from repope_eval.exporting.scored_run import ScoredRun, asked_benchmark
from repope_eval.records import Question, Variant
from repope_eval.runs.finished_runs import FIRST_DRAW, scored_answers
from repope_eval.scoring.protocols import read_lmms_eval
from repope_eval.settings.command_settings import ExportSettings
from repope_eval.system.environment import moment

log = logging.getLogger(__name__)

ORDER = ("adversarial", "popular", "random")
"""The order of POPE's variants in lmms-lab/POPE; other variants keep their own."""

METRICS = ("accuracy", "precision", "recall", "f1_score", "yes_ratio")
"""What the task `pope` computes from each sample, after `pope_`; the task has the label set's name."""


def files(run: ScoredRun, settings: ExportSettings) -> Files:
    """The file, named as lmms-eval names it: the time of the run, then the task.

    Raises:
        RepopeError: the benchmark's files, which have the order of the questions, cannot be found or are others.
    """
    benchmark = asked_benchmark(run)
    if run.finished_run.n_draws > 1:
        log.warning(
            "%s %s: the form has one answer to a question",
            run.folder,
            FIRST_DRAW.format(run.finished_run.n_draws),
        )
    lines = (json.dumps(sample) for sample in _samples(run, benchmark))
    began = (run.asking and run.asking.began) or run.finished
    date = f"{moment(began):%Y%m%d_%H%M%S}_" if began else ""
    return {f"{date}samples_{benchmark.label_sets[0].name}.jsonl": "".join(f"{line}\n" for line in lines)}


def _samples(run: ScoredRun, benchmark: Benchmark) -> Iterator[dict[str, Any]]:
    """A sample for each question of each variant whose answer was scored; the others leave their index out."""
    labels, answers = benchmark.label_sets[0], scored_answers(run.finished_run, benchmark)
    for index, (variant, question_id, question) in enumerate(_documents(benchmark)):
        answer = answers.get(question)
        label = labels.variants[variant].get(question)
        if answer is None or label is None:
            continue
        word = "yes" if label else "no"
        read = read_lmms_eval(answer.response)
        scored = {
            "question_id": str(question_id),
            "score": float(read == label),
            "prediction": answer.response.lower().strip(),
            "ground_truth": word,
        }
        yield {
            "doc_id": index,
            "doc": {
                "question_id": str(question_id),
                "question": question.text,
                "answer": word,
                "image_source": _image_source(run, question),
                "category": variant,
            },
            "input": question.text,
            "target": word,
            "resps": [[answer.response]],
            "filtered_resps": [answer.response],
            **{f"{labels.name}_{metric}": scored for metric in METRICS},
        }


def _documents(benchmark: Benchmark) -> Iterator[tuple[Variant, int | str, Question]]:
    variants = sorted(benchmark.ids, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
    for variant in variants:
        for question_id, question in benchmark.ids[variant].items():
            yield variant, question_id, question


def _image_source(run: ScoredRun, question: Question) -> str:
    """The image's name; lmms-lab/POPE has COCO's without its extension."""
    return PurePosixPath(question.image).stem if run.finished_run.bench.source == "coco" else question.image
