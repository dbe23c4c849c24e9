"""Settings, parsed once, all problems reported together with their mends.

They are read from ``harkara.toml`` and from ``HARKARA_…`` variables, which win.
"""

from __future__ import annotations

import os
import re
import tomllib
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_core import PydanticCustomError

from bot.domain.broadcasts import Lane
from bot.domain.errors import ConfigError
from bot.domain.manners import Manner
from bot.domain.recipients import WHATSAPP_ADDRESS
from bot.domain.servers import Server, place
from bot.wanted import wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

    from storage import KeySource

FILE = Path("harkara.toml")

PREFIX = "HARKARA_"

TELEGRAM_API = "https://api.telegram.org"
#: Where Telegram's own server calls a webhook, and nowhere else.
TELEGRAM_PORTS = (443, 80, 88, 8443)

NO_CHANNEL = (
    "no channel is set up; for Telegram open @BotFather there, send /newbot, and set "
    "HARKARA_BOT_TOKEN to the token it gives you; for WhatsApp copy the account SID "
    "(AC…) and the auth token from the Twilio console into HARKARA_TWILIO_ACCOUNT_SID "
    "and HARKARA_TWILIO_AUTH_TOKEN"
)

_TOKEN = re.compile(r"\d{3,20}:[A-Za-z0-9_-]{20,100}")
_KEY = re.compile(r"[A-Za-z0-9_-]{43}=?")


class Settings(BaseModel):
    """What the person who runs it decides."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bot_token: SecretStr = Field(
        SecretStr(""), description="Telegram bot's token, from @BotFather"
    )
    telegram_webhook: bool = Field(
        default=False,
        description="Telegram calls public_url instead of being asked for updates",
    )
    twilio_account_sid: str = Field("", description="Twilio account, AC…")
    twilio_auth_token: SecretStr = Field(
        SecretStr(""), description="Twilio auth token: sends, and checks signatures"
    )
    whatsapp_number: str = Field(
        "", description="WhatsApp sender's number with country code, +…"
    )
    content_sid: str = Field(
        "",
        description="Approved digest template, HX…: {{1}} headline, {{2}} text, "
        "{{3}} link",
    )
    correction_sid: str = Field(
        "",
        description="Approved template for corrections and recalls, HX…, with the "
        "same places; without it, content_sid's says “Correction”",
    )
    public_url: str = Field(
        "", description="https address under which this machine is reached from outside"
    )
    listen: str = Field(
        "127.0.0.1:8080",
        description="Address and port for GET /health and the providers' calls",
    )
    database: Path | Server = Field(
        Path("harkara.db"),
        description="The SQLite file, or a PostgreSQL database: "
        "postgresql://user:password@host/name",
    )
    key_file: str = Field(
        "",
        description="File with the key that seals phone numbers; without it, "
        "database's name and .key",
    )
    encryption_key: SecretStr = Field(
        SecretStr(""),
        description="That key itself, instead of a file: 32 bytes in URL-safe base64",
    )
    audiences: tuple[str, ...] = Field(
        (), description="Audiences a broadcast goes to unless told otherwise"
    )
    own: tuple[str, ...] = Field(
        (),
        description="The newsroom's own @handles, #tags and domains: they stay links",
    )
    when_in_doubt: Literal["ask", "repeat"] = Field(
        "ask",
        description="Telegram messages that a crash left in doubt: an editor decides, "
        "or they are sent again",
    )
    concurrency: int = Field(
        8, ge=1, le=500, description="Calls under way at once for each sender"
    )
    keep_hours: float = Field(
        24, gt=0, le=240, description="Hours after which a story is no longer sent"
    )
    keep_hours_breaking: float = Field(
        0, ge=0, le=240, description="The same for breaking news; 0: as keep_hours"
    )
    keep_hours_round_up: float = Field(
        0, ge=0, le=240, description="The same for round-ups; 0: as keep_hours"
    )
    undo_seconds: float = Field(
        10,
        ge=0,
        le=600,
        description="Seconds after its confirmation in which a broadcast can be undone",
    )
    undo_seconds_breaking: float = Field(
        0, ge=0, le=600, description="The same for breaking news"
    )
    undo_seconds_round_up: float = Field(
        10, ge=0, le=600, description="The same for round-ups"
    )
    canary: bool = Field(
        default=True,
        description="Of more than 20, one in a hundred gets it first, and is watched; "
        "never for breaking news",
    )
    failing_percent: float = Field(
        20,
        gt=0,
        le=100,
        description="Share of failures, of at least 10 outcomes, at which a broadcast "
        "pauses",
    )
    merge_hours: float = Field(
        2,
        ge=0,
        le=240,
        description="Broadcasts that waited longer go out as one round-up; 0: one by "
        "one. Never breaking news",
    )
    merge_hours_round_up: float = Field(
        2, ge=0, le=240, description="The same for round-ups"
    )
    contact: str = Field(
        "",
        max_length=200,
        description="Where readers reach the newsroom, an e-mail address or a page: "
        "/privacy names it",
    )
    keep_updates_days: int = Field(
        7, ge=0, le=3650, description="Days for which what people write is kept"
    )
    keep_deliveries_days: int = Field(
        180,
        ge=7,
        le=3650,
        description="Days for which it is kept who was sent what; then only counts are",
    )
    keep_consents_days: int = Field(
        1095,
        ge=0,
        le=36500,
        description="Days for which it is kept who had agreed, after they leave",
    )
    telegram_rate: float = Field(
        30, gt=0, le=1000, description="Messages a second from the bot"
    )
    whatsapp_rate: float = Field(
        70, gt=0, le=400, description="Messages a second from the WhatsApp sender"
    )
    timezone: str = Field(
        "UTC", description="Zone of the times that are shown, as Asia/Karachi"
    )
    timeout: float = Field(
        15, gt=0, le=120, description="Seconds to wait for a provider's answer"
    )
    telegram_api: str = Field(TELEGRAM_API, description="Bot API server, or a sandbox")
    twilio_api: str = Field(
        "", description="Another address for Twilio's API: a sandbox"
    )
    log: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="How much is logged"
    )

    @field_validator("audiences", "own", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        """Let a list be written with commas or blanks."""
        return (
            tuple(value.replace(",", " ").split()) if isinstance(value, str) else value
        )

    @field_validator("database", mode="plain")
    @classmethod
    def _place(cls, value: object) -> Path | Server:
        """Tell a file from a server, and never repeat what may hold a password."""
        if isinstance(value, str | Path | Server):
            return place(value)
        raise PydanticCustomError("path_type", "no path")

    @property
    def telegram(self) -> bool:
        """Whether Telegram is set up."""
        return bool(self.bot_token.get_secret_value())

    @property
    def whatsapp(self) -> bool:
        """Whether WhatsApp is set up."""
        return bool(self.twilio_account_sid)

    @property
    def key_path(self) -> Path | None:
        """The key's file, where one is named."""
        return Path(self.key_file) if self.key_file else None

    @property
    def key_source(self) -> KeySource:
        """Where the database's key is to be found."""
        from storage import KeySource  # slow: not everybody who reads settings opens it

        return KeySource(
            text=self.encryption_key.get_secret_value(), file=self.key_path
        )

    @property
    def lanes(self) -> dict[Lane, Manner]:
        """How each lane's broadcasts are held, and how long they are news."""
        breaking, round_up = self.keep_hours_breaking, self.keep_hours_round_up
        return {
            Lane.BREAKING: Manner(
                undo_for=timedelta(seconds=self.undo_seconds_breaking),
                keep_for=timedelta(hours=breaking or self.keep_hours),
            ),
            Lane.REGULAR: Manner(
                undo_for=timedelta(seconds=self.undo_seconds),
                canary=self.canary,
                keep_for=timedelta(hours=self.keep_hours),
                overdue_after=timedelta(hours=self.merge_hours) or None,
            ),
            Lane.ROUND_UP: Manner(
                undo_for=timedelta(seconds=self.undo_seconds_round_up),
                canary=self.canary,
                keep_for=timedelta(hours=round_up or self.keep_hours),
                overdue_after=timedelta(hours=self.merge_hours_round_up) or None,
            ),
        }

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the times that are shown."""
        return ZoneInfo(self.timezone)

    @property
    def listen_address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


def load(
    file: Path = FILE,
    environ: Mapping[str, str] = os.environ,
    *,
    channels: bool = True,
) -> Settings:
    """Read the settings.

    Args:
        file: The settings file; it need not exist. That one exists which a person
            named is seen to by the command line.
        environ: Where the ``HARKARA_…`` variables are; an empty one counts for none.
        channels: Whether at least one channel must be set up.

    Raises:
        ConfigError: Every problem at once, each with what to do.
    """
    settings, problems = examine(file, environ, channels=channels)
    if problems:
        raise ConfigError("\n".join(problems))
    return settings


def with_listen(settings: Settings, listen: str | None) -> Settings:
    """Return *settings* with another address to listen on; empty for none at all.

    Raises:
        ConfigError: It is no address.
    """
    if listen is None:
        return settings
    changed = settings.model_copy(update={"listen": listen})
    if listen and (problems := _listen(changed)):
        raise ConfigError(problems[0].replace("HARKARA_LISTEN", listen))
    return changed


def examine(
    file: Path = FILE,
    environ: Mapping[str, str] = os.environ,
    *,
    channels: bool = True,
) -> tuple[Settings, list[str]]:
    """Read the settings as far as they can be read; arguments are those of `load`.

    Returns:
        The settings, without those that are of no use, and every problem, each with
        what to do.

    Raises:
        ConfigError: The file cannot be read at all.
    """
    values: dict[str, Any] = {}
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read ({error.strerror}); check its name and rights"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} cannot be read: {_unread(error)}") from error
    for name in Settings.model_fields:
        if value := environ.get(PREFIX + name.upper()):
            values[name] = value
    problems = []
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        # The rest is looked at all the same: one run should name every problem.
        for each in error.errors():
            problems.append(_problem(each))
            values.pop(str(each["loc"][0]), None)
        settings = Settings.model_validate(values)
    problems = list(dict.fromkeys(problems))  # two items of one list are one problem
    problems += _telegram(settings) + _whatsapp(settings) + _key(settings)
    problems += _public_url(settings) + _listen(settings) + _timezone(settings)
    if channels and not (problems or settings.telegram or settings.whatsapp):
        problems = [NO_CHANNEL]
    return settings, problems


def _unread(error: tomllib.TOMLDecodeError) -> str:
    """Say which line of the file is not understood, and how one is written.

    The library's own words, which quote the line, could quote a secret.
    """
    place = re.search(r"at line (\d+)", str(error))
    line = f"line {place[1]}" if place else "the last line"
    if "overwrite" in str(error):
        return f"{line} sets a name for the second time; keep one of the two"
    return (
        f'{line} is not understood; a line is written as name = "value", where a '
        "number, true and false stand without quotes"
    )


def _problem(error: ErrorDetails) -> str:
    wrong = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        for close in get_close_matches(wrong.lower(), Settings.model_fields, n=1):
            return f"{wrong} is no setting; did you mean {close}?"
        return f"{wrong} is no setting; there are {', '.join(Settings.model_fields)}"
    return f"{PREFIX}{wrong.upper()} {wanted(error)}"


def _telegram(settings: Settings) -> list[str]:
    token = settings.bot_token.get_secret_value()
    problems = []
    if settings.telegram_webhook and not token:
        problems.append(
            "HARKARA_BOT_TOKEN is missing: copy it from @BotFather, or leave "
            "HARKARA_TELEGRAM_WEBHOOK out"
        )
    if token and not _TOKEN.fullmatch(token):
        problems.append(
            "HARKARA_BOT_TOKEN does not look like a bot's token (123456:ABC…): copy it "
            "again from @BotFather"
        )
    if urlsplit(settings.telegram_api).scheme not in {"http", "https"}:
        problems.append("HARKARA_TELEGRAM_API must begin with https://")
    return problems


def _listen(settings: Settings) -> list[str]:
    _, _, port = settings.listen.rpartition(":")
    if port.isascii() and port.isdigit() and int(port) < 65_536:  # noqa: PLR2004 - the range of a port
        return []
    return ["HARKARA_LISTEN must be an address and a port: 127.0.0.1:8080"]


def _key(settings: Settings) -> list[str]:
    key = settings.encryption_key.get_secret_value()
    if key and settings.key_file:
        return ["HARKARA_ENCRYPTION_KEY and HARKARA_KEY_FILE: set one of the two"]
    if key and not _KEY.fullmatch(key):
        return [
            (
                "HARKARA_ENCRYPTION_KEY is no key: make one with "
                "head -c 32 /dev/urandom | base64 | tr +/ -_"
            )
        ]
    return []


def _timezone(settings: Settings) -> list[str]:
    wrong = settings.timezone
    try:
        ZoneInfo(wrong)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    else:
        return []
    # People write the city alone, or all in small letters.
    known: dict[str, str] = {}
    for name in sorted(available_timezones()):
        known[name.lower()] = name
        known.setdefault(name.lower().rpartition("/")[2], name)
    near = get_close_matches(wrong.lower().replace(" ", "_"), known, n=1)
    hint = f"did you mean {known[near[0]]}?" if near else "write it as Asia/Karachi"
    return [f"HARKARA_TIMEZONE: {wrong!r} is no time zone; {hint}"]


def _public_url(settings: Settings) -> list[str]:
    callers = []
    if _wants_whatsapp(settings):
        callers.append("Twilio")
    if settings.telegram_webhook:
        callers.append("Telegram")
    if not callers:
        return []
    if not settings.public_url:
        return [
            (
                "HARKARA_PUBLIC_URL is missing: write the https address under which "
                f"this machine is reached by {' and '.join(callers)}"
            )
        ]
    try:
        url = urlsplit(settings.public_url)
        scheme, host, port = url.scheme, url.hostname, url.port
    except ValueError:
        scheme, host, port = "", None, None
    if scheme not in {"http", "https"} or not host:
        return ["HARKARA_PUBLIC_URL must be a whole address: https://…"]
    if "@" in url.netloc:
        # Consoles, and harkara check, show the address to whoever looks.
        return [
            (
                "HARKARA_PUBLIC_URL must hold no user and no password: every call is "
                "checked by its signature or secret, so let the proxy hand /twilio/ "
                "and /telegram/ on without them"
            )
        ]
    # A Bot API server of one's own, or a sandbox, calls any address.
    real = settings.telegram_api.rstrip("/") == TELEGRAM_API
    strict = settings.telegram_webhook and real
    if strict and (scheme != "https" or (port or 443) not in TELEGRAM_PORTS):
        return [
            (
                "HARKARA_PUBLIC_URL must be an https address on port 443, 80, 88 or "
                "8443 for HARKARA_TELEGRAM_WEBHOOK: Telegram calls no other"
            )
        ]
    return []


def _wants_whatsapp(settings: Settings) -> bool:
    """Whether anything was set that only WhatsApp needs."""
    return bool(
        settings.twilio_account_sid
        or settings.twilio_auth_token.get_secret_value()
        or settings.whatsapp_number
        or (settings.public_url and not settings.telegram_webhook)
    )


def _whatsapp(settings: Settings) -> list[str]:
    if not _wants_whatsapp(settings):
        return []
    values = {
        "HARKARA_TWILIO_ACCOUNT_SID": (
            settings.twilio_account_sid,
            "copy the account SID (AC…) from the Twilio console",
        ),
        "HARKARA_TWILIO_AUTH_TOKEN": (
            settings.twilio_auth_token.get_secret_value(),
            "copy the auth token from the Twilio console",
        ),
        "HARKARA_WHATSAPP_NUMBER": (
            settings.whatsapp_number,
            "write your WhatsApp sender's number, as +14155550100",
        ),
    }
    problems = [
        f"{name} is missing: {mend}"
        for name, (value, mend) in values.items()
        if not value
    ]
    number = settings.whatsapp_number
    if number and not WHATSAPP_ADDRESS.fullmatch(number):
        problems.append(
            "HARKARA_WHATSAPP_NUMBER must be a number with its country code, "
            "digits only, as +14155550100"
        )
    problems += [
        f"HARKARA_{name} must be a template's ContentSid, which begins with HX"
        for name, sid in (
            ("CONTENT_SID", settings.content_sid),
            ("CORRECTION_SID", settings.correction_sid),
        )
        if sid and not sid.startswith("HX")
    ]
    return problems
