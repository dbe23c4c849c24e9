"""What is made of Telegram's answers: token, webhook, rights."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.checks.findings import Finding, Level, Reach, counted
from bot.phrases.catalogue import one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

#: Updates that wait at Telegram beyond which somebody ought to know.
MANY_PENDING = 100
#: How long an error of the webhook is worth mentioning.
RECENT = timedelta(hours=1)
_LONGEST_WORDS = 160  # characters of Telegram's own words


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookFacts:
    """What `getWebhookInfo` says."""

    url: str = ""
    pending: int = 0
    error: str = ""
    error_at: datetime | None = None
    allowed: tuple[str, ...] | None = None  #: None where Telegram's default holds


@dataclass(frozen=True, slots=True, kw_only=True)
class BotFacts:
    """What `getMe` and `getWebhookInfo` say."""

    reach: Reach
    why: str = ""  #: a word or two for what is not `Reach.ANSWERED`
    username: str = ""
    can_join_groups: bool = True
    reads_everything: bool = False
    webhook: WebhookFacts | None = None


class Right(StrEnum):
    """What the bot may do in a chat."""

    MAY_SEND = "may send"
    MUTED = "muted"  #: there, and must not write
    NOT_POSTING = "not posting"  #: in a Telegram channel, without the right to post
    OUTSIDE = "outside"  #: not in the chat, or the chat is gone
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFacts:
    """What we may do in one enrolled chat."""

    chat: str  #: Telegram's id
    title: str
    right: Right
    suspended: bool = False  #: whether we know that it cannot be written to


def judge_bot(facts: BotFacts) -> list[Finding]:
    """Judge the token and the bot's own settings."""
    match facts.reach:
        case Reach.REFUSED:
            return [
                Finding(
                    Level.PROBLEM,
                    "telegram",
                    "Telegram does not accept HARKARA_BOT_TOKEN",
                    "copy it again from @BotFather, or send /token there for a new one",
                )
            ]
        case Reach.UNREACHABLE:
            return [
                Finding(
                    Level.PROBLEM,
                    "telegram",
                    f"Telegram cannot be reached ({facts.why})",
                    "see that this machine is on the network and may call "
                    "api.telegram.org on port 443",
                )
            ]
        case Reach.ODD:
            return [
                Finding(
                    Level.PROBLEM,
                    "telegram",
                    f"Telegram answers oddly ({facts.why})",
                    "try again in a minute; if it stays so, look at "
                    "HARKARA_TELEGRAM_API",
                )
            ]
    found = [
        Finding(Level.WELL, "telegram", f"the token is accepted: @{facts.username}")
    ]
    if not facts.can_join_groups:
        found.append(
            Finding(
                Level.WARNING,
                "telegram",
                "the bot may not be added to groups",
                "send /setjoingroups to @BotFather and choose Enable",
            )
        )
    if facts.reads_everything:
        found.append(
            Finding(
                Level.NOTE,
                "telegram",
                "the bot is shown everything that is written in groups; Harkara needs "
                "none of it (/setprivacy at @BotFather)",
            )
        )
    return found


def judge_webhook(
    facts: WebhookFacts | None,
    *,
    wanted: str,
    allowed: Collection[str],
    running: bool,
    now: datetime,
) -> list[Finding]:
    """Judge how updates come.

    Args:
        facts: As Telegram says; None where it does not.
        wanted: The address that Telegram is to call; empty for polling.
        allowed: The kinds of updates that we ask for.
        running: Whether an application works on the database now.
        now: The present moment.
    """
    if facts is None:
        return [
            Finding(
                Level.WARNING,
                "webhook",
                "Telegram did not say how updates come",
                "run harkara check again in a minute",
            )
        ]
    found = [_address(facts, wanted=wanted, running=running)]
    recent = facts.error_at is not None and now - facts.error_at < RECENT
    if facts.url and facts.error and recent:
        words = one_line(facts.error)[:_LONGEST_WORDS]
        found.append(
            Finding(
                Level.WARNING,
                "webhook",
                f"Telegram could not deliver lately: “{words}”",
                "see that HARKARA_PUBLIC_URL leads here, with a certificate that "
                "is valid, and that harkara run is up",
            )
        )
    if facts.pending > MANY_PENDING:
        found.append(
            Finding(
                Level.WARNING,
                "webhook",
                f"{counted(facts.pending, 'update')} wait at Telegram, which keeps "
                "them for a day",
                "start harkara run, or see in its log why it does not take them",
            )
        )
    missing = sorted(set(allowed) - set(facts.allowed or allowed))
    if running and missing:
        found.append(
            Finding(
                Level.WARNING,
                "webhook",
                f"Telegram is not asked for {', '.join(missing)}",
                "start harkara run again; if it comes back, another program uses the "
                "same bot: give it a bot of its own",
            )
        )
    return found


def _address(facts: WebhookFacts, *, wanted: str, running: bool) -> Finding:
    topic = "webhook"
    grave = Level.PROBLEM if running else Level.WARNING
    if facts.url == wanted:
        so = f"Telegram calls {_place(wanted)}" if wanted else "Telegram is polled"
        return Finding(Level.WELL, topic, so)
    if not facts.url:
        if running:
            return Finding(
                Level.PROBLEM,
                topic,
                "Telegram has not been told to call us",
                "see in the log of harkara run why Telegram refuses HARKARA_PUBLIC_URL",
            )
        return Finding(Level.NOTE, topic, "harkara run will tell Telegram to call us")
    if not wanted:
        return Finding(
            grave,
            topic,
            f"Telegram calls {_place(facts.url)} and is not to be polled meanwhile",
            "harkara run takes that back when it starts; if another program uses the "
            "bot, give it a bot of its own",
        )
    return Finding(
        grave,
        topic,
        f"Telegram calls {_place(facts.url)} instead of {_place(wanted)}",
        "start harkara run again; if it comes back, another program uses the same "
        "bot: give it a bot of its own",
    )


def _place(url: str) -> str:
    """Return scheme and host: what stands behind them may be a secret."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "another address"
    return f"{parts.scheme}://{parts.hostname}{port}"


_SAID = {
    Right.MUTED: (
        "the bot may not write in",
        "in the group, let members send messages, or make the bot an administrator",
    ),
    Right.NOT_POSTING: (
        "the bot may not post in",
        "in the channel's administrators, give the bot the right to post messages",
    ),
    Right.OUTSIDE: (
        "the bot is not in",
        "add it to the chat again, or run harkara group remove {chat}",
    ),
}


def judge_rights(chats: Sequence[ChatFacts], *, left_out: int = 0) -> list[Finding]:
    """Judge what the bot may do where it is enrolled.

    Args:
        chats: Those that were looked at.
        left_out: How many more there are.
    """
    found = []
    for chat in chats:
        if chat.right in _SAID:
            what, mend = _SAID[chat.right]
            known = "; its messages wait" if chat.suspended else ""
            found.append(
                Finding(
                    Level.WARNING if chat.suspended else Level.PROBLEM,
                    "rights",
                    f"{what} “{one_line(chat.title) or chat.chat}”{known}",
                    mend.format(chat=chat.chat),
                )
            )
    unknown = sum(chat.right is Right.UNKNOWN for chat in chats)
    if unknown:
        found.append(
            Finding(
                Level.WARNING,
                "rights",
                "Telegram did not say what the bot may do in "
                f"{counted(unknown, 'enrolled chat')}",
                "run harkara check again in a minute",
            )
        )
    fine = sum(chat.right is Right.MAY_SEND for chat in chats)
    if fine:
        found.append(
            Finding(
                Level.WELL,
                "rights",
                f"the bot may write in {counted(fine, 'enrolled chat')}",
            )
        )
    if left_out:
        found.append(
            Finding(
                Level.NOTE,
                "rights",
                f"{counted(left_out, 'more chat')} were not looked at",
            )
        )
    return found
