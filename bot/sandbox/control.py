"""The control port: drive the sandbox from another process, and watch it.

Loopback only. What changes something is a POST (or DELETE) with a JSON object and
answers JSON; mistakes are answered 400 with ``{"error": …}``. Pages from elsewhere
are refused: by the type, which they may not send, and by what the browser says of them.

========================================  =====================================
``GET /``                                 the page of phones
``GET /sandbox/settings``                 addresses, tokens and numbers to use
``GET /sandbox/state``                    chats with their newest messages, people,
                                          ``links``, ``switches``, ``application``,
                                          what hooks ``can`` do, why it is ``closed``
``GET /sandbox/messages?chat=ID``         everything one chat shows now
``GET /sandbox/log``                      JSON lines; ``since``, ``kind``, ``chat``
``GET /sandbox/changes?since=N``          the same as a long poll; ``timeout``
``GET /sandbox/stream``                   the page's events (``text/event-stream``)
``GET /sandbox/deliveries.json``          how the newest broadcast's deliveries
                                          stand: ``broadcast``, ``rows``, ``not_sent``
``POST /sandbox/visit``                   what a visitor does: see `visits`
``POST /sandbox/people``                  arguments of ``World.person``
``POST /sandbox/groups``                  of ``World.group``, people by their ids
``POST /sandbox/channels``                of ``World.channel``
``POST /sandbox/templates``               of ``Sandbox.add_template``
``POST /sandbox/configure``               ``inbound_url``, ``sent``, ``delivered``
``POST /sandbox/actions``                 ``{"do": "open_start", "person": 1, …}``
``POST /sandbox/faults``                  ``{"kind": "slow", "to": 1, "seconds": 2}``
                                          or ``{"callbacks": "late", …}``
``DELETE /sandbox/faults``                forget the scripted ones
``POST /sandbox/provider``                ``{"provider": "twilio", "do": "down"}``,
                                          ``up`` or ``close_idle``
========================================  =====================================
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .actions import ACTIONS, perform
from .hooks import NO_DELIVERIES
from .page import SECURITY, asset
from .scene import changed, remembered, scene_view
from .views import answer_view, chat_view, message_view, state_view, worth_showing
from .whatsapp import Delays
from .wire import Listener, answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .log import Record
    from .server import Sandbox

#: What the page wants to hear of.
SHOWN = frozenset({"visible", "edited", "deleted", "status", "state"})
BATCH = 0.1  #: seconds between two bundles of events
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
OWN_SITE = frozenset({"same-origin", "none"})


class Control:
    """Serves the page and the control API."""

    def __init__(self, sandbox: Sandbox, *, port: int) -> None:
        self._sandbox = sandbox
        self.listener = Listener(self._serve, port=port, pages=True)
        self._gets: dict[str, Callable[[web.BaseRequest], Awaitable[web.Response]]] = {
            "/sandbox/settings": self._settings,
            "/sandbox/state": self._state,
            "/sandbox/messages": self._messages,
            "/sandbox/log": self._log,
            "/sandbox/changes": self._changes,
            "/sandbox/deliveries.json": self._deliveries_json,
        }
        self._posts: dict[str, Callable[[dict[str, Any]], Awaitable[Any]]] = {
            "/sandbox/people": self._person,
            "/sandbox/groups": self._group,
            "/sandbox/channels": self._channel,
            "/sandbox/templates": self._template,
            "/sandbox/configure": self._configure,
            "/sandbox/actions": self._action,
            "/sandbox/faults": self._fault,
            "/sandbox/provider": self._provider,
            "/sandbox/visit": self._sandbox.visits.visit,
        }

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        host = request.headers.get("Host", "").rpartition(":")[0]
        if host not in LOOPBACK:
            return answer(403, {"error": "loopback only"}, SECURITY)
        if request.method in {"GET", "HEAD"}:
            return await self._show(request)
        if _foreign(request):
            return answer(403, {"error": "only this page may change this"}, SECURITY)
        if request.method == "DELETE" and request.path == "/sandbox/faults":
            self._sandbox.faults.clear()
            return answer(200, {"ok": True}, SECURITY)
        return await self._change(request)

    async def _show(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/sandbox/stream":
            return await self._stream(request)
        if request.path not in self._gets:
            return asset(request.path)
        try:
            return await self._gets[request.path](request)
        except (LookupError, ValueError) as error:
            return answer(400, {"error": str(error)}, SECURITY)

    async def _change(self, request: web.BaseRequest) -> web.Response:
        if request.method != "POST" or request.path not in self._posts:
            return answer(404, {"error": "no such address"}, SECURITY)
        if request.content_type != "application/json":
            return answer(415, {"error": "send a JSON object"}, SECURITY)
        try:
            given = json.loads(await request.read() or b"{}")
            result = await self._posts[request.path](dict(given))
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            return answer(400, {"error": str(error)}, SECURITY)
        return answer(200, result, SECURITY)

    # --- looking -----------------------------------------------------------

    async def _settings(self, _request: web.BaseRequest) -> web.Response:
        return answer(200, self._sandbox.settings(), SECURITY)

    async def _state(self, _request: web.BaseRequest) -> web.Response:
        state = {
            "seq": len(self._sandbox.log),
            **state_view(self._sandbox.world),
            **self._scene(),
        }
        return answer(200, state, SECURITY)

    def _scene(self) -> dict[str, Any]:
        box = self._sandbox
        return scene_view(box.world, box.switches, box.hooks)

    async def _messages(self, request: web.BaseRequest) -> web.Response:
        world = self._sandbox.world
        key = request.query["chat"]
        chat = world.chats[key if key.startswith("whatsapp:") else int(key)]
        shown = [message_view(m) for m in chat.messages.values() if not m.deleted]
        return answer(200, shown, SECURITY)

    def _select(self, request: web.BaseRequest) -> list[Record]:
        kind, chat = request.query.get("kind"), request.query.get("chat")
        return [
            record
            for record in self._sandbox.log.since(int(request.query.get("since", "0")))
            if kind in {None, record.kind} and chat in {None, record.chat}
        ]

    async def _log(self, request: web.BaseRequest) -> web.Response:
        lines = (
            json.dumps(record.as_json(), ensure_ascii=False) + "\n"
            for record in self._select(request)
        )
        return web.Response(
            text="".join(lines), content_type="application/x-ndjson", headers=SECURITY
        )

    async def _changes(self, request: web.BaseRequest) -> web.Response:
        timeout = min(float(request.query.get("timeout", "20")), 60.0)
        found: list[Record] = []
        try:
            async with asyncio.timeout(timeout):
                async for _ in self._sandbox.log.changes():
                    found = self._select(request)
                    if found:
                        break
        except TimeoutError:
            pass
        return answer(200, [record.as_json() for record in found], SECURITY)

    async def _deliveries_json(self, _request: web.BaseRequest) -> web.Response:
        ask = self._sandbox.hooks.deliveries
        found = await ask() if ask is not None else NO_DELIVERIES
        return answer(200, found, {**SECURITY, "Cache-Control": "no-store"})

    async def _stream(self, request: web.BaseRequest) -> web.StreamResponse:
        """Send bundles of what has changed, ten a second at most.

        The first one carries all that stands beside the phones.
        """
        log = self._sandbox.log
        response = web.StreamResponse(
            headers={**SECURITY, "Content-Type": "text/event-stream"}
        )
        await response.prepare(request)
        seen = request.headers.get("Last-Event-ID") or request.query.get("since", "")
        cursor = int(seen) if seen.isdigit() else len(log)
        known: dict[str, Any] = {}
        async for _ in log.changes():
            records = log.since(cursor)
            cursor += len(records)
            scene = self._scene()
            bundle = self._bundle(records, changed(known, scene))
            known = remembered(scene)
            text = f"id: {cursor}\n"
            if bundle:
                text += f"data: {json.dumps(bundle, ensure_ascii=False)}\n"
            try:
                await response.write(f"{text}\n".encode())
            except ConnectionError:
                break
            await asyncio.sleep(BATCH)
        return response

    def _bundle(self, records: list[Record], scene: dict[str, Any]) -> dict[str, Any]:
        """Return what changed, each chat and each message once, in its last state."""
        world = self._sandbox.world
        chats: dict[str, dict[str, Any]] = {}
        messages: dict[tuple[str, str], dict[str, Any]] = {}
        answers = [
            answer_view(r) for r in records if r.kind == "answered" and r["text"]
        ]
        for record in records:
            if record.kind not in SHOWN or record.chat is None:
                continue
            key = record.chat
            chat = world.chats.get(key if key.startswith("whatsapp:") else int(key))
            if chat is None or not worth_showing(chat):
                continue
            number = record["message_id"] or record["sid"]
            found = chat.messages.get(number) or chat.ghosts.get(str(number))
            if found is not None:
                messages.pop((key, str(number)), None)
                messages[key, str(number)] = message_view(found)
            chats[key] = chat_view(chat, world)
        if not chats and not scene and not answers:
            return {}
        return {
            **scene,
            "total": sum(map(worth_showing, world.chats.values())),
            "chats": list(chats.values())[-200:],
            "messages": list(messages.values())[-400:],
            "answers": answers[-100:],
        }

    # --- changing ----------------------------------------------------------

    async def _person(self, given: dict[str, Any]) -> dict[str, Any]:
        person = self._sandbox.world.person(given.pop("name"), **given)
        return {"id": person.id, "phone": person.phone}

    def _people(self, given: dict[str, Any]) -> dict[str, Any]:
        people = self._sandbox.world.people
        for name in ("members", "admins"):
            if name in given:
                given[name] = [people[key] for key in given[name]]
        return given

    async def _group(self, given: dict[str, Any]) -> dict[str, Any]:
        given = self._people(given)
        return {"id": self._sandbox.world.group(given.pop("title"), **given).id}

    async def _channel(self, given: dict[str, Any]) -> dict[str, Any]:
        given = self._people(given)
        return {"id": self._sandbox.world.channel(given.pop("title"), **given).id}

    async def _template(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"sid": self._sandbox.add_template(**given).sid}

    async def _configure(self, given: dict[str, Any]) -> dict[str, Any]:
        url = given.pop("inbound_url", None)
        delays = Delays(**{k: float(v) for k, v in given.items()}) if given else None
        self._sandbox.twilio.configure(inbound_url=url, delays=delays)
        return {"ok": True}

    async def _action(self, given: dict[str, Any]) -> dict[str, Any]:
        name = given.pop("do")
        if name not in ACTIONS:
            raise ValueError(f"no such action: {name}; known: {', '.join(ACTIONS)}")
        return await perform(self._sandbox.world, name, given)

    async def _fault(self, given: dict[str, Any]) -> dict[str, Any]:
        faults = self._sandbox.faults
        if "callbacks" in given:
            fault = faults.callbacks(given.pop("callbacks"), **given)
        else:
            fault = faults.add(given.pop("kind"), **given)
        return {"kind": fault.kind, "times": fault.times}

    async def _provider(self, given: dict[str, Any]) -> dict[str, Any]:
        faults, provider = self._sandbox.faults, given["provider"]
        match given["do"]:
            case "down":
                await faults.down(provider)
            case "up":
                await faults.up(provider)
            case "close_idle":
                return {"closed": faults.close_idle(provider)}
            case other:
                raise ValueError(f"cannot do {other}")
        return {"ok": True}


def _foreign(request: web.BaseRequest) -> bool:
    """Say whether a page from elsewhere sent this, by what its browser says."""
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "none")
    own = f"http://{request.headers.get('Host', '')}"
    return site not in OWN_SITE or origin not in {None, own}
