"""A projector with weights of chance, in the shape of LLaVA's: pictures become sixteen tokens."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path

import gguf
import numpy as np

__all__ = ("TOKENS", "picture", "write_projector")

_SIDE, _PATCH, _WIDTH, _INNER = 56, 14, 64, 128
TOKENS = (_SIDE // _PATCH) ** 2
"""That a picture takes of the window."""


def write_projector(path: Path, width: int = 256) -> Path:
    """Write a projector for a model whose stream is so wide."""
    chance = np.random.default_rng(7)
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_bool("clip.has_text_encoder", False)
    writer.add_bool("clip.has_llava_projector", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_bool("clip.use_gelu", True)
    for key, value in {
        "image_size": _SIDE, "patch_size": _PATCH, "embedding_length": _WIDTH,
        "feed_forward_length": _INNER, "projection_dim": width, "block_count": 2,
        "attention.head_count": 4,
    }.items():  # fmt: skip
        writer.add_uint32(f"clip.vision.{key}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    writer.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, (chance.normal(size=shape) * 0.05).astype(np.float32))

    add("v.class_embd", _WIDTH)
    add("v.patch_embd.weight", _WIDTH, 3, _PATCH, _PATCH)
    add("v.position_embd.weight", TOKENS + 1, _WIDTH)
    for name in ("v.pre_ln", "v.post_ln", *(f"v.blk.{n}.ln{m}" for n in (0, 1) for m in (1, 2))):
        add(f"{name}.weight", _WIDTH)
        add(f"{name}.bias", _WIDTH)
    for n in (0, 1):
        for part in ("attn_q", "attn_k", "attn_v", "attn_out"):
            add(f"v.blk.{n}.{part}.weight", _WIDTH, _WIDTH)
            add(f"v.blk.{n}.{part}.bias", _WIDTH)
        add(f"v.blk.{n}.ffn_up.weight", _INNER, _WIDTH)
        add(f"v.blk.{n}.ffn_up.bias", _INNER)
        add(f"v.blk.{n}.ffn_down.weight", _WIDTH, _INNER)
        add(f"v.blk.{n}.ffn_down.bias", _WIDTH)
    for part, size in (("mm.0", _WIDTH), ("mm.2", width)):
        add(f"{part}.weight", width, size)
        add(f"{part}.bias", width)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def picture(red: int, green: int, blue: int, side: int = 40) -> str:
    """A picture of one colour (PNG), as base64."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    rows = b"".join(b"\0" + bytes((red, green, blue)) * side for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    whole = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )  # fmt: skip
    return base64.b64encode(whole).decode()
