"""`lakelet ask`: one question to a model of this machine; the answer alone on standard output."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lakelet.cli.answering import Telling, choice, say_ended
from lakelet.cli.context import as_json, current_workspace
from lakelet.cli.output import print_json, wrapped

if TYPE_CHECKING:
    from lakelet.inference import Answer
    from lakelet.inference.presets import Chosen

__all__ = ("ask",)


@click.command()
@click.argument("words", metavar="[MODEL] QUESTION", nargs=-1)
@click.option("-f", "--file", "files", multiple=True, type=click.Path(path_type=Path),
              help="A text file that belongs to the question.")  # fmt: skip
@click.option("--system", default="", help="What the model is told before.")
@click.option("--raw", is_flag=True, help="Go on with the text, without a chat template.")
@click.option("--context", default="", metavar="16k", help="Tokens of prompt and answer together.")
@click.option("--max-tokens", type=click.IntRange(1), help="Generated tokens at most.")
@click.option("--temperature", type=click.FloatRange(0), help="0 is greedy.")
@click.option("--seed", type=int, help="Of the draw.")
@as_json
def ask(
    words: tuple[str, ...], files: tuple[Path, ...], system: str, raw: bool, context: str,
    max_tokens: int | None, temperature: float | None, seed: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Ask a model of this machine.

    One argument is the question, two are model and question; what is piped in, and files, belong to
    it. The answer alone goes to standard output. A question that does not fit the model's window is
    refused before it is sent, with the numbers.

    \b
    lakelet ask "What is the capital of France?"
    lakelet ask smollm2-f16 "Say it in one sentence." -f notes.txt
    git diff | lakelet ask "What does this change?"
    """
    from lakelet.errors import ModelChoiceError
    from lakelet.inference import Sampling
    from lakelet.models.wishes import parse_tokens

    if len(words) > 2:
        raise click.UsageError("one argument is the question, two are model and question.")
    model, question = words if len(words) == 2 else ("", words[0] if words else "")
    asked = _question(question, files)
    window = parse_tokens(context) if context else None
    workspace = current_workspace()
    try:
        model = workspace.chosen_model(model).name
    except ModelChoiceError as error:
        model = choice(error)
    told = Telling(model, window, quiet=as_json)
    said = Sampling(temperature=temperature, seed=seed, max_tokens=max_tokens)
    meant = workspace.chosen_model(model)
    how = workspace.sampling_of(meant, said)
    if not as_json:
        for one in how.warnings:
            click.echo(f"Careful: {one}", err=True)
        click.echo(wrapped(f"sampling: {how}", 2, err=True), err=True)
    try:
        answer = workspace.ask(
            asked, model, system=system, raw=raw, context=window, told=told.hear,
            sampling=said,
        )  # fmt: skip
    except KeyboardInterrupt:
        click.echo("\nStopped; nothing of it is kept.", err=True)
        raise SystemExit(130) from None
    if as_json:
        print_json({**_as_dict(answer, meant.digest, how), "max_tokens_asked": max_tokens})
    else:
        click.echo()
        say_ended(answer, kept=False)
    if answer.wrong:
        raise SystemExit(1)


def _question(words: str, files: tuple[Path, ...]) -> str:
    """What is asked: the words, what is piped in, and files."""
    from lakelet.errors import CommandError

    parts = [words] if words and words != "-" else []
    if not sys.stdin.isatty() and (piped := sys.stdin.buffer.read()):
        parts.append(_text("standard input", piped))
    for file in files:
        try:
            raw = file.read_bytes()
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        parts.append(f"{file.name}:\n\n{_text(str(file), raw)}")
    if not any(part.strip() for part in parts):
        raise click.UsageError('there is no question: lakelet ask "…", or pipe one in.')
    return "\n\n".join(parts)


def _text(what: str, raw: bytes) -> str:
    from lakelet.errors import CommandError

    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{what} is no text: byte {error.start:,} is not UTF-8; nothing was asked."
        ) from None


def _as_dict(answer: Answer, digest: str, how: Chosen) -> dict[str, Any]:
    return {
        "model": answer.model, "answer": answer.text, "thought": answer.thought,
        "prompt_tokens": answer.count.high, "count": answer.count.grade, "window": answer.window,
        "max_tokens": answer.room.tokens, "max_tokens_lowered": answer.room.lowered,
        "ended": answer.reason, "usage": asdict(answer.usage),
        "seconds": answer.seconds, "wrong": answer.wrong, "notes": answer.notes,
        "digest": digest or None,
        "sampling": {name: {"value": value, "source": source}
                     for name, (value, source) in how.every.items()},
    }  # fmt: skip
