"""Whether a request was signed by Twilio with our account's own secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multidict import MultiMapping


class SignatureGuard:
    """Checks Twilio's signatures.

    The signed address is made of our settings, never of the request's own host: a
    proxy may change that, and a stranger may choose it.

    Args:
        auth_tokens: The account's auth token, and during a change of it both.
        public_url: What Twilio was told of us, up to where our paths begin.
    """

    def __init__(self, auth_tokens: Sequence[str], public_url: str) -> None:
        self._validators = [RequestValidator(each) for each in auth_tokens if each]
        self._public_url = public_url.rstrip("/")

    def accepts(
        self, path: str, query: str, fields: MultiMapping[str], signature: str
    ) -> bool:
        """Whether *signature* is that of a form sent to us.

        Args:
            path: Our own path, from the slash.
            query: As it was received, not decoded.
            fields: The form's.
            signature: The header's value; empty where there was none.

        Returns:
            False too for whatever cannot be checked.
        """
        if not (signature and signature.isascii()):
            return False
        url = f"{self._public_url}{path}" + (f"?{query}" if query else "")
        try:
            # All are tried whatever the first says: time tells nothing of which fits.
            found = [each.validate(url, fields, signature) for each in self._validators]
        except Exception:  # noqa: BLE001 - the library stumbles over what it cannot read
            return False
        return any(found)
