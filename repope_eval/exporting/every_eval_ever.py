"""Every Eval Ever's JSON, schema 0.3.0: a record of the run, and a line for each sample beside it.

Source: the schemas in the package `every-eval-ever` 0.3.0, and the rules that its validator checks: the place of the
files, `data/COLLECTION/DEVELOPER/MODEL/UUID.json` and `UUID_samples.jsonl`, and that they agree.
"""

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from repope_eval.exporting.cards import unread_clause, whole_clause
from repope_eval.exporting.files import Files
from repope_eval.exporting.names import METRICS, POSITIVE, Metric, dataset_title, file_name, model_id, page_of
from repope_eval.exporting.scored_run import (
    LabelledAnswer,
    ScoredCell,
    ScoredRun,
    asked_benchmark,
    labelled_answers,
)
from repope_eval.reporting.figure_texts import COUNT_TITLES
from repope_eval.runs.finished_runs import NOT_SET
from repope_eval.scoring.bootstrap import REPLICATES
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.protocols import PROTOCOLS, Reading, remembering
from repope_eval.settings.command_settings import ExportSettings
from repope_eval.system.environment import moment, now

Document = dict[str, Any]

_WORDS: dict[Reading, str] = {True: "yes", False: "no"}


def sample_lines(run: ScoredRun, evaluation_id: str, model: str) -> list[Document]:
    """The samples of all label sets and variants.

    The mean of the scores that have one `evaluation_result_id` is that accuracy. An answer that the protocol counts
    nowhere is a sample without such an id, and with the reason in `error`.

    Args:
        evaluation_id: that of the record which the samples belong to.

    Raises:
        RepopeError: the benchmark's files cannot be found or are others.
    """
    benchmark = asked_benchmark(run)
    protocol = remembering(PROTOCOLS[run.protocol])
    own = {"schema_version": SCHEMA_VERSION, "evaluation_id": evaluation_id, "model_id": model}
    lines = []
    # In the scores of an earlier version a table's label sets have other names, which the record has, too.
    names = dict.fromkeys(cell.label_set for cell in run.cells)
    for name, label_set in zip(names, benchmark.label_sets, strict=False):
        title = dataset_title(run.finished_run.bench, name)
        for answered in labelled_answers(run, benchmark, label_set):
            reading = protocol.read(answered.answer.response)
            is_counted = reading is not None or protocol.unparsed != "dropped"
            result = f"{name}.{answered.variant}.accuracy"
            lines.append(
                own
                | {"evaluation_name": f"{title}, {answered.variant}"}
                | ({"evaluation_result_id": result} if is_counted else {})
                | _sample(answered, reading, run.protocol)
                | {"metadata": _metadata(answered, name)}
            )
    return lines


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
        "sample_id": f"{answered.variant}/{answered.question_id}{_draw_part(answered)}",
        "sample_hash": hashlib.sha256(f"{asked}{label}".encode(errors="backslashreplace")).hexdigest(),
        "interaction_type": "single_turn",
        "input": {"raw": asked, "reference": [label]},
        "output": {"raw": [answered.answer.response]},
        "answer_attribution": [extracted] if reading is not None else [],
        "evaluation": {"score": float(reading == answered.label), "is_correct": reading == answered.label},
        **unread,
    }


def _draw_part(answered: LabelledAnswer) -> str:
    """What tells further draws of an answer from the first, in the id of a sample."""
    return f"/draw{answered.question.draw}" if answered.question.draw else ""


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


SCHEMA_VERSION = "0.3.0"


_METHODS = {
    "bootstrap": "percentiles of a bootstrap over images",
    "gamma": "gamma interval (Fay and Feuer) over images, with one further image as bad as the worst or half wrong",
}
"""How an interval was made, by the method's name in `scores.json`."""

_MODEL_SETTINGS = (
    "family",
    "revision",
    "dtype",
    "quantization",
    "prompt",
    "max_tiles",
    "min_pixels",
    "max_pixels",
)
"""Settings of the model that say what was asked, besides its checkpoint."""


def files(run: ScoredRun, settings: ExportSettings) -> Files:
    """The record and its samples, at the places where the datastore has them.

    Raises:
        RepopeError: the benchmark's files, which have the labels, cannot be found or are others.
    """
    model, created = model_id(run, settings.model_id), _seconds_text(now())
    evaluation_id = f"{run.finished_run.bench.name}/{model}/{created}"
    owner, name = model.split("/")
    place = f"data/{file_name(run.finished_run.bench.name)}/{owner}/{name}/{uuid.uuid4()}"
    samples = sample_lines(run, evaluation_id, model)
    lines = "".join(json.dumps(sample) + "\n" for sample in samples)
    record = {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": evaluation_id,
        "retrieved_timestamp": created,
        **(
            {"evaluation_timestamp": _seconds_text(run.asking.began)}
            if run.asking and run.asking.began
            else {}
        ),
        "source_metadata": _source_metadata(run, settings),
        "eval_library": {
            "name": "repope_eval",
            "version": run.version,
            "additional_details": {"protocol": run.protocol},
        },
        "model_info": _model_info(run, model),
        "evaluation_results": list(_results(run)),
        "detailed_evaluation_results": {
            "format": "jsonl",
            "file_path": f"{place}_samples.jsonl",
            "hash_algorithm": "sha256",
            "checksum": hashlib.sha256(lines.encode()).hexdigest(),
            "total_rows": len(samples),
        },
    }
    return {
        f"{place}.json": json.dumps(record, indent=2, ensure_ascii=False) + "\n",
        f"{place}_samples.jsonl": lines,
    }


def _seconds_text(at: str) -> str:
    """A time as the schema wants it: seconds since 1970."""
    return str(int(moment(at).timestamp()))


def _source_metadata(run: ScoredRun, settings: ExportSettings) -> Document:
    """Who ran it; answers that came from elsewhere were asked by others than those who scored them."""
    asked = "asked by repope_eval" if run.asking else "asked elsewhere, scored by repope_eval"
    coverage = f"{run.n_answered} of {run.n_questions} distinct questions{whole_clause(run)}"
    return {
        "source_name": f"repope_eval on {run.finished_run.bench.name}",
        "source_type": "evaluation_run",
        "source_organization_name": settings.organization,
        "evaluator_relationship": settings.relationship,
        "additional_details": {
            "answers": asked,
            "answered": coverage,
            "unanswered": f"{run.n_questions - run.n_answered} distinct questions",
            "neither_yes_nor_no": unread_clause(run) or "0",
            "limited_to_first_images": str(run.is_partial).lower(),
            **({"in_doubt": "; ".join(run.doubts)} if run.doubts else {}),
        },
    }


def _model_info(run: ScoredRun, model: str) -> Document:
    asking, facts = run.asking, run.finished_run.facts
    if asking is None:
        details = {"deployment_type": "unknown", "model_availability": "unknown"}
        return {"name": run.finished_run.model, "id": model, "additional_details": details}
    is_open = asking.commit and (asking.adapter_commit or not asking.adapter)
    details = {
        "deployment_type": "unknown" if asking.is_by_server else "self_deployed",
        "model_availability": "open_weights" if is_open else "unknown",
        **({"commit": asking.commit} if asking.commit else {}),
        **({"base_model": asking.checkpoint} if asking.adapter else {}),
        **({"adapter_commit": asking.adapter_commit} if asking.adapter_commit else {}),
        **{
            name: facts[f"model.{name}"]
            for name in _MODEL_SETTINGS
            if facts.get(f"model.{name}", NOT_SET) != NOT_SET
        },
    }
    document = {"name": run.finished_run.model, "id": model, "additional_details": details}
    if asking.is_by_server:
        return document
    version = facts.get("versions.transformers", "unknown")
    return {**document, "inference_engine": {"name": "transformers", "version": version}}


def _results(run: ScoredRun) -> Iterator[Document]:
    """A result for each figure that is defined: the schema has no null in a score's place."""
    for cell in run.cells:
        for name, metric in METRICS.items():
            estimate = cell.figures.get(name)
            if estimate is not None and estimate.value is not None:
                yield _result(run, cell, name, metric, estimate)


def _result(run: ScoredRun, cell: ScoredCell, name: str, metric: Metric, estimate: Estimate) -> Document:
    title = dataset_title(run.finished_run.bench, cell.label_set)
    return {
        "evaluation_result_id": result_id(cell.label_set, cell.variant, name),
        "evaluation_name": f"{title}, {cell.variant}",
        "source_data": _source_data(run, title),
        "metric_config": {
            "evaluation_description": f"{metric.meaning}; {POSITIVE}; answers are read by the protocol {run.protocol}",
            "metric_id": metric.id,
            "metric_name": metric.title,
            "metric_kind": metric.id.removeprefix("repope_eval."),
            "metric_unit": "proportion" if metric.lowest == 0 else "coefficient",
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": metric.lowest,
            "max_score": metric.highest,
        },
        "score_details": {
            "score": estimate.value,
            "details": _counts(cell),
            **({"uncertainty": _uncertainty(run, estimate)} if estimate.interval else {}),
        },
        **({"generation_config": _generation(run)} if run.asking else {}),
    }


def result_id(label_set: str, variant: str, figure: str) -> str:
    """The id of a result inside the record."""
    return f"{label_set}.{variant}.{figure}"


def _source_data(run: ScoredRun, title: str) -> Document:
    page = page_of(run.finished_run.bench)
    hashes = {f"sha256 of {name}": digest for name, digest in run.finished_run.hashes.items()}
    source: Document = {"source_type": "url", "url": [page]} if page else {"source_type": "other"}
    return {"dataset_name": title, **source, "additional_details": hashes}


def _counts(cell: ScoredCell) -> dict[str, str]:
    """What the score was made of, as texts: a count, or its mean over variants."""
    counts = {name: f"{cell.figures[name].value:g}" for name in COUNT_TITLES if name in cell.figures}
    numbers = {name: f"{getattr(cell, name):g}" for name in ("n_questions", "n_answered", "n_unparsed")}
    ratio = cell.figures.get("yes_ratio", Estimate())
    yes = {"yes_ratio": f"{ratio.value:.4f}"} if ratio.value is not None else {}
    return counts | numbers | yes


def _uncertainty(run: ScoredRun, estimate: Estimate) -> Document:
    assert estimate.interval is not None, "uncertainty is told where there is an interval"
    low, high = estimate.interval
    method = f"{_METHODS.get(estimate.method or '', 'not noted')}; the samples are images"
    return {
        "confidence_interval": {"lower": low, "upper": high, "confidence_level": 0.95, "method": method},
        "num_samples": run.n_images,
        **({"num_bootstrap_samples": REPLICATES} if estimate.method == "bootstrap" else {}),
    }


def _generation(run: ScoredRun) -> Document:
    """How the answers were generated."""
    asking = run.asking
    assert asking is not None, "answers from elsewhere have no known generation"
    arguments: Mapping[str, Any] = {
        "temperature": asking.temperature,
        **({"top_p": asking.top_p} if asking.temperature else {}),
        "max_tokens": asking.max_new_tokens,
        "execution_command": asking.command,
        **({"prompt_template": asking.prompt} if asking.prompt else {}),
    }
    return {"generation_args": dict(arguments), "additional_details": {"decoding": run.finished_run.decoding}}
