"""The server of `mlx-lm`, an engine that has nothing to do with llama.cpp, with a tiny model."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gguf
import numpy as np

__all__ = ("mlx_server", "write_folder")

_PARTS = {
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}  # fmt: skip


def write_folder(source: Path, folder: Path) -> Path:
    """A Qwen-shaped GGUF as the folder that the model hub has: config, weights, words, template."""
    from safetensors.numpy import save_file
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    folder.mkdir(parents=True)
    read = gguf.GGUFReader(source)
    said = {name: field.contents() for name, field in read.fields.items()}
    save_file(
        {_named(one.name): np.ascontiguousarray(one.data) for one in read.tensors},
        folder / "model.safetensors",
    )
    tokens, kinds = said["tokenizer.ggml.tokens"], said["tokenizer.ggml.token_type"]
    (folder / "config.json").write_text(json.dumps({
        "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"],
        "hidden_size": said["qwen3.embedding_length"],
        "num_hidden_layers": said["qwen3.block_count"],
        "intermediate_size": said["qwen3.feed_forward_length"],
        "num_attention_heads": said["qwen3.attention.head_count"],
        "num_key_value_heads": said["qwen3.attention.head_count_kv"],
        "head_dim": said["qwen3.attention.key_length"], "rms_norm_eps": 1e-6,
        "vocab_size": len(tokens), "rope_theta": said["qwen3.rope.freq_base"],
        "max_position_embeddings": said["qwen3.context_length"], "tie_word_embeddings": True,
        "eos_token_id": said["tokenizer.ggml.eos_token_id"],
    }))  # fmt: skip
    merges = [tuple(one.split(" ")) for one in said["tokenizer.ggml.merges"]]
    words = Tokenizer(models.BPE({one: number for number, one in enumerate(tokens)}, merges))
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    special = [AddedToken(one, special=kind == gguf.TokenType.CONTROL, normalized=False)
               for one, kind in zip(tokens, kinds, strict=True)
               if kind in (gguf.TokenType.CONTROL, gguf.TokenType.USER_DEFINED)]  # fmt: skip
    words.add_tokens(special)
    words.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": False,
        "eos_token": tokens[said["tokenizer.ggml.eos_token_id"]],
        "chat_template": said["tokenizer.chat_template"],
    }))  # fmt: skip
    return folder


def _named(name: str) -> str:
    """A tensor's name at the hub."""
    if name == "token_embd.weight":
        return "model.embed_tokens.weight"
    if name == "output_norm.weight":
        return "model.norm.weight"
    _, layer, part, end = name.split(".")
    return f"model.layers.{layer}.{_PARTS[part]}.{end}"


@contextmanager
def mlx_server(folder: Path) -> Iterator[str]:
    """The server with a model's folder; its address."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "mlx_lm", "server", "--model", str(folder), "--host", "127.0.0.1",
         "--port", str(port)],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}/v1"
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{address}/models", timeout=5):
                    break
            except OSError:
                assert server.poll() is None, "mlx_lm.server ended"
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(20)
