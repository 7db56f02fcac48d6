"""The settings of a benchmark as a manifest holds them, made safe, and the seal that says whose they are.

A run folder may be anybody's. What stands in its manifest is text, and so is an interpolation in it. It names a place
only where the manifest has this user's seal: else files, folders and addresses in it are withheld, and whoever reads
the run has to name them. The seal is a keyed hash (HMAC with SHA-256) of the settings that name places. The key lies in
the user's configuration folder and goes into no run folder, so nobody else can make a seal.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repope_eval.settings.config import BenchSettings
from repope_eval.settings.fields import fields_of
from repope_eval.settings.schema import merged, settings_from
from repope_eval.system.secrets import place_here
from repope_eval.wording import shown_word

SEAL = "seal"
"""Where a manifest has its seal."""

FILES = tuple(field.name for field in fields_of(BenchSettings) if field.place)
"""Settings of a benchmark that name files of a machine. The user's own may refer to environment variables."""

_FETCHING = tuple(field.name for field in fields_of(BenchSettings) if field.metadata["is_fetching"])
"""Settings of a benchmark that say where it is fetched from; commands that read runs fetch nothing."""

KEY_BYTES = 32


def key_path() -> Path:
    """The file of this user's key."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "repope_eval" / "seal.key"


def sealed(settings: Mapping[str, Any]) -> dict[str, str]:
    """What a manifest of these settings holds as its seal; nothing where no key can be kept for this user.

    Args:
        settings: those of a start, which this user gave.
    """
    try:
        key = _known_key() or _new_key()
    except (OSError, RuntimeError):  # no home, or none that can be written, as in a container
        return {}
    return {SEAL: _seal_of(key, settings)} if key else {}


def is_sealed(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest has this user's seal of its settings."""
    try:
        key = _known_key()
    except (OSError, RuntimeError):
        return False
    settings, seal = manifest.get("settings"), manifest.get(SEAL)
    if not key or not isinstance(settings, Mapping) or not isinstance(seal, str):
        return False
    return hmac.compare_digest(_seal_of(key, settings).encode(), seal.encode(errors="replace"))


def places(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The files and folders that settings name, by the keys of `BenchSettings`, and `data_dir`: what a seal is of."""
    bench = settings.get("bench")
    of_bench = bench if isinstance(bench, Mapping) else {}
    named = {**{key: of_bench.get(key) for key in FILES}, "data_dir": settings.get("data_dir")}
    return {key: place for key, place in named.items() if place is not None}


def _seal_of(key: bytes, settings: Mapping[str, Any]) -> str:
    return hmac.new(key, json.dumps(places(settings)).encode(), hashlib.sha256).hexdigest()


def _known_key() -> bytes | None:
    """The key, if there is one; one that was cut short counts as none."""
    with suppress(FileNotFoundError, NotADirectoryError):
        key = key_path().read_bytes()
        return key if len(key) == KEY_BYTES else None
    return None


def _new_key() -> bytes | None:
    """Makes the key, unless another process is the first: all runs of a user are to be sealed by one."""
    path = key_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(unfinished, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        try:
            path.hardlink_to(unfinished)
        except FileExistsError:
            pass
        except OSError:  # of a file system without hard links
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return _known_key()


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
        path: the manifest's file, for messages.

    Raises:
        RepopeError: a setting is not allowed, or a variable in one of the user's own is not set here.
        OmegaConfBaseException: a setting is not this version's.
        LookupError, TypeError, ValueError, AttributeError: it is no run's manifest.
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
    bench = settings_from(BenchSettings, merged(BenchSettings, _literal_value(fields)))
    return StoredSettings(bench=bench, data_dir=data_dir, withheld=withheld)


def _literal_value(value: Any) -> Any:
    """The value, written so that OmegaConf takes an interpolation in it for text."""
    if isinstance(value, str):
        # OmegaConf halves the backslashes before `${`, and takes it as text after an odd number of them.
        return _INTERPOLATION.sub(r"\1\1\\${", str(value))
    if isinstance(value, Mapping):
        return {key: _literal_value(each) for key, each in value.items()}
    return [_literal_value(each) for each in value] if isinstance(value, list) else value
