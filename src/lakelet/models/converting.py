"""A GGUF file whose weights are written out at 16 bits.

Rounding is done once: what a quantized file stands for is written down as it is, so that an engine
need not round what flows through it (the engine rounds activations too where weights are
quantized). It makes no model better than its quantized file was, and the copy says what it is of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lakelet.errors import CommandError, MissingExtraError
from lakelet.models.digest import Progress, digest_of, refuse_without_room
from lakelet.models.gguf_header import read_gguf_header
from lakelet.models.model import GivenFile, Model
from lakelet.models.store import ModelStore
from lakelet.workspace.steps import declare, step

__all__ = ("convert_model",)

_WRITTEN = declare("models.converted", "a converted model is written, without a name")
_KEPT_AS_IT_IS = ("F32", "F16", "I8", "I16", "I32", "I64", "F64")
_LARGE = re.compile(
    r"(.*\.)?(token_embd|output|attn_(q|k|v|qkv|output)|ffn_(up|gate|down)(_exps|_shexp)?)\.weight"
)
"""The matrices that engines keep at 16 bits; what else is at 32 bits is so for a reason."""
_F16 = 1  # LLAMA_FTYPE_MOSTLY_F16


def convert_model(
    store: ModelStore, model: Model, to: str, *, name: str = "", over: bool = False,
    progress: Progress = lambda _read, _all: None,
) -> Model:  # fmt: skip
    """A copy of a model with its weights at 16 bits, under a name of its own.

    Args:
        store: where both are.
        model: a model of one GGUF file.
        to: ``f16``.
        name: the copy's name; the model's with ``-f16`` without it.
        over: whether a name that is there gets another meaning.
        progress: told of bytes written, and of all.

    Raises:
        CommandError: another kind, or a model that is no single GGUF file.
        MissingExtraError: without the package ``gguf``.
        StorageError: the disk has no room.
    """
    if to.lower() != "f16":
        raise CommandError(f"--to can be f16, not {to!r}; nothing was written.")
    if len(model.weights) != 1 or model.path.is_dir():
        raise CommandError(
            f"{model.name} is not one GGUF file; nothing was written.",
            hint="models of several files are not converted.",
        )
    for one in model.files:
        one.check(model.name)
    source = model.weights[0].path
    tensors = read_gguf_header(source).tensors
    if all(one.kind is not None and _stays(one.name, one.kind.name) for one in tensors):
        raise CommandError(f"{model.name} is at 16 bits already; nothing was written.")
    called, from_it = name or f"{model.name}-f16", f"f16 of {model.name}"
    taken = next((one for one in store.models() if one.name == called), None)
    if taken is not None and taken.source != from_it and not over:
        raise CommandError(
            f"the name {called} means another model already (from {taken.source}); nothing was "
            "written.",
            hint="--name gives the copy another, --over gives that name to the copy.",
        )

    def make(part: Path) -> str:
        size = 2 * sum(tensor.weights for tensor in tensors)
        refuse_without_room(part.parent, size, f"the copy of {model.name}")
        with step(_WRITTEN):
            _write(source, part, lambda done: progress(min(done, size), size))
        return digest_of(part)

    place = store.take_blob(make)
    beside = [GivenFile(one.role, one.path) for one in model.files if one.role != "weights"]
    files = [GivenFile("weights", place), *beside]
    return store.add(called, from_it, files, over=over)


def _stays(name: str, kind: str) -> bool:
    """Whether a tensor is as it has to be."""
    return kind in _KEPT_AS_IT_IS and not (kind == "F32" and _LARGE.match(name) is not None)


def _write(source: Path, target: Path, told: Any) -> None:
    try:
        import gguf
        import numpy as np
        from gguf.quants import dequantize
    except ImportError:
        raise MissingExtraError.needs("models", "converting a model") from None

    reader = gguf.GGUFReader(source)
    architecture = reader.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(target, architecture)
    for key, kind, inner, value in _fields(reader, gguf):
        writer.add_key_value(key, value, kind, inner)
    if reader.alignment != gguf.GGUF_DEFAULT_ALIGNMENT:
        writer.data_alignment = reader.alignment
    plain = []
    for tensor in reader.tensors:
        keep = _stays(tensor.name, tensor.tensor_type.name)
        shape = [int(side) for side in reversed(tensor.shape)]
        narrow = not keep
        kind = tensor.tensor_type if keep else gguf.GGMLQuantizationType.F16
        dtype = tensor.data.dtype if keep else np.dtype(np.float16)
        size = int(np.prod(shape)) * dtype.itemsize
        writer.add_tensor_info(tensor.name, shape, dtype, size, raw_dtype=kind)
        plain.append((tensor, shape, narrow))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    done = 0
    for tensor, shape, narrow in plain:
        data = tensor.data
        if narrow:
            # The largest number of 16 bits is 65,504: what is beyond would become infinite.
            full = dequantize(data, tensor.tensor_type).reshape(shape)
            data = np.clip(full, -65504, 65504).astype(np.float16)
        writer.write_tensor_data(data)
        done += data.nbytes
        told(done)
    writer.close()


def _fields(reader: Any, gguf: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    """Key, type, type of elements and value of everything a file says of itself."""
    own = ("GGUF.version", "GGUF.tensor_count", "GGUF.kv_count", "general.architecture")
    for key, field in reader.fields.items():
        if key in own:
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        value = _F16 if key == "general.file_type" else field.contents()
        yield key, kind, inner, value
