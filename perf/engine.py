"""How much faster the shared-prefix engine is than asking each question alone, family by family.

    python perf/engine.py [--family internvl2_5_qwen2] [--images 2] [--shape 1b --device cuda --dtype bfloat16]

Both engines answer the same questions about the same images, in one run on one machine, and their answers are
compared token by token; where one differs the program ends with status 1 and says how near a tie it was.

- Alone: each question by itself, its image's pixels prepared anew, as the paper's loop does.
- The paper's loop: on POPE it asks 18 questions an image, of which 10.25 are distinct. Its time is that of one
  asking alone, times 18, which is what it would take: every asking is the same work, repeated ones too.
- Shared: the pixels prepared once for all questions of an image, and the engine once for all images.

Seconds are medians, over the askings and over three runs of the shared engine, which take turns: so a machine
that is busy with something else for a while changes little. Where it is busy all the time, ratios of the wall
clock mean nothing (above the number of questions they cannot be true); on a CPU,

    OMP_NUM_THREADS=1 python perf/engine.py --clock processor

counts what this program alone computes. Reading image files is in neither engine's time.

    python perf/engine.py --captions --images 8 --max-new-tokens 64

has the shared engine describe each image: alone is one image at a time, and shared all images together.

Weights are random: see random_checkpoints.py. Such models do not stop by themselves, so answers are as long as
--max-new-tokens; the real ones take 2 to 4.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from command_line import clock_of, make_model, parser, print_machine
from disagreement import describe_difference
from drawn_images import draw_images, pope_questions
from gauges import Clock, print_table, timed
from PIL import Image
from random_checkpoints import kinds_of

from repope_eval.asking.native.generation import Generation, Spellings, find_spellings
from repope_eval.asking.native.rows import common_prefix_length
from repope_eval.asking.native.sequential import generate_sequentially
from repope_eval.asking.native.shared import generate_shared
from repope_eval.machine.counting import size_of
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Prepared

ASKINGS_OF_THE_PAPER = 18
"""How many questions POPE asks about an image in its three variants: 3 x (3 positives + 3 negatives)."""
CAPTION_PROMPT = "Describe this image."
TURNS = 3
"""How often the shared engine runs, and into how many parts the other engine's questions are divided."""

HEADINGS = (
    "family",
    "parameters",
    "prefix",
    "question",
    "alone s",
    "paper s",
    "shared s",
    "distinct x",
    "paper x",
    "same",
    "different answers",
)
LEGEND = """
prefix, question: tokens that the questions of an image share, and those a question has of its own
alone, paper, shared: seconds for all images, from medians; the paper's loop asks 18 questions an image, or a caption
distinct, paper: how many times faster the shared engine is than asking each question alone, and than that loop
same: answers on which both engines agree; different answers: how many there are among them"""

Answers = list[list[Generation]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What both engines answered to the same questions, and how long they took."""

    alone: Answers
    asking_seconds: float
    """The median of one question alone."""
    shared: Answers
    shared_seconds: float

    def differing(self) -> list[tuple[int, int]]:
        """(image, question) of the answers that are not the same tokens."""
        return [
            (image, question)
            for image, (answers, others) in enumerate(zip(self.alone, self.shared, strict=True))
            for question, (one, other) in enumerate(zip(answers, others, strict=True))
            if one.token_ids != other.token_ids
        ]


def main() -> int:
    made = parser(__doc__, images=1)
    made.add_argument("--captions", action="store_true", help="one image at a time against all together")
    options = made.parse_args()
    clock = clock_of(options)
    questions = [CAPTION_PROMPT] if options.captions else pope_questions(options.questions)
    images = draw_images(options.images)
    print_machine(options, [f"{len(images)} images of 640x480, {len(questions)} questions each"])
    rows, differences = [], []
    for kind in kinds_of(options.shape, options.family):
        model = make_model(options, kind)
        one_by_one = generate_shared if options.captions else generate_sequentially
        comparison = _compare(model, images, questions, options.max_new_tokens, clock, one_by_one)
        askings = 1 if options.captions else ASKINGS_OF_THE_PAPER
        rows.append(_row(kind, model, images, questions, comparison, askings))
        print(" ".join(rows[-1]), file=sys.stderr, flush=True)  # a sign of life
        differences += [
            f"{kind}, image {image}, question {question}: "
            + describe_difference(
                model,
                model.recipe.prepare(images[image], [questions[question]]),
                comparison.alone[image][question].token_ids,
                comparison.shared[image][question].token_ids,
            )
            for image, question in comparison.differing()
        ]
    print_table(HEADINGS, rows)
    print(LEGEND)
    print("\n".join(differences) or "no answer differs")
    return 1 if differences else 0


def _compare(
    model: Model,
    images: Sequence[Image.Image],
    questions: Sequence[str],
    max_new_tokens: int,
    clock: Clock,
    generate_alone: Callable[[Model, Sequence[Prepared], int, Spellings], Answers],
) -> Comparison:
    """Takes turns: a run of the shared engine after each third of the other's, since machines have bad moments."""
    spellings = find_spellings(model.recipe)

    def alone(image: Image.Image, question: str) -> Generation:
        prepared = model.recipe.prepare(image, [question])
        return generate_alone(model, [prepared], max_new_tokens, spellings)[0][0]

    def shared() -> Answers:
        prepared = [model.recipe.prepare(image, questions) for image in images]
        return generate_shared(model, prepared, max_new_tokens, spellings)

    # The first call of either engine pays for what is set up once.
    alone(images[0], questions[0])
    shared()
    askings = [(image, question) for image in range(len(images)) for question in range(len(questions))]
    one_by_one: dict[tuple[int, int], tuple[Generation, float]] = {}
    together = []
    for turn in range(TURNS):
        for image, question in askings[turn::TURNS]:
            work = partial(alone, images[image], questions[question])
            one_by_one[image, question] = timed(model.device, work, clock)
        together.append(timed(model.device, shared, clock))
    return Comparison(
        alone=[
            [one_by_one[image, question][0] for question in range(len(questions))]
            for image in range(len(images))
        ],
        asking_seconds=median(seconds for _, seconds in one_by_one.values()),
        shared=together[0][0],
        shared_seconds=median(seconds for _, seconds in together),
    )


def _row(
    kind: str,
    model: Model,
    images: Sequence[Image.Image],
    questions: Sequence[str],
    comparison: Comparison,
    askings_of_the_paper: int,
) -> list[str]:
    prompts = model.recipe.prepare(images[0], questions).prompts
    prefix = common_prefix_length(prompts)
    own = sum(len(prompt) - prefix for prompt in prompts) / len(prompts)
    generations = [generation for answers in comparison.alone for generation in answers]
    alone_seconds = comparison.asking_seconds * len(generations)
    paper_seconds = comparison.asking_seconds * askings_of_the_paper * len(images)
    return [
        kind,
        f"{size_of(model.recipe.network_without_weights()).parameters / 1e6:.1f}M",
        str(prefix),
        f"{own:.0f}",
        f"{alone_seconds:.2f}",
        f"{paper_seconds:.2f}",
        f"{comparison.shared_seconds:.2f}",
        f"{alone_seconds / comparison.shared_seconds:.1f}",
        f"{paper_seconds / comparison.shared_seconds:.1f}",
        f"{len(generations) - len(comparison.differing())} of {len(generations)}",
        str(len({generation.token_ids for generation in generations})),
    ]


if __name__ == "__main__":
    sys.exit(main())
