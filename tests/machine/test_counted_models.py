"""Of listed models those are counted whose shapes are published or whose small files are here."""

from pathlib import Path

import pytest
from tiny_checkpoints import CHECKPOINTS, chat_settings

from repope_eval.machine.fits import count_models
from repope_eval.machine.memory_need import Rehearsed, Shape
from repope_eval.settings.composition import model_settings


def test_a_chat_model_is_counted_where_its_files_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    CHECKPOINTS["llava"](tmp_path / "llava")
    (tmp_path / "llava" / "model.safetensors").unlink()
    (tmp_path / "broken").mkdir()
    here, broken = (chat_settings(tmp_path / name) for name in ("llava", "broken"))
    listed = [model_settings("internvl2_5_1b"), model_settings("qwen3_vl_8b"), here, broken]
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    found = count_models(listed)
    assert [settings for settings, _ in found.models] == [listed[0], here]
    assert [type(counted) for _, counted in found.models] == [Shape, Rehearsed]
    assert found.n_not_here == 1
    (warning,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith(f"chat: {tmp_path / 'broken'}")
