"""What is in an image where a model describes it: how it is annotated, and the verdicts of a relabelling on that."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from repope_eval.captions.mentions import Vocabulary, coco_vocabulary
from repope_eval.records import Label

REPOPE = "RePOPE"
"""Whose verdicts there are of POPE's images."""


@dataclass(frozen=True, slots=True)
class CaptionTruth:
    """The objects of each image, and what people found who looked whether an object is there."""

    objects: Mapping[str, frozenset[str]]
    """The objects by image as they are annotated. COCO's are those of its instances, and those that its five human
    captions mention."""
    verdicts: Mapping[str, Mapping[str, Label]] = field(default_factory=dict)
    """What was found, by image and object: yes, no or ambiguous. At most pairs nobody has looked."""
    judges: Mapping[str, int] = field(default_factory=dict)
    """How many of the verdicts come from whom: `RePOPE`, or people's labels in a file."""
    vocabulary: Vocabulary = field(default_factory=coco_vocabulary)
    """The objects that there are, and the words by which captions mention them."""
    annotation: str = "COCO"
    """What sentences call whatever annotates the images: "COCO has it", "COCO's truth"."""

    @property
    def judge(self) -> str:
        """Whose the verdicts are, as a sentence has it."""
        return " and ".join(self.judges) or REPOPE

    def told(self, text: str, **words: str) -> str:
        """A text that names the annotation as `{annotation}`, with a capital where it begins with that."""
        filled = text.format(annotation=self.annotation, **words)
        return filled[:1].upper() + filled[1:] if text.startswith("{annotation}") else filled
