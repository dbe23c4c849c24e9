"""The JSON of Twilio's resources, written down independently of its library."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .whatsapp import Submission, Template

_CONTENT = re.compile(r"/v1/Content/(HX\w+)(/ApprovalRequests)?")


def message(account_sid: str, submission: Submission) -> dict[str, Any]:
    """Return the Message resource."""
    uri = f"/2010-04-01/Accounts/{account_sid}/Messages/{submission.sid}"
    return {
        "account_sid": account_sid,
        "api_version": "2010-04-01",
        "body": submission.body,
        "date_created": rfc2822(submission.created),
        "date_sent": rfc2822(submission.sent),
        "date_updated": rfc2822(submission.updated),
        "direction": submission.direction,
        "error_code": submission.error,
        "error_message": f"Error {submission.error}" if submission.error else None,
        "from": submission.sender,
        "messaging_service_sid": submission.service,
        "num_media": str(len(submission.media)),
        "num_segments": "1",
        "price": None,
        "price_unit": None,
        "sid": submission.sid,
        "status": submission.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "tags": None,
        "to": submission.to,
        "uri": f"{uri}.json",
    }


def account(account_sid: str, *, status: str, kind: str) -> dict[str, Any]:
    """Return the Account resource."""
    return {
        "auth_token": None,
        "date_created": rfc2822(0.0),
        "date_updated": rfc2822(0.0),
        "friendly_name": "Sandbox",
        "owner_account_sid": account_sid,
        "sid": account_sid,
        "status": status,
        "subresource_uris": {},
        "type": kind,
        "uri": f"/2010-04-01/Accounts/{account_sid}.json",
    }


def senders(address: str, *, status: str, inbound_url: str | None) -> dict[str, Any]:
    """Return the list of WhatsApp senders: the one there is."""
    return {
        "senders": [
            {
                "sid": "XE00000000000000000000000000005a4d",
                "sender_id": address,
                "status": status,
                "configuration": {"waba_id": "1"},
                "webhook": {
                    "callback_url": inbound_url,
                    "callback_method": "POST",
                    "fallback_url": None,
                    "fallback_method": "POST",
                    "status_callback_url": None,
                    "status_callback_method": "POST",
                },
                "url": "/v2/Channels/Senders/XE00000000000000000000000000005a4d",
            }
        ],
        "meta": {"key": "senders", "page": 0, "page_size": 50, "next_page_url": None},
    }


def content(
    account_sid: str, path: str, templates: dict[str, Template]
) -> dict[str, Any] | None:
    """Return what stands at *path* below ``/v1/Content``, or nothing."""
    found = _CONTENT.fullmatch(path)
    if found is None:
        return {
            "contents": [_content(account_sid, t) for t in templates.values()],
            "meta": {
                "first_page_url": path,
                "key": "contents",
                "next_page_url": None,
                "page": 0,
                "page_size": 50,
                "previous_page_url": None,
                "url": path,
            },
        }
    template = templates.get(found[1])
    if template is None:
        return None
    if not found[2]:
        return _content(account_sid, template)
    return {
        "account_sid": account_sid,
        "sid": template.sid,
        "url": path,
        "whatsapp": {
            "allow_category_change": True,
            "category": template.category,
            "content_type": "twilio/text",
            "flows": None,
            "name": template.name,
            "rejection_reason": template.rejection,
            "status": template.status,
            "type": "whatsapp",
        },
    }


def _content(account_sid: str, template: Template) -> dict[str, Any]:
    types: dict[str, Any] = {"twilio/text": {"body": template.body}}
    if template.buttons:
        actions = [{"title": title, "id": title} for title in template.buttons]
        types = {"twilio/quick-reply": {"body": template.body, "actions": actions}}
    return {
        "account_sid": account_sid,
        "date_created": "2026-01-01T00:00:00Z",
        "date_updated": "2026-01-01T00:00:00Z",
        "friendly_name": template.name,
        "language": template.language,
        "links": {},
        "sid": template.sid,
        "types": types,
        "url": f"/v1/Content/{template.sid}",
        "variables": dict.fromkeys(template.variables, "sample"),
    }


def rfc2822(moment: float | None) -> str | None:
    """Return a moment as Twilio writes it."""
    if moment is None:
        return None
    return format_datetime(datetime.fromtimestamp(moment, UTC))
