"""`python -m repope_eval doctor`: what this machine has and lacks, which models fit it, and how the device answers."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from repope_eval.benchmarks.sources import asks_for_captions, benchmark_size
from repope_eval.errors import RepopeError
from repope_eval.machine.checks import Check, Result, check_device
from repope_eval.machine.fits import (
    AskedBenchmark,
    Finding,
    Fit,
    Room,
    command_of,
    count_models,
    findings,
    fits,
    gigabytes,
    room_of,
    speed_of,
    with_card,
)
from repope_eval.machine.machine import Machine, examine
from repope_eval.machine.memory_need import ANSWER_TOKENS, CAPTION_TOKENS, Rehearsed, Shape
from repope_eval.machine.speed import (
    SENTENCE_TOKENS,
    Card,
    SpeedEstimate,
    assumptions,
    automatic_workers,
    named_card,
)
from repope_eval.reporting.console import print_sentences, print_table, print_text
from repope_eval.reporting.tables import Field, Mark, number_field, table, text_field
from repope_eval.settings.askers import SERVER
from repope_eval.settings.composition import listed_models
from repope_eval.settings.config import DoctorSettings, ModelSettings, caption_length
from repope_eval.settings.launching import bench_words
from repope_eval.settings.named_files import data_folder
from repope_eval.system import environment
from repope_eval.system.secrets import as_written
from repope_eval.wording import counted, estimated_duration, first_few, hours_text, memory_text

_MARKS: Mapping[Result, Mark] = {"pass": "", "fail": "attention", "not tried": "quiet"}


def execute(settings: DoctorSettings, command: str) -> None:
    """Prints what the machine has, which models fit it, and what to do next; on request, checks the device."""
    card = _asked_card(settings)
    # tiny fits anywhere
    listed = [settings.model] if settings.model else [each for each in listed_models() if each.name != "tiny"]
    if asks_for_captions(settings.bench) and settings.model is None:
        listed = [replace(each, max_new_tokens=caption_length(each.max_new_tokens)) for each in listed]
    data_dir = data_folder(settings.data_dir)
    asked = AskedBenchmark(
        words=shlex.join(bench_words()),
        size=benchmark_size(settings.bench, data_dir),
        describes=asks_for_captions(settings.bench),
    )
    machine = examine(settings.device, data_dir, listed)
    data = "" if settings.data_dir is None else shlex.quote(f"data_dir={as_written(settings.data_dir)}")
    device = "" if settings.device == "auto" else f"device={settings.device}"
    _print_findings(findings(machine, data))
    memory = None if settings.memory is None else settings.memory * 1e9
    room = room_of(with_card(machine, card) if card else machine, memory, device)
    counted_models = count_models(listed)
    lines = fits(room, counted_models.models, asked)
    _print_fits(room, lines, settings.bench.name, asked)
    if lines and lines[0].fits and settings.model is None:
        print_sentences(
            "The command for the first; another has its own name in it, and what stands in its line:"
        )
        print_text(
            f"  {' '.join(filter(None, (command_of(room, asked, lines[0].model), lines[0].remedy)))}\n"
        )
    if settings.model and counted_models.models:
        _print_speed(room, counted_models.models[0], asked, lines[0])
    if asked.describes:
        _print_caption_length([each for each, _ in counted_models.models], room.machine)
    _print_advice(room.machine, counted_models.n_not_here, asked)
    if settings.check:
        print_text("")
        checks = tuple(check_device(settings.device, machine.device))
        _print_checks(checks)
        print_text(_report_facts(machine))
        _require_passed(checks)


def _asked_card(settings: DoctorSettings) -> Card | None:
    """The card that `gpu=` names, if any."""
    if settings.model is not None and settings.model.family == SERVER:
        raise RepopeError(
            "model=endpoint: a server's model takes no memory of this machine; leave model= out"
        )
    if settings.gpu is None:
        return None
    if settings.memory is not None:
        raise RepopeError(
            f"memory={settings.memory:g}: gpu={settings.gpu} has its own; leave one of them out"
        )
    return named_card(settings.gpu)


def _print_speed(
    room: Room, model: tuple[ModelSettings, Shape | Rehearsed], asked: AskedBenchmark, fit: Fit
) -> None:
    """Prints what the time of one model on a known GPU consists of, by the length of its answers."""
    estimates = [
        (f"{words}, {tokens} tokens", estimate)
        for words, tokens in _lengths(model, asked).items()
        if fit.fits and (estimate := speed_of(room, *model, asked, fit.quantization, tokens))
    ]
    if not estimates:
        if room.card is None:
            print_sentences("Its time is estimated for a GPU whose figures are known: gpu=H100, say.")
        return

    def seconds(title: str, of: Callable[[SpeedEstimate], float]) -> Field[tuple[str, SpeedEstimate]]:
        return number_field(title, lambda row: estimated_duration(of(row[1])))

    print_table(
        table(
            f"{fit.model} on {room.machine.device.name}: time by estimate, nothing was measured",
            [
                text_field("answers", lambda row: row[0]),
                seconds("all", lambda estimate: estimate.seconds),
                seconds("computing", lambda estimate: estimate.seconds_prefill),
                seconds("reading memory", lambda estimate: estimate.seconds_decoding),
                seconds("launching kernels", lambda estimate: estimate.seconds_host),
                seconds("preparing images", lambda estimate: estimate.seconds_preparing),
                text_field("what binds", lambda row: row[1].binds),
            ],
            estimates,
        ),
        padded=True,
    )


def _lengths(model: tuple[ModelSettings, Shape | Rehearsed], asked: AskedBenchmark) -> dict[str, int]:
    """The lengths of answers, in tokens, for which the time of a model is told."""
    if asked.describes:
        longest = model[0].max_new_tokens
        shorter = {"captions": CAPTION_TOKENS} if longest > CAPTION_TOKENS else {}
        return shorter | {"the longest captions": longest}
    return {"yes or no": ANSWER_TOKENS} | (
        {"a sentence": SENTENCE_TOKENS} if isinstance(model[1], Rehearsed) else {}
    )


def _print_caption_length(models: Sequence[ModelSettings], machine: Machine) -> None:
    """Prints how long captions may become, and what their times on a CPU leave out."""
    names: dict[int, list[str]] = {}
    for model in sorted(models, key=lambda each: each.max_new_tokens):
        names.setdefault(model.max_new_tokens, []).append(model.name)
    limits = [f"{tokens} tokens for {first_few(of_length, 2)}" for tokens, of_length in names.items()]
    sentences = [
        f"A caption ends where the model ends it, at the latest after model.max_new_tokens: {', and '.join(limits)}."
    ]
    if (shortest := min(names, default=CAPTION_TOKENS)) < CAPTION_TOKENS:
        sentences.append(f"{shortest} tokens cut most descriptions short: add model.max_new_tokens=512, say.")
    if len(names) > 1:
        sentences.append("Compare models at one length.")
    if machine.device.kind == "cpu":
        sentences.append(
            f"Times are computed for captions of {CAPTION_TOKENS} tokens, or of the longest where these are shorter, "
            "by assumption. They leave out that each token reads the weights anew, which adds to them on a CPU."
        )
    print_sentences(" ".join(sentences))


def _print_advice(machine: Machine, n_not_here: int, asked: AskedBenchmark) -> None:
    """Prints what the needs are computed from, and what to do next, each command unbroken on a line."""
    what = "the longest captions" if asked.describes else "its questions"
    print_sentences(f"Needs are computed, of the weights and of one image at a time with {what}.")
    if n_not_here:
        print_sentences(
            f"{counted(n_not_here, 'chat model')} not counted, for want of small files, which this gets without the "
            "weights:"
        )
        print_text("  python -m repope_eval models fetch=true")
    if machine.device.kind == "cpu":
        print_sentences(
            "On a CPU, the model of the package answers its demo in half a minute; of the others try the smallest, "
            "with limit=4 first:"
        )
        print_text("  python -m repope_eval")


def _report_facts(machine: Machine) -> str:
    """What a report has to say of a machine, beside its checks."""
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    device, *_ = findings(machine)
    lines = [versions, environment.machine()["system"], device.state]
    return "\n  ".join(["In a report, send the checks and these lines:", *lines])


def _require_passed(checks: Sequence[Check]) -> None:
    failed = [check.name for check in checks if check.result == "fail"]
    if failed:
        raise RepopeError(
            f"check=true: {len(failed)} of {len(checks)} checks failed ({'; '.join(failed)}): mend what their lines "
            "say, or report them with what stands above; until then ask in none of these ways"
        )


def _print_findings(lines: Sequence[Finding]) -> None:
    """Prints a line for each thing that a machine has or lacks, with its mend where there is one."""
    print_table(
        table(
            "This machine",
            [
                text_field("what", lambda line: line.subject),
                text_field("here", lambda line: line.state),
                text_field("mend", lambda line: line.mend),
            ],
            lines,
            mark=lambda line: "attention" if line.mend else "",
        ),
        padded=True,
    )


def _print_checks(checks: Sequence[Check]) -> None:
    """Prints a line for each check: its result, and how well its answers agree with the stored ones."""
    print_table(
        table(
            "The embedded model on this device",
            [
                text_field("check", lambda check: check.name),
                text_field("result", lambda check: check.result),
                text_field("against stored answers", lambda check: check.detail),
            ],
            checks,
            mark=lambda check: _MARKS[check.result],
        ),
        padded=True,
    )


def _print_fits(room: Room, lines: Sequence[Fit], bench: str, asked: AskedBenchmark) -> None:
    """Prints a line for each model: how it fits and with what further words, or what it takes."""
    hours: Field[Fit] = number_field(f"{bench} takes about", lambda line: _time_text(room, line.hours))
    is_timed = any(line.hours is not None for line in lines)
    first_too_large = next((line for line in lines if not line.fits), None)
    print_table(
        table(
            f"Models in {gigabytes(room.free)}{f' of {room.card.name}' if room.card else ''}",
            [
                text_field("model", lambda line: line.model),
                text_field("fits in", lambda line: line.how),
                number_field("needs", lambda line: memory_text(line.need)),
                *([hours] if is_timed else []),
                text_field(
                    "with, or what it takes", lambda line: ", ".join(filter(None, (line.remedy, line.note)))
                ),
            ],
            lines,
            mark=lambda line: "" if line.fits else "quiet",
            starts_group=lambda line: line is first_too_large,
        ),
        padded=True,
    )
    if is_timed and room.card is not None:
        workers = automatic_workers(room.machine.cores)
        answers = (
            f"captions of at most {CAPTION_TOKENS} tokens" if asked.describes else "answers of yes or no"
        )
        print_sentences(
            f"Times are estimated for {answers}, not measured: {assumptions(room.card, workers)}."
        )


def _time_text(room: Room, hours: float | None) -> str:
    """A rough time on a CPU, and a time to the second on a known GPU, where a run may take less than a minute."""
    return hours_text(hours) if hours is None or room.card is None else estimated_duration(hours * 3600)
