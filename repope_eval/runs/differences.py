"""What differs between the configurations of two runs, in words."""

from collections.abc import Mapping
from typing import Any

from repope_eval.settings.written import by_dotted_key
from repope_eval.wording import shown


def in_words(value: Any) -> str:
    """A value of a manifest as it stands in a message; a hash is cut to its beginning."""
    if value is None:
        return "not set"
    kind, colon, digest = value.partition(":") if isinstance(value, str) else ("", "", "")
    return shown(f"{kind}:{digest[:12]}" if colon and len(digest) == 64 else value)


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Each value that differs between two configurations, by its dotted key, there and here."""
    known, own = by_dotted_key(there), by_dotted_key(here)
    return [
        f"{key} is {in_words(known.get(key))} there and {in_words(own.get(key))} here"
        for key in {**known, **own}
        if known.get(key) != own.get(key)
    ]


def listed_files(benchmark: Mapping[str, Any]) -> str:
    """The files of a benchmark as its manifest names them, each with the beginning of its SHA-256."""
    files = [f"{name} ({digest[:12]})" for name, digest in benchmark["sha256"].items()]
    edition = [f"edition {benchmark['edition']}"] if benchmark.get("edition") else []
    return ", ".join([*files, *edition]) or "none"
