"""A run checks itself: its first images are asked about the plain way, too, and the answers are compared.

The plain way is the sequential engine: each question alone, with its image, through transformers' own `generate`.
"""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from repope_eval.asking.native.generation import Generation, Spellings
from repope_eval.asking.native.memory import give_back
from repope_eval.asking.native.sequential import generate_sequentially
from repope_eval.models.fields import first_line
from repope_eval.models.loading import Model
from repope_eval.models.networks import LoadedNetwork
from repope_eval.models.recipe import Prepared
from repope_eval.wording import counted

log = logging.getLogger(__name__)


MOST_CHANGE: Mapping[str, float] = {"float32": 1 / 256, "float16": 1 / 16, "bfloat16": 1 / 2, "int8": 1.0}
"""By how much the difference of two logits may change with the order of sums, by number format, where logits are below
32. `most_change` allows more where they are larger.

With n significant bits, a number from 2 ** (e - 1) to 2 ** e has neighbours 2 ** (e - n) away: logits between 16 and
32, as language models have them, are told in steps of 1/8 in bfloat16, and of 1/64 in float16. Either logit may be two
steps off, which makes four steps. Smaller logits are told in smaller steps, but the hidden states that they are made of
are not: their rounding moves a logit of 1 as far as one of 16. In float32 such steps are too small to be seen, and what
sums of thousands of terms leave is far below 1/256. bitsandbytes' int8 chooses its outliers over the whole batch, which
is more than the steps of logits; its value is for all sizes.

The tiny checkpoints of the tests, whose highest logits are 1 to 10, changed by less than 0.0001 in float32, by up to
0.06 in bfloat16 (also in nf4, which is computed in it), and by up to 0.3 in int8, but for PaliGemma's: by up to 1.6.

Two things follow. Two tokens may change places where the better one leads by no more than that. And the odds of yes
change by a factor of at most e to that power, so that p_yes changes by at most a quarter of it: the logistic
function is nowhere steeper. Near ties are rare: no format explains that more than half of several
answers differ. Descriptions have hundreds of tokens, so that in 16 bits most of them may meet a near tie: each is
compared up to the first token that differs, which has to be one, and how many differ says no more. In float32 it does.
"""

SIGNIFICANT_BITS: Mapping[str, int] = {"float32": 24, "float16": 11, "bfloat16": 8}
"""Of the formats in which a logit's size decides how far it is from the next one that can be told."""


def most_change(number_format: str, best_logit: float) -> float:
    """By how much the difference of the two highest logits may change with the order of sums: four steps, or more.

    Gemma 2 bounds its logits after the head has computed them. That brings them nearer together, never further apart,
    so that the steps of what the head computed are enough.

    Args:
        number_format: a key of `MOST_CHANGE`.
        best_logit: the higher of the two, as the head computed it.
    """
    least = MOST_CHANGE[number_format]
    if number_format not in SIGNIFICANT_BITS:
        return least
    _, exponent = math.frexp(best_logit)
    return max(least, math.ldexp(4, exponent - SIGNIFICANT_BITS[number_format]))


SECONDS_AN_IMAGE = 10.0
"""After so many seconds no further question about an image is asked the plain way: a long answer on a slow device
would otherwise make the check longer than the rest of a short run."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the run's engine and the plain way made of one question."""

    has_equal_tokens: bool
    p_yes_change: float
    is_explained: bool
    """Whether the number format explains what differs."""
    describes: bool = False
    """Whether it is a description, whose many tokens may meet several near ties."""


def compare(
    said: Generation, plain: Generation, number_format: str, *, describes: bool = False
) -> Comparison:
    """Compares two answers to a question.

    Args:
        said: what the run's engine generated.
        plain: what the sequential engine generated, with `leads`; without `best_logits` these count as small.
        number_format: the key of `MOST_CHANGE` for the model.
        describes: whether they are descriptions.
    """
    change = abs(said.p_yes - plain.p_yes)
    logits = plain.best_logits or (0.0,) * max(1, len(plain.leads))
    steps = zip(said.token_ids, plain.token_ids, plain.leads, logits, strict=False)
    parted = next(((lead, logit) for one, other, lead, logit in steps if one != other), None)
    is_explained = change <= most_change(number_format, logits[0]) / 4 and (
        parted is None or parted[0] <= most_change(number_format, parted[1])
    )
    return Comparison(said.token_ids == plain.token_ids, change, is_explained, describes)


class Checked:
    """What came of the images that were asked about the plain way, too."""

    def __init__(self, model: LoadedNetwork, seconds: float = 0.0) -> None:
        """Begins with nothing checked; `seconds` were spent before."""
        is_int8 = getattr(model.network, "is_loaded_in_8bit", False)
        self.number_format = "int8" if is_int8 else str(model.dtype).removeprefix("torch.")
        """The key of `MOST_CHANGE`."""
        self.images = 0
        self.answers: list[Comparison] = []
        self.seconds = seconds
        """How long the plain way took."""

    @property
    def equal(self) -> int:
        """How many answers have the plain way's tokens."""
        return sum(one.has_equal_tokens for one in self.answers)

    @property
    def is_in_doubt(self) -> bool:
        """Whether more differs than the number format explains: an answer by too much, or too many answers."""
        tallied = [one for one in self.answers if not one.describes or self.number_format == "float32"]
        differing = sum(not one.has_equal_tokens for one in tallied)
        return any(not one.is_explained for one in self.answers) or differing > max(1, len(tallied) / 2)

    def compare(self, said: Generation, plain: Generation, *, describes: bool = False) -> Comparison:
        """Compares two answers to a question, as the model's number format allows."""
        return compare(said, plain, self.number_format, describes=describes)

    def line(self) -> str:
        """How well the answers, at least one, agree with those of the plain way."""
        is_explained = self.equal < len(self.answers) and not self.is_in_doubt
        explained = f", as {self.number_format} explains" if is_explained else ""
        changes = [one.p_yes_change for one in self.answers if not one.describes]
        if changes:
            thousandths = max(1, math.ceil(1000 * max(changes)))
            explained = f", p_yes within {thousandths / 1000:.3f}".replace("0.", ".") + explained
        elif is_explained:
            explained = f", the others up to a near tie of two tokens{explained}"
        return (
            f"checked against the plain way on {counted(self.images, 'image')}: {self.equal} of "
            f"{counted(len(self.answers), 'answer' if changes else 'caption')} equal{explained}"
        )

    def facts(self, line: str, *, in_doubt: bool) -> dict[str, Any]:
        """What a manifest says of the check, under `verified`.

        Args:
            line: what came of it, for the log and the page.
            in_doubt: whether more differs than the number format explains.
        """
        facts = {
            "images": self.images,
            "answers": len(self.answers),
            "equal": self.equal,
            "unexplained": sum(not one.is_explained for one in self.answers),
            "in_doubt": in_doubt,
            "p_yes_change": max(
                (one.p_yes_change for one in self.answers if not one.describes), default=None
            ),
            "seconds": round(self.seconds, 3),
            "line": line,
        }
        return {"verified": facts}


class Verification:
    """The check of a run's first images. It changes no answer and ends no run."""

    def __init__(self, model: Model, images: int, max_new_tokens: int, spellings: Spellings) -> None:
        """Checks nothing yet.

        Args:
            images: how many images are to be checked; 0 for none.
            max_new_tokens: the longest answer.
            spellings: the tokens that count as yes and as no.
        """
        self._model = model
        self._images_left = images
        self._max_new_tokens = max_new_tokens
        self._spellings = spellings
        self._checked = Checked(model)
        self._waiting: list[tuple[Prepared, Sequence[Generation], bool]] = []
        """Images that were answered and are to be checked, with what was said of them, and whether it describes."""
        self._failure = ""

    def take(
        self,
        images: Sequence[Prepared],
        generations: Sequence[Sequence[Generation]],
        *,
        describes: bool = False,
    ) -> None:
        """Takes a batch that was answered, as far as its images are among those to be checked.

        `describes` says whether the answers are descriptions.
        """
        pairs = zip(images, generations, strict=True)
        first = [(image, said, describes) for image, said in pairs][: self._images_left]
        self._images_left -= len(first)
        self._waiting += first

    def check(self) -> None:
        """Asks about the images that were taken, one question at a time, and says in the log what came of it."""
        if not self._waiting:
            return
        started = time.perf_counter()
        try:
            while self._waiting:
                self._check(*self._waiting.pop(0))
        except Exception as error:  # whatever it is, the answers of the run are none the worse for it
            self._failure = first_line(error)
            self._images_left = 0
            self._waiting.clear()
        if self._failure:
            give_back(self._model.device)  # here the exception no longer holds the tensors
        self._checked.seconds += time.perf_counter() - started
        level = logging.WARNING if self._failure or self._checked.is_in_doubt else logging.INFO
        log.log(level, "%s", self._line())

    def facts(self) -> dict[str, Any]:
        """What a manifest says of the check, under `verified`; empty where nothing was to be checked so far."""
        if not (self._checked.answers or self._failure):
            return {}
        return self._checked.facts(self._line(), in_doubt=self._checked.is_in_doubt)

    def _check(self, image: Prepared, generations: Sequence[Generation], describes: bool) -> None:
        started = time.perf_counter()
        self._checked.images += 1
        for number, said in enumerate(generations):
            own = slice(number, number + 1)
            alone = replace(image, prompts=image.prompts[own], draws=image.draws[own])
            ((plain,),) = generate_sequentially(self._model, [alone], self._max_new_tokens, self._spellings)
            self._checked.answers.append(self._checked.compare(said, plain, describes=describes))
            if time.perf_counter() - started > SECONDS_AN_IMAGE:
                break

    def _line(self) -> str:
        """What came of it, for the log and the page."""
        checked = self._checked
        if not checked.answers:
            return f"not checked against the plain way, which failed ({self._failure}); the run goes on"
        line = checked.line()
        if self._failure:
            line += f", until it failed ({self._failure})"
        if checked.is_in_doubt:
            return (
                f"answers in doubt: {line}: more than {checked.number_format} explains; ask anew with "
                "engine=sequential in another folder (out=)"
            )
        return line
