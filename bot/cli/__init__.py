"""The command line: one module per noun, all over the same services."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; Ctrl-C ends it quietly, even while it loads."""
    try:
        # slow: an impatient Ctrl-C falls into it
        from bot.cli.root import run

        run()
    except KeyboardInterrupt:
        sys.exit(130)  # as a shell reports SIGINT
