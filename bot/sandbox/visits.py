"""What a visitor of the page does with somebody's phone, or to the providers.

``POST /sandbox/visit`` with ``do``:

=========  ==================================================================
``write``  ``chat``, ``person``, ``text``: whatever kind of chat it is
``start``  ``person``: the Start button of a private Telegram chat
``press``  ``chat``, ``person``, ``message``, and ``data`` or ``label``
``share``  ``person``, ``request``, ``chat``: a key that asks for a chat
``follow`` ``person``, ``url``, and ``group`` where the link asks for one
``switch`` ``what``, ``on``, and ``person`` where it concerns one
``publish``, ``kill``: what the hooks do, if there are any
=========  ==================================================================

Mistakes raise LookupError or ValueError, in words for the visitor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from .people import Chat, Member, Message, Person

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from .hooks import Hooks
    from .switches import Switches
    from .world import World

LONGEST = 4096  #: characters a person may write at once
TELEGRAM_HOSTS = frozenset({"t.me", "telegram.me"})
#: WhatsApp's own call to us is not repeated for long, and then forgotten.
UNHEARD = (
    "The application did not answer. Twilio tries once more and then gives up: "
    "nobody has heard this message."
)


class Visits:
    """Turns what the page asks into what a person does."""

    def __init__(
        self, *, world: World, switches: Switches, hooks: Hooks, number: str
    ) -> None:
        self._world = world
        self._switches = switches
        self._hooks = hooks
        self._number = number
        self._known: dict[str, Callable[[Mapping[str, Any]], Awaitable[Any]]] = {
            "write": self._write,
            "start": self._start,
            "press": self._press,
            "share": self._share,
            "follow": self._follow,
            "switch": self._switch,
            "publish": self._publish,
            "kill": self._kill,
        }

    async def visit(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Do what is asked, and say what came of it.

        Raises:
            LookupError: Somebody or something does not exist.
            ValueError: It cannot be done so; the message says what can be.
        """
        name = given.get("do")
        if name not in self._known:
            raise ValueError(f"cannot do {name!r}; known: {', '.join(self._known)}")
        if self._hooks.closed:
            raise ValueError(self._hooks.closed)
        result = await self._known[name](given)
        return {"ok": True, **(result or {})}

    # --- on a phone --------------------------------------------------------

    async def _write(self, given: Mapping[str, Any]) -> dict[str, Any]:
        person, chat = self._person(given), self._chat(given)
        text = str(given.get("text", "")).strip()
        if not text:
            raise ValueError("there is nothing to send: write something first")
        if len(text) > LONGEST:
            raise ValueError(f"that is too long: at most {LONGEST:,} characters")
        if chat.kind == "whatsapp":
            return await self._whatsapp(self._owner(person, chat), text)
        if chat.person is None:
            self._inside(person, chat)
        return _where(await self._world.say(person, text, chat))

    async def _start(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return _where(await self._world.open_start(self._person(given)))

    async def _press(self, given: Mapping[str, Any]) -> dict[str, Any]:
        person = self._person(given)
        message = self._message(given)
        chat = message.chat
        if chat.person is not None:
            self._owner(person, chat)
        else:
            self._inside(person, chat)
        if chat.kind == "whatsapp":
            label = str(given.get("label", given.get("data", "")))
            if label not in message.options:
                raise LookupError(f"there is no button {label!r} below this message")
            answer = await self._world.press_whatsapp(person, message, label)
            return self._heard(answer)
        data = str(given.get("data", given.get("label", "")))
        opened = await self._world.press(person, message, data)
        if any(
            data in {b["text"], b.get("url")} and "url" in b for b in message.buttons
        ):
            return {"url": opened}
        return _where(message)

    async def _share(self, given: Mapping[str, Any]) -> dict[str, Any]:
        person, chat = self._person(given), self._chat(given)
        request = _number(given.get("request"), "request")
        return _where(await self._world.share_chat(person, chat, request))

    async def _follow(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Do what the phone's app would do with a link."""
        person = self._person(given)
        url = str(given.get("url", ""))
        link = urlsplit(url)
        asked = parse_qs(link.query, keep_blank_values=True)
        place = link.path.strip("/")
        if link.scheme not in {"http", "https"}:
            raise ValueError(f"no app opens this: {url}")
        if link.hostname in TELEGRAM_HOSTS:
            if place.lower() != self._world.bot_username.lower():
                raise ValueError(f"there is no @{place} on this Telegram")
            if "startgroup" in asked:
                group = self._group(person, given)
                token = asked["startgroup"][0]
                return _where(await self._world.open_startgroup(person, group, token))
            token = asked.get("start", [""])[0]
            return _where(await self._world.open_start(person, token))
        if link.hostname == "wa.me":
            if place.lstrip("+") != self._number.lstrip("+"):
                raise ValueError(f"there is no +{place} on this WhatsApp")
            if not person.phone:
                raise ValueError(f"{person.name} is not on WhatsApp")
            text = asked.get("text", [""])[0].strip()
            if not text:
                raise ValueError("this link brings no words: write some yourself")
            return await self._whatsapp(person, text)
        raise ValueError("only t.me and wa.me links lead anywhere here")

    # --- to everybody ------------------------------------------------------

    async def _switch(self, given: Mapping[str, Any]) -> None:
        on = given.get("on")
        if not isinstance(on, bool):
            raise ValueError("say whether the switch shall be on: true or false")  # noqa: TRY004 - answered as the visitor's mistake, as all of them
        person = None if given.get("person") is None else self._person(given)
        await self._switches.turn(str(given.get("what")), on=on, person=person)

    async def _publish(self, _given: Mapping[str, Any]) -> dict[str, Any]:
        if self._hooks.publish is None:
            raise ValueError("nobody publishes here: start `harkara demo`")
        return await self._hooks.publish()

    async def _kill(self, _given: Mapping[str, Any]) -> None:
        if self._hooks.kill is None:
            raise ValueError("there is no process to kill: start `harkara demo`")
        await self._hooks.kill()

    # --- inside ------------------------------------------------------------

    def _person(self, given: Mapping[str, Any]) -> Person:
        found = self._world.people.get(_number(given.get("person"), "person"))
        if found is None:
            raise LookupError(f"there is no person {given['person']}")
        return found

    def _chat(self, given: Mapping[str, Any], name: str = "chat") -> Chat:
        """Return the chat, as it is now if it has moved."""
        found = self._world.chats.get(_key(given.get(name), name))
        if found is None:
            raise LookupError(f"there is no chat {given[name]}")
        return found.current

    def _message(self, given: Mapping[str, Any]) -> Message:
        chat = self._world.chats.get(_key(given.get("chat"), "chat"))
        if chat is None:
            raise LookupError(f"there is no chat {given['chat']}")
        key = given.get("message")
        number = str(key) if chat.kind == "whatsapp" else _number(key, "message")
        found = chat.messages.get(number)
        if found is None or found.deleted:
            raise LookupError("that message is not there any more")
        return found

    def _owner(self, person: Person, chat: Chat) -> Person:
        if chat.person is not person:
            raise ValueError(f"this is not {person.name}'s phone")
        return person

    def _inside(self, person: Person, chat: Chat) -> None:
        member = chat.members.get(person.id, Member())
        if not member.inside:
            raise ValueError(f"{person.name} is not in {chat.title}")
        if chat.muted and not member.admin:
            raise ValueError(f"members may not write in {chat.title}")

    def _group(self, person: Person, given: Mapping[str, Any]) -> Chat:
        if given.get("group") is None:
            raise ValueError("choose the group that the bot shall be added to")
        group = self._chat(given, "group")
        if group.kind not in {"group", "supergroup"}:
            raise ValueError(f"{group.title} is no group")
        if not group.members.get(person.id, Member()).admin:
            raise ValueError(f"{person.name} does not run {group.title}")
        return group

    async def _whatsapp(self, person: Person, text: str) -> dict[str, Any]:
        return self._heard(await self._world.whatsapp(person, text))

    def _heard(self, message: Message) -> dict[str, Any]:
        """Return where it stands, with a word if the application was not there."""
        calls = self._world.log.of("webhook", message.chat.id)
        call = next((c for c in reversed(calls) if c["sid"] == message.id), None)
        heard = call is None or (call["answer"] or 500) < 400
        return _where(message) | ({} if heard else {"note": UNHEARD})


def _where(message: Message) -> dict[str, Any]:
    return {"chat": str(message.chat.id), "message": str(message.id)}


def _number(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(f"say which {name}")  # noqa: TRY004 - the visitor's mistake
    text = str(value)
    if not text.removeprefix("-").isdecimal() or len(text) > 20:
        raise ValueError(f"{text[:20]} is no {name}")
    return int(text)


def _key(value: Any, name: str) -> int | str:
    if isinstance(value, str) and value.startswith("whatsapp:"):
        return value
    return _number(value, name)
