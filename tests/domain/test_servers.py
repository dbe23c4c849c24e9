"""Where a database is, read from a setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.servers import Server, place

WHOLE = "postgresql://desk:s%40cret@db.example:6432/news?sslmode=require"


@pytest.mark.parametrize("text", ["harkara.db", "/var/lib/harkara.db", "C:\\desk.db"])
def test_what_is_no_address_is_a_file(text: str) -> None:
    assert place(text) == Path(text)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (WHOLE, "news on db.example:6432"),
        ("postgres://desk@db.example:5432/news", "news on db.example"),
        ("postgresql:///news?host=/run/postgresql", "news"),
    ],
)
def test_a_server_is_shown_without_user_and_password(address: str, shown: str) -> None:
    server = place(address)
    assert isinstance(server, Server)
    assert str(server) == shown
    assert "cret" not in repr(server)


def test_a_password_is_read_as_it_is_meant() -> None:
    assert Server(WHOLE).secret == "s@cret"
    assert not Server("postgresql://db.example/news").secret


@pytest.mark.parametrize(
    "address",
    [
        "mysql://desk:s3cret@db.example/news",
        "postgresql://desk:s3cret@db.example",
        "postgresql://desk:s3cret@db.example/",
        "postgresql://desk:s3cret#@db.example/news",
        "postgresql://desk:s3cret@db.example:none/news",
        "postgresql://desk:s3cret/@db.example/news",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ValueError, match="must be a file, or an address") as raised:
        place(address)
    assert "s3cret" not in str(raised.value)
