"""The forms in which a run is exported.

A new form is a file beside these with a function that makes the files of an export, an entry in `FORMATS`, and its name
in `ExportFormat`.
"""

from collections.abc import Callable, Mapping

from repope_eval.exporting import eval_results, evaluation_card, every_eval_ever, lmms_eval, model_card
from repope_eval.exporting.files import Files
from repope_eval.exporting.scored_run import ScoredRun
from repope_eval.settings.export_command import ExportFormat, ExportSettings

FORMATS: Mapping[ExportFormat, Callable[[ScoredRun, ExportSettings], Files]] = {
    "every_eval_ever": every_eval_ever.files,
    "eval_results": eval_results.files,
    "lmms_eval": lmms_eval.files,
    "model_card": model_card.files,
    "evaluation_card": evaluation_card.files,
}
"""The function that makes each form's files, by the value of `format`."""
