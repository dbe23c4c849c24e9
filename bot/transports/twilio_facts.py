"""What Twilio says of our account, the WhatsApp sender and the digest template."""

from __future__ import annotations

import asyncio
import base64
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bot.checks.findings import Reach
from bot.checks.whatsapp import AccountFacts, AddressFacts, SenderFacts, TemplateFacts

if TYPE_CHECKING:
    from datetime import timedelta

    from bot.transports.asking import Answer, Asker

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,16})\s*\}\}")


class TwilioFacts:
    """Asks Twilio about one account.

    Args:
        api: Another address than Twilio's own, for every product; empty for Twilio.
        account: The account's SID.
        token: Its auth token.
    """

    def __init__(self, asker: Asker, *, api: str, account: str, token: str) -> None:
        self._asker = asker
        self._api = api.rstrip("/")
        self._account = account
        pair = base64.b64encode(f"{account}:{token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {pair}"}

    async def account(self) -> tuple[AccountFacts, timedelta | None]:
        """Ask for the account; with how far our clock is behind."""
        answer = await self._get("api", f"/2010-04-01/Accounts/{self._account}.json")
        reach = answer.reach
        if answer.status == HTTPStatus.NOT_FOUND:
            reach = Reach.REFUSED  # no such account
        facts = AccountFacts(
            reach=reach,
            why=answer.why,
            status=str(answer.body.get("status", "")),
            trial=answer.body.get("type") == "Trial",
        )
        return facts, answer.behind

    async def sender(self, number: str) -> SenderFacts:
        """Ask whether *number* is a WhatsApp sender of the account."""
        answer = await self._get(
            "messaging", "/v2/Channels/Senders", Channel="whatsapp", PageSize="100"
        )
        senders = answer.body.get("senders")
        if answer.reach is not Reach.ANSWERED or not isinstance(senders, list):
            return SenderFacts(reach=Reach.ODD)
        for each in senders:
            if isinstance(each, dict) and each.get("sender_id") == f"whatsapp:{number}":
                webhook = each.get("webhook")
                inbound = webhook if isinstance(webhook, dict) else {}
                return SenderFacts(
                    reach=Reach.ANSWERED,
                    listed=True,
                    status=str(each.get("status") or ""),
                    inbound=str(inbound.get("callback_url") or ""),
                )
        meta = answer.body.get("meta")
        more = isinstance(meta, dict) and meta.get("next_page_url")
        return SenderFacts(reach=Reach.ODD if more else Reach.ANSWERED)

    async def template(self, sid: str) -> TemplateFacts:
        """Ask for a template and whether it is approved."""
        content, approval = await asyncio.gather(
            self._get("content", f"/v1/Content/{sid}"),
            self._get("content", f"/v1/Content/{sid}/ApprovalRequests"),
        )
        if content.status == HTTPStatus.NOT_FOUND:
            return TemplateFacts(reach=Reach.ANSWERED)
        if content.reach is not Reach.ANSWERED:
            return TemplateFacts(reach=content.reach)
        whatsapp = approval.body.get("whatsapp")
        said: dict[str, Any] = whatsapp if isinstance(whatsapp, dict) else {}
        return TemplateFacts(
            reach=Reach.ANSWERED,
            exists=True,
            variables=frozenset(_VARIABLE.findall(str(content.body.get("types", "")))),
            approval=str(said.get("status") or ""),
            rejection=str(said.get("rejection_reason") or ""),
        )

    async def _get(self, product: str, path: str, **query: str) -> Answer:
        base = self._api or f"https://{product}.twilio.com"
        return await self._asker.get(
            f"{base}{path}", query=query, headers=self._headers
        )


async def address_facts(asker: Asker, public_url: str) -> AddressFacts:
    """Ask our own /health, the way the providers come."""
    answer = await asker.get(f"{public_url.rstrip('/')}/health")
    return AddressFacts(
        reach=Reach.UNREACHABLE if answer.status is None else Reach.ANSWERED,
        why=answer.why,
        bad_certificate=answer.bad_certificate,
        ours={"status", "database"} <= answer.body.keys(),
    )
