"""What `plan width=` says of the labels that an interval of F1 takes: a table, sentences, and a document."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from repope_eval.relabelling.label_plan import OPPOSITE, LabelPlan
from repope_eval.reporting.figure_texts import about_text
from repope_eval.reporting.tables import Field, Table, number_field, table
from repope_eval.wording import counted

TIMES = (0.5, 1.0, 2.0)
"""Shares of wrong labels that are planned for, in parts of the given one, since nobody knows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPlanView:
    """The labels that are planned."""

    bench: str
    labels: str
    """The labels that people check, as a sentence has them: `POPE`, `the original labels`."""
    variant: str
    """The variant whose F1 is meant, or the mean over them."""
    protocol: str
    width: float
    """Of the 95 % interval of F1, as a share."""
    plans: Mapping[float, LabelPlan]
    """By the share of the labels that is wrong."""
    wrong: float
    """The share that was given."""
    n_answered: Mapping[str, int]
    """How many of the questions each run answered."""

    @property
    def n_questions(self) -> int:
        """How many labels there are."""
        return self.plans[self.wrong].n_questions

    @property
    def hardest(self) -> str:
        """The run whose interval is the widest."""
        plan, number = self.plans[self.wrong], self.n_labels(self.wrong)
        return max(self.n_answered, key=lambda run: plan.width(run, number))

    def n_labels(self, wrong: float) -> int:
        """How many labels make the interval of every run so narrow, where so many are wrong."""
        return max(self.plans[wrong].labels(run, self.width) for run in self.n_answered)


def label_plan_table(view: LabelPlanView) -> Table:
    """The labels that it takes, by how many are wrong."""
    fields: list[Field[float]] = [
        number_field("wrong of 100 labels", lambda wrong: f"{100 * wrong:g}"),
        number_field("labels needed", lambda wrong: about_text(view.n_labels(wrong))),
        number_field(f"{view.bench} has", lambda _: f"{view.n_questions:,}"),
    ]
    title = f"Labels for an interval of {_points(view)}"
    return table(title, fields, list(view.plans))


def _points(view: LabelPlanView) -> str:
    return counted(float(f"{100 * view.width:.4g}"), "point", "g")


def label_plan_sentences(view: LabelPlanView) -> Iterator[str]:
    """What it says to a reader without statistics."""
    number = view.n_labels(view.wrong)
    of_run = f" of {view.hardest}, the widest one," if len(view.n_answered) > 1 else ""
    yield (
        f"For the 95 % interval of F1 ({view.variant} under true labels){of_run} to be no wider than {_points(view)}, "
        f"people look at about {about_text(number)} of the {counted(view.n_questions, 'question', ',')}, which audit "
        f"draws with budget=0 sample={number}."
    )
    yield (
        f"That takes it that {100 * view.wrong:g} of 100 of {view.labels}'s labels are wrong (wrong={view.wrong:g}), "
        "the more often the more the runs contradict them, and as RePOPE found it of POPE's; once people have looked "
        "at some, estimate says how wide the interval is, and how much further labels narrow it."
    )
    few = {run: number for run, number in view.n_answered.items() if number < view.n_questions}
    if few:
        run = min(few, key=lambda name: few[name])
        others = f", and {counted(len(few) - 1, 'other run')} not all either" if len(few) > 1 else ""
        yield (
            f"{run} answered {few[run]:,} of the {view.n_questions:,} questions{others}: its F1 is that of these, and "
            "F1 over all questions may take other numbers."
        )


def label_plan_document(view: LabelPlanView) -> dict[str, Any]:
    """The plan for programs; widths and what is wrong are shares, 0.01 for one point or one label of 100."""
    return {
        "benchmark": view.bench,
        "protocol": view.protocol,
        "variant": view.variant,
        "width": view.width,
        "wrong": view.wrong,
        "opposite_of_wrong": OPPOSITE,
        "questions": view.n_questions,
        "answered": dict(view.n_answered),
        "label_plans": [
            {
                "wrong": wrong,
                "labels": view.n_labels(wrong),
                "runs": {run: plan.labels(run, view.width) for run in view.n_answered},
            }
            for wrong, plan in view.plans.items()
        ],
    }
