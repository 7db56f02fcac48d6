"""What differs between the configurations of two runs, in words."""

from collections.abc import Mapping
from typing import Any

from repope_eval.settings.written import by_dotted_key
from repope_eval.wording import first_few, shown

_SHOWN_DIGITS = 8
"""Digits of a hash that tell files apart for a reader."""


def in_words(value: Any) -> str:
    """A value of a manifest as it stands in a message; a hash is cut to its beginning."""
    if value is None:
        return "not set"
    kind, colon, digest = value.partition(":") if isinstance(value, str) else ("", "", "")
    return shown(f"{kind}:{digest[:_SHOWN_DIGITS]}" if colon and len(digest) == 64 else value)


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Each value that differs between two configurations, by its dotted key, there and here."""
    known, own = by_dotted_key(there), by_dotted_key(here)
    return [
        f"{key} is {in_words(known.get(key))} there and {in_words(own.get(key))} here"
        for key in {**known, **own}
        if known.get(key) != own.get(key)
    ]


def differing_files(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """The files of two benchmarks, as their manifests name them, that the other does not have; each by its SHA-256."""
    beside = [_files_beside(there, here), _files_beside(here, there)]
    if not any(beside):
        return "the same files in another order"
    return "{} there and {} here".format(*(first_few(files) or "no other file" for files in beside))


def _files_beside(benchmark: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    known = set(other["sha256"].values())
    files = [
        f"{name} ({digest[:_SHOWN_DIGITS]})"
        for name, digest in benchmark["sha256"].items()
        if digest not in known
    ]
    return [*files, *([f"edition {benchmark['edition']}"] if benchmark.get("edition") else [])]
