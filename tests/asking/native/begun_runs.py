"""A run that has asked about some of its pictures, and all that its answers belong to."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from repope_eval.errors import RepopeError
from repope_eval.pipeline import run
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import BenchSettings, RunSettings

PER_IMAGE = 8
"""Questions about each of the four photographs."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with a checkpoint, pictures, questions with labels of two sets, and a run folder."""

    path: Path

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint"

    @property
    def images(self) -> Path:
        return self.path / "images"

    @property
    def out(self) -> Path:
        return self.path / "run"

    @property
    def bench(self) -> BenchSettings:
        return BenchSettings(
            name="mine",
            source="custom",
            variants=("custom",),
            questions=str(self.path / "questions.jsonl"),
            relabels=str(self.path / "relabels.jsonl"),
            images=str(self.images),
        )

    @property
    def answers(self) -> list[str]:
        return (self.out / "answers.jsonl").read_text().splitlines()

    @property
    def manifest(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self.out / "manifest.json").read_text())
        return read

    def forget(self, *keys: str) -> None:
        """Makes the manifest one of a version that noted less."""
        kept = {key: value for key, value in self.manifest.items() if key not in keys}
        (self.out / "manifest.json").write_text(json.dumps(kept))

    def start(
        self,
        checkpoint: Path | str | None = None,
        bench: dict[str, Any] | None = None,
        adapter: Path | str | None = None,
        **changes: Any,
    ) -> None:
        """Starts a run, or goes on with it."""
        model = dataclasses.replace(
            model_settings("ovis2_1b"),
            checkpoint=str(checkpoint or self.checkpoint),
            adapter=None if adapter is None else str(adapter),
            dtype="float32",
            max_new_tokens=3,
            max_tiles=1,
        )
        settings = RunSettings(
            model=model,
            bench=dataclasses.replace(self.bench, **(bench or {})),
            device="cpu",
            batch_size="2",
            verify=0,
            out=str(self.out),
        )
        run(dataclasses.replace(settings, **changes), "the command")

    def refusal(self, **how: Any) -> str:
        """What a start is refused with, which leaves the answers as they are."""
        before = self.answers
        with pytest.raises(RepopeError) as caught:
            self.start(**how)
        assert self.answers == before
        assert "\n" not in str(caught.value)
        return str(caught.value)
