"""GPUs that a machine shows, in folders as the kernel lays them out."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakelet.inference.engine import gpus
from lakelet.inference.engine.gpus import Gpu, engine_devices, seen_gpus
from lakelet.session import Workspace
from lakelet.session.doctor import examine


def card(root: Path, number: int, vendor: str, device: str) -> None:
    place = root / f"sys/class/drm/card{number}/device"
    place.mkdir(parents=True)
    (place / "vendor").write_text(f"{vendor}\n")
    (place / "device").write_text(f"{device}\n")
    (root / f"sys/class/drm/card{number}-HDMI-A-1").mkdir()


def test_each_is_named_once(tmp_path: Path) -> None:
    assert seen_gpus(tmp_path) == []
    card(tmp_path, 0, "0x8086", "0x9bc8")
    card(tmp_path, 1, "0x10de", "0x2684")
    card(tmp_path, 2, "0x1a03", "0x2000")  # a server's own picture, no GPU
    told = tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0/information"
    told.parent.mkdir(parents=True)
    told.write_text("Model: \t\t NVIDIA GeForce RTX 4090\nIRQ:   \t\t 16\n")
    assert [str(one) for one in seen_gpus(tmp_path)] == [
        "Intel device 0x9bc8", "NVIDIA GeForce RTX 4090",
    ]  # fmt: skip
    other = told.parent.parent / "0000:02:00.0" / "information"
    other.parent.mkdir()
    other.write_text("Model: NVIDIA H200\n")  # one without an outlet for pictures
    assert Gpu("NVIDIA", "H200") in seen_gpus(tmp_path)


def test_the_engine_says_what_it_can_use() -> None:
    assert engine_devices() is not None


def test_doctor_says_what_would_use_it(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> dict[str, tuple[str, str, str]]:
        return {one.what: (one.state, one.text, one.hint or "") for one in examine(ws.folder.root)}

    monkeypatch.setattr(gpus, "seen_gpus", list)
    assert "gpu" not in told()
    monkeypatch.setattr(gpus, "seen_gpus", lambda: [Gpu("NVIDIA", "H200")])
    monkeypatch.setattr(gpus, "engine_devices", list)
    state, text, hint = told()["gpu"]
    assert state == "note" and text.startswith("NVIDIA H200: this build of the engine cannot")
    assert "llama_server in [models]" in hint
    monkeypatch.setattr(gpus, "engine_devices", lambda: ["CUDA0 NVIDIA H200"])
    assert told()["gpu"][:2] == ("ok", "NVIDIA H200, which the engine can use as CUDA0 NVIDIA H200")
    monkeypatch.setattr(gpus, "engine_devices", lambda: None)
    assert "is not installed, or does not answer" in told()["gpu"][1]
