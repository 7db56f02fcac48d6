"""How often equal models are found to differ where few of their answers do: by `compare`, and by a bootstrap alone.

    python perf/compare.py [--differing 2 3 ... 30] [--images 200] [--together 4 5 6 8]

Two models answer three questions of either label about each image. They err alike, but about so many images one of the
two errs alone, about one question. Were they equal, it would be chance which of the two that is. All ways in which it
may fall out are gone through, each as often as chance has it: a row is the share of them whose p is up to 5 %, by the
percentile bootstrap alone, and as `compare` has it. The second table has the p of answers that all fall out one way.
"""

import argparse
from collections.abc import Iterator
from itertools import product
from math import comb
from random import Random

from gauges import print_table

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.confusion import Values
from repope_eval.scoring.differences import Difference, differences
from repope_eval.scoring.power import LEVEL
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.shared_questions import SharedQuestions

EACH = 3
"""Questions of either label about an image."""
ERROR_RATE = 0.1
SHARE_OF_YES = 0.4
"""How many of the answers that differ are about questions with label yes."""
MODELS = ("a", "b")
CELL = ("simulated", "all")


class Pair:
    """Two models that differ in one answer about each of some images."""

    def __init__(self, n_images: int, n_differing: int) -> None:
        generator = Random(0)
        asked = [
            Question(f"{image}.jpg", f"{n}?", str(n)) for image in range(n_images) for n in range(2 * EACH)
        ]
        self.labels = {question: int(question.object) < EACH for question in asked}
        self.said = {
            question: label != (generator.random() < ERROR_RATE) for question, label in self.labels.items()
        }
        n_yes = round(SHARE_OF_YES * n_differing)
        first = asked[:: 2 * EACH], asked[EACH :: 2 * EACH]
        self.differing = {True: first[0][:n_yes], False: first[1][n_yes:n_differing]}
        """Questions by label, one about each of some images: either model answers right but where it errs alone."""
        self.said |= {
            question: label for label, questions in self.differing.items() for question in questions
        }

    def outcomes(self) -> Iterator[tuple[float, Difference, Values]]:
        """Each way in which it may fall out: its probability, what is found, and the difference in each replicate.

        A way and its reverse are found alike, so one of them stands for both.
        """
        n_yes, n_no = (len(questions) for questions in self.differing.values())
        for of_yes, of_no in product(range(n_yes + 1), range(n_no + 1)):
            reverse = (n_yes - of_yes, n_no - of_no)
            if (of_yes, of_no) <= reverse:
                ways = comb(n_yes, of_yes) * comb(n_no, of_no) / 2 ** (n_yes + n_no)
                yield ways * (1 if (of_yes, of_no) == reverse else 2), *self.compared(of_yes, of_no)

    def compared(self, of_yes: int, of_no: int) -> tuple[Difference, Values]:
        """What is found where b errs about so many of the questions that differ, and a about the rest."""
        wrong_b = {*self.differing[True][:of_yes], *self.differing[False][:of_no]}
        wrong_a = {*self.differing[True][of_yes:], *self.differing[False][of_no:]}
        models = {
            name: {q: Answer(q, "yes" if said != (q in wrong) else "no") for q, said in self.said.items()}
            for name, wrong in zip(MODELS, (wrong_a, wrong_b), strict=True)
        }
        questions = SharedQuestions(models, [LabelSet(CELL[0], {CELL[1]: self.labels})], PROTOCOLS["repope"])
        columns = [(name, questions.shared_by(MODELS)) for name in MODELS]
        drawn = questions.sample(columns, ["f1"], drawn=["f1"])["f1"]
        (found,) = differences(questions, {CELL: MODELS}, columns, drawn)[CELL[0]][CELL[1]]
        replicates: Values = drawn[CELL].replicates[:, 0] - drawn[CELL].replicates[:, 1]
        return found, replicates


def bootstrap_p(replicates: Values) -> float:
    """The level at which the percentile interval would end at 0."""
    n_beyond = min(int((replicates <= 0).sum()), int((replicates >= 0).sum()))
    return min(1.0, 2 * max(n_beyond, 0.5) / len(replicates))


def found_to_differ(n_images: int, n_differing: int) -> tuple[float, float]:
    """The share of equal models with a p up to 5 %: of the bootstrap, and as `compare` has it."""
    by_bootstrap = by_compare = 0.0
    for share, found, replicates in Pair(n_images, n_differing).outcomes():
        by_bootstrap += share * (bootstrap_p(replicates) <= LEVEL)
        by_compare += share * (found.p is not None and found.p <= LEVEL)
    return by_bootstrap, by_compare


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--differing", type=int, nargs="+", default=range(2, 31), help="default: 2 to 30")
    parser.add_argument("--images", type=int, default=200, help="default: 200")
    parser.add_argument("--together", type=int, nargs="+", default=[4, 5, 6, 8], help="default: 4 5 6 8")
    options = parser.parse_args()
    rows = [
        [str(number), *(f"{share:.3f}" for share in found_to_differ(options.images, number))]
        for number in options.differing
    ]
    print_table(("differing images", "bootstrap", "compare"), rows)
    print()
    rows = []
    for number in options.together:
        found, replicates = Pair(options.images, number).compared(0, 0)
        rows.append([str(number), f"{bootstrap_p(replicates):.4f}", f"{found.p:.4f}"])
    print_table(("all one way", "p, bootstrap", "p, compare"), rows)


if __name__ == "__main__":
    main()
