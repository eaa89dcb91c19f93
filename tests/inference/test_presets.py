"""How a model is sampled, and where each value comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inference.tiny import tiny_store
from lakelet.inference import Sampling
from lakelet.inference.presets import NAMES, RECOMMENDED, choose_sampling
from lakelet.models import read_gguf_header
from lakelet.models.card import Card, card_of_gguf
from lakelet.session import Workspace
from models.files import write_gguf


def card(path: Path, **said: object) -> Card:
    return card_of_gguf(read_gguf_header(write_gguf(path, said=said)))


def test_the_first_that_says_something_counts(tmp_path: Path) -> None:
    found = card(tmp_path / "a.gguf", **{
        "general.basename": "QwQ", "general.sampling.temp": 0.5, "general.sampling.top_k": 30,
    })  # fmt: skip
    assert found.family == "qwq"
    chosen = choose_sampling(found, {"temperature": 0.7}, Sampling(top_p=0.5, max_tokens=9))
    assert chosen.sources == {
        "temperature": (0.7, "your preset"), "top_p": (0.5, "asked for"),
        "top_k": (30.0, "its file"), "min_p": (0.0, "its family's registry"),
        "repeat_penalty": (1.0, "its family's registry"),
    }  # fmt: skip
    fields = chosen.sampling.as_fields()
    assert fields == {
        "temperature": 0.7, "top_p": 0.5, "top_k": 30, "min_p": 0.0, "repeat_penalty": 1.0,
        "max_tokens": 9,
    }  # fmt: skip
    assert chosen.deviations == {"top_p": (0.5, 0.95)}
    assert chosen.warnings == []


def test_what_nobody_says_is_the_engines_own(tmp_path: Path) -> None:
    chosen = choose_sampling(card(tmp_path / "a.gguf"), {}, Sampling())
    assert chosen.sources == {} and chosen.sampling == Sampling()
    assert str(chosen) == "as the engine does by itself"


def test_greedy_is_warned_of_where_its_makers_do(tmp_path: Path) -> None:
    found = card(tmp_path / "a.gguf", **{"general.name": "QwQ 32B"})
    assert choose_sampling(found, {}, Sampling()).warnings == []
    (warning,) = choose_sampling(found, {}, Sampling(temperature=0)).warnings
    assert "must not be sampled greedily" in warning


def test_every_entry_has_a_page_that_was_read() -> None:
    read = (Path(__file__).parents[2] / "docs" / "pages-read.md").read_text()
    for family, one in RECOMMENDED.items():
        assert one.pages and set(one.values) <= set(NAMES)
        for page in one.pages:
            lines = [line for line in read.splitlines() if f"<{page}>" in line]
            assert lines and lines[0].startswith(f"| {family} |"), page


def test_a_folders_generation_config_is_its_file(tmp_path: Path) -> None:
    from lakelet.models.safetensors_folder import card_of_folder
    from models.test_card import write_safetensors

    (tmp_path / "config.json").write_text("{}")
    write_safetensors(tmp_path / "a.safetensors", {"a": ("BF16", [4, 4])})
    said = {"temperature": 0.6, "top_k": 20, "repetition_penalty": 1.1, "eos_token_id": [1]}
    (tmp_path / "generation_config.json").write_text(json.dumps({"do_sample": True, **said}))
    wanted = {"temperature": 0.6, "top_k": 20.0, "repeat_penalty": 1.1}
    assert card_of_folder(tmp_path).sampling == wanted
    (tmp_path / "generation_config.json").write_text(json.dumps({"do_sample": False, **said}))
    assert card_of_folder(tmp_path).sampling == {}


@pytest.mark.parametrize(("written", "wanted"), [("0.25", 0.25), ("0", 0.0)])
def test_a_persons_preset_is_in_the_settings(
    ws: Workspace, tmp_path: Path, written: str, wanted: float
) -> None:
    tiny_store(tmp_path)
    settings = ws.folder.root / "lakelet.toml"
    text = settings.read_text().replace('# store = "models"', f'store = "{tmp_path / "store"}"')
    text = text.replace("# [models.presets.smollm2-f16]\n# temperature = 0.7",
                        f"[models.presets.tiny-llama]\ntemperature = {written}")  # fmt: skip
    settings.write_text(text)
    ws = type(ws)(type(ws.folder)(ws.folder.root))
    told = ws.sampling_of(ws.model("tiny-llama"))
    assert told.sources == {"temperature": (wanted, "your preset")}
