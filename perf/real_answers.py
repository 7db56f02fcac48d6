"""Real answers to POPE with RePOPE's labels beside them, for programs that measure what finds wrong labels."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.foreign_answers.formats import join_files
from repope_eval.foreign_answers.rows import USUAL_COLUMNS, question_texts
from repope_eval.records import Answer, Question
from repope_eval.relabelling.findings import Finding
from repope_eval.scoring.protocols import PROTOCOLS, remembering
from repope_eval.settings.config import BenchSettings
from repope_eval.system.rows import read_row_file


@dataclass(frozen=True)
class RealAnswers:
    """POPE's three variants, and several models' answers."""

    benchmark: Benchmark
    answers: Mapping[str, Mapping[Question, Answer]]

    @property
    def old(self) -> dict[Question, bool]:
        """POPE's labels of all distinct questions."""
        return self.benchmark.label_sets[0].distinct

    @property
    def true(self) -> dict[Question, bool]:
        """RePOPE's labels, without the ambiguous questions."""
        return self.benchmark.label_sets[1].distinct

    @property
    def findings(self) -> dict[Question, Finding]:
        """RePOPE's labels of all distinct questions, as people who settled each of them would have found."""
        words: Mapping[bool | None, Finding] = {True: "yes", False: "no", None: "ambiguous"}
        true = self.true
        return {question: words[true.get(question)] for question in self.old}

    def says_yes(self) -> dict[str, dict[Question, float]]:
        """What each model says, of the questions that it answers with yes or no."""
        read = remembering(PROTOCOLS["repope"]).read
        return {
            model: {
                question: float(reading)
                for question, answer in of_model.items()
                if (reading := read(answer.response)) is not None
            }
            for model, of_model in self.answers.items()
        }


def parser(description: str) -> argparse.ArgumentParser:
    """The options that say where the files are."""
    found = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument(
        "--data", type=Path, required=True, help="data_dir with POPE's and RePOPE's annotations"
    )
    found.add_argument("--answers", type=Path, nargs="+", required=True, help="answer files, one a model")
    found.add_argument("--questions", type=Path, help="the question file that ids in the answers lead to")
    return found


def read(
    data: Path, answers: Sequence[Path], questions: Path | None, parts: Sequence[Path] = ()
) -> RealAnswers:
    """The benchmark, and the answers of each file, by the file's name.

    Args:
        data: data_dir with the annotations of POPE and of RePOPE.
        answers: the files of models that were asked all variants.
        questions: the question file that ids in `answers` lead to.
        parts: files of one variant, named after it, whose ids lead to POPE's file of the variant.
    """
    bench = BenchSettings(name="repope", source="coco", variants=POPE_VARIANTS)
    benchmark = load_benchmark(bench, data)
    of_variant = {
        path: data / "annotations" / f"coco_pope_{variant}.json"
        for path in parts
        for variant in POPE_VARIANTS
        if f"_{variant}_" in path.name
    }
    found = {}
    for path in (*answers, *parts):
        source = of_variant[path] if path in parts else questions
        texts = None if source is None else question_texts(read_row_file(source).rows, str(source))
        joined, _ = join_files([(read_row_file(path), texts)], USUAL_COLUMNS, benchmark)
        found[path.stem] = joined.answers
    return RealAnswers(benchmark, found)
