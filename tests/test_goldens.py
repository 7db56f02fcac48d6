"""The goldens through the command line: every response is the original's.

One of each family is asked by both engines. The sequential engine encodes an image for each question, which takes
most of the time, and of the other goldens inference/test_engines.py asks it a part.
"""

import json
from pathlib import Path

import pytest
from conftest import CommandLine
from golden import GOLDENS, ONE_OF_EACH_FAMILY, read_golden


@pytest.mark.parametrize("name", GOLDENS)
def test_all_responses_are_the_originals(
    command_line: CommandLine, goldens: Path, tmp_path: Path, name: str
) -> None:
    golden = read_golden(goldens / name)
    engines = ("shared", "sequential") if name in ONE_OF_EACH_FAMILY else ("shared",)
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
            for number, case in enumerate(golden.cases)
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
        f"engine={','.join(engines)}",
        "verify=0",
        f"out={tmp_path}/${{engine}}",
    )
    assert result.returncode == 0, result.stderr
    for engine in engines:
        lines = [json.loads(line) for line in (tmp_path / engine / "answers.jsonl").read_text().splitlines()]
        said = {(line["image"], line["question"]): (line["response"], line["n_tokens"]) for line in lines}
        assert len(lines) == len(said) == 32
        assert said == {
            (f"{case.image}.png", case.question): (case.response, len(case.generated_ids))
            for case in golden.cases
        }
        assert json.loads((tmp_path / engine / "manifest.json").read_text())["settings"]["engine"] == engine
