"""The card of a model kept as a folder: ``config.json`` beside safetensors files.

Sources: the safetensors format (its README: eight bytes of length, JSON, data; a header of at most
100 MB); the model hub's ``config.json``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from lakelet.errors import ModelFileError
from lakelet.models.card import Card
from lakelet.models.licences import licence_of
from lakelet.models.thinking import thinking_policy

__all__ = ("card_of_folder", "safetensors_files")

_MOST_HEADER = 16 << 20
_MOST_JSON = 16 << 20
_BITS = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U8": 8,
    "U32": 32, "BOOL": 8, "F8_E4M3": 8, "F8_E5M2": 8,
}  # fmt: skip
_FRONT = re.compile(r"\A---\n(.*?)\n---", re.S)
_SAID = re.compile(r"^(license|license_name):[ \t]*['\"]?([^'\"\n]+?)['\"]?[ \t]*$", re.M)


def safetensors_files(folder: Path) -> list[Path]:
    """The weights' files of a folder, in order of their names."""
    return sorted(folder.glob("*.safetensors"))


def card_of_folder(folder: Path) -> Card:
    """The card of a folder with ``config.json`` and safetensors files.

    Args:
        folder: the folder.

    Raises:
        ModelFileError: it is none, or one of its files is not what it should be.
    """
    files = safetensors_files(folder)
    if not files:
        raise ModelFileError(f"{folder} holds no .safetensors file.")
    config = _read_json(folder / "config.json", must=True)
    text = config.get("text_config") if isinstance(config.get("text_config"), dict) else config
    tensors = [one for file in files for one in _tensors(file)]
    weights = sum(count for _, _, count in tensors)
    bits = sum(_BITS[kind] * count for _, kind, count in tensors)
    rest = [one for one in tensors if "embed" not in one[0]]
    types: dict[str, tuple[int, int]] = {}
    for _, kind, count in tensors:
        number, size = types.get(kind, (0, 0))
        types[kind] = (number + 1, size + _BITS[kind] * count // 8)
    template = _template(folder)
    said = _readme(folder)
    layers, heads = _number(text, "num_hidden_layers"), _number(text, "num_attention_heads")
    width = _number(text, "head_dim") or _number(text, "hidden_size") // max(heads, 1)
    context = _number(text, "max_position_embeddings")
    kind = str(config.get("model_type") or "")
    return Card(
        title=str(config.get("_name_or_path") or folder.name),
        family=kind,
        architecture=str((config.get("architectures") or [kind])[0]),
        format="safetensors",
        parameters=weights,
        active=_active(tensors, text),
        bytes=sum(file.stat().st_size for file in files),
        quantization=max(types, key=lambda one: types[one][1], default=""),
        bits_per_weight=bits / weights if weights else 0.0,
        bits_without_embeddings=(
            sum(_BITS[kind] * count for _, kind, count in rest)
            / max(sum(count for _, _, count in rest), 1)
        ),
        trained_context=min(filter(None, (_original(text), context)), default=0),
        context=max(context, _reached(text)),
        tokenizer="tokenizer.json" if (folder / "tokenizer.json").is_file() else "",
        vocabulary=_number(text, "vocab_size"),
        template=template,
        thinking=thinking_policy(template),
        licence=licence_of(said.get("license"), said.get("license_name")),
        vision="vision_config" in config,
        audio="audio_config" in config,
        layers=layers,
        kv_bytes_per_token=4 * layers * width * (_number(text, "num_key_value_heads") or heads),
        types=types,
        sampling=_sampling(folder),
    )


def _tensors(file: Path) -> list[tuple[str, str, int]]:
    """Name, type and number of weights of each tensor of a file, held against its size."""
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            if not 2 <= length <= min(_MOST_HEADER, size - 8):
                raise ModelFileError(
                    f"{file} is no safetensors file, or is cut off: its header would have "
                    f"{length:,} bytes of {size:,}."
                )
            text = opened.read(length)
    except OSError as error:
        raise ModelFileError(f"{file} cannot be read: {error.strerror or error}.") from None
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        raise ModelFileError(f"{file} has a header that is no JSON.") from None
    found = []
    for name, one in header.items() if isinstance(header, dict) else ():
        if name == "__metadata__":
            continue
        try:
            kind, shape, (begin, end) = one["dtype"], one["shape"], one["data_offsets"]
            count = 1
            for side in shape:
                count *= int(side)
            if _BITS[kind] * count // 8 != end - begin or begin < 0:
                raise ValueError
        except (KeyError, TypeError, ValueError, OverflowError):
            raise ModelFileError(f"{file} tells of the tensor {name[:80]!r} wrongly.") from None
        if 8 + length + end > size:
            raise ModelFileError(
                f"{file} is cut off: {name[:80]!r} ends at byte {8 + length + end:,}, the file at "
                f"{size:,}.", hint="fetch it again.",
            )  # fmt: skip
        found.append((name, kind, count))
    return found


def _read_json(path: Path, *, must: bool = False) -> dict[str, Any]:
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= _MOST_JSON else b""
    except FileNotFoundError:
        if must:
            raise ModelFileError(f"{path} is not there; a model's folder has one.") from None
        return {}
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}.") from None
    if size > _MOST_JSON:
        raise ModelFileError(f"{path} has more than {_MOST_JSON >> 20} MiB.")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise ModelFileError(f"{path} is no JSON.") from None
    if not isinstance(found, dict):
        raise ModelFileError(f"{path} is no JSON object.")
    return found


def _template(folder: Path) -> str | None:
    file = folder / "chat_template.jinja"
    if file.is_file() and file.stat().st_size <= _MOST_JSON:
        return file.read_text("utf-8", "replace")
    found = _read_json(folder / "tokenizer_config.json").get("chat_template")
    if isinstance(found, list):  # several, by name
        named = {one.get("name"): one.get("template") for one in found if isinstance(one, dict)}
        found = named.get("default")
    return found if isinstance(found, str) else None


def _sampling(folder: Path) -> dict[str, float]:
    """How ``generation_config.json`` says the model is to be sampled."""
    said = _read_json(folder / "generation_config.json")
    names = {"repetition_penalty": "repeat_penalty"}
    return {
        names.get(name, name): float(said[name])
        for name in ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")
        if isinstance(said.get(name), int | float) and said.get("do_sample") is not False
    }


def _readme(folder: Path) -> dict[str, str]:
    """What the front of the folder's README says of its licence."""
    file = folder / "README.md"
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8", errors="replace") as opened:
        front = _FRONT.search(opened.read(1 << 16))
    return dict(_SAID.findall(front[1])) if front else {}


def _number(config: Any, key: str) -> int:
    value = config.get(key) if isinstance(config, dict) else None
    return value if isinstance(value, int) and value > 0 else 0


def _active(tensors: list[tuple[str, str, int]], config: Any) -> int:
    experts = _number(config, "num_local_experts") or _number(config, "num_experts")
    used = _number(config, "num_experts_per_tok")
    share = used / experts if experts and used else 1.0
    return round(sum(count * (share if ".experts." in name else 1.0) for name, _, count in tensors))


def _original(config: Any) -> int:
    """Tokens that a model was trained with, where its scaling of places says so."""
    scaling = (config or {}).get("rope_scaling")
    return _number(scaling, "original_max_position_embeddings") if isinstance(scaling, dict) else 0


def _reached(config: Any) -> int:
    """Tokens that its scaling of places reaches; 0 where it scales none."""
    scaling = (config or {}).get("rope_scaling")
    factor = scaling.get("factor") if isinstance(scaling, dict) else None
    return int(_original(config) * factor) if isinstance(factor, int | float) else 0
