"""Chat templates of families whose format is published, for files whose own is broken or missing.

They write messages as the format wants them, and nothing more: no tools, no default instructions.
What begins a text is left to the tokenizer, which knows whether the model wants it.

Sources, read on 2026-11-29: OpenAI's ``chatml.md``; Meta's "Llama 3, model cards and prompt
formats"; Google's "Gemma formatting and system instructions".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from lakelet.errors import CommandError, ModelFileError
from lakelet.models.gguf_header import read_gguf_header

__all__ = ("FAMILIES", "Template", "families_of", "template_of")


@dataclass(frozen=True)
class Template:
    """A chat template in the place of a file's own.

    Attributes:
        text: the template (Jinja).
        origin: the family or the file that it is from.
    """

    text: str
    origin: str


@dataclass(frozen=True)
class _Family:
    text: str
    tokens: tuple[str, ...]


FAMILIES = {
    "chatml": _Family(
        "{%- for message in messages -%}\n"
        "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}\n"
        "{%- endfor -%}\n"
        "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}\n",
        ("<|im_start|>", "<|im_end|>"),
    ),
    "llama3": _Family(
        "{%- for message in messages -%}\n"
        "{{- '<|start_header_id|>' + message.role + '<|end_header_id|>\\n\\n' -}}\n"
        "{{- message.content | trim + '<|eot_id|>' -}}\n"
        "{%- endfor -%}\n"
        "{%- if add_generation_prompt -%}\n"
        "{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}\n"
        "{%- endif -%}\n",
        ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    ),
    # It knows no system role: what is said there stands before the first message.
    "gemma": _Family(
        "{%- set ns = namespace(before='') -%}\n"
        "{%- for message in messages -%}\n"
        "{%- if message.role == 'system' -%}\n"
        "{%- set ns.before = ns.before + message.content | trim + '\\n\\n' -%}\n"
        "{%- else -%}\n"
        "{{- '<start_of_turn>' + ('model' if message.role == 'assistant' else 'user') + '\\n' -}}\n"
        "{{- ns.before + message.content | trim + '<end_of_turn>\\n' -}}\n"
        "{%- set ns.before = '' -%}\n"
        "{%- endif -%}\n"
        "{%- endfor -%}\n"
        "{%- if add_generation_prompt -%}{{- '<start_of_turn>model\\n' -}}{%- endif -%}\n",
        ("<start_of_turn>", "<end_of_turn>"),
    ),
}
"""By name, the template and the control tokens that it writes."""


def families_of(path: Path) -> list[str]:
    """The families whose control tokens are words of a GGUF's vocabulary.

    Args:
        path: the file; its header is read whole, once.
    """
    try:
        header = read_gguf_header(path)
        with path.open("rb") as file:
            raw = file.read(header.data)
    except (OSError, ModelFileError):
        return []
    return [
        name for name, family in FAMILIES.items()
        if all(struct.pack("<Q", len(one)) + one.encode() in raw for one in family.tokens)
    ]  # fmt: skip


def template_of(source: str) -> Template:
    """A template by a family's name, or out of a file.

    Raises:
        CommandError: it is neither; with the families there are.
    """
    if source.lower() in FAMILIES:
        return Template(FAMILIES[source.lower()].text, source.lower())
    path = Path(source).expanduser()
    try:
        return Template(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError):
        raise CommandError(
            f"{source} is neither a file with a template nor a family; nothing was changed.",
            hint=f"families are {', '.join(FAMILIES)}.",
        ) from None
