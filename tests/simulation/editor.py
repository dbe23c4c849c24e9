"""What the people of a simulated newsroom do: plan, confirm, stop, decide."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from bot.domain.articles import Draft
from bot.domain.broadcasts import (
    Broadcast,
    BroadcastId,
    BroadcastState,
    Lane,
)
from bot.domain.deliveries import Form
from bot.domain.recipients import Address, Channel, Kind
from tests.simulation.cast import (
    AUDIENCE,
    DIGEST,
    PARTS,
    READERS,
    STORIES,
    long_story,
)
from tests.simulation.process import KEEP_FOR

if TYPE_CHECKING:
    from bot.services import Services
    from tests.simulation.scene import Scene


def arrange(scene: Scene) -> None:
    """Set down what the newsroom will do, and when."""
    plan, world = scene.plan, scene.world
    world.at(0.1, lambda: scene.ask("plan the long story", plan_long_story))
    if plan.breaking_at is not None:
        world.at(plan.breaking_at, lambda: _send(scene, 1, Lane.BREAKING))
    if plan.round_up_at is not None:
        world.at(plan.round_up_at, lambda: _send(scene, 2, Lane.ROUND_UP))
    if plan.stop_at is not None:
        world.at(plan.stop_at, lambda: scene.ask("stop", _stop_first))
    for number, moment in enumerate(plan.replies, start=1):
        world.at(moment, partial(_reply, scene, number))
    world.at(5.0, lambda: _look(scene))


async def plan_long_story(services: Services) -> None:
    """Plan and confirm a story in several parts, once however often it is begun."""
    by = "editor long"
    async with services.database.transaction() as tx:
        found = [
            each for each in await tx.broadcasts.latest(50) if each.planned_by == by
        ]
        if found:
            broadcast = found[0]
        else:
            now = services.clock.now()
            digest = await tx.broadcasts.add_digest(DIGEST, [], now=now)
            audience = await tx.audiences.by_name(AUDIENCE)
            broadcast = await tx.broadcasts.add(
                Broadcast(
                    id=BroadcastId(0),
                    digest=digest,
                    lane=Lane.REGULAR,
                    state=BroadcastState.PLANNED,
                    planned_by=by,
                    planned_at=now,
                    expires_at=now + KEEP_FOR,
                ),
                [audience.id],
            )
            messages: dict[Any, Any] = {
                (whose, channel, Form(form), part): message
                for (whose, channel, form, part), message in long_story(
                    audience.id
                ).items()
            }
            await tx.broadcasts.add_messages(broadcast.id, messages)
            await tx.deliveries.plan(
                broadcast.id,
                parts={(audience.id, channel): PARTS for channel in Channel},
                senders=services.senders,
                now=now,
            )
    await services.broadcaster.confirm(broadcast.id)


def _send(scene: Scene, story: int, lane: Lane) -> None:
    async def work(services: Services) -> None:
        draft = Draft(
            text=STORIES[story], link=f"https://news.example/{story}", language="en"
        )
        article = await services.editorial.take_in(draft)
        plan = await services.broadcaster.plan(
            article, [AUDIENCE], lane=lane, by="editor", key=f"story {story}"
        )
        await services.broadcaster.confirm(plan.broadcast.id)

    scene.ask(f"send {lane.name}", work)


async def _stop_first(services: Services) -> None:
    [(first, _)] = (await services.broadcaster.latest(50))[-1:]
    await services.broadcaster.stop(first.id)


def _reply(scene: Scene, number: int) -> None:
    to = Address(Channel.TELEGRAM, READERS[number])

    async def work(services: Services) -> None:
        await services.replies.answer(
            to, Kind.READER, [f"Answer {number}."], key=f"question {number}"
        )

    scene.ask(f"answer {number}", work)


def tell_rights_back(scene: Scene, chat: str) -> None:
    """Let the provider tell that we may write to a group again."""

    async def work(services: Services) -> None:
        await services.enrolment.rights_back(Address(Channel.TELEGRAM, chat))

    scene.ask("rights back", work)


def _look(scene: Scene) -> None:
    """See to what was paused, and to what is in doubt once it has ended."""
    for broadcast in scene.observer.paused():
        _decide_pause(scene, BroadcastId(broadcast))
    if scene.plan.decide:
        for broadcast in scene.observer.undecided():
            _decide_doubt(scene, BroadcastId(broadcast))
    scene.world.after(5.0, lambda: _look(scene))


def _decide_pause(scene: Scene, broadcast: BroadcastId) -> None:
    async def resume(services: Services) -> None:
        await services.broadcaster.resume(broadcast)

    async def stop(services: Services) -> None:
        await services.broadcaster.stop(broadcast)

    goes_on = scene.world.rng.random() < scene.plan.resume
    scene.ask("resume" if goes_on else "stop", resume if goes_on else stop)


def _decide_doubt(scene: Scene, broadcast: BroadcastId) -> None:
    async def decide(services: Services) -> None:
        repeat = scene.plan.decide == "repeat"
        await services.broadcaster.decide(broadcast, repeat=repeat)

    scene.ask("decide", decide)
