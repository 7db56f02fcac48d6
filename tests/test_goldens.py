"""A golden through the command line, a sweep over both engines: every response is the original's.

All goldens are asked by both in inference/test_same_answers.py, without the command line and what it writes beside.
"""

import json
from pathlib import Path

import pytest
from conftest import CommandLine

from perf.golden import GOLDENS, read_golden


@pytest.mark.parametrize("name", ["paligemma"])
def test_all_responses_are_the_originals(
    command_line: CommandLine, goldens: Path, tmp_path: Path, name: str
) -> None:
    golden = read_golden(goldens / name)
    cases = golden.cases[::3]
    questions = tmp_path / "questions.jsonl"
    questions.write_text(
        "".join(
            json.dumps(
                {
                    "question_id": number,
                    "image": f"{case.image}.png",
                    "text": case.question,
                    "label": "yes" if number % 2 else "no",
                }
            )
            + "\n"
            for number, case in enumerate(cases)
        )
    )
    result = command_line(
        "-m",
        f"model={GOLDENS[name].model}",
        f"model.checkpoint={golden.folder}",
        "model.dtype=float32",
        f"model.max_new_tokens={GOLDENS[name].max_new_tokens}",
        "bench=custom",
        f"bench.questions={questions}",
        f"bench.images={goldens / 'images'}",
        "engine=shared,sequential",
        "verify=0",
        f"out={tmp_path}/${{engine}}",
    )
    assert result.returncode == 0, result.stderr
    for engine in ("shared", "sequential"):
        lines = [json.loads(line) for line in (tmp_path / engine / "answers.jsonl").read_text().splitlines()]
        said = {(line["image"], line["question"]): (line["response"], line["n_tokens"]) for line in lines}
        assert len(lines) == len(said) == len(cases)
        assert said == {
            (f"{case.image}.png", case.question): (case.response, len(case.generated_ids)) for case in cases
        }
        assert json.loads((tmp_path / engine / "manifest.json").read_text())["settings"]["engine"] == engine
