"""Write the parts of the reference that follow from the code: ``make docs``.

A page marks such a part; what stands between the marks is written anew::

    <!-- from the code: cli -->
    <!-- end -->

While a page says something else than the code, ``tests/documents`` fails.
"""  # noqa: INP001 - a script beside the documents, not a module

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parent.parent
if __name__ == "__main__":  # run as a script, the repository is not on the path
    sys.path.insert(0, str(ROOT))

from docs.from_code import cli, codes, messages, settings, states  # noqa: E402 - above

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK = re.compile(
    r"(?P<begin><!-- from the code: (?P<name>[a-z-]+) -->\n).*?(?P<end><!-- end -->)",
    re.DOTALL,
)

BLOCKS: dict[str, Callable[[], str]] = {
    "cli": cli.commands,
    "settings": settings.table,
    "whatsapp-words": states.whatsapp_words,
    "delivery-states": states.deliveries,
    "broadcast-states": states.broadcasts,
    "lanes": states.lanes,
    "standings": states.standings,
    "kinds": states.kinds,
    "progress": states.progress,
    "errors": codes.errors,
    "failures": codes.failures,
    "telegram-errors": codes.telegram,
    "twilio-codes": codes.twilio,
    "messages": messages.table,
}


def pages() -> list[Path]:
    """Return every page that may hold such a part."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def renewed(text: str) -> str:
    """Return a page's *text* with every marked part as the code has it now."""

    def block(found: re.Match[str]) -> str:
        return f"{found['begin']}{BLOCKS[found['name']]()}\n{found['end']}"

    return BLOCK.sub(block, text)


def main() -> None:
    """Renew every page."""
    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = renewed(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            sys.stdout.write(f"{page.relative_to(ROOT)} renewed\n")


if __name__ == "__main__":
    main()
