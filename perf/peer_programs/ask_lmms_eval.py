"""Asks by lmms-eval: a task over local files, asked by its model `llava_hf`, with a clock on the generating."""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lmms_eval.__main__ import cli_evaluate
from lmms_eval.models.chat.llava_hf import LlavaHf
from peer_job import Job, Stopwatch, read_job, write_report

TASK = "drawn_pope"
"""The name of the task."""
FUNCTIONS = Path(__file__).with_name("lmms_eval_task.py")
"""The task's module, which has to lie beside its file."""


def main() -> None:
    job = read_job()
    folder = Path(job.folder)
    _write_task(job, folder)
    stopwatch = Stopwatch()
    responses: list[str] = []
    generate = LlavaHf.generate_until

    def clocked(self: Any, requests: Sequence[Any]) -> Any:
        with stopwatch.running():
            results = generate(self, requests)
        numbers = [request.args[3] for request in requests]
        responses.extend(text for _, text in sorted(zip(numbers, map(_text, results), strict=True)))
        return results

    LlavaHf.generate_until = clocked
    sys.argv = ["lmms_eval", *_words(job, folder)]
    cli_evaluate()
    write_report(job, job.asks, responses, stopwatch, ("lmms_eval", "transformers", "torch"))


def _text(result: Any) -> str:
    return str(getattr(result, "text", result))


def _write_task(job: Job, folder: Path) -> None:
    """Writes the questions, and a task that asks them as lmms-eval's own POPE does."""
    rows = [{"image": ask.image, "question": ask.question, "answer": "yes"} for ask in job.asks]
    questions = folder / "questions.jsonl"
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    shutil.copy(FUNCTIONS, folder)
    (folder / f"{TASK}.yaml").write_text(
        f"""
task: {TASK}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {json.dumps(str(questions))}}}}}
test_split: test
output_type: generate_until
doc_to_messages: !function lmms_eval_task.messages
doc_to_visual: !function lmms_eval_task.visuals
doc_to_text: "{{{{question}}}}"
doc_to_target: answer
process_results: !function lmms_eval_task.scores
generation_kwargs: {{max_new_tokens: {job.max_new_tokens}, temperature: 0, num_beams: 1, do_sample: false}}
metric_list: [{{metric: right, aggregation: mean, higher_is_better: true}}]
""",
        encoding="utf-8",
    )


def _words(job: Job, folder: Path) -> list[str]:
    model = f"pretrained={job.checkpoint},device_map={job.device},dtype=float32"
    return [
        *("--model", "llava_hf", "--model_args", model, "--tasks", TASK, "--include_path", str(folder)),
        *("--batch_size", "1", "--device", job.device, "--output_path", str(folder / "results")),
        "--log_samples",
    ]


if __name__ == "__main__":
    main()
