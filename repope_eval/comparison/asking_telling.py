"""A run that answers yes or no against one that describes the same images: what is read of them, and sentences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repope_eval.benchmarks.sources import find_local_images, label_set_phrase
from repope_eval.comparison.captions import LONGEST_NAME, CaptionSide, describing_letters, read_captions
from repope_eval.comparison.sides import Facts, Side, compared_settings, read_answering_side
from repope_eval.reporting.figure_texts import coefficient_text, interval_text, percent_text, shortened
from repope_eval.runs.manifest_form import CHECKPOINT_FILES
from repope_eval.scoring.asking_telling import AskingTelling, CountedShare, compare_asking_with_telling
from repope_eval.scoring.bootstrap import FEWEST_IMAGES
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.gap import FIRST, SECOND
from repope_eval.settings import config
from repope_eval.settings.command_settings import CompareSettings
from repope_eval.wording import counted, first_few


@dataclass(frozen=True, slots=True, kw_only=True)
class AskingTellingView:
    """All that is shown of a run that answers and one that describes."""

    answering: Side
    describing: CaptionSide
    protocol: config.Protocol
    compared: AskingTelling
    captions: Mapping[str, str]
    """By image; those of all images that are described."""
    images: Mapping[str, Path]
    """The pictures that are there, by image name."""

    @property
    def names(self) -> tuple[str, str]:
        """The name of what answers, and of what describes, for headings; one model has the same twice."""
        answering, describing = self.answering.name, self.describing.name
        return shortened(answering, LONGEST_NAME), shortened(describing, LONGEST_NAME)

    @property
    def label_set(self) -> str:
        """The label set that the sentences are under: the corrected one, where there is one."""
        return list(self.compared.under)[-1]

    @property
    def known_objects(self) -> str:
        """Whose objects captions are searched for, and how many these are."""
        truth = self.describing.truth
        return f"{truth.annotation}'s {len(truth.vocabulary.objects)} objects"

    @property
    def verdict(self) -> str:
        """The sentences that come first."""
        return " ".join((*two_models(self), *_sentences(self)))


def compare_asking_telling(settings: CompareSettings) -> AskingTellingView:
    """Reads the two runs, of which one describes images, and compares what is affirmed with what is mentioned.

    Raises:
        RepopeError: one of them cannot be read, or has not ended.
    """
    (letter,) = describing_letters(settings)
    describing = read_captions(letter, settings)
    answering = read_answering_side(SECOND if letter == FIRST else FIRST, settings)
    captions = {answer.question.image: answer.response for answer in describing.answers}
    protocol = settings.protocol or answering.protocol
    images = find_local_images(answering.bench, answering.data_dir, answering.answers)
    return AskingTellingView(
        answering=answering,
        describing=describing,
        protocol=protocol,
        compared=compare_asking_with_telling(
            answering.benchmark.questions,
            answering.answers,
            captions,
            answering.benchmark.label_sets,
            protocol,
            describing.truth.vocabulary,
        ),
        captions=captions,
        images={**images, **describing.images},
    )


def two_models(view: AskingTellingView) -> Iterator[str]:
    """Says that two models are compared, where the two runs are not of one, as far as is known."""
    facts = view.answering.facts, view.describing.facts
    asked, told = view.answering.name, view.describing.name
    keys = _unlike_checkpoints(*facts)
    told_apart = "this compares the two, and does not show what one model says in two ways."
    if keys:
        models = f"{asked} and {told}" if asked != told else f"two checkpoints of {asked}"
        differ = "differs" if len(keys) == 1 else "differ"
        yield (
            f"The answers and the captions are of two models, {models} ({first_few(keys)} {differ}): {told_apart}"
        )
    elif keys is None and asked != told:
        yield f"The answers are of {asked} and the captions of {told}. If these are two models, {told_apart}"


def _unlike_checkpoints(a: Facts | None, b: Facts | None) -> list[str] | None:
    """The settings of the checkpoint that differ; None where nothing is known of one of the two."""
    if a is not None and b is not None:
        files = a.values.get(CHECKPOINT_FILES), b.values.get(CHECKPOINT_FILES)
        if files[0] is not None and files[0] == files[1]:
            return []  # the same files, wherever they lie
    group = next(each for each in compared_settings(a, b) if each.name == "checkpoint")
    return [pair.key for pair in group.pairs] if group.is_known else None


def _sentences(view: AskingTellingView) -> Iterator[str]:
    compared = view.compared
    if missing := _missing(compared, view.known_objects):
        yield f"{missing}, so there is nothing to compare."
        return
    if compared.n_images < FEWEST_IMAGES:
        are = "image is" if compared.n_images == 1 else "images are"
        yield f"Only {compared.n_images} {are} both asked about and described, which says little of others."
    under, phrase = compared.under[view.label_set], label_set_phrase(view.label_set)
    denied, beside = under.shares["mentioned_denied"], under.shares["unmentioned_denied"]
    absent = f"that {{}} not there under {phrase}"
    if denied.whole:
        are = "is" if denied.whole == 1 else "are"
        yield (
            f"Of the {counted(denied.whole, 'object', ',')} that the captions mention and {absent.format(are)}, the "
            f"answers deny {_share_phrase(denied)}; of the {beside.whole:,} that are neither there nor mentioned, "
            f"{_share_phrase(beside)}."
        )
    else:
        yield f"The captions mention no object that was asked about and {absent.format('is')}."
    told = under.shares["affirmed_mentioned"]
    if told.whole:
        are = "is" if told.whole == 1 else "are"
        yield (
            f"Of the {counted(told.whole, 'object', ',')} that the answers affirm and {absent.format(are)}, the "
            f"captions mention {_share_phrase(told)}."
        )
    yield _kappa_sentence(under.kappas["no"], phrase)


def _missing(compared: AskingTelling, objects: str) -> str:
    """What a comparison lacks that cannot be made; empty where it can."""
    if not compared.n_images:
        return "No image is both asked about and described"
    if not compared.pairs:
        return f"No question about a described image asks for one of {objects}"
    if compared.n_unparsed == len(compared.pairs):
        return "No answer about a described image is yes or no"
    if not compared.n_unasked and not any(pair.is_mentioned for pair in compared.pairs):
        return f"No caption mentions one of {objects} in English"
    return ""


def _share_phrase(share: CountedShare) -> str:
    """How many, and the share in percent with its interval: `24, which is 42.1 % (95 % 30.1–55.0)`."""
    if share.estimate.value is None:
        return "none"
    note = ""
    if share.estimate.interval is not None:
        note = f" (95 % {interval_text(share.estimate.interval, percent_text)})"
    return f"{share.part:,.0f}, which is {percent_text(share.estimate.value)} %{note}"


def _kappa_sentence(kappa: Estimate, phrase: str) -> str:
    among = f"Among objects that are not there under {phrase}, affirming and mentioning"
    if kappa.value is None:
        return f"{among} cannot be compared ({kappa.reason})."
    value = coefficient_text(kappa.value)
    if kappa.interval is None:
        return f"{among} have Cohen's kappa {value}, of which no interval can be made ({kappa.reason})."
    low, high = kappa.interval
    chance = "more than" if low > 0 else "less than" if high < 0 else "no more surely than"
    ends = interval_text(kappa.interval, coefficient_text)
    return f"{among} agree {chance} by chance (Cohen's kappa {value}, 95 % {ends})."


def remarks(view: AskingTellingView) -> Sequence[str]:
    """What is left out or odd, a sentence each."""
    compared, lines = view.compared, []
    if compared.n_unanswered:
        lines.append(
            f"{counted(compared.n_unanswered, 'further object', ',')} that the benchmark asks about in these images "
            f"{_have(compared.n_unanswered)} no answer, and no figure counts them."
        )
    if compared.n_unparsed:
        are = "is" if compared.n_unparsed == 1 else "are"
        lines.append(
            f"{counted(compared.n_unparsed, 'answer', ',')} {are} neither yes nor no by "
            f"protocol {view.protocol}: only the table of counts has them."
        )
    if compared.n_unlike:
        lines.append(
            f"{counted(compared.n_unlike, 'object', ',')} {_have(compared.n_unlike)} several questions with answers "
            "that are read differently: the first answer counts."
        )
    if compared.unmapped:
        number = sum(compared.unmapped.values())
        lines.append(
            f"{counted(number, 'question', ',')} about these images {'asks' if number == 1 else 'ask'} for what is "
            f"none of {view.known_objects} ({first_few(sorted(compared.unmapped))}): captions are not searched for it."
        )
    if compared.n_unasked:
        lines.append(
            f"The captions of these images mention {counted(compared.n_unasked, 'further object', ',')} that no "
            "question asks about, so nothing is known of the answer."
        )
    is_unknown = _unlike_checkpoints(view.answering.facts, view.describing.facts) is None
    if is_unknown and view.answering.name == view.describing.name:
        lines.append(
            "That both are of one model, their names alone say: no checkpoint is known of one of the two."
        )
    return (*lines, *view.answering.notes)


def _have(number: int) -> str:
    return "has" if number == 1 else "have"
