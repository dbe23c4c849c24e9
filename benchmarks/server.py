"""The provider of the measurement: compiled here, started anew for every run."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

SOURCE = Path(__file__).with_name("server.c")


class Unfit(Exception):
    """This machine cannot measure that; the text says what is wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What the server has counted."""

    accepted: int
    refused: int  #: with 429
    odd: int  #: requests it did not understand
    within: int  #: accepted in the window that was asked for
    worst_second: int  #: most accepted in any second; 0 unless asked for
    since_first: float  #: seconds since the first was accepted; 0 before
    first_to_last: float  #: seconds between the first and the last accepted
    cpu_seconds: float

    @classmethod
    def parse(cls, answer: bytes) -> Stats:
        """Read the answer to ``GET /stats``."""
        return cls(**json.loads(answer))


def compiled(folder: Path, *, tls: bool) -> Path:
    """Compile the server into *folder*.

    Raises:
        Unfit: There is no C compiler, or no OpenSSL to compile with.
    """
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise Unfit(
            "the server of the measurement is a C program, and there is no C compiler "
            "here: on Debian, apt-get install gcc libc6-dev"
        )
    binary = folder / ("server-tls" if tls else "server")
    command = [compiler, "-O2", "-o", str(binary), str(SOURCE)]
    if tls:
        command += ["-DWITH_TLS", "-lssl", "-lcrypto"]
    made = subprocess.run(  # noqa: S603 - our own source
        command, capture_output=True, text=True, check=False
    )
    if made.returncode:
        hint = "on Debian, apt-get install libssl-dev\n" if tls else ""
        raise Unfit(f"the server does not compile; {hint}{made.stderr[-2000:]}")
    return binary


class Server:
    """One running server; ``with`` ends it."""

    def __init__(
        self,
        binary: Path,
        *,
        core: int | None = None,
        delay_ms: float = 0,
        limit: int = 0,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        """Start it.

        Args:
            binary: From `compiled`.
            core: The only core to run on.
            delay_ms: Milliseconds between a request and its answer.
            limit: Most messages in any second, or 0.
            certificate: Its file and its key's: speak TLS.
        """
        command = [str(binary), "--delay", str(delay_ms), "--limit", str(limit)]
        if core is not None:
            command += ["--core", str(core)]
        if certificate is not None:
            command += ["--cert", str(certificate[0]), "--key", str(certificate[1])]
        self._tls = certificate
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None  # noqa: S101 - for the types
        self._port = int(self._process.stdout.readline() or 0)
        if not self._port:
            raise Unfit("the server did not start")

    @property
    def base(self) -> str:
        """Its address, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        """Return the server."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._process.communicate()

    def stats(
        self, *, start: float = 0, end: float = 1e9, worst: bool = False
    ) -> Stats:
        """Ask what it has counted."""
        return stats(
            self.base,
            start=start,
            end=end,
            worst=worst,
            authority=self._tls and self._tls[0],
        )


def stats(
    base: str,
    *,
    start: float = 0,
    end: float = 1e9,
    worst: bool = False,
    authority: Path | None = None,
) -> Stats:
    """Ask the server at *base* what it has counted.

    Args:
        base: Its address.
        start: Beginning of the window, in seconds since the first message.
        end: Its end.
        worst: Whether to find the second with the most messages.
        authority: Who vouches for its certificate, where it has one.
    """
    context: Any = None
    if authority is not None:
        import ssl  # few runs want it

        context = ssl.create_default_context(cafile=str(authority))
    url = f"{base}/stats?from={start}&to={end}{'&worst=1' if worst else ''}"
    with urllib.request.urlopen(url, timeout=30, context=context) as answer:  # noqa: S310 - our own server
        return Stats.parse(answer.read())


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 that vouches for itself; it and its key."""
    from cryptography import x509  # few runs want it
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(IPv4Address("127.0.0.1")), x509.DNSName("localhost")]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files
