"""What can be set of the commands that audit a benchmark's labels; see `config` for its form."""

from dataclasses import dataclass

from repope_eval.settings.config import DEFAULT_PROTOCOL, FILES_NOW, OF_ANY_BENCH, BenchSettings, Protocol
from repope_eval.settings.declaration import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """Says which labels people should look at first, by what several models answered."""

    runs: str = setting("folder that run folders lie in, at any depth", "runs")
    bench: BenchSettings = setting(
        f"benchmark whose labels are audited; null: that of most runs; {FILES_NOW}",
        OF_ANY_BENCH,
        is_partial=True,
    )
    budget: int = setting("number of the most doubtful questions, all of which are looked at", 500, minimum=0)
    sample: int = setting(
        "number of others that are drawn at random, so that scores can be estimated", 200, minimum=0
    )
    seed: int = setting("of the drawing", 0, minimum=0)
    protocol: Protocol = setting("how yes or no is read from an answer", DEFAULT_PROTOCOL)
    data_dir: str | None = setting("where data lies or goes; null: where the runs had it", None)
    out: str = setting("folder for queue.jsonl", "audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateSettings:
    """Estimates scores under corrected labels, from the part that people looked at."""

    runs: str = setting("folder that run folders lie in, at any depth", "runs")
    bench: BenchSettings = setting(
        f"benchmark that is estimated, by its name; null: that of most runs; {FILES_NOW}",
        OF_ANY_BENCH,
        is_partial=True,
    )
    labels: str = setting("what people found: an annotator's file, or what relabel wrote")
    queue: str = setting("the queue.jsonl that audit wrote")
    protocol: Protocol = setting("how yes or no is read from an answer", DEFAULT_PROTOCOL)
    data_dir: str | None = setting("where data lies or goes; null: where the runs had it", None)
    out: str = setting("folder for estimates.json and estimates.html", "estimates")
