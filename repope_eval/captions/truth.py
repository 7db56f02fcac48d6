"""What is in an image where a model describes it: COCO's word for it, and the verdicts of a relabelling on that."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from repope_eval.records import Label

REPOPE = "RePOPE"
"""Whose verdicts there are of POPE's images."""


@dataclass(frozen=True, slots=True)
class CaptionTruth:
    """The objects of each image, and what people found who looked whether an object is there."""

    objects: Mapping[str, frozenset[str]]
    """COCO's objects by image: those of its instances, and those that its five human captions mention."""
    verdicts: Mapping[str, Mapping[str, Label]] = field(default_factory=dict)
    """What was found, by image and object: yes, no or ambiguous. At most pairs nobody has looked."""
    judges: Mapping[str, int] = field(default_factory=dict)
    """How many of the verdicts come from whom: `RePOPE`, or people's labels in a file."""

    @property
    def judge(self) -> str:
        """Whose the verdicts are, as a sentence has it."""
        return " and ".join(self.judges) or REPOPE
