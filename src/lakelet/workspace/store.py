"""The metadata store: what a workspace remembers beside its tables, in one SQLite file.

It holds what is read while it happens (the events of running updates) and what only speeds things
up. The lake's own tables are the truth: deleting ``.lakelet/lakelet.db`` loses no row, no ledger
entry and no publication. SQLite in WAL mode lets several processes use it at once
(https://sqlite.org/wal.html); its own commits are not named steps.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lakelet.errors import StorageError
from lakelet.workspace.folder import WorkspaceFolder
from lakelet.workspace.steps import declare, make_folder, step

__all__ = ("STORE_FILE", "STORE_VERSION", "open_store")

STORE_FILE = "lakelet.db"
_FOLDER = declare("store.folder", "the folder of the metadata store is there")
_COPY = declare("store.copy", "a copy of the older metadata store lies beside it")
_WAIT_SECONDS = 30.0

# One entry a version: the statements that lead to it from the one before. Never changed, only
# added to: a workspace of every released version is opened in the tests.
_MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE updates (
        id INTEGER PRIMARY KEY,
        pipeline TEXT NOT NULL,
        state TEXT NOT NULL,
        started REAL NOT NULL,
        ended REAL,
        process INTEGER NOT NULL,
        message TEXT
    );
    CREATE TABLE events (
        update_id INTEGER NOT NULL,
        number INTEGER NOT NULL,
        time REAL NOT NULL,
        pipeline TEXT NOT NULL,
        dataset TEXT,
        kind TEXT NOT NULL,
        message TEXT NOT NULL,
        details TEXT NOT NULL,
        kept INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (update_id, number)
    );
    CREATE TABLE staged (
        pipeline TEXT NOT NULL,
        dataset TEXT NOT NULL,
        digest TEXT NOT NULL,
        result TEXT NOT NULL,
        PRIMARY KEY (pipeline, dataset)
    );
    CREATE TABLE definitions (
        digest TEXT PRIMARY KEY,
        parsed TEXT NOT NULL
    );
    """,
    """
    CREATE TABLE jobs (
        pipeline TEXT PRIMARY KEY,
        due REAL NOT NULL,
        started REAL,
        state TEXT
    );
    """,
    """
    CREATE TABLE queries (
        id INTEGER PRIMARY KEY,
        time REAL NOT NULL,
        text TEXT NOT NULL,
        dialect TEXT NOT NULL,
        source TEXT NOT NULL,
        read TEXT NOT NULL,
        written TEXT NOT NULL,
        rows INTEGER,
        seconds REAL NOT NULL,
        error TEXT
    );
    CREATE INDEX queries_by_time ON queries (time);
    """,
    """
    CREATE TABLE profiles (
        key TEXT PRIMARY KEY,
        result TEXT NOT NULL
    );
    """,
    """
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        tracking TEXT NOT NULL,
        experiment TEXT NOT NULL,
        name TEXT NOT NULL,
        status TEXT NOT NULL,
        started REAL,
        ended REAL,
        user TEXT,
        deleted INTEGER NOT NULL DEFAULT 0,
        artifacts TEXT
    );
    CREATE INDEX runs_by_time ON runs (tracking, started);
    CREATE TABLE run_params (
        run_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT, PRIMARY KEY (run_id, key)
    ) WITHOUT ROWID;
    CREATE TABLE run_tags (
        run_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT, PRIMARY KEY (run_id, key)
    ) WITHOUT ROWID;
    CREATE TABLE run_metrics (
        run_id TEXT NOT NULL, key TEXT NOT NULL, value REAL, step INTEGER, time REAL,
        PRIMARY KEY (run_id, key)
    ) WITHOUT ROWID;
    CREATE TABLE run_inputs (
        run_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        digest TEXT NOT NULL,
        version INTEGER,
        location TEXT,
        table_id TEXT,
        source TEXT NOT NULL,
        named INTEGER NOT NULL DEFAULT 0,
        waiting INTEGER NOT NULL DEFAULT 0,
        number INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (run_id, name, digest)
    ) WITHOUT ROWID;
    CREATE INDEX run_inputs_by_name ON run_inputs (name);
    CREATE INDEX run_inputs_by_location ON run_inputs (location);
    CREATE INDEX run_inputs_by_table ON run_inputs (table_id);
    CREATE TABLE run_facts (
        run_id TEXT PRIMARY KEY, facts TEXT NOT NULL
    );
    CREATE TABLE environments (
        digest TEXT PRIMARY KEY, packages TEXT NOT NULL
    );
    CREATE TABLE open_runs (
        token TEXT PRIMARY KEY,
        run_id TEXT,
        tracking TEXT NOT NULL,
        started REAL NOT NULL,
        status TEXT
    );
    CREATE TABLE run_index (
        tracking TEXT PRIMARY KEY, state TEXT NOT NULL
    );
    """,
    """
    CREATE TABLE searchable (
        name TEXT PRIMARY KEY,
        mark TEXT NOT NULL,
        told TEXT NOT NULL
    );
    """,
    """
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY,
        time REAL NOT NULL,
        user TEXT NOT NULL,
        source TEXT NOT NULL,
        action TEXT NOT NULL,
        target TEXT NOT NULL,
        before TEXT,
        after TEXT,
        ended REAL,
        error TEXT
    );
    CREATE TABLE page_keys (key TEXT NOT NULL);
    CREATE TABLE acts (
        id TEXT PRIMARY KEY,
        time REAL NOT NULL,
        process INTEGER NOT NULL,
        form TEXT NOT NULL,
        answer TEXT
    );
    CREATE TABLE commands (
        id TEXT PRIMARY KEY,
        started REAL NOT NULL,
        arguments TEXT NOT NULL,
        place TEXT NOT NULL,
        process INTEGER,
        ended REAL,
        code INTEGER,
        done INTEGER,
        whole INTEGER
    );
    """,
    """
    CREATE TABLE conversations (
        id TEXT PRIMARY KEY,
        model TEXT NOT NULL,
        digest TEXT NOT NULL,
        started REAL NOT NULL,
        updated REAL NOT NULL
    );
    CREATE TABLE messages (
        conversation TEXT NOT NULL,
        number INTEGER NOT NULL,
        role TEXT NOT NULL,
        content TEXT NOT NULL,
        thought TEXT NOT NULL,
        time REAL NOT NULL,
        ended TEXT,
        prompt_tokens INTEGER,
        generated_tokens INTEGER,
        dropped INTEGER NOT NULL DEFAULT 0,
        wrong TEXT,
        PRIMARY KEY (conversation, number)
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE conversations ADD COLUMN branch_of TEXT;
    ALTER TABLE conversations ADD COLUMN branch_at INTEGER;
    ALTER TABLE messages ADD COLUMN window INTEGER;
    ALTER TABLE messages ADD COLUMN system_tokens INTEGER;
    ALTER TABLE messages ADD COLUMN turn_tokens INTEGER;
    ALTER TABLE messages ADD COLUMN cached_tokens INTEGER;
    ALTER TABLE messages ADD COLUMN tokens_per_second REAL;
    CREATE TABLE server_counts (
        server TEXT NOT NULL,
        model TEXT NOT NULL,
        time REAL NOT NULL,
        length INTEGER NOT NULL,
        tokens INTEGER NOT NULL
    );
    CREATE INDEX server_counts_by_model ON server_counts (server, model, time);
    CREATE TABLE probes (
        model TEXT PRIMARY KEY,
        time REAL NOT NULL,
        findings TEXT NOT NULL
    );
    """,
    """
    ALTER TABLE messages ADD COLUMN count_grade TEXT;
    """,
    # What was learned by bytes is learned anew by pieces.
    """
    DELETE FROM server_counts;
    ALTER TABLE server_counts RENAME COLUMN length TO pieces;
    """,
)
STORE_VERSION = len(_MIGRATIONS)


@contextmanager
def open_store(workspace: WorkspaceFolder) -> Iterator[sqlite3.Connection]:
    """The store, made or migrated where needed; one transaction, committed at the end of the body.

    Raises:
        StorageError: it was written by a newer Lakelet, or cannot be read.
    """
    path = workspace.private / STORE_FILE
    if not path.parent.is_dir():
        make_folder(_FOLDER, path.parent)
    try:
        connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
    except sqlite3.Error as error:
        raise _unreadable(path, error) from None
    try:
        connection.row_factory = sqlite3.Row
        # Safe in WAL mode against a killed process; only a power cut may take the last events.
        connection.execute("PRAGMA synchronous = NORMAL")
        _prepare(connection, path)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise _unreadable(path, error) from None
    finally:
        connection.close()


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    found = _version(connection)
    if found == STORE_VERSION:
        return
    if found > STORE_VERSION:
        raise StorageError(
            f"{path} was written by a newer Lakelet (its version is {found}, this one knows "
            f"{STORE_VERSION}); it was left as it is.",
            hint="install that version, or move the file away: no row of a table is in it.",
        )
    if found:
        with step(_COPY):
            shutil.copy2(path, path.with_name(f"{path.name}.version{found}"))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been first while this one waited.
        for number in range(_version(connection), STORE_VERSION):
            for statement in _MIGRATIONS[number].split(";"):
                if statement.strip():
                    connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {STORE_VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _unreadable(path: Path, error: sqlite3.Error) -> StorageError:
    return StorageError(
        f"the metadata store {path} cannot be used: {error}.",
        hint="if it is damaged, move it away: no row of a table is in it.",
    )
