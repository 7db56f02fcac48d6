"""What can be set of the command that exports a run; see `config` for its form."""

from dataclasses import dataclass
from typing import Literal

from repope_eval.settings.config import FILES_NOW, OF_ANY_BENCH, BenchSettings
from repope_eval.settings.declaration import setting

ExportFormat = Literal["every_eval_ever", "eval_results", "lmms_eval", "model_card", "evaluation_card"]
Relationship = Literal["first_party", "third_party", "collaborative", "other"]

HUB_ID = r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*"
"""The pattern of a model's or a dataset's id on the Hub."""

_HUB_ID = {
    "pattern": HUB_ID,
    "form": "OWNER/NAME, as on the Hub,",
    "is_public": True,
}
_ADDRESS = {
    "pattern": r"https?://[^\s@]+",
    "form": "an address that begins with https:// or http://, without a password in it,",
    "is_public": True,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """Writes a finished run as cards, leaderboards' entries, or other harnesses' files."""

    run: str = setting("run folder, of a run or of score")
    format: ExportFormat = setting("the form that is written")
    out: str = setting("folder to write, new or empty")
    model_id: str | None = setting(
        "the model on the Hub, OWNER/NAME; null: the run's checkpoint, where it is one", None, **_HUB_ID
    )
    dataset: str | None = setting(
        "eval_results, model_card: Hub dataset of the leaderboard, OWNER/NAME; null: the benchmark's own",
        None,
        **_HUB_ID,
    )
    url: str | None = setting(
        "eval_results, model_card: where readers find the run or its report; null: no link", None, **_ADDRESS
    )
    organization: str = setting("every_eval_ever: who publishes the results", "unknown", is_public=True)
    relationship: Relationship = setting("every_eval_ever: whether these made the model, too", "third_party")
    bench: BenchSettings = setting(
        f"null, or the name of the run's benchmark; {FILES_NOW}", OF_ANY_BENCH, is_partial=True
    )
    data_dir: str | None = setting("where data lies or goes; null: where the run had it", None)
