"""Evaluates vision-language models for object hallucination on POPE and RePOPE.

The names of `__all__` are for other programs to import; they keep their meaning from one minor version to the next.
Everything else in the package is private and may change in any version. What has a place on the command line has its
contract there: commands, keys and files.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repope_eval.api import evaluate, find_images, load_benchmark, read_answers, score
    from repope_eval.benchmarks.benchmark import Benchmark
    from repope_eval.errors import RepopeError
    from repope_eval.models.recipe import Recipe
    from repope_eval.records import Answer, LabelSet, Question
    from repope_eval.scoring.caption_scores import CaptionScores
    from repope_eval.scoring.scores import Scores

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Benchmark",
    "CaptionScores",
    "LabelSet",
    "Question",
    "Recipe",
    "RepopeError",
    "Scores",
    "evaluate",
    "find_images",
    "load_benchmark",
    "read_answers",
    "score",
]

_HOMES = {
    "Answer": "repope_eval.records",
    "Benchmark": "repope_eval.benchmarks.benchmark",
    "CaptionScores": "repope_eval.scoring.caption_scores",
    "LabelSet": "repope_eval.records",
    "Question": "repope_eval.records",
    "Recipe": "repope_eval.models.recipe",
    "RepopeError": "repope_eval.errors",
    "Scores": "repope_eval.scoring.scores",
    "evaluate": "repope_eval.api",
    "find_images": "repope_eval.api",
    "load_benchmark": "repope_eval.api",
    "read_answers": "repope_eval.api",
    "score": "repope_eval.api",
}
"""Where each name is defined. It is imported when it is first asked for: `Recipe` takes torch, and seconds."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
