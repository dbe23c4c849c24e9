"""What the page shows beside the phones: who is who, the ways in, what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .hooks import NO_APPLICATION

if TYPE_CHECKING:
    from .hooks import Hooks
    from .people import Person
    from .switches import Switches
    from .world import World

PEOPLE = 200  #: at most so many, those who play a part first


def scene_view(world: World, switches: Switches, hooks: Hooks) -> dict[str, Any]:
    """Return the parts that the page keeps beside its phones."""
    return {
        "people": people_view(world),
        "links": list(hooks.links),
        "switches": switches.view(),
        "application": application_view(hooks),
        "can": hooks.can,
        "closed": hooks.closed,
    }


def changed(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of *now* that differ; seconds that pass are no difference."""
    return {
        name: part for name, part in now.items() if _still(part) != before.get(name)
    }


def remembered(now: dict[str, Any]) -> dict[str, Any]:
    """Return *now* as `changed` compares with it."""
    return {name: _still(part) for name, part in now.items()}


def _still(part: Any) -> Any:
    if isinstance(part, dict) and "down_for" in part:
        return {**part, "down_for": None}
    return part


def application_view(hooks: Hooks) -> dict[str, Any]:
    """Return how the application's process is."""
    if hooks.application is None:
        return dict(NO_APPLICATION)
    return {**NO_APPLICATION, **hooks.application()}


def people_view(world: World) -> list[dict[str, Any]]:
    """Return who can be played, the cast first."""
    people = sorted(world.people.values(), key=lambda person: not person.role)
    return [_person(person, world) for person in people[:PEOPLE]]


def _person(person: Person, world: World) -> dict[str, Any]:
    window = world.network.window_open(person.whatsapp) if person.phone else None
    return {
        "id": person.id,
        "name": person.name,
        "language": person.language,
        "phone": person.phone,
        "telegram": person.on_telegram,
        "role": person.role,
        "chat": str(person.id),
        "whatsapp": person.whatsapp if person.phone else None,
        "blocked": person.blocked,
        "started": person.started,
        "window": window,
    }
