"""A small encoder (BERT): a file as llama.cpp reads it, and the same network in PyTorch.

Source: Devlin et al., BERT (2019), as the `gguf` package names its tensors.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import torch
from torch.nn import functional

__all__ = ("WORDS", "Encoder")

WORDS = ("what", "grows", "in", "arnia", "the", "capital", "of", "lomar", "is", "helmut", "lake")
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_WIDTH, _HEADS, _INNER, _LAYERS, _LONGEST = 256, 4, 512, 2, 2048
_NORMAL, _CONTROL, _UNKNOWN = 1, 3, 2


class Encoder:
    """Two layers of weights drawn at random; a text's vector is the mean over its tokens."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(7)
        self.words = [*_SPECIAL, *("\u2581" + word for word in WORDS)]
        self.weights: dict[str, np.ndarray] = {}
        self._draw("token_embd.weight", len(self.words), _WIDTH, scale=1.0)
        self._draw("token_types.weight", 2, _WIDTH)
        self._draw("position_embd.weight", _LONGEST, _WIDTH, scale=1.0)
        self._draw_norm("token_embd_norm")
        for layer in range(_LAYERS):
            block = f"blk.{layer}"
            for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
                self._draw_linear(f"{block}.{name}", _WIDTH, _WIDTH)
            self._draw_linear(f"{block}.ffn_up", _INNER, _WIDTH)
            self._draw_linear(f"{block}.ffn_down", _WIDTH, _INNER)
            self._draw_norm(f"{block}.attn_output_norm")
            self._draw_norm(f"{block}.layer_output_norm")

    def _draw(self, name: str, *shape: int, scale: float = 0.1, around: float = 0.0) -> None:
        drawn = self._random.standard_normal(shape) * scale + around
        self.weights[name] = drawn.astype(np.float32)

    def _draw_linear(self, name: str, rows: int, columns: int) -> None:
        self._draw(f"{name}.weight", rows, columns)
        self._draw(f"{name}.bias", rows)

    def _draw_norm(self, name: str) -> None:
        self._draw(f"{name}.weight", _WIDTH, around=1.0)
        self._draw(f"{name}.bias", _WIDTH)

    def write(self, path: Path) -> None:
        """Write it as a GGUF file."""
        writer = gguf.GGUFWriter(path, "bert")
        writer.add_context_length(_LONGEST)
        writer.add_embedding_length(_WIDTH)
        writer.add_feed_forward_length(_INNER)
        writer.add_head_count(_HEADS)
        writer.add_block_count(_LAYERS)
        writer.add_layer_norm_eps(1e-12)
        writer.add_causal_attention(False)
        writer.add_pooling_type(gguf.PoolingType.MEAN)
        writer.add_token_type_count(2)
        writer.add_tokenizer_model("bert")
        writer.add_token_list(self.words)
        kinds = [_CONTROL, _UNKNOWN, _CONTROL, _CONTROL, *[_NORMAL] * len(WORDS)]
        writer.add_token_types(kinds)
        writer.add_pad_token_id(0)
        writer.add_unk_token_id(1)
        writer.add_bos_token_id(2)
        writer.add_sep_token_id(3)
        writer.add_eos_token_id(3)
        for name, values in self.weights.items():
            writer.add_tensor(name, values)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    def vector(self, text: str) -> list[float]:
        """The vector of a text of `WORDS`, of length 1, by PyTorch."""
        tokens = [2, *(self.words.index("\u2581" + word) for word in text.split()), 3]
        weights = {name: torch.from_numpy(values) for name, values in self.weights.items()}

        def linear(x: torch.Tensor, name: str) -> torch.Tensor:
            return functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

        def norm(x: torch.Tensor, name: str) -> torch.Tensor:
            weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
            return functional.layer_norm(x, (_WIDTH,), weight, bias, 1e-12)

        def heads(x: torch.Tensor) -> torch.Tensor:
            return x.view(1, -1, _HEADS, _WIDTH // _HEADS).transpose(1, 2)

        x = weights["token_embd.weight"][tokens] + weights["token_types.weight"][0]
        x = norm(x + weights["position_embd.weight"][: len(tokens)], "token_embd_norm")
        for layer in range(_LAYERS):
            block = f"blk.{layer}"
            seen = functional.scaled_dot_product_attention(
                *(heads(linear(x, f"{block}.{name}")) for name in ("attn_q", "attn_k", "attn_v"))
            )
            seen = linear(seen.transpose(1, 2).reshape(-1, _WIDTH), f"{block}.attn_output")
            x = norm(x + seen, f"{block}.attn_output_norm")
            inner = functional.gelu(linear(x, f"{block}.ffn_up"))
            x = norm(x + linear(inner, f"{block}.ffn_down"), f"{block}.layer_output_norm")
        return [float(one) for one in functional.normalize(x.mean(0), dim=0)]
