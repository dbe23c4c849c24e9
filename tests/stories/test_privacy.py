"""What the newsroom has decided to keep is what readers are told, and what is kept."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from bot.domain.inbound import Inbound
from bot.domain.recipients import Channel
from storage.tables import inbound
from tests.stories.stage import Stage, until


async def test_privacy_is_told_as_it_is_set_on_both_channels(stage: Stage):
    stage.values |= {
        "keep_updates_days": 3,
        "keep_deliveries_days": 45,
        "keep_consents_days": 730,
        "contact": "desk@news.example",
    }
    reader = stage.world.person("Ayesha", language="en", started=True)
    phone = stage.world.person("Gul", phone="+923005550101")
    async with stage.app():
        await stage.world.say(reader, "/privacy")
        await stage.world.whatsapp(phone, "privacy")
        for who in (reader, phone):
            told = await stage.told(who, "How long the rest is kept")
            assert "what you write here: 3 days" in told
            assert "what became of them: 45 days" in told
            assert "after you leave: 2 years" in told
            assert told.endswith("The newsroom: desk@news.example")


async def test_what_is_too_old_goes_soon_after_the_start(stage: Stage):
    async with stage.office() as desk:
        now = desk.clock.now()
        async with desk.database.transaction() as tx:
            await tx.erasure.looked(now - timedelta(days=1))
            for days in (8, 6):
                then = now - timedelta(days=days)
                entry = Inbound(
                    channel=Channel.TELEGRAM,
                    key=f"update:{days}",
                    payload={},
                    received_at=then,
                )
                await tx.inbox.store([entry])
                [stored] = await tx.inbox.waiting(limit=1)
                assert stored.id is not None
                await tx.inbox.done(stored.id, now=then)
    async with stage.app() as desk:

        async def one_is_left() -> bool:
            async with desk.database.snapshot() as tx:
                counted = select(func.count()).select_from(inbound)
                return bool(await tx.inbox._connection.value(counted) == 1)  # type: ignore[attr-defined] # behind the port

        await until(one_is_left, "the old one's end")
