"""Brings the generated pages of the documentation up to date: `make docs`.

A test compares the pages with what would be written, so that a command or function that changes
without its page fails the build.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from lakelet.cli.app import COMMANDS, cli

ROOT = Path(__file__).parent.parent
HEAD = """\
# The command `lakelet`

*Written by `make docs` from the commands' own help; edit that.*

Exit codes: 0 done, 1 what you asked failed (one clear message, no traceback), 2 the command line
does not say what it must, 130 Ctrl-C; what was committed before that stays. Every listing command
takes `--json`. Commands work in the workspace of the current folder or of its nearest parent;
`lakelet --workspace DIR …` names another.

Shell completion, of table names too, is one line in your shell's start file:

    eval "$(_LAKELET_COMPLETE=bash_source lakelet)"     # bash; zsh_source and fish_source likewise
"""


def cli_page() -> str:
    """The page of commands."""
    parts = [HEAD]
    context = click.Context(cli, info_name="lakelet")
    for name in sorted(COMMANDS):
        command = cli.get_command(context, name)
        assert command is not None
        inner = click.Context(
            command, info_name=f"lakelet {name}", max_content_width=96,
            help_option_names=["-h", "--help"],
        )  # fmt: skip
        inner.terminal_width = 96
        parts.append(f"## {name}\n\n```\n{command.get_help(inner)}\n```\n")
    return "\n".join(parts)


def main() -> int:
    """Write the pages."""
    (ROOT / "docs" / "cli.md").write_text(cli_page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
