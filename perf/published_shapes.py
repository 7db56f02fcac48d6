"""Rows of `repope_eval/machine/published_shapes.csv`, counted from checkpoints' own configurations.

    python perf/published_shapes.py internvl2_5_1b ovis2_1b [...]

For a model that is added to the shipped ones: its row is what is printed. The files that describe a checkpoint are
fetched from the Hub where they are not here; its weights are not.
"""

import argparse
import csv
import sys
from dataclasses import asdict, fields

from repope_eval.machine.counting import shape_of
from repope_eval.machine.memory_need import Shape
from repope_eval.models.families import FAMILIES
from repope_eval.models.loading import read_description
from repope_eval.settings.composition import listed_models, model_settings


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names of models; default: all")
    models = parser.parse_args().models
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(["checkpoint", *(field.name for field in fields(Shape))])
    for name in models or [model.name for model in listed_models() if model.family in FAMILIES]:
        settings = model_settings(name)
        shape = asdict(shape_of(read_description(settings).recipe))
        flags = {True: "yes", False: "no"}
        values = [flags[value] if isinstance(value, bool) else value for value in shape.values()]
        rows.writerow([settings.checkpoint, *values])


if __name__ == "__main__":
    main()
