"""Which runs of captions are audited together, and which are left out with the reason."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from repope_eval.captions.truth import CaptionTruth
from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question
from repope_eval.runs import caption_runs
from repope_eval.runs.caption_runs import CaptionRuns, audited_runs
from repope_eval.runs.finished_runs import FinishedRun
from repope_eval.settings.command_settings import AuditSettings
from repope_eval.settings.config import BenchSettings

FIRST, SECOND, THIRD = (f"COCO_val2014_{number:012d}.jpg" for number in (42, 73, 99))


def run_of(
    folder: str, images: Sequence[str], relabels: str | None = None, withheld: Mapping[str, str] | None = None
) -> FinishedRun:
    questions = [Question(image, "Describe this image.", "") for image in images]
    return FinishedRun(
        path=Path(folder),
        folder=folder,
        manifest={},
        model=folder,
        bench=BenchSettings(name="chair", source="chair", variants=("describe",), relabels=relabels),
        hashes={},
        data_dir=None,
        status="complete",
        answers={question: Answer(question, "A dog.") for question in questions},
        limit=None,
        facts={},
        withheld=withheld or {},
    )


@pytest.fixture
def audited(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Audits runs of captions where the truth of the images 42, 73 and 99 is known."""
    asked: list[FinishedRun] = []

    def truth_of(run: FinishedRun, _: Path, images: Iterable[str]) -> CaptionTruth:
        asked.append(run)
        known = {FIRST, SECOND, THIRD}
        return CaptionTruth({image: frozenset() for image in images if image in known})

    def choose(*runs: FinishedRun, **bench: Any) -> CaptionRuns:
        monkeypatch.setattr(caption_runs, "runs_in", lambda *_: (list(runs), []))
        settings = AuditSettings(bench=BenchSettings(name="chair", source="chair", variants=(), **bench))
        found = audited_runs(settings, lambda _: {})
        assert isinstance(found, CaptionRuns)
        return found

    choose.asked = asked  # type: ignore[attr-defined]
    monkeypatch.setattr(caption_runs, "truth_of", truth_of)
    return choose


def test_runs_need_not_describe_the_same_images(audited: Any) -> None:
    found = audited(run_of("a", [FIRST, SECOND]), run_of("b", [THIRD]))
    assert [run.folder for run in found.runs] == ["a", "b"]
    assert list(found.truth.objects) == [FIRST, SECOND, THIRD]


def test_runs_of_images_that_coco_has_not_annotated_are_left_out(audited: Any) -> None:
    found = audited(run_of("a", [FIRST]), run_of("b", [SECOND, "mine.jpg"]), run_of("c", []))
    assert [run.folder for run in found.runs] == ["a"]
    assert {each.folder: each.reason for each in found.left_out} == {
        "b": "describes 1 image without an annotation",
        "c": "has no captions yet",
    }


def test_where_no_run_is_left_the_reasons_are_told(audited: Any) -> None:
    with pytest.raises(RepopeError, match=r"no run in it can be audited\n  b: describes 1 image without"):
        audited(run_of("b", ["mine.jpg"]))


def test_only_images_of_a_list_are_asked_about(audited: Any, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("73")
    found = audited(run_of("a", [FIRST, SECOND]), image_list=str(tmp_path / "list.txt"))
    assert list(found.truth.objects) == [SECOND]


def test_the_labels_that_a_run_was_scored_by_count(audited: Any) -> None:
    audited(run_of("a", [FIRST]), run_of("b", [FIRST], relabels="labels.jsonl"))
    assert audited.asked[0].bench.relabels == "labels.jsonl"


def test_labels_that_somebodys_run_names_are_not_passed_over(audited: Any) -> None:
    """Whoever reads the run has to name them, which `truth_of` says of a run that they are withheld of."""
    audited(
        run_of("a", [FIRST]), run_of("b", [FIRST], withheld={"relabels": "theirs.jsonl", "data_dir": "x"})
    )
    assert "relabels" in audited.asked[0].withheld
    audited(run_of("b", [FIRST], withheld={"relabels": "theirs.jsonl"}), relabels="mine.jsonl")
    assert (audited.asked[1].bench.relabels, dict(audited.asked[1].withheld)) == ("mine.jsonl", {})


def test_of_several_files_of_labels_the_user_says_which_count(audited: Any) -> None:
    runs = run_of("a", [FIRST], relabels="a.jsonl"), run_of("b", [FIRST], relabels="b.jsonl")
    with pytest.raises(
        RepopeError, match=r"people's labels in a\.jsonl and in b\.jsonl; give bench\.relabels"
    ):
        audited(*runs)
    audited(*runs, relabels="b.jsonl")
    assert audited.asked[0].bench.relabels == "b.jsonl"
