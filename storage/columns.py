"""Column types: moments, words, numbers and JSON, in the same shape on any database."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import BigInteger, Column, DateTime, Integer, String
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field

if TYPE_CHECKING:
    from sqlalchemy import Dialect, ForeignKey
    from sqlalchemy.types import TypeEngine

W = TypeVar("W", bound=StrEnum)
N = TypeVar("N", bound=IntEnum)

#: A row's own number; SQLite fills it in only where it is a plain INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")


class Moment(TypeDecorator[datetime]):
    """A moment in UTC to the microsecond, aware on our side.

    SQLite has no type for it: there it is text of one length, so that it compares
    as time does and a person can read it.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text on SQLite, a time-stamp with its zone elsewhere."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(26))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse a moment without a zone: nobody could say when it was."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        moment = value.astimezone(UTC)
        if dialect.name != "sqlite":
            return moment
        return moment.isoformat(" ", "microseconds")[:26]

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Make it aware again."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        moment: datetime = value.astimezone(UTC)
        return moment


class Word(TypeDecorator[W], Generic[W]):
    """An enumeration's value as a short text."""

    impl = String(24)
    cache_ok = True

    def __init__(self, words: type[W]) -> None:
        super().__init__()
        self.words = words
        self._by_value = {word.value: word for word in words}

    def process_bind_param(self, value: W | None, dialect: Dialect) -> str | None:
        """Write the value; anything that is none of the words is refused."""
        del dialect
        return None if value is None else self.words(value).value

    def process_result_value(self, value: Any, dialect: Dialect) -> W | None:
        """Read the value."""
        del dialect
        return None if value is None else self._by_value[value]


class Number(TypeDecorator[N], Generic[N]):
    """An enumeration whose order matters, as its number."""

    impl = Integer
    cache_ok = True

    def __init__(self, numbers: type[N]) -> None:
        super().__init__()
        self.numbers = numbers
        self._by_value = {number.value: number for number in numbers}

    def process_bind_param(self, value: N | None, dialect: Dialect) -> int | None:
        """Write the number; anything that is none of them is refused."""
        del dialect
        return None if value is None else self.numbers(value).value

    def process_result_value(self, value: Any, dialect: Dialect) -> N | None:
        """Read the number."""
        del dialect
        return None if value is None else self._by_value[value]


def column(
    kind: TypeEngine[Any],
    *constraints: ForeignKey,
    key: bool = False,
    null: bool = False,
    unique: bool = False,
) -> Any:
    """Describe one column of a table, required unless *null*.

    Nothing has a default in the database: what a row holds is said where it is
    written.
    """
    return Field(
        default=None,
        sa_column=Column(
            kind, *constraints, primary_key=key, nullable=null, unique=unique
        ),
    )
