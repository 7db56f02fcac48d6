"""`python -m repope_eval report`: the leaderboard, figures and tables of many runs."""

from repope_eval.downloads.network import without_network
from repope_eval.leaderboard.report import report
from repope_eval.settings.config import ReportSettings


@without_network()
def execute(settings: ReportSettings, command: str) -> None:
    """Finds and reads runs, ranks them, and writes and prints the leaderboard."""
    report(settings, command)
