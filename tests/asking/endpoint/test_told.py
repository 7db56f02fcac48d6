"""What is told of a server's run that fails, is limited, or whose answers cannot be read."""

import dataclasses
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_server import ChatServer, error, reply_to
from endpoint_runs import settings_of
from exported_runs import exported

from repope_eval import pipeline
from repope_eval.cluster.sweep_plan import read_sweep, unfinished_runs
from repope_eval.commands.status import print_states
from repope_eval.errors import RepopeError
from repope_eval.leaderboard.report import report
from repope_eval.pipeline import run
from repope_eval.runs.finished_runs import read_runs
from repope_eval.runs.folder import close_log
from repope_eval.settings.config import ReportSettings, RunSettings


@pytest.fixture
def settings(chat: ChatServer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[RunSettings]:
    caplog.set_level(logging.INFO)
    yield dataclasses.replace(settings_of(chat), limit=3, out=str(tmp_path / "runs" / "seer"))
    close_log()


def test_status_and_report_tell_a_failed_run_in_the_same_words(
    chat: ChatServer,
    settings: RunSettings,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    chat.failing(*[error(400, "no square images")] * 4)
    with pytest.raises(RepopeError) as caught:
        run(settings, "the command")
    caplog.clear()
    runs = tmp_path / "runs"
    print_states(read_sweep(runs))
    told = f"seer failed: {caught.value}"
    assert told in capsys.readouterr().out
    board = report(ReportSettings(runs=str(runs), out=str(tmp_path / "board")), "report")
    (unranked,) = board.unranked
    assert unranked.reason == f"failed: {caught.value}; type its command again to go on"
    assert f"not ranked: seer: {unranked.reason}" in caplog.messages
    with pytest.raises(RepopeError, match=r"run=.*seer: failed: 4 of .* go on, and export it then"):
        exported("model_card", runs / "seer")


def test_one_that_failed_before_its_first_answer_is_left_out_in_the_words_of_status(
    chat: ChatServer, settings: RunSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "leaves_failures", lambda: True)  # as that of a sweep
    chat.failing(*[error(401, "key expired")] * 8)  # one under way beside the first is refused, too
    with pytest.raises(RepopeError) as caught:
        run(settings, "the command")
    _, (left_out,) = read_runs(tmp_path / "runs", unfinished_runs)
    assert left_out.reason == f"failed: {caught.value}; type its command again to go on"


def test_unread_answers_are_told_last_and_leave_no_f1(
    chat: ChatServer, settings: RunSettings, caplog: pytest.LogCaptureFixture
) -> None:
    chat.respond = lambda asked: reply_to(asked, message={"content": "A drawing."})
    run(settings, "the command")
    *_, limited, unread, results = caplog.messages
    assert limited == "limit=3: the scores are about the first 3 of 100 images"
    assert unread.endswith(
        "no figure counts them. They begin with 'A drawing.': try another protocol=, model.question_suffix="
        "'\\nAnswer yes or no.', or a larger model.max_new_tokens (with another out=)."
    )
    assert results.startswith("results are in ")
    out = Path(settings.out)
    page = (out / "report.html").read_text()
    assert "They begin with &#39;A drawing.&#39;" in page
    assert "3 of 100 images; none of " in page
    assert json.loads((out / "scores.json").read_text())["scores"]["pope"]["mean"]["f1"] is None
    (card,) = exported("model_card", out).values()
    assert "No figure tells anything of the model: none of the answers is a yes or a no" in str(card)
    assert "'A drawing.'" in str(card)
    with pytest.raises(RepopeError, match=r"undefined everywhere \(none of the answers is a yes or a no by"):
        exported("eval_results", out, dataset="of/mine")
    caplog.clear()
    run(settings, "the command")
    assert caplog.messages[-3:] == [limited, unread, results]
