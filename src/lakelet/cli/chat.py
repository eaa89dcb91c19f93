"""`lakelet chat`: a conversation with a model of this machine, kept as it is held."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import click

from lakelet.cli.answering import Telling, ThinkingCommand, agreed, choice, say_ended
from lakelet.cli.context import as_json, current_workspace
from lakelet.cli.output import counted, number, print_json, print_table, when, wrapped

if TYPE_CHECKING:
    from lakelet.errors import LakeletError
    from lakelet.session import Workspace
    from lakelet.session.talking import Talking

__all__ = ("chat",)

_COMMAND = re.compile(r"/[a-z]+(\s|$)")
_HELP = """\
/prompt   the prompt as the model sees it
/back     take back the last question and its answer; what you say next begins a branch
/new      begin another conversation
/help     this
/quit     end, as Ctrl-D does
"""


@click.command(cls=ThinkingCommand)
@click.argument("model", default="")
@click.option("--system", default="", help="What the model is told before.")
@click.option("--think", default="", metavar="on|off|budget N",
              help="On or off where its template can be told; a budget ends its thoughts after N "
                   "tokens.")  # fmt: skip
@click.option("--context", default="", metavar="16k", help="Tokens of prompt and answer together.")
@click.option("--overflow", type=click.Choice(["fail", "drop-oldest"]), default="fail",
              show_default=True, help="A conversation that does not fit any more.")  # fmt: skip
@click.option("--temperature", type=click.FloatRange(0), help="0 is greedy.")
@click.option("--go-on", default="", metavar="ID", help="Go on with a conversation.")
@click.option("--at", type=click.IntRange(0), metavar="N",
              help="Go on after its first N messages: a branch; it stays as it is.")  # fmt: skip
@click.option("--list", "listed", is_flag=True, help="List the conversations.")
@click.option("--find", default="", metavar="LETTERS", help="Those in which this was said.")
@click.option("--delete", default="", metavar="ID", help="Delete one for good.")
@click.option("--yes", is_flag=True, help="Delete it without asking.")
@as_json
def chat(
    model: str, system: str, think: str, context: str, overflow: str,
    temperature: float | None, go_on: str, at: int | None, listed: bool, find: str, delete: str,
    yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Hold a conversation with a model of this machine.

    Old thoughts go back only to models that were trained with them; a conversation that does not
    fit is refused with the numbers, or loses its oldest turns, which is said. Every conversation is
    kept in the workspace (system.conversations), and what has come of an answer is kept too.

    \b
    lakelet chat
    lakelet chat smollm2-f16 --system "Answer in one sentence." --overflow drop-oldest
    lakelet chat --list
    """
    workspace = current_workspace()
    if delete:
        kept, _said = workspace.conversation(delete)
        if kept.id != delete and not agreed(
            f"Delete {kept.id} for good ({counted(kept.messages, 'message')}, {kept.title!r})?",
            yes=yes,
        ):
            click.echo("Nothing was changed.")
            raise SystemExit(1)
        gone = workspace.delete_conversation(kept.id)
        click.echo(f"{gone.id} is gone: {counted(gone.messages, 'message')}.")
        return
    if listed or find:
        _list(workspace, find, as_json=as_json)
        return
    if as_json:
        raise click.UsageError("--json goes with --list and --find.")
    if at is not None and not go_on:
        raise click.UsageError("--at goes with --go-on.")
    _hold(workspace, model, system, think, context, overflow, temperature, go_on, at)


def _list(workspace: Workspace, letters: str, *, as_json: bool) -> None:
    found = workspace.conversations(letters)
    if as_json:
        print_json([{"id": one.id, "model": one.model, "started": one.started,
                     "updated": one.updated, "messages": one.messages, "title": one.title}
                    for one in found])  # fmt: skip
        return
    if not found:
        click.echo(f"Nothing was said of {letters!r}." if letters else "There are none yet.")
        return
    print_table(
        ("id", "model", "updated", "messages", "asked first"),
        [(one.id, one.model, when(one.updated, workspace.time_zone), one.messages, one.title)
         for one in found],
        whole=("id", "updated"),
    )  # fmt: skip


def _hold(
    workspace: Workspace, model: str, system: str, think: str, context: str, overflow: str,
    temperature: float | None, go_on: str, at: int | None,
) -> None:  # fmt: skip
    from lakelet.errors import LakeletError, ModelChoiceError
    from lakelet.inference import Sampling
    from lakelet.models.wishes import parse_tokens

    window = parse_tokens(context) if context else None
    if go_on and not model:
        model = workspace.conversation(go_on)[0].model  # with whom it was held
    try:
        chosen = workspace.chosen_model(model).name
    except ModelChoiceError as error:
        chosen = choice(error)
    options: dict[str, Any] = {
        "system": system, "think": think, "context": window, "overflow": overflow,
        "sampling": Sampling(temperature=temperature),
    }  # fmt: skip
    talking = workspace.talk(chosen, go_on=go_on, at=at, **options)
    how = talking.sampling
    for warning in how.warnings:
        click.echo(f"Careful: {warning}", err=True)
    telling = Telling(chosen, window, counts=False)
    tokens = talking.load(telling.hear)
    telling.clear()
    click.echo(f"{chosen}, a window of {number(tokens)} tokens", err=True)
    click.echo(wrapped(f"sampling: {how}; /help for more", 2, err=True), err=True)
    for one in talking.messages:
        click.echo(f"{'> ' if one.role == 'user' else ''}{one.content}\n")
    failed = False
    while True:
        try:
            asked = _line()
            if asked in (None, "/quit", "/exit"):
                break
            if asked == "/new":
                talking = workspace.talk(chosen, **options)
            else:
                failed |= not _do(talking, asked, window)
        except LakeletError as error:
            failed = True
            _say_wrong(error, talking, overflow)
    if failed and not sys.stdin.isatty():
        raise SystemExit(1)
    if talking.id:
        click.echo(f"lakelet chat --go-on {talking.id}   goes on with it", err=True)


def _say_wrong(error: LakeletError, talking: Talking, overflow: str) -> None:
    """Say what is wrong, and of a full window the ways out that there are."""
    from lakelet.errors import OverflowingError

    click.echo(f"Error: {error.message}", err=True)
    hint = error.hint
    if isinstance(error, OverflowingError):
        ways = ["shorten it"]
        if any(one.role == "user" for one in talking.messages):
            ways += ["/new begins anew", "/back goes back"]
            if overflow == "fail":
                ways.append("`--overflow drop-oldest` leaves the oldest turns out")
        if error.window < talking.largest_window:
            ways.append("a larger --context takes more")
        hint = "; ".join(ways) + "."
    if hint:
        click.echo(f"Hint: {hint}", err=True)


def _do(talking: Talking, asked: str, window: int | None) -> bool:
    """Do what was typed; whether it went well."""
    if asked == "/prompt":
        click.echo(talking.prompt())
    elif asked == "/back":
        _back(talking)
    elif asked == "/help":
        click.echo(_HELP)
    elif _COMMAND.match(asked):
        click.echo(f"{asked.split()[0]} is no command; /help tells which there are. A space before "
                   "it says it to the model.", err=True)  # fmt: skip
    elif asked.strip():
        return _turn(talking, asked, window)
    return True


def _turn(talking: Talking, asked: str, window: int | None) -> bool:
    """Say something; whether the answer came as it should."""
    from lakelet.inference.metering import Meter

    telling = Telling(talking.model.name, window, counts=False)
    measured: list[Meter] = []

    def hear(event: Any) -> None:
        if isinstance(event, Meter):
            measured.append(event)
        telling.hear(event)

    try:
        answer = talking.say(asked, hear)
    except KeyboardInterrupt:
        click.echo("\n(stopped; what has come is kept)", err=True)
        return True
    click.echo()
    if answer.dropped:
        click.echo(f"The first {counted(answer.dropped, 'message')} did not fit and "
                   "went unseen.", err=True)  # fmt: skip
    say_ended(answer, kept=True)
    found = measured[-1]  # of an estimate first, and of what the server counted
    prompt = answer.count.high if answer.usage.prompt is None else answer.usage.prompt
    room = answer.window - prompt - (answer.usage.generated or 0)
    tokens = (
        f"tokens ({found.grade}): system {number(found.system)}, before {number(found.history)}, "
        f"this turn {number(found.turn)}, answer {number(answer.usage.generated or 0)}; "
        f"{number(max(room, 0))} of {number(answer.window)} tokens are free."
    )
    click.echo(wrapped(tokens, 2, err=True), err=True)
    return not answer.wrong


def _back(talking: Talking) -> None:
    asked = [number for number, one in enumerate(talking.messages) if one.role == "user"]
    if not asked:
        click.echo("Nothing was asked yet.", err=True)
        return
    talking.back_to(asked[-1])
    left = len(asked) - 1
    click.echo(f"{counted(left, 'question')} left; what you say next begins a branch.", err=True)


def _line() -> str | None:
    """What a person types; None at the end.

    Raises:
        CommandError: it is no text.
    """
    from lakelet.errors import CommandError

    if not sys.stdin.isatty():
        raw = sys.stdin.buffer.readline()
        try:
            return raw.decode("utf-8").rstrip("\n") if raw else None
        except UnicodeDecodeError as error:
            raise CommandError(
                f"what is piped in is no text: byte {error.start:,} of a line is not UTF-8; that "
                "line was not asked."
            ) from None
    try:
        import readline  # noqa: F401 - lines can be edited, and earlier ones found

        return input("> ")
    except (EOFError, KeyboardInterrupt):
        click.echo(err=True)
        return None
