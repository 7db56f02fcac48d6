"""Every Eval Ever's samples: one for each labelled answer, each a part of the accuracy of its label set and variant."""

import hashlib
from typing import Any

from repope_eval.exporting.labelled_answers import LabelledAnswer, asked_benchmark, labelled_answers
from repope_eval.exporting.names import dataset_title
from repope_eval.exporting.scored_run import ScoredRun
from repope_eval.scoring.protocols import PROTOCOLS, Reading, remembering

Document = dict[str, Any]

_WORDS: dict[Reading, str] = {True: "yes", False: "no"}


def sample_lines(
    run: ScoredRun, data_dir: str | None, schema_version: str, evaluation_id: str, model: str
) -> list[Document]:
    """The samples of all label sets and variants.

    The mean of the scores that have one `evaluation_result_id` is that accuracy. An answer that the protocol counts
    nowhere is a sample without such an id, and with the reason in `error`.

    Args:
        run: the run.
        data_dir: where data lies; None: where the run had it.
        schema_version: the version of the schema.
        evaluation_id: that of the record which the samples belong to.
        model: the model's id.

    Raises:
        RepopeError: the benchmark's files cannot be found or are others.
    """
    benchmark = asked_benchmark(run, data_dir)
    protocol = remembering(PROTOCOLS[run.protocol])
    own = {"schema_version": schema_version, "evaluation_id": evaluation_id, "model_id": model}
    found = []
    # In the scores of an earlier version a table's label sets have other names, which the record has, too.
    names = dict.fromkeys(cell.label_set for cell in run.cells)
    for name, label_set in zip(names, benchmark.label_sets, strict=False):
        title = dataset_title(run.found.bench, name)
        for answered in labelled_answers(run, benchmark, label_set):
            reading = protocol.read(answered.answer.response)
            is_counted = reading is not None or protocol.unparsed != "dropped"
            result = f"{name}.{answered.variant}.accuracy"
            found.append(
                own
                | {"evaluation_name": f"{title}, {answered.variant}"}
                | ({"evaluation_result_id": result} if is_counted else {})
                | _sample(answered, reading, run.protocol)
                | {"metadata": _metadata(answered, name)}
            )
    return found


def _sample(answered: LabelledAnswer, reading: Reading, protocol: str) -> Document:
    asked, label = f"{answered.question.image}\n{answered.question.text}", _WORDS[answered.label]
    extracted = {
        "turn_idx": 0,
        "source": "output.raw",
        "extracted_value": _WORDS.get(reading, ""),
        "extraction_method": f"repope_eval's protocol {protocol}",
        "is_terminal": True,
    }
    unread = {"error": f"the protocol {protocol} reads neither yes nor no"} if reading is None else {}
    return {
        "sample_id": f"{answered.variant}/{answered.question_id}",
        "sample_hash": hashlib.sha256(f"{asked}{label}".encode(errors="backslashreplace")).hexdigest(),
        "interaction_type": "single_turn",
        "input": {"raw": asked, "reference": [label]},
        "output": {"raw": [answered.answer.response]},
        "answer_attribution": [extracted] if reading is not None else [],
        "evaluation": {"score": float(reading == answered.label), "is_correct": reading == answered.label},
        **unread,
    }


def _metadata(answered: LabelledAnswer, label_set: str) -> dict[str, str]:
    """What else is known of a sample; the schema wants texts."""
    answer = answered.answer
    known = {"n_tokens": answer.n_tokens, "p_yes": answer.p_yes, "p_no": answer.p_no}
    return {
        "label_set": label_set,
        "variant": answered.variant,
        "image": answered.question.image,
        "object": answered.question.object,
        **{name: str(value) for name, value in known.items() if value is not None},
    }
