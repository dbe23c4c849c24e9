"""What must not be read by whoever gets hold of the file: sealed, or known by its hash.

The key is kept apart from the database. Three keys are derived from it: one finds
an address by its keyed hash, one seals, and one only tells whether it is the right
key. What is sealed is bound to its place: moved to another row it does not open.
"""

from __future__ import annotations

import hmac
import os
from base64 import b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.domain.errors import StorageError
from bot.domain.recipients import Address, Channel

if TYPE_CHECKING:
    from typing import Self

    from sqlalchemy import Row

#: Bytes of a key.
KEY = 32
#: Bytes that never repeat under one key; at random, good for four thousand million.
_NONCE = 12
#: The first byte of all that is sealed, should another way ever be wanted.
_VERSION = b"\x01"


def new_key() -> str:
    """Make a key at random, as it is written in a file or a setting."""
    return urlsafe_b64encode(os.urandom(KEY)).decode()


class Keyring:
    """Seals, opens, and finds what was sealed again by its hash."""

    def __init__(self, secret: bytes) -> None:
        """Derive what is needed from *secret*, `KEY` bytes."""
        self._lookup = _derived(secret, b"harkara lookup")
        self._cipher = AESGCM(_derived(secret, b"harkara sealing"))
        #: Tells one key from another, and nothing else about it.
        self.fingerprint = _derived(secret, b"harkara fingerprint").hex()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a key as `new_key` writes it.

        Raises:
            ValueError: It is none.
        """
        written = text.strip()
        padded = written + "=" * (-len(written) % 4)
        secret = b64decode(padded, altchars=b"-_", validate=True)
        if len(secret) != KEY:
            raise ValueError(f"{len(secret)} bytes where {KEY} are wanted")
        return cls(secret)

    def hashed(self, text: str) -> str:
        """Return the keyed hash of *text*, 43 characters, by which it is found."""
        digest = hmac.digest(self._lookup, _bytes(text), "sha256")
        return urlsafe_b64encode(digest).decode().rstrip("=")

    def seal(self, text: str, *, place: str) -> bytes:
        """Seal *text*; it will open for the same *place* only."""
        nonce = os.urandom(_NONCE)
        sealed = self._cipher.encrypt(nonce, _bytes(text), _VERSION + _bytes(place))
        return _VERSION + nonce + sealed

    def open(self, sealed: bytes, *, place: str) -> str:
        """Open what `seal` has sealed for *place*.

        Raises:
            StorageError: It was changed, or moved from another place.
        """
        start = len(_VERSION) + _NONCE
        version, nonce = sealed[: len(_VERSION)], sealed[len(_VERSION) : start]
        try:
            text = self._cipher.decrypt(nonce, sealed[start:], version + _bytes(place))
        except (InvalidTag, ValueError):
            raise StorageError(
                "a sealed value does not open: the database file was changed by "
                "something else than Harkara; put a backup in its place"
            ) from None
        return text.decode("utf-8", "surrogatepass")

    # --- addresses ------------------------------------------------------------------

    def known_as(self, address: Address) -> str:
        """Return what stands for an address's value in the tables.

        Telegram's chat ids as they are: only a bot's owner can do anything with
        them. A phone number can be dialled, so only its hash.
        """
        if address.channel is Channel.TELEGRAM:
            return address.value
        return self.hashed(f"{address.channel.value} {address.value}")

    def stored(self, address: Address) -> dict[str, Any]:
        """Return the columns of an address."""
        value = self.known_as(address)
        plain = address.channel is Channel.TELEGRAM
        return {
            "channel": address.channel,
            "value": value,
            "thread": address.thread or 0,
            "sealed": None
            if plain
            else self.seal(address.value, place=_address(address.channel, value)),
        }

    def address(self, row: Row[Any]) -> Address:
        """Read an address from a row that holds its four columns."""
        if row.sealed is None:
            return Address(row.channel, row.value, row.thread or None)
        return self.opened(row.channel, row.value, row.sealed)

    def opened(self, channel: Channel, value: str, sealed: bytes) -> Address:
        """Read an address that is sealed beside what stands for its value."""
        return Address(channel, self.open(sealed, place=_address(channel, value)))


def _address(channel: Channel, value: str) -> str:
    """Where a number is sealed: beside its own hash."""
    return f"address {channel.value} {value}"


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY, salt=None, info=purpose).derive(secret)


def _bytes(text: str) -> bytes:
    # Half characters come in from outside, and must come out again as they were.
    return text.encode("utf-8", "surrogatepass")
