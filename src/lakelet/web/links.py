"""Where each thing has its page: the only place that knows the form of an address."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from lakelet.lake import TableName

__all__ = ("Links", "table_path")


def _part(text: str) -> str:
    return quote(text, safe="")


def table_path(name: TableName | str, tab: str = "") -> str:
    """The page of a table, or one of its tabs."""
    # Told names are written without quotes: what stands before the first dot is the schema.
    found = name if isinstance(name, TableName) else TableName(*name.split(".", 1))
    path = f"/tables/{_part(found.schema)}/{_part(found.table)}"
    # The address of a table named `x.json` would be that of the twin of a table named `x`.
    return f"{path}/{tab or 'overview'}" if tab or found.table.endswith(".json") else path


class Links:
    """Addresses as a page gives them out: those of pages at a moment lead on at that moment."""

    def __init__(self, at: str | None) -> None:
        """Make addresses for a page.

        Args:
            at: the moment the page shows, as the person wrote it; None for now.
        """
        self.at = at

    def to(self, path: str, /, **query: object) -> str:
        """An address with its query."""
        given = {key.rstrip("_"): value for key, value in query.items() if value not in (None, "")}
        if self.at is not None:
            given.setdefault("at", self.at)
        return f"{path}?{urlencode(given)}" if given else path

    def table(self, name: TableName | str, tab: str = "", **query: object) -> str:
        """A table's page."""
        return self.to(table_path(name, tab), **query)

    def pipeline(self, name: str, tab: str = "", **query: object) -> str:
        """A pipeline's page."""
        return self.to(f"/pipelines/{_part(name)}{'/' + tab if tab else ''}", **query)

    def run(self, run: str, **query: object) -> str:
        """A run's page."""
        return self.to(f"/runs/{_part(run)}", **query)

    def registered(self, name: str, **query: object) -> str:
        """A registered model's page."""
        return self.to(f"/registry/{_part(name)}", **query)

    def model(self, name: str) -> str:
        """A language model's page."""
        return self.to(f"/models/{_part(name)}")

    def file(self, path: str, **query: object) -> str:
        """A raw file's page, or a folder's, by its path as the account of loads has it."""
        return self.to("/file", path=path, **query)
