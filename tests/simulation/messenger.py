"""The Messenger port over a simulated network, for one process."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.deliveries import Progress
from bot.domain.errors import (
    Doubtful,
    FailureKind,
    Malformed,
    Moved,
    SenderDown,
    Suspended,
    TryLater,
    Undeliverable,
    WindowClosed,
)
from bot.domain.recipients import Address, Channel
from bot.ports import LookUp
from tests.simulation.provider import READ_TIMEOUT, Answer, Call

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from bot.domain.deliveries import Reference
    from bot.domain.errors import SendError
    from bot.domain.messages import OutboundMessage
    from tests.simulation.process import Process
    from tests.simulation.provider import Provider

#: Seconds after which a call that the provider does not list was surely not made.
LISTED = READ_TIMEOUT + 15.0
_KINDS = {
    "blocked": FailureKind.BLOCKED,
    "not_found": FailureKind.NOT_FOUND,
    "refused": FailureKind.REFUSED,
    "unreachable": FailureKind.UNREACHABLE,
}


class SimulatedMessenger:
    """Calls a simulated provider on behalf of one process."""

    def __init__(self, process: Process, provider: Provider) -> None:
        self.channel = provider.channel
        self.can_look_up = provider.channel is Channel.WHATSAPP
        self._process = process
        self._provider = provider

    async def send(
        self,
        to: Address,
        message: OutboundMessage,
        reference: Reference | None,
        *,
        reply_to: str = "",
        paid: bool = False,
    ) -> str:
        provider, process = self._provider, self._process
        if provider._strikes("never_left", provider.mischief.never_left):
            await asyncio.sleep(0.01)
            raise TryLater("connection refused")
        call = Call(
            number=process.world.number(),
            process=process.name,
            to=to.value,
            message=message,
            reference=reference,
            sent_at=process.world.now,
            stale=process.is_stale(),
        )
        process.calls(call)
        answer: asyncio.Future[Answer] = process.loop.create_future()

        def reply(said: Answer) -> None:
            process.loop.call_soon(heard, said)

        def heard(said: Answer) -> None:
            if not answer.done():
                call.ended = True
                call.heard = said.word != "silence"
                if said.word in {"flood", "flood_all"}:
                    provider.told(call, dead=lambda: process.loop.standing)
                answer.set_result(said)

        provider.begin(call, reply)
        timer = process.loop.call_later(READ_TIMEOUT, heard, Answer("silence"))
        try:
            said = await answer
        finally:
            timer.cancel()
        if said.word == "ok":
            return said.provider_id
        if said.word == "moved":
            address = Address(to.channel, said.address)
            raise Moved("group became a supergroup", address=address)
        if said.word in {"flood", "flood_all"}:
            raise TryLater(
                "too many requests",
                after=timedelta(seconds=said.after),
                throttled=True,
                sender_wide=said.word == "flood_all",
            )
        raise self.explain(said.word)

    async def edit(
        self, to: Address, provider_id: str, message: OutboundMessage
    ) -> None:
        raise AssertionError("nobody corrects anything here")

    async def delete(self, to: Address, provider_id: str) -> None:
        raise AssertionError("nobody takes anything back here")

    async def pin(self, to: Address, provider_id: str, *, pinned: bool) -> None:
        raise AssertionError("nobody pins anything here")

    async def look_up(
        self,
        to: Address,
        message: OutboundMessage,
        started_at: datetime,
        *,
        others: Collection[str] = (),
    ) -> LookUp | None:
        process, provider = self._process, self._provider
        await asyncio.sleep(0.05)
        age = (process.clock.now() - started_at).total_seconds()
        since = process.world.now - max(age, 0.0) - 5.0
        found = provider.find(to.value, message, since, set(others))
        if len(found) == 1:
            [call] = found
            progress, code = max(call.reported, default=(Progress.ACCEPTED, ""))
            return LookUp(
                found=True, provider_id=call.provider_id, progress=progress, code=code
            )
        if found or age < LISTED:
            return None
        return LookUp(found=False)

    def explain(self, code: str) -> SendError:
        if code in _KINDS:
            return Undeliverable(code, kind=_KINDS[code])
        return {
            "silence": Doubtful,
            "down": SenderDown,
            "rights": Suspended,
            "malformed": Malformed,
            "window": WindowClosed,
        }[code](code)
