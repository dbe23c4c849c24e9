"""The page of phones: a few static files, and rules for the browser."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from aiohttp import web

STATIC = Path(__file__).parent / "static"
STYLES = ("page", "desk", "phones")
SCRIPTS = (
    "bubbles",
    "composer",
    "deliveries",
    "guide",
    "markup",
    "menu",
    "page",
    "panel",
    "phones",
    "visit",
    "world",
)
FILES = {
    "/": ("page.html", "text/html"),
    **{f"/static/{name}.css": (f"{name}.css", "text/css") for name in STYLES},
    **{f"/static/{name}.js": (f"{name}.js", "text/javascript") for name in SCRIPTS},
    "/static/icon.svg": ("icon.svg", "image/svg+xml"),
}
#: Nothing from elsewhere, nothing inline, nobody may frame it.
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@cache
def _bytes(name: str) -> bytes:
    return (STATIC / name).read_bytes()


def asset(path: str) -> web.Response:
    """Return the static file at *path*, or 404."""
    if path not in FILES:
        return web.Response(status=404, text="Not found", headers=SECURITY)
    name, kind = FILES[path]
    return web.Response(
        body=_bytes(name), content_type=kind, charset="utf-8", headers=SECURITY
    )
