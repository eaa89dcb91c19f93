"""Conversations with models, kept as they are held: what arrived stays, what is deleted is gone.

They live in the workspace's metadata store, and are read as ``system.conversations``, a row a
message.
"""

from __future__ import annotations

import secrets
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lakelet.errors import BusyError, CommandError
from lakelet.inference import Answer, Message, Usage
from lakelet.inference.metering import Meter
from lakelet.inference.served import AnyModel
from lakelet.workspace.store import open_store

if TYPE_CHECKING:
    import duckdb

    from lakelet.workspace import WorkspaceFolder

__all__ = (
    "ConversationsTable",
    "Kept",
    "Said",
    "Writing",
    "conversations",
    "delete_conversation",
    "said_in",
    "talk",
    "went_on",
)

_TYPED = (
    ("conversation", "VARCHAR"), ("number", "INTEGER"), ("model", "VARCHAR"),
    ("digest", "VARCHAR"), ("role", "VARCHAR"), ("content", "VARCHAR"), ("thought", "VARCHAR"),
    ("time", "TIMESTAMP WITH TIME ZONE"), ("ended", "VARCHAR"), ("prompt_tokens", "INTEGER"),
    ("generated_tokens", "INTEGER"), ("dropped", "INTEGER"), ("wrong", "VARCHAR"),
    ("window", "INTEGER"), ("cached_tokens", "INTEGER"), ("tokens_per_second", "DOUBLE"),
    ("branch_of", "VARCHAR"), ("branch_at", "INTEGER"),
)  # fmt: skip
_EVERY = 0.5
"""Seconds after which what has come is written down."""


@dataclass(frozen=True)
class Kept:
    """A conversation that is kept.

    Attributes:
        id: its name.
        model: the model it was last held with.
        started: when it began.
        updated: when something was said last.
        messages: how many.
        title: what was asked first.
        branch_of: the conversation it branched from; '' where it is its own.
        branch_at: how many messages it took over from there.
    """

    id: str
    model: str
    started: datetime
    updated: datetime
    messages: int
    title: str
    branch_of: str = ""
    branch_at: int = 0


@dataclass(frozen=True)
class Said:
    """A message as it is kept.

    Attributes:
        number: its place, from 0.
        role: ``system``, ``user`` or ``assistant``.
        content: its text.
        thought: what the model thought before it.
        time: when it was said.
        ended: why an answer ended; '' for others, and for one that was never ended.
        prompt: tokens of the prompt; None where nobody counted.
        generated: tokens of the answer; None where nobody counted.
        cached: prompt tokens that were taken from the prompt before.
        per_second: tokens generated a second.
        meter: where the tokens of the prompt went; None where nobody counted.
        dropped: messages at the beginning that went unseen to make room.
        wrong: what is wrong with it though it came; '' for nothing.
    """

    number: int
    role: str
    content: str
    thought: str
    time: datetime
    ended: str
    prompt: int | None
    generated: int | None
    cached: int | None
    per_second: float | None
    meter: Meter | None
    dropped: int
    wrong: str


def conversations(folder: WorkspaceFolder, letters: str = "") -> list[Kept]:
    """The conversations in which some letters were said, the newest first; all without letters."""
    with open_store(folder) as store:
        store.create_function("fold", 1, str.casefold, deterministic=True)  # of all alphabets
        rows = store.execute(
            "SELECT c.*, count(*) AS messages, coalesce((SELECT content FROM messages f WHERE "
            "f.conversation = c.id AND f.role = 'user' ORDER BY number LIMIT 1), '') AS title "
            "FROM conversations c JOIN messages m ON m.conversation = c.id WHERE ?1 = '' OR EXISTS "
            "(SELECT 1 FROM messages h WHERE h.conversation = c.id AND instr(fold(h.content), ?1))"
            " GROUP BY c.id ORDER BY c.updated DESC",
            (letters.casefold(),),
        ).fetchall()
    return [
        Kept(row["id"], row["model"], _when(row["started"]), _when(row["updated"]),
             row["messages"], " ".join(row["title"].split())[:200],
             row["branch_of"] or "", row["branch_at"] or 0)
        for row in rows
    ]  # fmt: skip


def talk(folder: WorkspaceFolder, name: str) -> tuple[Kept, list[Message]]:
    """A conversation by the beginning of its name, and what was said.

    Raises:
        CommandError: there is none, or there are several.
    """
    found = [one for one in conversations(folder) if one.id.startswith(name)] if name else []
    if len(found) != 1:
        what = "several conversations begin" if found else "no conversation begins"
        raise CommandError(f"{what} with {name!r}.", hint="`lakelet chat --list` shows them.")
    with open_store(folder) as store:
        rows = store.execute(
            "SELECT role, content, thought FROM messages WHERE conversation = ? ORDER BY number",
            (found[0].id,),
        ).fetchall()
    return found[0], [Message(row["role"], row["content"], row["thought"]) for row in rows]


def said_in(folder: WorkspaceFolder, name: str) -> tuple[Kept, list[Said]]:
    """A conversation by the beginning of its name, and its messages with all that is known of them.

    Raises:
        CommandError: there is none, or there are several.
    """
    kept, _ = talk(folder, name)
    with open_store(folder) as store:
        rows = store.execute(
            "SELECT * FROM messages WHERE conversation = ? ORDER BY number", (kept.id,)
        ).fetchall()
    return kept, [_said(row) for row in rows]


def _said(row: Any) -> Said:
    found = None
    if row["window"] is not None and row["prompt_tokens"] is not None:
        system, turn = row["system_tokens"] or 0, row["turn_tokens"] or 0
        history = max(row["prompt_tokens"] - system - turn, 0)
        found = Meter(system, history, turn, row["window"], row["count_grade"] or "")
    return Said(
        row["number"], row["role"], row["content"], row["thought"], _when(row["time"]),
        row["ended"] or "", row["prompt_tokens"], row["generated_tokens"], row["cached_tokens"],
        row["tokens_per_second"], found, row["dropped"], row["wrong"] or "",
    )  # fmt: skip


def delete_conversation(folder: WorkspaceFolder, name: str) -> Kept:
    """Delete a conversation; its text is overwritten where it lay.

    Raises:
        CommandError: there is none, or there are several.
    """
    kept, _ = talk(folder, name)
    with open_store(folder) as store:
        store.execute("PRAGMA secure_delete = ON")
        store.execute("DELETE FROM messages WHERE conversation = ?", (kept.id,))
        store.execute("DELETE FROM conversations WHERE id = ?", (kept.id,))
    _delete_from_copies(folder, kept.id)
    # What the journal still holds of it goes with the journal.
    _empty_journal(folder)
    return kept


def _empty_journal(folder: WorkspaceFolder) -> None:
    import sqlite3

    from lakelet.workspace.store import STORE_FILE

    path = folder.private / STORE_FILE
    with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as store:
        busy, _written, _moved = store.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise BusyError(
            "the conversation is deleted, and its text still lies in the store's journal, since "
            "somebody reads the store.",
            hint="it goes with the next conversation that is deleted, or when all who have the "
            "workspace open close it.",
        )


def _delete_from_copies(folder: WorkspaceFolder, name: str) -> None:
    """Take a conversation out of the copies that are kept from before the store was changed."""
    import sqlite3

    from lakelet.workspace.store import STORE_FILE

    for path in folder.private.glob(f"{STORE_FILE}.version*"):
        with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as store:
            try:
                store.execute("PRAGMA secure_delete = ON")
                store.execute("DELETE FROM messages WHERE conversation = ?", (name,))
                store.execute("DELETE FROM conversations WHERE id = ?", (name,))
            except sqlite3.Error:
                continue  # older than conversations are, or no store


class Writing:
    """A conversation that is being held, written down as it goes.

    Args:
        folder: the workspace.
        model: the model it is held with.
        name: the conversation that goes on; a new one without it.
        said: how many messages it has so far.
        branch: the conversation that a new one branches from, and how many of its messages it
            takes over; None for one of its own.

    Raises:
        CommandError: something was said in it meanwhile; nothing was written.
    """

    def __init__(
        self, folder: WorkspaceFolder, model: AnyModel, name: str = "", said: int = 0,
        branch: tuple[str, int] | None = None,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.id = name or secrets.token_hex(6)
        self.number = said
        self.text = ""
        self.thought = ""
        self.written = time.monotonic()
        now = time.time()
        with open_store(folder) as store:
            (there,) = store.execute(
                "SELECT count(*) FROM messages WHERE conversation = ?", (self.id,)
            ).fetchone()
            if there != said:
                raise went_on(self.id, there, said)
            store.execute(
                "INSERT INTO conversations (id, model, digest, started, updated, branch_of, "
                "branch_at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
                "model = excluded.model, digest = excluded.digest",
                (self.id, model.name, model.digest, now, now, *(branch or (None, None))),
            )
            if branch is not None:
                self._take_over(store, *branch)

    def say(self, role: str, content: str) -> None:
        """Write down what a person or the system says."""
        import sqlite3

        with open_store(self.folder) as store:
            try:
                self._insert(store, role, content)
            except sqlite3.IntegrityError:  # somebody said something since this was begun
                raise went_on(self.id, self.number + 1, self.number) from None

    def _take_over(self, store: Any, other: str, most: int) -> None:
        """Copy the first messages of another conversation, with all that is known of them."""
        columns = ", ".join(
            row["name"] for row in store.execute("PRAGMA table_info(messages)")
            if row["name"] != "conversation"
        )  # fmt: skip
        store.execute(
            f"INSERT INTO messages (conversation, {columns}) SELECT ?, {columns} FROM messages "
            "WHERE conversation = ? AND number < ?",
            (self.id, other, most),
        )
        self.number = most

    def begin(self) -> None:
        """Begin an answer."""
        self.text = self.thought = ""
        with open_store(self.folder) as store:
            self._insert(store, "assistant", "")

    def come(self, text: str, thought: str) -> None:
        """Take a piece of the answer; it is written down within a second."""
        self.text += text
        self.thought += thought
        if time.monotonic() - self.written > _EVERY:
            self._update("content = ?, thought = ?", (self.text, self.thought))

    def measure(self, found: Meter) -> None:
        """Write down where the tokens of the prompt went."""
        self._update(
            "prompt_tokens = ?, window = ?, system_tokens = ?, turn_tokens = ?, count_grade = ?",
            (found.prompt, found.window, found.system, found.turn, found.grade),
        )

    def end(self, answer: Answer) -> None:
        """Write down how the answer ended."""
        self.keep(
            answer.text,
            answer.thought,
            answer.usage,
            answer.reason,
            dropped=answer.dropped,
            wrong=" ".join(answer.wrong),
        )

    def keep(
        self, text: str, thought: str, usage: Usage, reason: str, *, dropped: int = 0,
        wrong: str = "",
    ) -> None:  # fmt: skip
        """Write down an answer as it ended, in the place of what was written of it so far."""
        self._update(
            "content = ?, thought = ?, ended = ?, prompt_tokens = coalesce(?, prompt_tokens), "
            "generated_tokens = ?, cached_tokens = ?, tokens_per_second = ?, dropped = ?, "
            "wrong = ?",
            (text, thought, reason, usage.prompt, usage.generated, usage.cached,
             usage.generated_per_second, dropped, wrong or None),
        )  # fmt: skip

    def fail(self, why: str) -> None:
        """Write down that no answer came, or only some of it; what came is kept."""
        self._update(
            "content = ?, thought = ?, ended = 'failed', wrong = ?", (self.text, self.thought, why)
        )

    def _insert(self, store: Any, role: str, content: str) -> None:
        store.execute(
            "INSERT INTO messages (conversation, number, role, content, thought, time) "
            "VALUES (?, ?, ?, ?, '', ?)",
            (self.id, self.number, role, content, time.time()),
        )
        store.execute("UPDATE conversations SET updated = ? WHERE id = ?", (time.time(), self.id))
        self.number += 1

    def _update(self, what: str, values: tuple[Any, ...]) -> None:
        self.written = time.monotonic()
        with open_store(self.folder) as store:
            store.execute(
                f"UPDATE messages SET {what} WHERE conversation = ? AND number = ?",
                (*values, self.id, self.number - 1),
            )
            store.execute(
                "UPDATE conversations SET updated = ? WHERE id = ?", (time.time(), self.id)
            )


def went_on(name: str, there: int, known: int) -> CommandError:
    """The error of who goes on with a conversation in which something was said meanwhile."""
    return CommandError(
        f"the conversation {name} has {there} messages, and {known} were known here: something was "
        "said in it meanwhile; nothing was sent.",
        hint="read it again and go on from there.",
    )


def _when(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True)
class ConversationsTable:
    """What was said, as a table of a query."""

    workspace: WorkspaceFolder

    @property
    def typed(self) -> tuple[tuple[str, str], ...]:
        """Names and DuckDB types of the columns."""
        return _TYPED

    def attach(self, connection: duckdb.DuckDBPyConnection, view: str) -> None:
        """Make the messages a table of that name on a connection."""
        with open_store(self.workspace) as store:
            rows = store.execute(
                "SELECT m.conversation, m.number, c.model, c.digest, m.role, m.content, m.thought, "
                "m.time, m.ended, m.prompt_tokens, m.generated_tokens, m.dropped, m.wrong, "
                "m.window, m.cached_tokens, m.tokens_per_second, c.branch_of, c.branch_at "
                "FROM messages m JOIN conversations c ON c.id = m.conversation "
                "ORDER BY c.started, m.number"
            ).fetchall()
        declared = ", ".join(f'"{name}" {kind}' for name, kind in _TYPED)
        connection.execute(f"CREATE TABLE {view} ({declared})")
        if rows:
            marks = ", ".join("?" for _ in _TYPED)
            values = [[*row[:7], _when(row["time"]), *row[8:]] for row in rows]
            connection.executemany(f"INSERT INTO {view} VALUES ({marks})", values)
