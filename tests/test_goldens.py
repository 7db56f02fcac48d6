"""The goldens through the command line: every response is the original's.

Some are asked by both engines. The sequential engine encodes an image for each question, which takes most of the time,
and of the other goldens inference/test_engines.py asks it a part; on a GPU, `make gpu` asks it all.
"""

import json
from pathlib import Path

import pytest
from conftest import CommandLine
from golden import GOLDENS, read_golden

BY_BOTH_ENGINES = ("ovis2", "llava_next_mistral", "paligemma2")


@pytest.mark.parametrize("name", GOLDENS)
def test_all_responses_are_the_originals(
    command_line: CommandLine, goldens: Path, tmp_path: Path, name: str
) -> None:
    golden = read_golden(goldens / name)
    engines = ("shared", "sequential") if name in BY_BOTH_ENGINES else ("shared",)
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
