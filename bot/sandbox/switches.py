"""The trouble a visitor may cause: each switch is on or off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .faults import Fault, Faults
    from .log import Log
    from .people import Person
    from .world import World

SLOW = 1.5  #: seconds until a call that sends is answered
FLOOD = 3  #: seconds that a 429 asks for
#: How each provider calls sending.
SENDS = {"telegram": "sendMessage", "twilio": "Messages.create"}
DOWN = {"telegram_down": "telegram", "twilio_down": "twilio"}
KNOWN = ("block", "window", "slow", "flood", *DOWN)


class Switches:
    """Turns them, and knows how they stand.

    Args:
        world: The people they concern.
        faults: Where the script is.
        log: Where each turn is written down.
        is_up: Whether a provider listens.
    """

    def __init__(
        self,
        *,
        world: World,
        faults: Faults,
        log: Log,
        is_up: Callable[[str], bool],
    ) -> None:
        self._world = world
        self._faults = faults
        self._log = log
        self._is_up = is_up
        self._slow: list[Fault] = []
        self._floods: dict[str, Fault] = {}  #: by chat

    async def turn(self, what: str, *, on: bool, person: Person | None) -> None:
        """Turn one.

        Args:
            what: One of `KNOWN`.
            on: Whether there shall be trouble.
            person: Whom it concerns: needed for ``block`` and ``window``; ``flood``
                without one concerns everybody; the others concern nobody.

        Raises:
            ValueError: It cannot be turned so; the message says what can be done.
        """
        if what in DOWN:
            provider = DOWN[what]
            await (self._faults.down(provider) if on else self._faults.up(provider))
        elif what == "slow":
            self._turn_slow(on=on)
        elif what == "flood":
            self._turn_flood(person, on=on)
        elif what not in KNOWN:
            raise ValueError(f"no such switch: {what}; known: {', '.join(KNOWN)}")
        elif person is None:
            raise ValueError(f"say whom the switch {what} concerns: person")
        elif what == "block":
            await self._turn_block(person, on=on)
        else:
            self._turn_window(person, on=on)
        name = person.name if person is not None else None
        self._log.add("switch", None, what=what, on=on, person=name)

    def view(self) -> dict[str, Any]:
        """Return how they stand."""
        people = self._world.people.values()
        open_ = self._world.network.window_open
        return {
            "slow": any(map(self._faults.awaits, self._slow)),
            "flood": any(map(self._faults.awaits, self._floods.values())),
            "flooded": self._flooded(),
            "blocked": [person.id for person in people if person.blocked],
            "windows": [p.phone for p in people if p.phone and not open_(p.whatsapp)],
            **{what: not self._is_up(provider) for what, provider in DOWN.items()},
        }

    def _flooded(self) -> list[int]:
        """Return whose next message will be refused, by their ids."""
        waits = {k for k, fault in self._floods.items() if self._faults.awaits(fault)}
        return [p.id for p in self._world.people.values() if waits.intersection(p.keys)]

    def _turn_slow(self, *, on: bool) -> None:
        self._faults.forget(self._slow)
        self._slow = []
        for provider, method in SENDS.items() if on else ():
            self._slow.append(
                self._faults.slow(SLOW, provider=provider, method=method, times=None)
            )

    def _turn_flood(self, person: Person | None, *, on: bool) -> None:
        """Refuse the next message once: to *person*, or in every chat there is."""
        if person is not None:
            reached = [person.whatsapp] if person.phone else []
            reached += [str(person.id)] if person.started else []
            if on and not reached:
                raise ValueError(f"{person.name} has not pressed Start yet")
        else:
            reached = [key for chat in self._world.chats.values() for key in chat.keys]
        for key in reached:
            if key in self._floods:
                self._faults.forget([self._floods.pop(key)])
            if on:
                provider = "twilio" if key.startswith("whatsapp:") else "telegram"
                method = SENDS[provider]
                self._floods[key] = self._faults.too_many(
                    FLOOD, to=key, provider=provider, method=method
                )

    async def _turn_block(self, person: Person, *, on: bool) -> None:
        if on and not person.started:
            raise ValueError(f"{person.name} has not pressed Start: nothing to block")
        await (self._world.block(person) if on else self._world.unblock(person))

    def _turn_window(self, person: Person, *, on: bool) -> None:
        if not person.phone:
            raise ValueError(f"{person.name} is not on WhatsApp")
        if not on:
            raise ValueError(
                f"only a message of {person.name}'s own opens the window: "
                "write something as them"
            )
        self._world.close_window(person)
