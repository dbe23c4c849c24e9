"""The services, wired to one another: the same for the application, tools and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.broadcaster import Broadcaster
from bot.consequences import Consequences
from bot.corrections import Corrections
from bot.course import Course
from bot.domain.outcomes import RetryPolicy
from bot.domain.recipients import Channel
from bot.editorial import Editorial
from bot.enrolment import Enrolment
from bot.ledger import Ledger
from bot.notices import Notices
from bot.planning import Planner
from bot.replies import Replies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.recipients import SenderId
    from bot.planning import Newsroom
    from bot.ports import Clock, Database, Messenger, Runner


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the handlers and the command line call."""

    database: Database
    clock: Clock
    runner: Runner
    senders: Mapping[Channel, SenderId]
    messengers: Mapping[Channel, Messenger]
    newsroom: Newsroom
    ledger: Ledger
    consequences: Consequences
    notices: Notices
    editorial: Editorial
    enrolment: Enrolment
    broadcaster: Broadcaster
    planner: Planner
    course: Course
    corrections: Corrections
    replies: Replies


def wire(
    *,
    database: Database,
    clock: Clock,
    runner: Runner,
    senders: Mapping[Channel, SenderId],
    messengers: Mapping[Channel, Messenger],
    newsroom: Newsroom,
    policy: RetryPolicy | None = None,
) -> Services:
    """Give each service what it needs of the world and of the others."""
    notices = Notices(senders)
    consequences = Consequences(notices)
    ledger = Ledger(
        database=database,
        clock=clock,
        consequences=consequences,
        policy=policy or RetryPolicy(),
        templates=bool(newsroom.template),
        telegram=senders.get(Channel.TELEGRAM),
    )
    planner = Planner(
        database=database, clock=clock, senders=senders, newsroom=newsroom
    )
    return Services(
        database=database,
        clock=clock,
        runner=runner,
        senders=senders,
        messengers=messengers,
        newsroom=newsroom,
        ledger=ledger,
        consequences=consequences,
        notices=notices,
        editorial=Editorial(database=database, clock=clock),
        enrolment=Enrolment(
            database=database,
            clock=clock,
            runner=runner,
            notices=notices,
            senders=senders,
        ),
        broadcaster=Broadcaster(
            database=database,
            clock=clock,
            runner=runner,
            ledger=ledger,
            notices=notices,
            planner=planner,
            senders=senders,
            messengers=messengers,
            newsroom=newsroom,
        ),
        planner=planner,
        course=Course(
            database=database,
            clock=clock,
            runner=runner,
            notices=notices,
            planner=planner,
            senders=senders,
            newsroom=newsroom,
        ),
        corrections=Corrections(
            database=database,
            clock=clock,
            senders=senders,
            render=planner.render,
            template=newsroom.correction_template or newsroom.template,
            own_template=bool(newsroom.correction_template),
        ),
        replies=Replies(database=database, clock=clock, runner=runner, senders=senders),
    )
