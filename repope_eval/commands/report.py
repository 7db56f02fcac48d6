"""`python -m repope_eval report`: the leaderboard, figures and tables of many runs."""

from repope_eval.leaderboard.report import report
from repope_eval.settings.config import ReportSettings


def execute(settings: ReportSettings, command: str) -> None:
    """Finds, reads, ranks, writes and shows."""
    report(settings, command)
