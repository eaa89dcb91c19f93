"""Chat templates are programs out of a file: looked at before an engine runs one.

A template that cannot be parsed is named with its line; one that loops, or writes without end,
would hang the engine, so it is tried in a process of its own first, for two seconds.

Source: Jinja's template designer documentation; the tags ``generation`` and ``break`` are the model
hub's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lakelet.errors import EngineError, MissingExtraError, TemplateError

if TYPE_CHECKING:
    from lakelet.models import Model

__all__ = ("check_template", "refuse_silent", "template_fault")

_SECONDS = 2.0
_STARTING = 20.0
"""Seconds that Python may take to start on a busy machine, besides."""
_MOST, _MOST_MEMORY = 1 << 20, 2 << 30
_CONVERSATION = [
    {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
    {"role": "user", "content": "c"},
]  # fmt: skip


def check_template(
    text: str, *, whose: str, instead: Callable[[], Sequence[str]] | None = None
) -> None:
    """Refuse a template that is broken, loops, or writes without end.

    Args:
        text: the template.
        whose: the model, for messages; the file or family where nobody has the template yet.
        instead: tells the families whose templates fit the model's vocabulary; asked where it is
            broken. None where nobody has the template yet.

    Raises:
        TemplateError: with the line of what is broken.
    """
    environment, syntax_error = _environment()

    def broken(said: str) -> TemplateError:
        said = said.rstrip(".")
        if instead is None:
            from lakelet.models.families import FAMILIES

            families = f"a family that is known here: {', '.join(FAMILIES)}."
            return TemplateError(
                f"the chat template of {whose} {said}; nothing was changed.",
                hint=f"mend the file, or name {families}",
            )
        raw = f'`lakelet ask --raw {whose} "…"` goes on with a text, without a template.'
        others = [f"`lakelet models template {whose} {one}`" for one in instead()]
        put = f"{' or '.join(others)} puts the family's own in its place. " if others else ""
        return TemplateError(
            f"the chat template of {whose} {said}; it was not loaded.", hint=put + raw
        )

    try:
        environment.parse(text)
    except syntax_error as error:
        raise broken(f"is broken in line {error.lineno}: {error.message}") from None
    except RecursionError:
        raise broken("is nested too deep") from None
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "lakelet.inference.templates"], input=json.dumps(text),
            capture_output=True, text=True, check=False, timeout=_STARTING + _SECONDS,
        )  # fmt: skip
        told = "loops" if ended.returncode < 0 else ended.stdout.strip()
    except subprocess.TimeoutExpired:
        told = "loops"
    if told == "loops":
        raise broken(
            f"does not come to an end within {_SECONDS:.0f} seconds, or writes more than a megabyte"
        )


def refuse_silent(model: Model, *, raw: bool = False) -> None:
    """Refuse a model that cannot say anything here.

    Args:
        model: the model.
        raw: whether it is to go on with a text, for which it needs no template.

    Raises:
        EngineError: no engine here runs it.
        TemplateError: it holds no conversation.
    """
    if not model.runs:
        raise EngineError(
            f"{model.name} is a folder of safetensors, which no engine here runs; nothing was "
            "asked.",
            hint="a GGUF of the same model does; a server that runs it can be asked by name.",
        )
    if model.card.template is None and not raw:
        raise TemplateError.missing(model.name)


def template_fault(text: str | None) -> str:
    """What is wrong with a template's grammar, with its line; '' for nothing.

    Whether it comes to an end is found out only where it is used.
    """
    if not text:
        return ""
    environment, syntax_error = _environment()
    try:
        environment.parse(text)
    except syntax_error as error:
        return f"line {error.lineno}: {error.message}"
    except RecursionError:
        return "it is nested too deep"
    return ""


def _environment() -> tuple[Any, Any]:
    try:
        from jinja2 import nodes
        from jinja2.exceptions import TemplateSyntaxError
        from jinja2.ext import Extension
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError:
        raise MissingExtraError.needs("models", "a chat template") from None

    class Generation(Extension):
        """The hub's tag around what an assistant wrote; it changes nothing."""

        tags = {"generation"}  # noqa: RUF012 - as Jinja wants it

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body, lineno=line)

    extensions = [Generation, "jinja2.ext.loopcontrols"]
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=extensions
    )
    return environment, TemplateSyntaxError


def _tried(text: str) -> str:
    """Whether a template comes to an end: ``ends`` or ``loops``; in a process of its own."""
    import signal

    def give_up(_number: int, _frame: object) -> None:
        sys.stdout.write("loops")
        sys.stdout.flush()
        sys.exit(0)

    environment, _ = _environment()

    def refuse(message: str) -> None:
        raise ValueError(message)

    with suppress(ImportError, ValueError, OSError):  # not every system knows such limits
        import resource

        # One step in C is interrupted by no signal of Python's; what Python took to start is apart.
        seconds = int(time.process_time() + _SECONDS) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, _SECONDS)
    written = 0
    try:
        # What is constant in a template is computed when it is compiled.
        for piece in environment.from_string(text).generate(
            messages=_CONVERSATION, add_generation_prompt=True, bos_token="", eos_token="",
            raise_exception=refuse, tools=None, strftime_now=lambda form: form,
        ):  # fmt: skip
            written += len(piece)
            if written > _MOST:
                return "loops"
    except (OverflowError, MemoryError):  # a range that is longer than any conversation
        return "loops"
    except Exception:  # what it asks for is not there: the engine gives it more than is known here
        return "ends"
    return "ends"


if __name__ == "__main__":
    sys.stdout.write(_tried(json.loads(sys.stdin.read())))
