"""What Harkara tells its editors of its own accord, once for each event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import phrases
from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import WITHOUT, State
from bot.domain.messages import Button, Text, utf16_length
from bot.domain.recipients import Channel
from bot.ports import NewReply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from bot.domain.broadcasts import Broadcast, BroadcastId, Coverage
    from bot.domain.corrections import Outcome
    from bot.domain.inbound import Inbound
    from bot.domain.recipients import Audience, Recipient, SenderId
    from bot.ports import Sender, Transaction

    Rows = tuple[tuple[Button, ...], ...]

#: The most that one message carries (platform-facts §1.2, §3).
LIMITS = {Channel.TELEGRAM: 4096, Channel.WHATSAPP: 1600}


def plain(
    text: str,
    channel: Channel,
    *,
    buttons: tuple[tuple[Button, ...], ...] = (),
) -> Text:
    """Make a message of a phrase: no markup, nothing to escape."""
    return Text(
        text=text,
        markup=None,
        length=utf16_length(text),
        limit=LIMITS[channel],
        buttons=buttons if channel is Channel.TELEGRAM else (),
    )


def controls(
    language: str, broadcast: Broadcast, coverage: Coverage, *, now: datetime
) -> Rows:
    """Return the buttons for what can be done about a broadcast as it stands."""
    verbs: list[str] = []
    match broadcast.state:
        case BroadcastState.WAITING:
            verbs = ["undo"]
        case BroadcastState.RUNNING:
            verbs = ["pause", "cancel"]
        case BroadcastState.PAUSED:
            verbs = ["resume", "cancel"]
        case BroadcastState.FINISHED if (
            coverage.states[State.FAILED] and now < broadcast.expires_at
        ):
            verbs = ["retry"]
    over = broadcast.state in {BroadcastState.FINISHED, BroadcastState.CANCELLED}
    begun = broadcast.confirmed_at is not None
    if over and begun and any(coverage.states[state] for state in WITHOUT):
        verbs.append("missed")
    return tuple((_button(verb, language, broadcast.id),) for verb in verbs)


def _button(verb: str, language: str, broadcast: BroadcastId) -> Button:
    label = {
        "undo": phrases.undo_label,
        "pause": phrases.pause_label,
        "resume": phrases.resume_label,
        "cancel": phrases.stop_label,
        "retry": phrases.retry_label,
        "missed": phrases.missed_label,
    }[verb]
    return Button(label(language), data=f"{verb}:{broadcast}")


class Notices:
    """Writes a notice to every editor, in their language, once."""

    def __init__(self, senders: Mapping[Channel, SenderId]) -> None:
        self._senders = senders

    async def suspended(
        self, tx: Transaction, who: Recipient, code: str, *, now: datetime
    ) -> None:
        """We may not write to *who* at present; nothing more will be tried."""
        await self._tell(
            tx,
            f"suspended:{who.id}:{now:%Y%m%dT%H%M%S}",
            lambda language: phrases.suspended(language, title=who.title, code=code),
            now=now,
        )

    async def paused(
        self, tx: Transaction, broadcast: BroadcastId, code: str, *, now: datetime
    ) -> None:
        """A broadcast has stopped itself: the message is bad for everybody."""
        await self._tell(
            tx,
            f"paused:{broadcast}:{now:%Y%m%dT%H%M%S}",
            lambda language: phrases.paused(language, broadcast=broadcast, code=code),
            now=now,
        )

    async def failing(
        self,
        tx: Transaction,
        broadcast: BroadcastId,
        coverage: Coverage,
        *,
        now: datetime,
    ) -> None:
        """A broadcast has stopped itself: too many of its messages fail."""
        await self._tell(
            tx,
            f"failing:{broadcast}:{now:%Y%m%dT%H%M%S}",
            lambda language: phrases.failing(
                language, broadcast=broadcast, coverage=coverage
            ),
            now=now,
            buttons=lambda language: (
                (_button("resume", language, broadcast),),
                (_button("cancel", language, broadcast),),
            ),
        )

    async def over(
        self,
        tx: Transaction,
        broadcast: Broadcast,
        coverage: Coverage,
        *,
        now: datetime,
    ) -> None:
        """A broadcast is over: what became of it. Told once for each outcome."""
        without = sum(coverage.states[state] for state in WITHOUT)
        await self._tell(
            tx,
            f"over:{broadcast.id}:{broadcast.state}:{coverage.arrived}:{without}",
            lambda language: phrases.status(
                language, broadcast=broadcast, coverage=coverage
            ),
            now=now,
            buttons=lambda language: controls(language, broadcast, coverage, now=now),
        )

    async def merged(
        self,
        tx: Transaction,
        round_up: BroadcastId,
        *,
        merged: Sequence[BroadcastId],
        now: datetime,
    ) -> None:
        """Broadcasts waited too long, and go out as one."""
        await self._tell(
            tx,
            f"merged:{round_up}",
            lambda language: phrases.merged(
                language, broadcast=round_up, before=merged
            ),
            now=now,
        )

    async def sender_down(
        self, tx: Transaction, sender: Sender, code: str, *, now: datetime
    ) -> None:
        """Nothing leaves through *sender* until somebody acts. Told once an hour."""
        await self._tell(
            tx,
            f"down:{sender.id}:{now:%Y%m%dT%H}",
            lambda language: phrases.sender_down(
                language, channel=sender.channel, code=code
            ),
            now=now,
        )

    async def doubtful(
        self, tx: Transaction, sender: Sender, count: int, *, now: datetime
    ) -> None:
        """A restart found *count* calls whose answers were never written down."""
        await self._tell(
            tx,
            f"doubtful:{sender.id}:{sender.epoch}",
            lambda language: phrases.doubtful(
                language, channel=sender.channel, count=count
            ),
            now=now,
        )

    async def unsure(
        self, tx: Transaction, broadcast: BroadcastId, count: int, *, now: datetime
    ) -> None:
        """A broadcast is over, and of *count* messages nobody knows if they arrived.

        Told once for each count: what was decided and came into doubt anew is told
        again, what merely stayed in doubt is not.
        """
        await self._tell(
            tx,
            f"unsure:{broadcast}:{count}",
            lambda language: phrases.unsure(language, broadcast=broadcast, count=count),
            now=now,
            buttons=lambda language: (
                (
                    Button(
                        phrases.sent_label(language), data=f"decide:sent:{broadcast}"
                    ),
                    Button(
                        phrases.repeat_label(language),
                        data=f"decide:repeat:{broadcast}",
                    ),
                ),
            ),
        )

    async def changed(
        self,
        tx: Transaction,
        broadcast: Broadcast,
        counts: Mapping[Outcome, int],
        *,
        now: datetime,
    ) -> None:
        """A correction or a recall is over: what it has come to."""
        await self._tell(
            tx,
            f"changed:{broadcast.id}:{now:%Y%m%dT%H%M%S}",
            lambda language: phrases.correction_over(
                language,
                broadcast=broadcast.id,
                changed=broadcast.corrects or broadcast.id,
                counts=counts,
            ),
            now=now,
        )

    async def set_aside(
        self, tx: Transaction, entry: Inbound, code: str, *, now: datetime
    ) -> None:
        """What came in could not be handled, and nothing more will come of it.

        Told of the first of its kind in an hour: whoever sends us rubbish shall not
        make us send as much. The log has them all.
        """
        await self._tell(
            tx,
            f"aside:{entry.channel}:{code}:{now:%Y%m%dT%H}",
            lambda language: phrases.set_aside(
                language, channel=entry.channel, code=code, number=entry.id or 0
            ),
            now=now,
        )

    async def stranger(
        self,
        tx: Transaction,
        group: Recipient,
        audiences: list[Audience],
        *,
        now: datetime,
    ) -> None:
        """We were put into *group* without a token of ours: accept it, or we leave."""
        buttons = tuple(
            (Button(each.title[:40], data=f"accept:{group.id}:{each.id}"),)
            for each in audiences[:8]
        )
        await self._tell(
            tx,
            f"stranger:{group.id}:{group.leave_at or now:%Y%m%dT%H%M%S}",
            lambda language: phrases.stranger(language, title=group.title),
            now=now,
            buttons=lambda _: buttons,
        )

    async def _tell(
        self,
        tx: Transaction,
        key: str,
        words: Callable[[str], str],
        *,
        now: datetime,
        buttons: Callable[[str], Rows] = lambda _: (),
    ) -> None:
        replies = [
            NewReply(
                key=f"notice:{key}:{editor.recipient}",
                sender=self._senders[editor.address.channel],
                recipient=editor.recipient,
                message=plain(
                    words(editor.language),
                    editor.address.channel,
                    buttons=buttons(editor.language),
                ),
            )
            for editor in await tx.editors.all()
            if editor.address.channel in self._senders
        ]
        if replies:
            await tx.replies.add(replies, now=now)
