"""Quick waits, and downloads from a server of faults; for the tests of downloading."""

import hashlib
from pathlib import Path

import pytest
from fault_server import FaultServer

from repope_eval.errors import RepopeError
from repope_eval.system import downloads, http
from repope_eval.system.downloads import Download, download

CONTENT = bytes(range(256)) * 400
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def be_quick_and_direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits are short, and no proxy of the machine stands between."""
    for name, value in {"READ_TIMEOUT": 0.3, "RETRY_AFTER_LIMIT": 0.3}.items():
        monkeypatch.setattr(downloads, name, value)
    for name, value in {"CONNECT_TIMEOUT": 1.0, "FIRST_WAIT": 0.001, "ATTEMPTS": 3}.items():
        monkeypatch.setattr(http, name, value)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def fetched(server: FaultServer, folder: Path, name: str = "file", sha256: str | None = SHA256) -> Path:
    path = folder / name
    download([Download(f"{server.url}/{name}", path, sha256)], description="files")
    return path


def refusal(server: FaultServer, folder: Path, name: str = "file") -> str:
    with pytest.raises(RepopeError) as caught:
        fetched(server, folder, name)
    assert "\n" not in str(caught.value)
    assert not (folder / name).exists()
    return str(caught.value)
