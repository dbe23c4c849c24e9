"""Log lines: a sentence and ids, never text, tokens or addresses."""

from __future__ import annotations

import logging
import sys
import time

#: What the standard library puts on every record; the rest is ours.
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

#: Whose own lines nobody is to see.
LIBRARIES = (
    "telegram",
    "httpx",
    "httpcore",
    "twilio",
    "aiohttp",
    "psycopg",
    "procrastinate",
)


class KeyValue(logging.Formatter):
    """``2026-11-22T10:00:00Z INFO harkara.pump delivery delivery=7 state=accepted``."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """Append what the caller gave as ``extra``."""
        line = super().formatMessage(record)
        ours = [
            f"{key}={value}"
            for key, value in sorted(vars(record).items())
            if key not in _USUAL and value is not None and value != ""
        ]
        return " ".join([line, *ours])


def set_up(level: str) -> None:
    """Write our log lines to standard error, and keep the libraries quiet.

    They log addresses and URLs, and Telegram's URLs hold the token.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(KeyValue())
    root = logging.getLogger("harkara")
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    root.propagate = False
    for library in LIBRARIES:
        logging.getLogger(library).setLevel(logging.CRITICAL)
