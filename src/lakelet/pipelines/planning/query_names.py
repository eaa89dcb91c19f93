"""What each query names, kept from one process to the next: reading SQL costs a tenth of a second.

Kept in the metadata store by the pipeline's files: while they are the same, nothing is parsed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

from lakelet.engines.dialect import TableFunctionCall, TableReference, translate_query
from lakelet.pipelines.definitions.dataset import Pipeline, fingerprint
from lakelet.pipelines.definitions.streams import mark_streams
from lakelet.pipelines.planning.batchwise import not_batchwise
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.store import open_store

__all__ = ("Names", "QueryNames")


@dataclass(frozen=True, slots=True)
class Names:
    """What a query reads.

    Attributes:
        tables: the tables it names.
        calls: the table functions it calls.
        depends: what of it depends on more than one row of its stream; see `not_batchwise`.
    """

    tables: tuple[TableReference, ...]
    calls: tuple[TableFunctionCall, ...]
    depends: str = ""


@dataclass
class QueryNames:
    """The names in the queries of a pipeline."""

    workspace: WorkspaceFolder
    pipeline: Pipeline
    _known: dict[str, Names] | None = None
    _new: bool = False
    _key: str = field(init=False)

    def __post_init__(self) -> None:
        """Name what is kept by what it depends on."""
        self._key = fingerprint("names 2", self.pipeline.digest, version("lakelet"))

    def of(self, query: str) -> Names:
        """The names in one query.

        Raises:
            SqlError: the query cannot be read.
        """
        if self._known is None:
            self._known = self._read()
        if query not in self._known:
            found = translate_query(mark_streams(query))
            self._known[query] = Names(found.tables, found.calls, not_batchwise(query))
            self._new = True
        return self._known[query]

    def keep(self) -> None:
        """Write what was found for the next process."""
        if not self._new or not self.pipeline.digest:
            return
        raw = {query: asdict(names) for query, names in (self._known or {}).items()}
        with open_store(self.workspace) as store:
            store.execute(
                "INSERT OR REPLACE INTO definitions VALUES (?, ?)", (self._key, json.dumps(raw))
            )
        self._new = False

    def _read(self) -> dict[str, Names]:
        with open_store(self.workspace) as store:
            row = store.execute(
                "SELECT parsed FROM definitions WHERE digest = ?", (self._key,)
            ).fetchone()
        raw: dict[str, Any] = {} if row is None else json.loads(row["parsed"])
        return {query: _names(names) for query, names in raw.items()}


def _names(raw: dict[str, Any]) -> Names:
    return Names(
        tuple(TableReference(**{**one, "parts": tuple(one["parts"])}) for one in raw["tables"]),
        tuple(
            TableFunctionCall(
                one["name"],
                tuple(one["positional"]),
                tuple((name, value) for name, value in one["named"]),
                one["view"],
                bool(one.get("metadata")),
            )
            for one in raw["calls"]
        ),
        raw["depends"],
    )
