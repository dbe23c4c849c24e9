"""``harkara check``: is everything as it must be, and if not, what mends it."""

from __future__ import annotations

import asyncio
import json
import textwrap
import tomllib
from collections import Counter
from typing import TYPE_CHECKING

import typer

from bot.checks.findings import Finding, Level, Reach, counted, in_order
from bot.cli.common import DEFAULT_CONFIG, REFUSED, AsJson, ConfigFile
from bot.domain.errors import ConfigError, HarkaraError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from pathlib import Path

    from bot.checks.machine import DatabaseFacts, FileFacts
    from bot.config import Settings
    from bot.domain.recipients import Recipient
    from bot.ports import Clock, Windows
    from bot.transports.asking import Asker

#: Settings that may name a secret in the file.
SECRETS = ("bot_token", "twilio_auth_token", "encryption_key")
WIDTH = 88  # columns
#: The marks, which docs/how-to/bot-token.md explains, in the order of gravity.
SIGNS = {
    Level.PROBLEM: ("✗", typer.colors.RED),
    Level.WARNING: ("!", typer.colors.YELLOW),
    Level.NOTE: ("·", typer.colors.BLUE),
    Level.WELL: ("✓", typer.colors.GREEN),
}


def check(
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,  # noqa: FBT002 - an option is a boolean with a default
) -> None:
    """Test tokens, rights, webhooks, window, template, clock and disk.

    Changes nothing, and may be run at any time. All problems are printed, each with
    what mends it; the status is 1 if there is one.
    """
    from bot.clock import SystemClock  # slow: the providers' libraries, as below

    findings = in_order(asyncio.run(look(config, clock=SystemClock())))
    broken = any(each.level is Level.PROBLEM for each in findings)
    if as_json:
        lines = [
            {
                "level": each.level.value,
                "topic": each.topic,
                "what": each.what,
                "mend": each.mend,
            }
            for each in findings
        ]
        typer.echo(
            json.dumps({"ok": not broken, "findings": lines}, ensure_ascii=False)
        )
    else:
        show(findings)
    if broken:
        raise typer.Exit(REFUSED)


async def look(file: Path, *, clock: Clock) -> list[Finding]:
    """Look at everything at once.

    Args:
        file: The settings file.
        clock: Whose time is compared with the providers'.
    """
    from bot.checks.machine import (  # slow, as above
        judge_clock,
        judge_database,
        judge_file,
        judge_listen,
        judge_settings,
    )
    from bot.config import examine
    from bot.listening import why_shut
    from bot.transports.asking import Asker
    from storage.inspection import inspect

    try:
        settings, problems = examine(file)
    except ConfigError as error:
        return judge_settings([str(error)])
    database = await inspect(settings.database, settings.key_source)
    chats, windows = await _ledger(settings, database, clock=clock)
    async with Asker(clock) as asker:
        telegram, whatsapp, address = await asyncio.gather(
            _telegram(settings, problems, asker, database, chats, clock=clock),
            _whatsapp(settings, problems, asker, windows),
            _address(settings, problems, asker, database),
        )
    listen: list[Finding] = []
    # While an application works here, it is the one that has the address.
    if not (database.running or _useless(problems, "listen")):
        listen = judge_listen(settings.listen, await why_shut(settings))
    behind = {
        name: time
        for name, (_, time) in (("Telegram", telegram), ("Twilio", whatsapp))
        if time is not None
    }
    return [
        *judge_settings(problems),
        *[each for facts in _files(file) for each in judge_file(facts)],
        *telegram[0],
        *whatsapp[0],
        *address,
        *listen,
        *judge_clock(behind),
        *judge_database(database),
    ]


def show(findings: Sequence[Finding]) -> None:
    """Print findings for a person: aligned, and plain where nobody sees colours."""
    widest = max(len(each.topic) for each in findings)
    indent = " " * (widest + 4)
    for each in findings:
        sign, colour = SIGNS[each.level]
        head = f"{each.topic:<{widest}}  "
        lines = textwrap.wrap(
            head + each.what,
            width=WIDTH - 2,
            subsequent_indent=" " * len(head),
            break_on_hyphens=False,
        )
        typer.echo(f"{typer.style(sign, fg=colour, bold=True)} {lines[0]}")
        for line in lines[1:]:
            typer.echo(f"  {line}")
        if each.mend:
            for line in textwrap.wrap(
                each.mend,
                width=WIDTH,
                initial_indent=f"{indent}→ ",
                subsequent_indent=f"{indent}  ",
                break_on_hyphens=False,
            ):
                typer.echo(line)
    many = Counter(each.level for each in findings)
    typer.echo()
    typer.echo(
        f"{counted(many[Level.PROBLEM], 'problem')}, "
        f"{counted(many[Level.WARNING], 'warning')}, "
        f"{counted(many[Level.NOTE], 'note')}, "
        f"{many[Level.WELL]} well."
    )


def _files(file: Path) -> list[FileFacts]:
    from bot.checks.machine import FileFacts  # slow, as above

    try:
        mode = file.stat().st_mode & 0o777
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    secrets = any(values.get(name) for name in SECRETS) or _has_password(values)
    return [FileFacts(path=str(file), mode=mode, secrets=secrets)]


def _has_password(values: dict[str, object]) -> bool:
    from bot.domain.servers import Server, place  # slow, as above

    try:
        found = place(str(values.get("database", "")))
    except ValueError:
        return "@" in str(values["database"])
    return isinstance(found, Server) and bool(found.secret)


async def _ledger(
    settings: Settings, database: DatabaseFacts, *, clock: Clock
) -> tuple[list[Recipient], Windows | None]:
    """Read what only the database knows, where it can be read."""
    from bot.pump import WINDOW  # slow, as above
    from storage import open_database

    readable = database.exists and not (
        database.problem or database.damage or database.locked_out
    )
    if not readable or database.revision != database.revisions[-1]:
        return [], None
    try:
        async with await open_database(
            settings.database, exclusive=False, check_schema=False
        ) as opened:
            await opened.unlock(settings.key_source)
            async with opened.snapshot() as tx:
                return (
                    await tx.audiences.chats(),
                    await tx.audiences.windows(since=clock.now() - WINDOW),
                )
    except HarkaraError:
        return [], None  # it was readable a moment ago; its own finding says the rest


def _useless(problems: Sequence[str], *names: str) -> bool:
    """Whether one of the settings *names* was found to be of no use."""
    words = {problem.partition(" ")[0].rstrip(":") for problem in problems}
    return not words.isdisjoint(f"HARKARA_{name.upper()}" for name in names)


async def _telegram(
    settings: Settings,
    problems: Sequence[str],
    asker: Asker,
    database: DatabaseFacts,
    chats: Sequence[Recipient],
    *,
    clock: Clock,
) -> tuple[list[Finding], timedelta | None]:
    from bot.checks.telegram import judge_bot, judge_rights, judge_webhook  # slow
    from bot.transports.telegram_facts import MOST_CHATS, TelegramFacts
    from handlers.telegram.polling import ALLOWED
    from handlers.telegram.webhook import PATH

    if not settings.telegram or _useless(problems, "bot_token", "telegram_api"):
        return [], None
    telegram = TelegramFacts(
        asker,
        api=settings.telegram_api,
        token=settings.bot_token.get_secret_value(),
    )
    facts, behind = await telegram.bot()
    found = judge_bot(facts)
    if facts.reach is not Reach.ANSWERED:
        return found, behind
    wanted = f"{settings.public_url.rstrip('/')}{PATH}"
    found += judge_webhook(
        facts.webhook,
        wanted=wanted if settings.telegram_webhook else "",
        allowed=ALLOWED,
        running=database.running,
        now=clock.now(),
    )
    rights = await telegram.chats(chats[:MOST_CHATS])
    found += judge_rights(rights, left_out=max(0, len(chats) - MOST_CHATS))
    return found, behind


async def _whatsapp(
    settings: Settings,
    problems: Sequence[str],
    asker: Asker,
    windows: Windows | None,
) -> tuple[list[Finding], timedelta | None]:
    from bot.checks.whatsapp import (  # slow, as above
        judge_account,
        judge_sender,
        judge_template,
        judge_windows,
    )
    from bot.transports.twilio_facts import TwilioFacts

    token = settings.twilio_auth_token.get_secret_value()
    if not (settings.whatsapp and token) or _useless(problems, "twilio_api"):
        return [], None
    twilio = TwilioFacts(
        asker,
        api=settings.twilio_api,
        account=settings.twilio_account_sid,
        token=token,
    )
    facts, behind = await twilio.account()
    found = judge_account(facts)
    if windows is not None:
        found += judge_windows(windows, template=bool(settings.content_sid))
    if facts.reach is not Reach.ANSWERED:
        return found, behind
    if not _useless(problems, "whatsapp_number", "public_url"):
        wanted = f"{settings.public_url.rstrip('/')}/twilio/inbound"
        sender = await twilio.sender(settings.whatsapp_number)
        found += judge_sender(sender, wanted=wanted)
    if settings.content_sid and not _useless(problems, "content_sid"):
        found += judge_template(await twilio.template(settings.content_sid))
    return found, behind


async def _address(
    settings: Settings,
    problems: Sequence[str],
    asker: Asker,
    database: DatabaseFacts,
) -> list[Finding]:
    from bot.checks.whatsapp import judge_address  # slow, as above
    from bot.transports.twilio_facts import address_facts

    if not settings.public_url or _useless(problems, "public_url"):
        return []
    return judge_address(
        await address_facts(asker, settings.public_url),
        https=settings.public_url.startswith("https://"),
        running=database.running,
    )
