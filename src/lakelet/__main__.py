"""``python -m lakelet`` is the command `lakelet`."""

from __future__ import annotations

from lakelet.cli import main

main()
