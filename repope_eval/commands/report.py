"""`python -m repope_eval report`: the leaderboard, figures and tables of many runs."""

from repope_eval.leaderboard.report import report
from repope_eval.settings.config import ReportSettings
from repope_eval.system.hub import network_off


@network_off()
def execute(settings: ReportSettings, command: str) -> None:
    """Finds and reads runs, ranks them, and writes and prints the leaderboard."""
    report(settings, command)
