"""Questions that belong together, such as a photograph's and an altered one's: how often all of a group are right."""

from collections.abc import Mapping
from dataclasses import dataclass

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.clustering import wilson
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.protocols import Protocol, remembering


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsRight:
    """How many groups a model has right, under one label set."""

    n: int
    """Number of groups whose questions all have a label and an answer."""
    n_right: int
    """Number of those of which every answer is read as its label; an unparsed answer is a wrong one."""
    share: Estimate
    """n_right / n, with Wilson's score interval: groups are drawn independently of one another."""


def groups_right(
    groups: Mapping[Question, str],
    label_sets: tuple[LabelSet, ...],
    answers: Mapping[Question, Answer],
    protocol: Protocol,
) -> dict[str, GroupsRight]:
    """How many groups are right under each label set; empty where there are no groups.

    Args:
        groups: the group of each question that has one.
        label_sets: what is taken as true.
        answers: what the model said.
        protocol: how yes or no is read from an answer.
    """
    return {each.name: _groups_right(groups, each, answers, protocol) for each in label_sets if groups}


def _groups_right(
    groups: Mapping[Question, str],
    label_set: LabelSet,
    answers: Mapping[Question, Answer],
    protocol: Protocol,
) -> GroupsRight:
    read = remembering(protocol).read
    labels = label_set.distinct
    right: dict[str, bool] = {}
    incomplete: set[str] = set()
    for question, group in groups.items():
        if question in labels and question in answers:
            is_right = read(answers[question].response) is labels[question]
            right[group] = right.get(group, True) and is_right
        else:
            incomplete.add(group)
    complete = [is_right for group, is_right in right.items() if group not in incomplete]
    n, n_right = len(complete), sum(complete)
    if not n:
        share = Estimate(reason="no group has an answer to all of its questions")
    else:
        share = Estimate(value=n_right / n, interval=wilson(n_right, n))
    return GroupsRight(n=n, n_right=n_right, share=share)
