"""What a process does of it all: everything, the work, or what is called by HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.errors import ConfigError
from bot.domain.servers import Server

if TYPE_CHECKING:
    from bot.config import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What a process does.

    Those that do not do everything are for PostgreSQL, which they share.
    """

    command: str  #: by which it is started
    works: bool  #: sends, answers, reads what came in, and looks at what time brings
    listens: bool  #: is called by the providers

    @property
    def alone(self) -> bool:
        """Whether it does everything, and nobody else need be there."""
        return self.works and self.listens


EVERYTHING = Role(command="run", works=True, listens=True)
WORKER = Role(command="worker", works=True, listens=False)
WEB = Role(command="web", works=False, listens=True)
#: By their commands.
ROLES = {role.command: role for role in (EVERYTHING, WORKER, WEB)}


def require(settings: Settings, role: Role) -> None:
    """Refuse a role that the settings do not allow.

    Raises:
        ConfigError: Why, and what to do.
    """
    if not (role.alone or isinstance(settings.database, Server)):
        raise ConfigError(
            f"harkara {role.command} needs PostgreSQL, and HARKARA_DATABASE is a file, "
            "on which one application works: start harkara run, or set "
            "HARKARA_DATABASE to postgresql://user:password@host/name"
        )
