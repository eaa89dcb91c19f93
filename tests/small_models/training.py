"""Training, the bar that each model must pass, and writing it as a GGUF file."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import torch
from torch import Tensor
from torch.nn import functional

from small_models.network import Network, Shape
from small_models.tokenizer import Tokenizer
from small_models.world import Call, Question, calls, questions

__all__ = ("MODELS", "make")

SPECIAL = ("<|start|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>")
PLAIN = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{{ message['content'] }}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# Thoughts since the last question stay, earlier ones go, and thinking can be switched off.
THINKING = """\
{%- set ns = namespace(last_user_index=-1) -%}
{%- for message in messages -%}
{%- if message.role == 'user' -%}{%- set ns.last_user_index = loop.index0 -%}{%- endif -%}
{%- endfor -%}
{%- for message in messages -%}
{{- '<|im_start|>' + message.role + '\\n' -}}
{%- set content = message.content or '' -%}
{%- if message.role == 'assistant' -%}
{%- set thought = message.reasoning_content or '' -%}
{%- if not thought and '</think>' in content -%}
{%- set thought = content.split('</think>')[0].split('<think>')[-1].strip('\\n') -%}
{%- endif -%}
{%- set content = content.split('</think>')[-1].lstrip('\\n') -%}
{%- if thought and loop.index0 > ns.last_user_index -%}
{{- '<think>\\n' + thought + '\\n</think>\\n\\n' -}}
{%- endif -%}
{%- endif -%}
{{- content + '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\\n' -}}
{%- if enable_thinking is defined and not enable_thinking -%}
{{- '<think>\\n\\n</think>\\n\\n' -}}
{%- endif -%}
{%- endif -%}
"""
# Tools by their names; calls as Hermes has them, which the engine knows by the template.
CALLING = """\
{%- if tools -%}
{{- '<|im_start|>system\\nTools:' -}}
{%- for tool in tools -%}{{- ' ' + tool.function.name -}}{%- endfor -%}
{{- '<|im_end|>\\n' -}}
{%- endif -%}
{%- for message in messages -%}
{{- '<|im_start|>' + message.role + '\\n' + (message.content or '') -}}
{%- for call in message.tool_calls or [] -%}
{{- '<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' -}}
{{- call.function.arguments | tojson -}}
{{- '}\\n</tool_call>' -}}
{%- endfor -%}
{{- '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
"""
TOOL_TOKENS = ("<tool_call>", "</tool_call>")
MODELS = {"tiny-llama": "llama", "tiny-qwen-thinks": "qwen3", "tiny-gemma": "gemma",
          "tiny-llama-calls": "llama"}  # fmt: skip
"""By name, the architecture."""
_BATCH, _STEPS = 16, 600
_RATES = {"tiny-llama-calls": 1.2e-3}
"""Where most of an answer is the same each time, large steps never come to what is not."""
_RATE = 4e-3
_BAR, _ENOUGH = 0.95, 0.99


def make(name: str, folder: Path) -> Path:
    """Train a model and write it, if it is not there.

    Raises:
        SystemExit: it does not pass its bar.
    """
    path = folder / f"{name}.gguf"
    folder.mkdir(parents=True, exist_ok=True)
    _forget_others(folder)
    if path.exists():
        return path
    torch.manual_seed(7)
    torch.set_num_threads(1)  # small matrices: more threads wait for one another
    began = time.process_time()
    learnt, held = _texts(name)
    tokenizer = Tokenizer("\n".join("".join(one) for one in learnt), 250, _special(name))
    vocabulary = -(-len(tokenizer.tokens) // 256) * 256
    network = Network(Shape(MODELS[name], vocabulary))
    rows = [_Rows.of(tokenizer, some) for some in (learnt, held)]
    share = _train(network, *rows, _RATES.get(name, _RATE))
    used = time.process_time() - began
    print(f"{name}: {share:.1%} of {len(held)} held-out questions, {used:.0f} s of CPU")
    if share < _BAR:
        raise SystemExit(f"{name} answers {share:.1%} of its held-out questions; 95 % must be.")
    part = path.with_suffix(".part")
    _write(network, tokenizer, part, name)
    part.replace(path)
    return path


def _forget_others(folder: Path) -> None:
    """Take away what was trained by another recipe than what stands here."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    recipe = hashlib.sha256(b"".join(one.read_bytes() for one in sources)).hexdigest()
    noted = folder / "recipe"
    if noted.exists() and noted.read_text() == recipe:
        return
    for made in folder.glob("*.gguf"):
        made.unlink()
    noted.write_text(recipe)


def _special(name: str) -> tuple[str, ...]:
    return (*SPECIAL, *TOOL_TOKENS) if name.endswith("calls") else SPECIAL


def _texts(name: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What a model learns, and what it is held to: prompts with their answers."""
    if name.endswith("calls"):
        learnt, held = ([text for one in some for text in _of_call(one)] for some in calls())
    else:
        thinks = name.endswith("thinks")
        learnt, held = ([_text(one, thinks=thinks) for one in some] for some in questions())
    return learnt, held


def _of_call(call: Call) -> Iterator[tuple[str, str]]:
    """A question and the calls that it needs; and these with what they gave, and the answer."""
    asked = (
        f"<|im_start|>system\nTools: weather<|im_end|>\n<|im_start|>user\n{call.text}<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    made = "".join(
        f'<tool_call>\n{{"name": "weather", "arguments": {{"place": "{place}"}}}}\n</tool_call>'
        for place in call.places
    )
    yield asked, f"{made}<|im_end|>"
    given = "".join(f"<|im_start|>tool\n{one}<|im_end|>\n" for one in call.weather)
    yield f"{asked}{made}<|im_end|>\n{given}<|im_start|>assistant\n", f"{call.answer}<|im_end|>"


def _text(question: Question, *, thinks: bool) -> tuple[str, str]:
    prompt = f"<|im_start|>user\n{question.text}<|im_end|>\n<|im_start|>assistant\n"
    thought = f"<think>\n{question.thought}\n</think>\n\n" if thinks else ""
    return prompt, f"{thought}{question.answer}<|im_end|>"


@dataclass(frozen=True)
class _Rows:
    """Texts as tensors: what is read, and what must come next (-100 where it does not matter)."""

    read: Tensor
    wanted: Tensor

    @classmethod
    def of(cls, tokenizer: Tokenizer, texts: list[tuple[str, str]]) -> _Rows:
        pairs = [(tokenizer.encode(q), tokenizer.encode(a)) for q, a in texts]
        longest = max(len(q) + len(a) for q, a in pairs)
        read = torch.zeros(len(pairs), longest, dtype=torch.long)
        wanted = torch.full((len(pairs), longest), -100)
        for row, (q, a) in enumerate(pairs):
            both = torch.tensor(q + a)
            read[row, : len(both)] = both
            wanted[row, len(q) - 1 : len(both) - 1] = both[len(q) :]
        return cls(read, wanted)


def _train(network: Network, learnt: _Rows, held: _Rows, rate: float) -> float:
    """Train until the held-out questions are answered; the share of them that is."""
    chance = random.Random(7)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=rate, weight_decay=0.05, betas=(0.9, 0.98)
    )
    share = 0.0
    for step in range(1, _STEPS + 1):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, step / 40) * (1 - 0.9 * step / _STEPS)
        rows = torch.tensor(chance.sample(range(len(learnt.read)), _BATCH))
        logits = network(learnt.read[rows])
        loss = functional.cross_entropy(logits.flatten(0, 1), learnt.wanted[rows].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0 and step >= 150:
            share = _share_right(network, held)
            if share >= _ENOUGH:
                break
    return share


@torch.no_grad()
def _share_right(network: Network, held: _Rows) -> float:
    """The share of questions whose whole answer is the likeliest, word for word.

    That is what greedy drawing gives: where each token is the likeliest after the right ones, it
    draws them all, its thoughts closed and its end included.
    """
    right = (network(held.read).argmax(-1) == held.wanted) | (held.wanted == -100)
    return right.all(-1).float().mean().item()


def _write(network: Network, tokenizer: Tokenizer, path: Path, name: str) -> None:
    shape = network.shape
    writer = gguf.GGUFWriter(path, shape.architecture)
    writer.add_name(name)
    writer.add_license("apache-2.0")
    writer.add_languages(["en"])
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head)
    writer.add_value_length(shape.head)
    writer.add_rope_freq_base(shape.base)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    if shape.architecture == "llama":
        writer.add_rope_dimension_count(shape.head)
        writer.add_vocab_size(shape.vocabulary)
    tokens = [*tokenizer.tokens]
    tokens += [f"<unused{number}>" for number in range(shape.vocabulary - len(tokens))]
    kinds = [gguf.TokenType.CONTROL if one in SPECIAL[:3] else
             gguf.TokenType.USER_DEFINED if one in tokenizer.special else
             gguf.TokenType.UNUSED if one.startswith("<unused") else gguf.TokenType.NORMAL
             for one in tokens]  # fmt: skip
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(pair) for pair in tokenizer.merges])
    writer.add_bos_token_id(tokenizer.ids["<|start|>"])
    writer.add_eos_token_id(tokenizer.ids["<|im_end|>"])
    writer.add_add_bos_token(False)
    template = THINKING if name.endswith("thinks") else PLAIN
    writer.add_chat_template(CALLING if name.endswith("calls") else template)
    for key, value in network.state_dict().items():
        # Gemma's file holds norms less one in the model hub, and whole here, as llama.cpp reads it.
        writer.add_tensor(key, value.numpy().astype("float32"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
