"""What PostgreSQL's errors mean, by their five-letter codes.

Only its first line is ever passed on, and not where that may quote a value: the others
hold whole rows.
"""

from __future__ import annotations

from bot.domain.errors import StorageError, StorageFailing

UPGRADE = "run harkara database upgrade"

LOST = (
    "the connection to the database was lost; Harkara connects anew by itself once the "
    "server answers: nothing half-written was kept"
)
UNKNOWN = (
    "the connection to the database was lost while a change was being kept; look "
    "whether it was before you repeat it"
)

UNREACHED = (
    "the database's server cannot be reached; see that it runs and that "
    "HARKARA_DATABASE names it"
)

#: Two met, and neither half of either was kept: the loser may begin anew at once.
COLLIDED = frozenset({"40001", "40P01"})

_MEANINGS = {
    "40001": "two changes met and only one was kept; try again",
    "40P01": "two changes waited for one another and one was given up; try again",
    "55P03": "another program has kept the database locked for too long; end it, or "
    "wait until it is done, and try again",
    "57014": "the database took too long to answer; try again, and see what else its "
    "server is busy with",
    "53100": "the disk of the database's server is full; free some space there, "
    "nothing half-written was kept",
    "53200": "the database's server is out of memory; give it more, or try again",
    "53300": "the database's server takes no more connections; raise its "
    "max_connections, or run fewer workers",
    "58030": "the disk of the database's server does not answer as it should; check it "
    "and the space that is left on it",
    "25006": "the database may only be read here; name the server that is written to, "
    "not one that follows it",
    "28P01": "the database's server does not accept the password; check "
    "HARKARA_DATABASE",
    "28000": "the database's server does not let this user in; check HARKARA_DATABASE "
    "and the server's pg_hba.conf",
    "3D000": "there is no such database on the server; make it with CREATE DATABASE",
    "42501": "the database's user lacks a right; see what rights Harkara needs in "
    "docs/how-to/postgresql.md",
    "22001": "a text is longer than the database takes; shorten it",
}

#: By the first two letters, where the whole code is not known.
_CLASSES = {
    "08": LOST,
    "57": LOST,
    "53": "the database's server lacks something it needs; see its log",
    "58": "the database's server is at fault with its system; see its log",
    "XX": "the database is damaged, or its server is at fault; see its log, and put a "
    "backup in its place if need be",
    "23": "that contradicts what is stored",
    "22": "a value cannot be stored as it is",
}
#: Whatever was asked, it could be had at another time.
_FAILING = frozenset({*COLLIDED, "55P03", "57014", "58030", "25006"})
_FAILING_CLASSES = frozenset({"08", "53", "57", "58"})
#: The first line may hold a value, or says nothing more.
_QUOTING = frozenset({"22", "28"})
_SHAPE = frozenset({"42P01", "42703"})
#: How the driver begins when there was no connection yet.
_CONNECTING = ("connection failed", "failed to resolve", "connection timeout")
#: What the server says then; the driver does not hand its code on.
_REFUSED = (
    ("password authentication failed", "28P01"),
    ("no password supplied", "28P01"),
    ("pg_hba.conf", "28000"),
    ('database "', "3D000"),
    ('role "', "28000"),
    ("too many clients", "53300"),
    ("connection slots", "53300"),
)
_IDLE = "25P03"  # the server ended a transaction that nobody went on with


def code_of(error: BaseException) -> str | None:
    """Return the server's code; empty for an error of the connection itself.

    None where *error* is none of PostgreSQL's driver.
    """
    if not type(error).__module__.startswith("psycopg"):
        return None
    code = getattr(error, "sqlstate", None)
    return code if isinstance(code, str) else ""


def explain(error: BaseException, code: str) -> StorageError:
    """Say what *error*, whose code is *code*, asks for."""
    if not code:
        return _without_code(error)
    if code in _SHAPE:
        return StorageError(f"the database has another shape; {UPGRADE}")
    if code == _IDLE:
        return StorageFailing(LOST)
    known = _MEANINGS.get(code) or _CLASSES.get(code[:2])
    words = "" if code[:2] in _QUOTING else _first_line(error)
    if known is None:
        return StorageError(f"the database could not answer: {code}{words}")
    failing = code in _FAILING or (code[:2] in _FAILING_CLASSES and code != "53000")
    return (StorageFailing if failing else StorageError)(f"{known}{words}")


def _first_line(error: BaseException) -> str:
    diagnosis = getattr(error, "diag", None)
    words = getattr(diagnosis, "message_primary", None)
    return f" ({words})" if words else ""


def _without_code(error: BaseException) -> StorageError:
    """Say what the driver's own words mean; they name host and user, no password."""
    words = (str(error).strip().splitlines() or [""])[0]
    if type(error).__name__ not in {
        "OperationalError",
        "InterfaceError",
        "ConnectionTimeout",
    }:
        return StorageError(f"the database could not answer: {type(error).__name__}")
    if not words.startswith(_CONNECTING):
        return StorageFailing(f"{LOST} ({words})")
    for said, code in _REFUSED:
        if said in words:
            return StorageFailing(f"{_MEANINGS[code]} ({words})")
    return StorageFailing(f"{UNREACHED} ({words})")
