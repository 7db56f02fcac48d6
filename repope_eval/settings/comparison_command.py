"""What can be set of the command that compares two results; see `config` for its form."""

from dataclasses import dataclass

from repope_eval.settings.config import BenchSettings, Protocol
from repope_eval.settings.declaration import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareSettings:
    """Says where the gap between two results comes from."""

    a: str | tuple[str, ...] = setting(
        "a run folder, or an answer file as score takes it, or several: [A,B,C]"
    )
    b: str | tuple[str, ...] = setting("the other result: a run folder or answer files, too")
    bench: BenchSettings | None = setting(
        "benchmark of answer files; null: that of the run", None, choice=None
    )
    protocol: Protocol | None = setting(
        "how both are read to be compared; null: as both are read, or repope", None
    )
    protocol_a: Protocol | None = setting(
        "how a's own figures are read; null: as the run was, a file by protocol", None
    )
    protocol_b: Protocol | None = setting(
        "how b's own figures are read; null: as the run was, a file by protocol", None
    )
    labels_a: str | None = setting(
        "label set of a's own figures, such as pope or original; null: each by itself", None
    )
    labels_b: str | None = setting(
        "label set of b's own figures, such as repope or corrected; null: each by itself", None
    )
    questions_a: str | tuple[str, ...] | None = setting(
        "what question ids of a's answer file point into: question_id, image, text", None
    )
    questions_b: str | tuple[str, ...] | None = setting(
        "what question ids of b's answer file point into: question_id, image, text", None
    )
    data_dir: str | None = setting("where data lies or goes; null: where the runs had it", None)
    out: str = setting("folder for compare.html and compare.json", "compare")
