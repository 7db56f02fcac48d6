"""The settings of a benchmark as a manifest holds them, made safe: text, and leading nowhere that the user never named.

A run folder may be anybody's. What stands in its manifest is text, so an interpolation in it is one, too. It names a
place only where the manifest has this user's seal: else files, folders and addresses in it are withheld, and who reads
the run names them.
"""

import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from repope_eval.runs.seal import FILES, is_sealed, places
from repope_eval.settings.config import BenchSettings
from repope_eval.settings.schema import schema_of, settings_from
from repope_eval.settings.written import place_here
from repope_eval.wording import shown_word

_FETCHING = ("images_from", "annotations_url", "images_url", "hub_dataset")
"""Settings of a benchmark that say where it is fetched from, which no command does that reads runs."""

_INTERPOLATION = re.compile(r"(\\*)\$\{")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSettings:
    """What a manifest says of the benchmark, as far as it is taken."""

    bench: BenchSettings
    data_dir: str | None
    """The setting as it was written: it may contain environment variables. None where it is withheld."""
    withheld: Mapping[str, str]
    """The places that a manifest without this user's seal names, by the keys of `BenchSettings`, and `data_dir`."""


def stored_settings(manifest: Mapping[str, Any], path: Path) -> StoredSettings:
    """The settings of the benchmark in a manifest.

    Args:
        manifest: the manifest.
        path: its file, for messages.

    Raises:
        RepopeError: a setting is not allowed, or a variable in one of the user's own is not set here.
        OmegaConfBaseException: a setting is not this version's.
        LookupError, TypeError, ValueError, AttributeError: the manifest is none.
    """
    settings: Mapping[str, Any] = manifest["settings"]
    fields = {key: value for key, value in settings["bench"].items() if key not in _FETCHING}
    data_dir, withheld = settings.get("data_dir"), {}
    if is_sealed(manifest):
        own = {key: fields[key] for key in FILES if fields.get(key) is not None}
        fields |= {key: place_here(place, f"{path}: bench.{key}") for key, place in own.items()}
    else:
        withheld = {key: shown_word(str(place)) for key, place in places(settings).items()}
        fields = {key: value for key, value in fields.items() if key not in FILES}
        data_dir = None
    composed = OmegaConf.merge(OmegaConf.structured(schema_of(BenchSettings)), _literal(fields))
    bench = settings_from(BenchSettings, typing.cast(DictConfig, composed))
    return StoredSettings(bench=bench, data_dir=data_dir, withheld=withheld)


def _literal(value: Any) -> Any:
    """The value in which OmegaConf finds no interpolation, but the text of one."""
    if isinstance(value, str):
        # OmegaConf halves the backslashes before `${`, and takes it as text after an odd number of them.
        return _INTERPOLATION.sub(r"\1\1\\${", str(value))
    if isinstance(value, Mapping):
        return {key: _literal(each) for key, each in value.items()}
    return [_literal(each) for each in value] if isinstance(value, list) else value
