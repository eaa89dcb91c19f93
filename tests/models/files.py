"""Small model files for tests, written by the `gguf` package: another hand than the reader's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np

TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"


def write_gguf(
    path: Path,
    *,
    architecture: str = "llama",
    said: dict[str, Any] | None = None,
    tensors: dict[str, tuple[tuple[int, ...], str]] | None = None,
    tokens: int = 300,
    template: str | None = TEMPLATE,
) -> Path:
    """Write a file with tensors of zeros.

    Args:
        path: where.
        architecture: its own.
        said: more keys.
        tensors: rows and columns, as NumPy counts, and the type, by name.
        tokens: words of the vocabulary.
        template: the chat template.
    """
    writer = gguf.GGUFWriter(path, architecture)
    for key, value in {
        f"{architecture}.context_length": 4096, f"{architecture}.block_count": 2,
        f"{architecture}.embedding_length": 256, f"{architecture}.attention.head_count": 4,
        f"{architecture}.attention.head_count_kv": 2, **(said or {}),
    }.items():  # fmt: skip
        if isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, int):
            writer.add_uint32(key, value)
        elif isinstance(value, float):
            writer.add_float32(key, value)
        elif isinstance(value, list):
            writer.add_array(key, value)
        else:
            writer.add_string(key, value)
    if tokens:
        writer.add_tokenizer_model("gpt2")
        writer.add_token_list([f"token {number}" for number in range(tokens)])
        writer.add_token_types([1] * tokens)
    if template is not None:
        writer.add_chat_template(template)
    wanted = tensors or {"token_embd.weight": ((300, 256), "F16"), "blk.0.ffn_up.weight":
                         ((512, 256), "Q4_0")}  # fmt: skip
    for name, (shape, kind) in wanted.items():
        number = gguf.GGMLQuantizationType[kind]
        block, size = gguf.GGML_QUANT_SIZES[number]
        data = np.zeros((*shape[:-1], shape[-1] // block * size), np.uint8)
        writer.add_tensor(name, data, raw_dtype=number)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
