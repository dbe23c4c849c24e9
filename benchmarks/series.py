"""What is measured: who runs in which series, and what is wanted of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from benchmarks.judging import Figure, Target, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to send, and how much of it a round can bear."""

    name: str
    label: str
    module: str
    ours: bool = False  #: runs in the project's environment, with a database
    concurrency: int = 100
    part: float = 1.0  #: of the series' messages: the slow ones send fewer
    messages: int = 0  #: instead of a part
    options: dict[str, Any] = field(default_factory=dict)
    divided: bool = False  #: its readers are in two audiences
    bare: bool = False  #: sends nothing
    sniffio: bool = False
    probe: bool = False  #: shows what the server can bear, and may keep it busy


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Contenders that run in turn before one server, and what is wanted."""

    key: str
    title: str
    provider: str
    contenders: tuple[Contender, ...]
    targets: tuple[Target, ...]
    delay_ms: float = 0
    limit: int = 0  #: messages in any second, in the server
    tls: bool = False
    server: bool = False  #: ours keeps its ledger on PostgreSQL
    seconds: float = 0  #: of the window that counts; 0 for until all are sent
    messages: int = 20_000
    rounds: int = 0  #: instead of what was asked for


LEAD = 2.0  #: seconds before the window that counts


def _ours(
    name: str = "ours", label: str = "Harkara, ledger on SQLite FULL", **more: Any
) -> Contender:
    return Contender(name=name, label=label, module="ours", ours=True, **more)


def _raw(**more: Any) -> Contender:
    return Contender(
        name="raw", label="raw aiohttp, orjson, uvloop, no ledger", module="raw", **more
    )


def _ptb(name: str, label: str, concurrency: int, **more: Any) -> Contender:
    return Contender(
        name=name,
        label=f"python-telegram-bot, {label}",
        module="ptb",
        concurrency=concurrency,
        **more,
    )


def _share(text: str, figure: Figure, bound: float, against: str) -> Target:
    least = figure is Figure.RATE
    verdict = Verdict.SHARE_AT_LEAST if least else Verdict.SHARE_AT_MOST
    return Target(
        text=text, figure=figure, verdict=verdict, bound=bound, against=against
    )


TELEGRAM = Series(
    key="telegram",
    title="One Telegram message, confirmed to recorded",
    provider="telegram",
    contenders=(
        _ours(),
        _raw(),
        Contender(
            name="lean",
            label="written by hand for this, no ledger",
            module="lean",
            probe=True,
        ),
        _ptb("ptb-8", "8 at a time", 8, part=0.1),
        _ptb(
            "ptb-8-sniffio", "8 at a time, sniffio installed", 8, part=0.1, sniffio=True
        ),
        _ptb("ptb-100", "100 at a time", 100, part=0.1),
        _ptb(
            "orm-8", "8, an SQLModel commit each", 8, part=0.05, options={"ledger": 1}
        ),
        _ptb(
            "orm2-8",
            "8, marked and recorded: two commits",
            8,
            part=0.05,
            options={"ledger": 2},
        ),
        _ptb(
            "orm-100",
            "100, an SQLModel commit each",
            100,
            part=0.05,
            options={"ledger": 1},
        ),
        Contender(name="aiogram", label="aiogram 3", module="aiogram3", part=0.25),
        Contender(
            name="aiogram-broadcaster",
            label="aiogram_broadcaster, one after the other, nothing kept",
            module="aiogram3",
            part=0.1,
            concurrency=1,
            options={"broadcaster": True},
        ),
    ),
    targets=(
        _share("messages/s at least 85 % of raw aiohttp", Figure.RATE, 0.85, "raw"),
        _share(
            "CPU at most 1/7 of PTB at its best", Figure.CPU, 1 / 7, "ptb-8-sniffio"
        ),
        _share("CPU at most 1/20 of PTB at 100", Figure.CPU, 1 / 20, "ptb-100"),
        _share("CPU at most 1/40 of PTB with ORM rows", Figure.CPU, 1 / 40, "orm2-8"),
        _share("CPU at most 1/3 of aiogram", Figure.CPU, 1 / 3, "aiogram"),
        Target(
            text="the server bears 2 × raw aiohttp",
            figure=Figure.RATE,
            verdict=Verdict.SHARE_AT_LEAST,
            bound=2,
            of="lean",
            against="raw",
        ),
    ),
)
WHATSAPP = Series(
    key="whatsapp",
    title="One WhatsApp message, confirmed to recorded",
    provider="whatsapp",
    messages=5000,
    contenders=(
        _ours(),
        _raw(),
        Contender(
            name="twilio-threads",
            label="twilio's client in 50 threads",
            module="twilio_client",
            concurrency=50,
            part=0.4,
            options={"threads": True},
        ),
        Contender(
            name="twilio-async",
            label="twilio's asynchronous client",
            module="twilio_client",
            part=0.8,
        ),
    ),
    targets=(
        _share("messages/s at least 6 × 50 threads", Figure.RATE, 6, "twilio-threads"),
        _share("messages/s at least 2 × asynchronous", Figure.RATE, 2, "twilio-async"),
        _share("messages/s at least 85 % of raw aiohttp", Figure.RATE, 0.85, "raw"),
    ),
)


POSTGRES = Series(
    key="postgres",
    title="The same, the ledger on PostgreSQL",
    provider="telegram",
    server=True,
    contenders=(
        _ours(label="Harkara, ledger on PostgreSQL"),
        _raw(),
        *(
            Contender(
                name=what,
                label=f"the ledger alone: {what}, two workers",
                module="ledger",
                ours=True,
                divided=True,
                bare=True,
                messages=100_000,
                options={"what": what},
            )
            for what in ("claims", "outcomes")
        ),
    ),
    targets=(
        _share("messages/s at least 80 % of raw aiohttp", Figure.RATE, 0.80, "raw"),
        Target(
            text="20,000 claims/s with two workers",
            figure=Figure.RATE,
            verdict=Verdict.AT_LEAST,
            bound=20_000,
            of="claims",
        ),
        Target(
            text="30,000 outcomes/s",
            figure=Figure.RATE,
            verdict=Verdict.AT_LEAST,
            bound=30_000,
            of="outcomes",
        ),
    ),
)


def _window(delay_ms: float, bound: float) -> Series:
    return Series(
        key=f"window-{delay_ms:g}",
        title=f"30 in any second, answers after {delay_ms:g} ms",
        provider="telegram",
        delay_ms=delay_ms,
        limit=30,
        seconds=20,
        messages=30 * 26,
        contenders=(
            _ours(),
            _ptb("limiter", "AIORateLimiter(30, 1)", 100, options={"limiter": True}),
        ),
        targets=(
            Target(
                text=f"at least {bound:.0%} used",
                figure=Figure.USED,
                verdict=Verdict.AT_LEAST,
                bound=bound,
            ),
            Target(
                text="no 429 drawn",
                figure=Figure.REFUSED,
                verdict=Verdict.AT_MOST,
                bound=0,
            ),
        ),
    )


PAID = Series(
    key="paid",
    title="1,000 in any second, TLS, answers after 50 ms, 60 seconds",
    provider="telegram",
    delay_ms=50,
    limit=1000,
    tls=True,
    seconds=60,
    messages=66_000,
    contenders=(
        _ours(concurrency=200),
        _ptb("limiter", "AIORateLimiter(1000, 1)", 256, options={"limiter": True}),
    ),
    targets=(
        Target(
            text="at least 85 % used",
            figure=Figure.USED,
            verdict=Verdict.AT_LEAST,
            bound=0.85,
        ),
        Target(
            text="at most a quarter of a core",
            figure=Figure.CORE,
            verdict=Verdict.AT_MOST,
            bound=0.25,
        ),
        Target(
            text="no 429 drawn", figure=Figure.REFUSED, verdict=Verdict.AT_MOST, bound=0
        ),
    ),
)
MILLION = Series(
    key="million",
    title="A million recipients",
    provider="telegram",
    rounds=1,
    contenders=(
        _ours("ours-10k", "Harkara, 10,000 recipients", messages=10_000),
        _ours("ours-1m", "Harkara, 1,000,000 recipients", messages=1_000_000),
    ),
    targets=(
        Target(
            text="CPU a delivery at most 10 % more",
            figure=Figure.CPU,
            verdict=Verdict.SHARE_AT_MOST,
            bound=1.10,
            of="ours-1m",
            against="ours-10k",
        ),
        Target(
            text="memory at most 10 MB more",
            figure=Figure.RSS,
            verdict=Verdict.MORE_BY_AT_MOST,
            bound=10,
            of="ours-1m",
            against="ours-10k",
        ),
        Target(
            text="planned within 60 s",
            figure=Figure.PLANNING,
            verdict=Verdict.AT_MOST,
            bound=60,
            of="ours-1m",
        ),
    ),
)
ALL = {
    series.key: series
    for series in (
        TELEGRAM,
        POSTGRES,
        WHATSAPP,
        _window(5, 0.98),
        _window(50, 0.94),
        PAID,
        MILLION,
    )
}
