"""A model's card: what its file says, in the words people choose models by."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from lakelet.errors import CommandError, ModelFileError
from lakelet.models import read_gguf_header
from lakelet.models.card import Card, card_of_gguf
from lakelet.models.licences import licence_of
from lakelet.models.safetensors_folder import card_of_folder
from lakelet.models.thinking import thinking_policy
from lakelet.models.wishes import parse_tokens, wishes_of
from models.files import write_gguf

EXPERTS = {
    "token_embd.weight": ((300, 256), "F16"), "blk.0.ffn_up_exps.weight": ((8, 64, 256), "Q4_0"),
    "blk.0.attn_q.weight": ((256, 256), "Q8_0"), "output_norm.weight": ((256,), "F32"),
}  # fmt: skip


def card(path: Path, **more: object) -> Card:
    return card_of_gguf(read_gguf_header(write_gguf(path, **more)))  # type: ignore[arg-type]


def test_weights_and_bits_are_those_of_the_tensors(tmp_path: Path) -> None:
    found = card(
        tmp_path / "a.gguf", tensors=EXPERTS,
        said={"llama.expert_count": 8, "llama.expert_used_count": 2},
    )  # fmt: skip
    embeddings, experts, query, norm = 300 * 256, 8 * 64 * 256, 256 * 256, 256
    assert found.parameters == embeddings + experts + query + norm
    assert found.active == embeddings + experts // 4 + query + norm
    rest = (experts * 4.5 + query * 8.5 + norm * 32) / (experts + query + norm)
    assert found.bits_without_embeddings == pytest.approx(rest)
    whole = (embeddings * 16 + rest * (experts + query + norm)) / found.parameters
    assert found.bits_per_weight == pytest.approx(whole)
    assert found.quantization == "Q4_0"
    assert found.types["Q4_0"] == (1, experts * 18 // 32)
    # Two heads of keys and values, 64 wide, in two layers, two bytes each.
    assert found.kv_bytes_per_token == 2 * 2 * 2 * 64 * 2


def test_the_window_that_was_trained_and_the_one_that_scaling_reaches(tmp_path: Path) -> None:
    yarn = {"llama.rope.scaling.factor": 4.0, "llama.rope.scaling.original_context_length": 4096}
    found = card(tmp_path / "a.gguf", said=yarn)
    assert (found.trained_context, found.context) == (4096, 16384)
    found = card(tmp_path / "b.gguf", said={"llama.context_length": 32768})
    assert (found.trained_context, found.context) == (32768, 32768)


@pytest.mark.parametrize(
    ("said", "name", "wanted"),
    [
        ("apache-2.0", None, ("Apache-2.0", "permissive")),
        ("MIT", None, ("MIT", "permissive")),
        ("llama3.1", None, ("LicenseRef-Llama-3.1", "use-restricted")),
        ("gemma", None, ("LicenseRef-Gemma", "use-restricted")),
        ("cc-by-nc-4.0", None, ("CC-BY-NC-4.0", "non-commercial")),
        ("other", "qwen-research", ("LicenseRef-Qwen-Research", "non-commercial")),
        ("other", "My own terms", ("LicenseRef-My-own-terms", "unknown")),
        (None, None, ("", "unknown")), (7, 7, ("", "unknown")),
    ],
)  # fmt: skip
def test_licences_have_an_identifier_and_a_class(
    said: object, name: object, wanted: tuple[str, str]
) -> None:
    found = licence_of(said, name)
    assert (found.spdx, found.kind) == wanted


@pytest.mark.parametrize(
    ("template", "policy"),
    [
        (None, "none"), ("{{ messages[0].content }}", "none"),
        ("{{ content.split('</think>')[-1] }}", "strip"),
        ("{% if loop.index0 > ns.last_query_index %}<think>{{ message.reasoning_content }}{% endif %}",
         "keep since the last user turn"),
        ("{% if preserve_thinking %}<think>{{ message.reasoning_content }}{% endif %}",
         "keep always"),
    ],
)  # fmt: skip
def test_the_template_says_what_becomes_of_old_thoughts(template: str | None, policy: str) -> None:
    assert thinking_policy(template) == policy


def test_wishes_are_held_against_the_card(tmp_path: Path) -> None:
    found = card(
        tmp_path / "a.gguf",
        said={"general.license": "mit", "general.languages": ["en", "ja"]},
    )  # fmt: skip
    for met, wishes in (
        (True, wishes_of(licence="MIT,Apache", language="Japanese", context="4k", size="1 GB")),
        (True, wishes_of(licence="permissive", language="en,ja")),
        (False, wishes_of(licence="apache")), (False, wishes_of(language="de")),
        (False, wishes_of(context="4097")), (False, wishes_of(size="1 KB")),
        (False, wishes_of(vision=True)), (False, wishes_of(thinks=True)),
    ):  # fmt: skip
        assert wishes.met_by(found) is met, wishes
    assert [parse_tokens(one) for one in ("8192", "16k", "1M")] == [8192, 16384, 1048576]
    for wrong in ("", "many", "-4k", "0"):
        with pytest.raises(CommandError, match="no number of tokens"):
            parse_tokens(wrong)


def write_safetensors(path: Path, tensors: dict[str, tuple[str, list[int]]]) -> None:
    header, at = {}, 0
    for name, (kind, shape) in tensors.items():
        size = 2
        for side in shape:
            size *= side
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(at))


def test_a_folder_of_safetensors(tmp_path: Path) -> None:
    config = {
        "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "hidden_size": 64,
        "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 3,
        "max_position_embeddings": 40960, "vocab_size": 300,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "README.md").write_text("---\nlicense: apache-2.0\nlanguage: en\n---\n# It\n")
    (tmp_path / "chat_template.jinja").write_text("<think>{{ reasoning_content }}")
    write_safetensors(
        tmp_path / "model.safetensors",
        {"model.embed_tokens.weight": ("BF16", [300, 64]), "model.q.weight": ("BF16", [64, 64])},
    )
    found = card_of_folder(tmp_path)
    assert (found.family, found.parameters, found.bits_per_weight) == ("qwen3", 300 * 64 + 4096, 16)
    assert (found.context, found.licence.spdx) == (40960, "Apache-2.0")
    assert found.kv_bytes_per_token == 2 * 2 * 3 * 16 * 2
    assert found.thinking == "strip"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is cut off"), (struct.pack("<Q", 1 << 60) + b"{}", "is cut off"),
        (struct.pack("<Q", 2) + b"[[", "no JSON"),
        (struct.pack("<Q", 5) + b'{"a":', "no JSON"),
        (struct.pack("<Q", 10) + b'{"a": {} }', "wrongly"),
    ],
)  # fmt: skip
def test_broken_safetensors_are_refused(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "a.safetensors").write_bytes(data)
    with pytest.raises(ModelFileError, match=said):
        card_of_folder(tmp_path)


def test_a_folder_scales_its_places_as_a_file_does(tmp_path: Path) -> None:
    scaling = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1024}
    config = {"model_type": "llama", "max_position_embeddings": 1024, "rope_scaling": scaling}
    (tmp_path / "config.json").write_text(json.dumps(config))
    write_safetensors(tmp_path / "a.safetensors", {"a": ("BF16", [4, 4])})
    card = card_of_folder(tmp_path)
    assert (card.trained_context, card.context) == (1024, 4096)
