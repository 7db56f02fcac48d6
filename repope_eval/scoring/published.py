"""The RePOPE paper's counts of its 17 models, for comparison; read back from its Figure 2."""

from collections.abc import Mapping
from dataclasses import dataclass

from repope_eval.records import Variant
from repope_eval.scoring.bootstrap import Interval
from repope_eval.scoring.confusion import Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedScores:
    """One of the paper's models. Intervals are binomial approximations: there are counts, and no answers."""

    model: str
    """As the paper writes it, such as `InternVL2.5-8B`."""
    config_name: str
    """The configuration file of the same model here, such as `internvl2_5_8b`."""
    figures: Mapping[str, Mapping[Variant, Figures]]
    intervals: Mapping[str, Mapping[Variant, Mapping[str, Interval]]]
