"""The records of a leaderboard of captions, and how they are made of runs: groups that can be ranked, and the rest.

CHAIR depends on the prompt, on the images and on how long a caption may become at least as much as on the model. So
runs are ranked together only where all three are the same.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from repope_eval.captions.truth import CaptionTruth
from repope_eval.foreign_answers.captions import UNKNOWN_PROMPT
from repope_eval.leaderboard.entries import SettingDifference
from repope_eval.leaderboard.making import setting_differences
from repope_eval.records import Answer
from repope_eval.runs.caption_runs import CaptionRuns
from repope_eval.runs.finished_runs import FinishedRun, LeftOut
from repope_eval.runs.run_selection import names_of
from repope_eval.scoring.caption_ranking import CaptionRanking, rank_captions
from repope_eval.scoring.chair import Found, VariantCaptions, score_captions
from repope_eval.wording import counted, percentage


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedImages:
    """The captions of one run to one prompt."""

    run: FinishedRun
    name: str
    """The run's name, which no other run has."""
    prompt: str
    """`UNKNOWN_PROMPT` where it is not known what was asked."""
    max_new_tokens: int | None
    """The longest caption in tokens; None where it is not known."""
    answers: Mapping[str, Answer]
    """By image."""
    n_asked: int | None
    """The number of images that captions were asked of; None where the run does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionEntry:
    """One model with what its captions come to on the images of its group."""

    described: DescribedImages
    captions: VariantCaptions

    @property
    def name(self) -> str:
        """The run's name."""
        return self.described.name

    @property
    def judged(self) -> tuple[int, int]:
        """How many of its mentions have a verdict, and how many there are."""
        every = list(self.captions.found.values())
        total = sum(sum(of_found.values()) for of_found in every)
        return total - sum(of_found[Found.NOT_JUDGED] for of_found in every), total


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionGroup:
    """Runs with the same prompt and the same limit of length, on the images that all of them describe."""

    prompt: str
    max_new_tokens: int | None
    n_images: int
    annotation: str
    """What sentences call whatever annotates the images."""
    entries: tuple[CaptionEntry, ...]
    """The lowest CHAIRi under the annotation's truth first."""
    ranking: CaptionRanking | None
    """None of a single run."""
    differences: tuple[SettingDifference, ...]
    """Settings that differ between its runs."""

    @property
    def knows_prompt(self) -> bool:
        """Whether it is known what was asked."""
        return self.prompt != UNKNOWN_PROMPT


@dataclass(frozen=True, slots=True, kw_only=True)
class UnrankedCaptions:
    """Captions of a run that has no place, and the reason."""

    described: DescribedImages
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionBoard:
    """Everything that a leaderboard of captions shows."""

    bench: str
    source: str
    """The source of the benchmark: a key of SOURCES."""
    coverage: float
    """The least share of the images asked about that a run must have described to be ranked."""
    groups: tuple[CaptionGroup, ...]
    """Groups of two runs or more, the largest first."""
    alone: tuple[CaptionGroup, ...]
    """Groups of a single run, which there is nothing to rank with."""
    unranked: tuple[UnrankedCaptions, ...]
    left_out: tuple[LeftOut, ...]
    truth: CaptionTruth

    @property
    def ranked(self) -> tuple[CaptionEntry, ...]:
        """All entries that have a place."""
        return tuple(entry for group in self.groups for entry in group.entries)


def make_caption_board(chosen: CaptionRuns, coverage: float) -> CaptionBoard:
    """Groups, scores and ranks runs of captions; reads and writes no file.

    Args:
        chosen: the runs, and what is in their images.
        coverage: the least share of the images asked about that a run must have described to be ranked.
    """
    names = names_of(chosen.runs)
    every = [each for run in chosen.runs for each in _described(run, names[run.folder])]
    reasons = [(each, _unranked_reason(each, coverage)) for each in every]
    groups = [
        _group(members, chosen.truth)
        for members in _alike([each for each, reason in reasons if not reason], coverage)
    ]
    ordered = sorted(groups, key=lambda group: (-len(group.entries), -group.n_images))
    return CaptionBoard(
        bench=chosen.bench,
        source=chosen.runs[0].bench.source,
        coverage=coverage,
        groups=tuple(group for group in ordered if group.ranking is not None),
        alone=tuple(group for group in ordered if group.ranking is None),
        unranked=tuple(UnrankedCaptions(described=each, reason=reason) for each, reason in reasons if reason),
        left_out=chosen.left_out,
        truth=chosen.truth,
    )


def _described(run: FinishedRun, name: str) -> Iterator[DescribedImages]:
    """The captions of a run, separately by prompt."""
    by_prompt: dict[str, dict[str, Answer]] = {}
    for question, answer in run.answers.items():
        by_prompt.setdefault(question.text, {})[question.image] = answer
    counts = run.manifest.get("counts")
    n_asked = counts.get("questions") if isinstance(counts, Mapping) else None
    longest = "" if "answers" in run.facts else run.facts.get("model.max_new_tokens", "")
    for prompt, answers in by_prompt.items():
        yield DescribedImages(
            run=run,
            name=name,
            prompt=prompt,
            max_new_tokens=int(longest) if longest.isdecimal() else None,
            answers=answers,
            n_asked=n_asked // len(by_prompt) if isinstance(n_asked, int) else None,
        )


def _unranked_reason(each: DescribedImages, coverage: float) -> str:
    """Why a run has no place; empty where it can have one."""
    if each.run.status != "complete":
        return each.run.unfinished or "has not ended"
    if each.n_asked and len(each.answers) < coverage * each.n_asked:
        share = percentage(len(each.answers), each.n_asked)
        return (
            f"describes {len(each.answers):,} of {counted(each.n_asked, 'image', ',')} ({share} %), and "
            f"coverage={coverage:g} is the least share to be ranked"
        )
    return ""


def _alike(every: Sequence[DescribedImages], coverage: float) -> Iterator[list[DescribedImages]]:
    """Those with the same prompt, limit of length, and images, of which some may lack a few if `coverage` allows it."""
    by_setting: dict[tuple[str, int | None], list[DescribedImages]] = {}
    for each in every:
        by_setting.setdefault((each.prompt, each.max_new_tokens), []).append(each)
    for rest in by_setting.values():
        while rest:
            sets = sorted((frozenset(each.answers) for each in rest), key=len, reverse=True)
            images = Counter(sets).most_common(1)[0][0]
            least = coverage * len(images)
            members = [each for each in rest if each.answers.keys() <= images and len(each.answers) >= least]
            names = {each.name for each in members}
            rest = [each for each in rest if each.name not in names]
            yield members


def _group(members: Sequence[DescribedImages], truth: CaptionTruth) -> CaptionGroup:
    images = [image for image in members[0].answers if all(image in each.answers for each in members)]
    of_images = replace(
        truth,
        objects={image: truth.objects[image] for image in images},
        verdicts={image: truth.verdicts[image] for image in images if image in truth.verdicts},
    )
    captions = {each.name: {image: each.answers[image] for image in images} for each in members}
    texts = {
        name: {image: answer.response for image, answer in of_run.items()}
        for name, of_run in captions.items()
    }
    entries = {
        each.name: CaptionEntry(
            described=each, captions=score_captions(list(captions[each.name].values()), of_images)
        )
        for each in members
    }
    ranking = rank_captions(texts, of_images) if len(members) > 1 else None
    order = [each.model for each in ranking.standings["coco"]] if ranking else list(entries)
    return CaptionGroup(
        prompt=members[0].prompt,
        max_new_tokens=members[0].max_new_tokens,
        n_images=len(images),
        annotation=truth.annotation,
        entries=tuple(entries[name] for name in order),
        ranking=ranking,
        differences=tuple(
            each
            for each in setting_differences(
                [each.run for each in members], {each.run.folder: each.name for each in members}
            )
            if not each.key.startswith("bench.")
        ),
    )
