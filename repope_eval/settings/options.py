"""The options of a command line, which are Hydra's. Hydra itself, whose import takes long, is not imported here."""

from collections.abc import Mapping, Sequence

FLAGS = ("--help", "-h", "--version", "--multirun", "-m", "--run", "-r", "--resolve")
WITH_VALUE = ("--config-dir", "-cd", "--cfg", "-c", "--package", "-p", "--info", "-i")

_OTHER_PROGRAMS = "of no use here: --config-dir names configuration files of your own"
REFUSED: Mapping[str, str] = {
    "config_name": _OTHER_PROGRAMS,
    "config_path": _OTHER_PROGRAMS,
    "experimental_rerun": _OTHER_PROGRAMS,
    "hydra_help": "of no use here: --help shows what can be given",
    "shell_completion": "not offered, since Hydra's completion knows no commands: --help lists the keys",
}
"""The options that Hydra has and this program does not take, by the names that Hydra's parser gives them; and why."""


def command_place(words: Sequence[str]) -> int | None:
    """Where the command stands: the first word that is no option, no option's value and no setting; None: nowhere."""
    place = 0
    while place < len(words) and words[place].startswith("-"):
        name, equals, _ = words[place].partition("=")
        if name not in (*FLAGS, *WITH_VALUE):
            return None  # what follows may be its value
        place += 2 if name in WITH_VALUE and not equals else 1
    is_command = place < len(words) and "=" not in words[place] and not words[place].startswith(("+", "~"))
    return place if is_command else None
