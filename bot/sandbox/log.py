"""Everything that happened, in order, and questions about it."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from io import TextIOWrapper
    from pathlib import Path

PAUSE = 0.005  #: seconds between two looks while waiting, however much happens
SHARE = 20  #: times a look's own time between two looks: many records take long to read
#: Methods that put a new message into a chat.
SENDING = frozenset({"sendMessage", "sendPhoto", "Messages.create"})


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that happened.

    Kinds: ``call`` (a provider's method was called), ``visible``, ``edited``,
    ``deleted`` (what people see), ``status`` (a WhatsApp message went on),
    ``update`` (something waits for the bot), ``webhook`` and ``callback`` (we
    called the application, and what it answered), ``rate`` (a call was too
    early), ``action`` (a person did something), ``answered`` (a pressed button was),
    ``state`` (a chat changed), ``switch`` (trouble was turned on or off),
    ``application`` (the process that is tried out was started, came up or died).
    """

    seq: int
    time: float  #: seconds since the epoch, by the sandbox's clock
    kind: str
    chat: str | None  #: ``-100…``, ``42`` or ``whatsapp:+…``
    fields: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        """Return the field *name*; absent ones are ``None``."""
        return self.fields.get(name)

    def as_json(self) -> dict[str, Any]:
        """Return a flat dictionary that JSON can carry."""
        return {
            "seq": self.seq,
            "time": self.time,
            "kind": self.kind,
            "chat": self.chat,
            **self.fields,
        }


def keys_of(chat: Any) -> tuple[str, ...]:
    """Return every address that *chat* means.

    Args:
        chat: A person (their private chat and their phone), a chat (with the
            ids it had before or got after a migration), or a plain id.
    """
    keys = getattr(chat, "keys", None)
    return tuple(keys) if keys is not None else (str(chat),)


class Log:
    """An append-only record, optionally copied to a file line by line."""

    def __init__(
        self, *, clock: Callable[[], float] = time.time, file: Path | None = None
    ) -> None:
        self.records: list[Record] = []
        self._clock = clock
        self._by_chat: defaultdict[tuple[str, str | None], list[Record]]
        self._by_chat = defaultdict(list)
        self._wakers: set[asyncio.Event] = set()
        self._file: TextIOWrapper | None = None
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._file = file.open("a", encoding="utf-8")

    def add(self, kind: str, chat: Any = None, **fields: Any) -> Record:
        """Write down that *kind* happened, in *chat* if it concerns one."""
        key = None if chat is None else str(chat)
        record = Record(len(self.records) + 1, self._clock(), kind, key, fields)
        self.records.append(record)
        self._by_chat[kind, None].append(record)
        if key is not None:
            self._by_chat[kind, key].append(record)
        if self._file is not None:
            self._file.write(json.dumps(record.as_json(), ensure_ascii=False) + "\n")
            self._file.flush()
        for waker in self._wakers:
            waker.set()
        return record

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None

    # --- questions -------------------------------------------------------

    def of(self, kind: str, chat: Any = None) -> list[Record]:
        """Return the records of one *kind*, of one *chat* or of all, in order."""
        if chat is None:
            return list(self._by_chat[kind, None])
        found = [r for key in keys_of(chat) for r in self._by_chat[kind, key]]
        return sorted(found, key=lambda record: record.seq)

    def calls(self, method: str | None = None, chat: Any = None) -> list[Record]:
        """Return the API calls, answered or not."""
        found = self.of("call", chat)
        return [r for r in found if method is None or r["method"] == method]

    def sends(self, chat: Any = None) -> list[Record]:
        """Return the calls that asked for a new message, refused ones too."""
        return [r for r in self.of("call", chat) if r["method"] in SENDING]

    def visible(self, chat: Any = None) -> list[Record]:
        """Return every message that became visible to anybody, once each."""
        return self.of("visible", chat)

    def from_us(self, chat: Any = None) -> list[Record]:
        """Return the visible messages that the application sent."""
        return [r for r in self.visible(chat) if r["outgoing"]]

    def copies_of(self, text: str, chat: Any = None) -> list[Record]:
        """Return the application's visible messages that contain *text*."""
        return [r for r in self.from_us(chat) if text in r["text"]]

    def doubled(self) -> dict[tuple[str, str], int]:
        """Return the (chat, text) pairs that became visible more than once."""
        counts = Counter((r.chat or "", r["text"]) for r in self.from_us())
        return {pair: number for pair, number in counts.items() if number > 1}

    def edits(self, chat: Any = None) -> list[Record]:
        """Return the edits that people saw."""
        return self.of("edited", chat)

    def deletes(self, chat: Any = None) -> list[Record]:
        """Return the deletions that people saw."""
        return self.of("deleted", chat)

    def statuses(self, chat: Any = None, sid: str | None = None) -> list[Record]:
        """Return the steps of WhatsApp messages."""
        return [r for r in self.of("status", chat) if sid is None or r["sid"] == sid]

    def callbacks(self, chat: Any = None, sid: str | None = None) -> list[Record]:
        """Return the status callbacks, sent or lost, with their answers."""
        return [r for r in self.of("callback", chat) if sid is None or r["sid"] == sid]

    def refusals(self, chat: Any = None) -> list[Record]:
        """Return the calls that came too early for a rate."""
        return self.of("rate", chat)

    def since(self, seq: int) -> list[Record]:
        """Return what came after record number *seq*."""
        return self.records[seq:]

    async def wait_for(
        self,
        question: Callable[[Log], Iterable[Record]],
        *,
        count: int = 1,
        timeout: float = 10.0,
    ) -> list[Record]:
        """Wait until *question* has at least *count* answers, and return them.

        Raises:
            TimeoutError: That did not happen within *timeout* seconds.
        """
        async with asyncio.timeout(timeout):
            async for _ in self.changes():
                began = time.perf_counter()
                found = list(question(self))
                if len(found) >= count:
                    return found
                took = time.perf_counter() - began
                await asyncio.sleep(max(PAUSE, took * SHARE))
        raise AssertionError  # pragma: no cover - changes() never ends

    async def changes(self) -> AsyncIterator[None]:
        """Yield once at the start and again whenever something was added."""
        waker = asyncio.Event()
        waker.set()
        self._wakers.add(waker)
        try:
            while True:
                await waker.wait()
                waker.clear()
                yield None
        finally:
            self._wakers.discard(waker)

    def __iter__(self) -> Iterator[Record]:
        """Iterate over everything, oldest first."""
        return iter(self.records)

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self.records)
