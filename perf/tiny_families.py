"""Makes tiny checkpoints of chat families: random weights, and each family's real classes of transformers.

What such a checkpoint answers means nothing, but its class computes as that of a published one does. So it shows
whether a family can be asked here at all, and which way gives the tokens that transformers itself gives.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from chat_families.families import FAMILIES

ALL = "all"


def main() -> int:
    """Makes the checkpoint that the command line names, or one of each family."""
    words = parser().parse_args()
    if words.family == ALL:
        return make_all(list(FAMILIES), words.folder)
    FAMILIES[words.family](words.folder)
    return 0


def parser() -> argparse.ArgumentParser:
    """The words of the command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("family", choices=[*FAMILIES, ALL], metavar="NAME", help=", ".join([*FAMILIES, ALL]))
    made.add_argument(
        "folder", type=Path, metavar="FOLDER", help="of the checkpoint; of all: one folder each in it"
    )
    return made


def make_all(families: Sequence[str], folder: Path) -> int:
    """Makes one of each family; says which cannot be made here, and goes on."""
    failed = 0
    for family in families:
        try:
            FAMILIES[family](folder / family)
        except ImportError as error:  # timm's towers
            failed += 1
            print(f"{family}: {str(error).strip().splitlines()[0]}", file=sys.stderr)
        else:
            print(folder / family)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
