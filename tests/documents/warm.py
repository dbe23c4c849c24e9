"""``harkara`` without the seconds that its libraries take to load, for the examples.

A process that has loaded them forks for each command: ``python -m
tests.documents.warm SOCKET``. `client` is what stands in the path as ``harkara``; it
hands over its arguments, folder, environment and standard streams, passes signals on,
and ends as the command did. Nothing else differs from the real one.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import NoReturn

#: Bytes of arguments and environment.
LARGEST = 1 << 20

_CLIENT = """\
#!{python} -IS
import json, os, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({path!r})
asked = json.dumps([sys.argv, os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [asked], [0, 1, 2])
answers = server.makefile()
pid = int(answers.readline())
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _: os.kill(pid, number))
sys.exit(int(answers.readline()))
"""


def client(folder: Path, path: Path) -> None:
    """Put a ``harkara`` into *folder* that asks the process behind *path*."""
    file = folder / "harkara"
    file.write_text(_CLIENT.format(python=sys.executable, path=str(path)))
    file.chmod(0o755)


def _load() -> None:
    """Load what the commands load when they need it."""
    import alembic.command
    import rich.console

    import bot.app
    import bot.cli.cast
    import bot.cli.root
    import bot.sandbox
    import storage.migrations

    del alembic, rich, bot, storage


def serve(path: Path) -> None:
    """Fork for each command until told to end."""
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        while True:
            asking, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _attend(asking)
            asking.close()


def _attend(asking: socket.socket) -> NoReturn:
    """Run one command in a process of its own, and tell how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    asked, streams, _, _ = socket.recv_fds(asking, LARGEST, 3)
    arguments, folder, environ = json.loads(asked)
    pid = os.fork()
    if pid == 0:
        asking.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os._exit(_command(arguments, folder, environ))
    for stream in streams:
        os.close(stream)
    asking.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    asking.sendall(f"{os.waitstatus_to_exitcode(status) & 0xFF}\n".encode())
    os._exit(0)


def _command(arguments: list[str], folder: str, environ: dict[str, str]) -> int:
    from bot.cli import main

    # The streams that were opened before the fork belong to something else.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - a number
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above
    sys.argv = arguments
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    status = 0
    try:
        main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - the interpreter would print it, too
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
