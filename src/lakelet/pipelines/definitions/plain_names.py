"""Names that pipelines and their datasets may have: those that need no quotes anywhere.

Journals, publications and lineage name tables as ``schema.table``, read back as written.
"""

from __future__ import annotations

import re

__all__ = ("PLAIN", "is_plain")

PLAIN = "a name has letters, digits, _ and -, no blanks, dots or quotes"
_PLAIN = re.compile(r"\w[\w-]*")


def is_plain(name: str) -> bool:
    """Whether a schema's or table's name needs no quotes."""
    return _PLAIN.fullmatch(name) is not None
