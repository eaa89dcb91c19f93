"""A decoder of the Llama family, small, in PyTorch; the twists of Qwen 3 and Gemma are options.

Sources: llama.cpp's graphs of ``llama``, ``qwen3`` and ``gemma`` (which rotate halves or pairs, scale
embeddings, norm queries and keys), whose files these weights are written as.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ("Network", "Shape")


@dataclass(frozen=True)
class Shape:
    """The shape of a network.

    Attributes:
        architecture: ``llama``, ``qwen3`` or ``gemma``.
        vocabulary: tokens.
        width: of the residual stream.
        layers: blocks.
        heads: of queries.
        kv_heads: of keys and values.
        inner: width of the feed-forward part.
        context: the longest text.
        base: of the rotation's wavelengths.
    """

    architecture: str
    vocabulary: int
    width: int = 256
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    inner: int = 512
    context: int = 512
    base: float = 10_000.0

    @property
    def head(self) -> int:
        """The width of a head."""
        return self.width // self.heads


class Norm(nn.Module):
    """RMS norm, in the weights' own scale."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, (x.shape[-1],), self.weight, 1e-6)


class Block(nn.Module):
    """Attention and a gated feed-forward part."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        s = shape
        self.attn_norm, self.ffn_norm = Norm(s.width), Norm(s.width)
        self.attn_q = nn.Linear(s.width, s.heads * s.head, bias=False)
        self.attn_k = nn.Linear(s.width, s.kv_heads * s.head, bias=False)
        self.attn_v = nn.Linear(s.width, s.kv_heads * s.head, bias=False)
        self.attn_output = nn.Linear(s.heads * s.head, s.width, bias=False)
        self.ffn_gate = nn.Linear(s.width, s.inner, bias=False)
        self.ffn_up = nn.Linear(s.width, s.inner, bias=False)
        self.ffn_down = nn.Linear(s.inner, s.width, bias=False)
        if s.architecture == "qwen3":
            self.attn_q_norm, self.attn_k_norm = Norm(s.head), Norm(s.head)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        s, (batch, length, _) = self.shape, x.shape
        h = self.attn_norm(x)
        q = self.attn_q(h).view(batch, length, s.heads, s.head)
        k = self.attn_k(h).view(batch, length, s.kv_heads, s.head)
        v = self.attn_v(h).view(batch, length, s.kv_heads, s.head).transpose(1, 2)
        if s.architecture == "qwen3":
            q, k = self.attn_q_norm(q), self.attn_k_norm(k)
        q, k = (self.rotated(one.transpose(1, 2), cos, sin) for one in (q, k))
        out = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        x = x + self.attn_output(out.transpose(1, 2).reshape(batch, length, -1))
        h = self.ffn_norm(x)
        gate = self.ffn_gate(h)
        act = (
            functional.gelu(gate, approximate="tanh")
            if s.architecture == "gemma"
            else functional.silu(gate)
        )
        return x + self.ffn_down(act * self.ffn_up(h))

    def rotated(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Places as rotations: of neighbours (Llama), or of the two halves (Qwen, Gemma)."""
        if self.shape.architecture == "llama":
            a, b = x[..., 0::2], x[..., 1::2]
            turned = torch.stack((a * cos - b * sin, a * sin + b * cos), -1)
            return turned.flatten(-2)
        a, b = x.chunk(2, -1)
        return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)


class Network(nn.Module):
    """The whole, with one table for embeddings and output."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        nn.init.normal_(self.token_embd.weight, std=0.02)
        self.blk = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.output_norm = Norm(shape.width)
        half = shape.head // 2
        speed = shape.base ** (-torch.arange(half, dtype=torch.float64) / half)
        angle = torch.outer(torch.arange(shape.context, dtype=torch.float64), speed)
        self.register_buffer("cos", angle.cos().float(), persistent=False)
        self.register_buffer("sin", angle.sin().float(), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of the next token at every place."""
        x = self.token_embd(tokens)
        if self.shape.architecture == "gemma":
            x = x * self.shape.width**0.5
        length = tokens.shape[1]
        for block in self.blk:
            x = block(x, self.cos[:length], self.sin[:length])
        return functional.linear(self.output_norm(x), self.token_embd.weight)
