"""How raw files are to be read: their format, and the CSV options by `read_files`' names.

Source: Databricks SQL reference, "read_files table-valued function", options for CSV.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from lakelet.errors import SettingsError

__all__ = ("FORMATS", "MODES", "OPTION_NAMES", "ReadOptions", "check_mode", "parse_options")

FORMATS = ("auto", "json", "jsonl", "csv", "tsv", "parquet", "text")
MODES = {
    "evolve": ("add", "widen", "rescue", "fail"),
    "on_changed": ("report", "replace", "fail"),
}
"""What may become of new fields, and of files that changed since they were loaded."""

_BY_SUFFIX = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".txt": "text",
    ".log": "text",
}
COMPRESSED = (".gz", ".zst", ".zstd")


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read files.

    Attributes:
        format: one of `FORMATS`.
        encoding: a Python codec's name, or ``auto``: by byte-order mark, else UTF-8.
        header: for CSV ``auto``, ``true`` or ``false``.
        delimiter: one character between CSV fields; '' stands for the format's own.
        quote: one character around CSV fields.
        escape: one character before a quote inside a quoted field.
        null_value: unquoted CSV text that means NULL, besides nothing at all.
        comment: a character that makes a CSV line a comment, or ''.
        skip_rows: CSV lines to pass over before the header.
        trim: whether white space around unquoted CSV fields is dropped.
    """

    format: str = "auto"
    encoding: str = "auto"
    header: str = "auto"
    delimiter: str = ""
    quote: str = '"'
    escape: str = '"'
    null_value: str = ""
    comment: str = ""
    skip_rows: int = 0
    trim: bool = False

    def format_of(self, path: str) -> str:
        """The format of one file: as told, else by the ending of its name, else ``json``.

        A compressed file is judged by the ending before ``.gz`` or ``.zst``.
        """
        if self.format != "auto":
            return self.format
        name = path.rsplit("/", 1)[-1].lower()
        for ending in COMPRESSED:
            name = name.removesuffix(ending)
        dot = name.rfind(".")
        return _BY_SUFFIX.get(name[dot:] if dot >= 0 else "", "json")

    def said(self) -> dict[str, object]:
        """The options that are not as by default, by field."""
        default = asdict(ReadOptions())
        return {name: value for name, value in asdict(self).items() if value != default[name]}

    def delimiter_of(self, kind: str) -> str:
        """The character between fields for a CSV or TSV file."""
        return self.delimiter or ("\t" if kind == "tsv" else ",")


_NAMES = {
    "format": "format",
    "header": "header",
    "sep": "delimiter",
    "delimiter": "delimiter",
    "quote": "quote",
    "escape": "escape",
    "nullvalue": "null_value",
    "encoding": "encoding",
    "charset": "encoding",
    "comment": "comment",
    "skiprows": "skip_rows",
    "ignoreleadingwhitespace": "trim",
    "ignoretrailingwhitespace": "trim",
}
_SINGLE = ("delimiter", "quote", "escape")
OPTION_NAMES = (
    "format", "header", "sep", "delimiter", "quote", "escape", "nullValue", "encoding", "charset",
    "comment", "skipRows", "ignoreLeadingWhiteSpace", "ignoreTrailingWhiteSpace",
)  # fmt: skip


def parse_options(raw: Mapping[str, object], *, over: ReadOptions | None = None) -> ReadOptions:
    """Options from names and values as typed; names are case-insensitive.

    Args:
        raw: the options.
        over: what holds for those not given, if not the defaults.

    Raises:
        SettingsError: an unknown option (with the nearest name) or a value it cannot have.
    """
    found = over or ReadOptions()
    for name, value in raw.items():
        field = _NAMES.get(name.lower())
        if field is None:
            raise SettingsError.unknown(name, OPTION_NAMES, where="options")
        found = replace(found, **{field: _value(name, field, str(value))})  # type: ignore[arg-type]
    return found


def check_mode(name: str, value: str | None) -> None:
    """Refuse a mode that there is not; None is the workspace's setting.

    Raises:
        SettingsError: with the modes there are.
    """
    if value is not None and value not in MODES[name]:
        raise SettingsError(
            f"{name} cannot be {value!r}; nothing was loaded.",
            hint=f"it is one of {', '.join(MODES[name])}.",
        )


def _value(name: str, field: str, text: str) -> object:
    if field == "format":
        if text.lower() not in FORMATS:
            raise SettingsError.no_such_value(text, FORMATS, where="format")
        return text.lower()
    if field == "header":
        if text.lower() not in ("auto", "true", "false"):
            raise SettingsError.no_such_value(
                text, ("auto", "true", "false"), where="option header"
            )
        return text.lower()
    if field == "trim":
        return text.lower() == "true"
    if field == "skip_rows":
        if not text.isdecimal():
            raise SettingsError(f"option {name} is {text!r}; it must be a number of lines.")
        return int(text)
    if field in _SINGLE:
        text = {"\\t": "\t", "\\\\": "\\"}.get(text, text)
        if len(text) != 1 or text in "\r\n":
            raise SettingsError(f"option {name} is {text!r}; it must be one character.")
        return text
    if field == "encoding":
        return _codec(text)
    return text


def _codec(name: str) -> str:
    if name.lower() == "auto":
        return "auto"
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise SettingsError(
            f"option encoding is {name!r}, which is no known encoding.",
            hint="write for example UTF-8, UTF-16 or ISO-8859-1.",
        ) from None
