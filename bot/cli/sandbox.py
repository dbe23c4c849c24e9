"""``harkara sandbox``: pretend providers to try Harkara on, and their people's phones.

``start`` serves them; the other commands speak to it over its control port, so that
everything can be played from a terminal as well as on the page.
"""

from __future__ import annotations

import asyncio
import json
import signal
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import typer

from bot.cli.common import fail
from bot.domain.errors import Refusal

if TYPE_CHECKING:
    from bot.sandbox import Sandbox

app = typer.Typer(
    help="Pretend Telegram and WhatsApp, to try things on.", no_args_is_help=True
)

HOST = "127.0.0.1"
#: The page's; the next ones are Telegram's, Twilio's, and the application's own.
PORT = 8700
TELEGRAM, TWILIO, APPLICATION = 1, 2, 3
#: Seconds that the sandbox, on this machine, may take to answer.
PATIENCE = 10

GROUP = "Srinagar Neighbours"
CHANNEL = "Valley Headlines"

Port = Annotated[
    int,
    typer.Option(
        envvar="HARKARA_SANDBOX_PORT",
        min=1024,
        max=65_000,
        help="The page's port; the next three are Telegram's, Twilio's and for the "
        "application to listen on.",
    ),
]
Who = Annotated[str, typer.Argument(help="The person's name.")]
OnWhatsApp = Annotated[
    bool, typer.Option("--whatsapp", help="On their WhatsApp instead of Telegram.")
]


@app.command()
def start(port: Port = PORT) -> None:
    """Start both, with a few people and a group; Ctrl-C ends it."""
    try:
        asyncio.run(_serve(port))
    except OSError as error:
        fail(
            Refusal(
                f"a port from {port} to {port + TWILIO} cannot be opened "
                f"({error.strerror}); end what has it, or choose others with --port"
            )
        )


async def _serve(port: int) -> None:
    from bot.cli.cast import TEMPLATE, TEMPLATE_BODY  # slow: only this command serves
    from bot.sandbox import Sandbox

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ports = (port + TELEGRAM, port + TWILIO, port)
    async with Sandbox(ports=ports) as sandbox:
        sandbox.add_template(sid=TEMPLATE, body=TEMPLATE_BODY, name="digest")
        sandbox.twilio.configure(
            inbound_url=f"http://{HOST}:{port + APPLICATION}/twilio/inbound"
        )
        _people(sandbox)
        typer.echo(_introduction(sandbox))
        await stop.wait()


def _people(sandbox: Sandbox) -> None:
    """Let a few people exist, and a group and a Telegram channel of theirs."""
    world = sandbox.world
    world.person("Meera", language="en", role="editor")
    bilal = world.person("Bilal", language="en", role="keeper")
    ayesha = world.person("Ayesha", language="en", role="reader")
    rehana = world.person("Rehana", language="en", role="reader", phone="+923005550101")
    rehana.auto_read = True
    world.group(GROUP, members=[ayesha], admins=[bilal])
    world.channel(CHANNEL, admins=[bilal])


def _introduction(sandbox: Sandbox) -> str:
    return f"""\
Pretend Telegram and WhatsApp are up, for this machine only.

  everybody's phone   {sandbox.page_url}
  the settings        harkara sandbox settings > harkara.toml

  Meera    is to be your editor
  Bilal    keeps the group {GROUP} and the channel {CHANNEL}
  Ayesha   is in the group
  Rehana   has WhatsApp as well

Ctrl-C ends it; then everybody has forgotten everything."""


@app.command()
def settings(port: Port = PORT) -> None:
    """Print a ready harkara.toml for the sandbox that is up."""
    from bot.cli.cast import TEMPLATE  # slow, as above

    told = _get(port, "/sandbox/settings")
    own = f"{HOST}:{port + APPLICATION}"
    values = {
        "bot_token": told["bot_token"],
        "telegram_api": told["telegram_url"],
        "twilio_account_sid": told["account_sid"],
        "twilio_auth_token": told["auth_token"],
        "twilio_api": told["twilio_url"],
        "whatsapp_number": told["whatsapp_number"],
        "content_sid": TEMPLATE,
        "public_url": f"http://{own}",
        "listen": own,
    }
    typer.echo("# For the sandbox on this machine. These tokens open nothing else.")
    for name, value in values.items():
        typer.echo(f"{name} = {json.dumps(value)}")


@app.command()
def follow(
    who: Who,
    link: Annotated[str, typer.Argument(help="A t.me or wa.me address.")],
    into: Annotated[
        str, typer.Option(help="The group to choose, where the link asks for one.")
    ] = "",
    port: Port = PORT,
) -> None:
    """Open a join link on somebody's phone."""
    scene = _Scene(port)
    asked = {"do": "follow", "person": scene.person(who)["id"], "url": link}
    if into:
        asked["group"] = scene.chat(into)
    _told(_post(port, asked), f"{who} has opened it")


@app.command()
def write(
    who: Who,
    text: Annotated[str, typer.Argument(help="What they write.")],
    into: Annotated[str, typer.Option(help="The group that they write in.")] = "",
    whatsapp: OnWhatsApp = False,  # noqa: FBT002 - an option is a boolean with a default
    port: Port = PORT,
) -> None:
    """Write something as somebody."""
    scene = _Scene(port)
    chat = scene.chat(into) if into else scene.own(who, whatsapp=whatsapp)
    asked = {
        "do": "write",
        "person": scene.person(who)["id"],
        "chat": chat,
        "text": text,
    }
    _told(_post(port, asked), f"{who} has written it")


@app.command()
def press(
    who: Who,
    label: Annotated[str, typer.Argument(help="What stands on the button.")],
    port: Port = PORT,
) -> None:
    """Press a button in somebody's private Telegram chat, the newest of that name."""
    scene = _Scene(port)
    chat = scene.own(who, whatsapp=False)
    for message in reversed(scene.messages(chat)):
        for row in message["buttons"]:
            for button in row:
                if button["text"] == label:
                    asked = {
                        "do": "press",
                        "person": scene.person(who)["id"],
                        "chat": chat,
                        "message": message["id"],
                        "data": button["data"],
                    }
                    _told(_post(port, asked), f"{who} has pressed {label}")
                    return
    fail(Refusal(f"{who} sees no button {label!r}"))


@app.command()
def show(
    whose: Annotated[
        str, typer.Argument(help="A person's, a group's or a channel's name.")
    ],
    whatsapp: OnWhatsApp = False,  # noqa: FBT002 - an option is a boolean with a default
    port: Port = PORT,
) -> None:
    """Print what a chat shows: a group's, or somebody's own with the bot."""
    scene = _Scene(port)
    chat = scene.find(whose) or scene.own(whose, whatsapp=whatsapp)
    for message in scene.messages(chat):
        typer.echo("\n".join(_shown(message)))


def _shown(message: dict[str, Any]) -> list[str]:
    """Return the lines of one message: who, what, its buttons, what became of it."""
    if message["service"]:
        return [f"({message['service']})"]
    first, *rest = message["text"].splitlines() or [""]
    lines = [f"{message['sender']}: {first}", *(f"  {line}".rstrip() for line in rest)]
    buttons = [button["text"] for row in message["buttons"] for button in row]
    if buttons:
        lines.append("  " + " ".join(f"[{label}]" for label in buttons))
    if message["status"] and message["outgoing"]:
        lines.append(f"  ({message['status']})")
    return lines


class _Scene:
    """Who is in the sandbox, by name."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._state = _get(port, "/sandbox/state")

    def person(self, name: str) -> dict[str, Any]:
        """Return somebody; end the program where there is no such person."""
        people: list[dict[str, Any]] = self._state["people"]
        found = [each for each in people if each["name"].lower() == name.lower()]
        if not found:
            known = ", ".join(each["name"] for each in people)
            fail(Refusal(f"there is no {name} here; there are {known}"))
        return found[0]

    def own(self, name: str, *, whatsapp: bool) -> str:
        """Return somebody's own chat with the bot, or with the number."""
        person = self.person(name)
        chat = person["whatsapp"] if whatsapp else person["chat"]
        if chat is None:
            fail(Refusal(f"{name} has no WhatsApp"))
        return str(chat)

    def find(self, title: str) -> str | None:
        """Return the group or Telegram channel of that name."""
        for each in self._state["chats"]:
            shared = "person" not in each
            if shared and each["title"].lower() == title.lower():
                return str(each["id"])
        return None

    def chat(self, title: str) -> str:
        """Return the group of that name; end the program where there is none."""
        found = self.find(title)
        if found is None:
            fail(Refusal(f"there is no group {title} here"))
        return found

    def messages(self, chat: str) -> list[dict[str, Any]]:
        """Return what a chat shows, oldest first."""
        query = urlencode({"chat": chat})
        found: list[dict[str, Any]] = _get(self._port, f"/sandbox/messages?{query}")
        return found


def _told(answer: dict[str, Any], otherwise: str) -> None:
    typer.echo(answer.get("note", otherwise))


def _get(port: int, path: str) -> Any:
    return _call(port, "GET", path)


def _post(port: int, visit: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = _call(port, "POST", "/sandbox/visit", visit)
    return answer


def _call(port: int, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the sandbox; end the program with its words where it refuses."""
    connection = HTTPConnection(HOST, port, timeout=PATIENCE)
    try:
        connection.request(
            method,
            path,
            body=None if body is None else json.dumps(body),
            headers={"Content-Type": "application/json"},
        )
        answer = connection.getresponse()
        told = json.loads(answer.read())
    except (OSError, HTTPException, ValueError):
        fail(
            Refusal(
                f"no sandbox answers on port {port}: start one with "
                "harkara sandbox start, in a terminal of its own"
            )
        )
    finally:
        connection.close()
    if isinstance(told, dict) and "error" in told:
        fail(Refusal(told["error"]))
    return told
