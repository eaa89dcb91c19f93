"""A picture of a terminal for the README: text in, SVG out.

    make -s demo | python tools/terminal_picture.py 22-32 60-75 > docs/images/demo.svg

The arguments are the lines to show, counted from 1.
"""

from __future__ import annotations

import html
import sys

WIDTH, LINE, CHARACTER = 108, 19, 8.43
STYLE = (
    "text{font:14px 'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#d7e0e2;"
    "white-space:pre}.c{fill:#5fc3b8;font-weight:600}.h{fill:#ffffff;font-weight:600}"
    ".n{fill:#8fa3a8}"
)


def kind(line: str) -> str:
    """Commands, headings and rules stand out."""
    if line.startswith("$ "):
        return "c"
    if line.startswith("# "):
        return "h"
    return "n" if line.startswith("─") else ""


def main() -> int:
    """Read the lines and write the picture."""
    every = [line.rstrip("\n")[:WIDTH] for line in sys.stdin]
    lines = []
    for first, last in (map(int, part.split("-")) for part in sys.argv[1:]):
        lines += every[first - 1 : last]
    width, height = int(WIDTH * CHARACTER) + 40, len(lines) * LINE + 36
    print(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="Lakelet in a terminal">'
        f'<style>{STYLE}</style><rect width="{width}" height="{height}" rx="10" fill="#10191b"/>'
    )
    for number, line in enumerate(lines):
        print(
            f'<text x="20" y="{number * LINE + 30}" class="{kind(line)}" '
            f'xml:space="preserve">{html.escape(line)}</text>'
        )
    print("</svg>")
    return 0


if __name__ == "__main__":
    sys.exit(main())
