"""Who plays in the demo, and how each one's delivery should end."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING

from bot.domain.recipients import Standing

if TYPE_CHECKING:
    from bot.domain.broadcasts import BroadcastId
    from bot.domain.deliveries import Form, State
    from bot.domain.errors import FailureKind
    from bot.ports import DeliveryLine
    from bot.sandbox import Sandbox
    from bot.sandbox.people import Chat, Person

TEMPLATE = "HX00000000000000000000000000000d16"
TEMPLATE_BODY = (
    "News from Kashmir Watch: {{1}}\n\n{{2}}\n\nRead on: {{3}}\nReply STOP to end."
)
AUDIENCE = "valley"


def sample(name: str) -> str:
    """Return the text of one of the samples."""
    return (files("bot.cli") / "samples" / name).read_text(encoding="utf-8")


@dataclass
class Cast:
    """Everybody in the demo."""

    editor: Person
    keepers: list[Person]  #: who run the groups and the Telegram channel
    groups: list[Chat]
    channel: Chat
    readers: list[Person]  #: on Telegram
    phones: list[Person]  #: on WhatsApp
    newcomers: list[Person]  #: have joined nothing: left to whoever looks on


def cast(sandbox: Sandbox) -> Cast:
    """Let everybody exist."""
    world = sandbox.world
    editor = world.person("Meera, editor", language="en", role="editor")
    keepers = [
        world.person("Bilal", language="en", role="keeper"),
        world.person("Sana", language="ur", role="keeper"),
        world.person("Tariq", language="en", role="keeper"),
    ]
    readers = [
        world.person("Ayesha", language="en", role="reader"),
        world.person("Imran", language="ur", role="reader"),
        world.person("Farah", language="en", role="reader"),
    ]
    names = ["Gul", "Rehana", "Yusuf", "Nadia", "Omar"]
    phones = [
        world.person(name, phone=f"+92300555010{place}", language="en", role="reader")
        for place, name in enumerate(names, start=1)
    ]
    newcomers = [
        world.person("Zoya", language="en", role="reader"),
        world.person("Kabir", phone="+919845550106", language="hi", role="reader"),
    ]
    world.group("College Road Residents", [newcomers[0]], [keepers[0]])
    for phone in phones[:2]:
        phone.auto_read = True
    return Cast(
        editor=editor,
        keepers=keepers,
        groups=[
            world.group("Srinagar Neighbours", [readers[0]], [keepers[0]]),
            world.group("Valley Traders", [readers[2]], [keepers[1]]),
            world.group("Old City Notices", [readers[1]], [keepers[2]]),
        ],
        channel=world.channel("Kashmir Watch Headlines", [keepers[0]]),
        readers=readers,
        phones=phones,
        newcomers=newcomers,
    )


@dataclass(frozen=True)
class Ending:
    """How one recipient's delivery should end."""

    name: str
    trouble: str
    states: frozenset[State]
    attempts: int
    kind: FailureKind | None = None
    form: Form | None = None
    enrolled: bool = True
    standing: Standing = Standing.ACTIVE

    def matches(self, line: DeliveryLine | None) -> bool:
        """Whether the delivery ended so; None stands for no delivery at all."""
        if line is None:
            return not self.states
        delivery = line.delivery
        kind = delivery.failure.kind if delivery.failure else None
        return (
            delivery.state in self.states
            and delivery.attempts == self.attempts
            and kind is self.kind
            and (self.form is None or self.form is delivery.form)
        )


@dataclass
class Result:
    """What the demo came to."""

    rows: list[tuple[Ending, DeliveryLine | None, bool]] = field(default_factory=list)
    checks: list[tuple[str, bool]] = field(default_factory=list)
    broadcast: BroadcastId | None = None
    first_delivery: float = 0.0  #: seconds from the confirmation
    received: list[tuple[str, str]] = field(default_factory=list)

    @property
    def as_expected(self) -> bool:
        """Whether everything ended as the table says."""
        return all(good for *_, good in self.rows) and all(g for _, g in self.checks)
