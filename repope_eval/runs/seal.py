"""The seal of a manifest: this user's program wrote where the files of the run's benchmark lie, and nobody since.

A run folder may be anybody's, and its manifest names files, folders and addresses. A command that reads runs takes
these from a manifest with a right seal alone. The seal is a keyed hash (HMAC with SHA-256) of the settings that name
places. The key lies in the user's configuration folder and goes into no run folder, so nobody else can make a seal.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

SEAL = "seal"
"""Where a manifest has its seal."""

FILES = ("questions", "relabels", "images", "annotations")
"""Settings of a benchmark that name files of a machine. The user's own may refer to environment variables."""

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
    return {SEAL: _seal(key, settings)} if key else {}


def is_sealed(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest has this user's seal of its settings."""
    try:
        key = _known_key()
    except (OSError, RuntimeError):
        return False
    settings, seal = manifest.get("settings"), manifest.get(SEAL)
    if not key or not isinstance(settings, Mapping) or not isinstance(seal, str):
        return False
    return hmac.compare_digest(_seal(key, settings).encode(), seal.encode(errors="replace"))


def places(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The files and folders that settings name, by the keys of `BenchSettings`, and `data_dir`: what a seal is of."""
    bench = settings.get("bench")
    of_bench = bench if isinstance(bench, Mapping) else {}
    named = {**{key: of_bench.get(key) for key in FILES}, "data_dir": settings.get("data_dir")}
    return {key: place for key, place in named.items() if place is not None}


def _seal(key: bytes, settings: Mapping[str, Any]) -> str:
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
