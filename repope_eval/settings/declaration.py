"""How a field of a settings record is declared: its default, its meaning, and its limits."""

import dataclasses
from typing import Any


def setting(help: str, default: Any = dataclasses.MISSING, **limits: Any) -> Any:
    """A field of a settings record.

    Args:
        help: its meaning, for the help page.
        default: its value where none is given; without a default, one must be given.
        limits: `minimum`, `maximum`; `pattern` with its `form` in words; the `length` of a list; the `longest` text
            in characters; `has_lines`, if a text may have several lines; `is_public`, if files hold a text as it is,
            so that it may not come from an environment variable; `choice`, which makes the field a group, and names
            the configuration file that is taken where none is named (None: no file); `is_partial`, if a record may
            lack what it requires elsewhere.
    """
    return dataclasses.field(default=default, metadata={"help": help, **limits})
