"""What is made of Twilio's answers: account, sender, template, windows, our address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.checks.findings import Finding, Level, Reach, counted
from bot.phrases.catalogue import one_line

if TYPE_CHECKING:
    from bot.ports import Windows

#: What fills the digest template: headline, text, link.
VARIABLES = ("1", "2", "3")
_LONGEST_WORDS = 160  # characters of Meta's own words
_CONSOLE = "in the Twilio console"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """What Twilio says of the account."""

    reach: Reach
    why: str = ""
    status: str = ""  #: active, suspended, closed
    trial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderFacts:
    """What Twilio says of the WhatsApp sender."""

    reach: Reach
    listed: bool = False
    status: str = ""  #: ONLINE, OFFLINE, …
    inbound: str = ""  #: the address that Twilio calls with what readers write


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFacts:
    """What Twilio says of the digest template."""

    reach: Reach
    exists: bool = False
    variables: frozenset[str] = frozenset()
    approval: str = ""  #: approved, pending, rejected, …; empty where it is not said
    rejection: str = ""  #: Meta's own words


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressFacts:
    """What answers at public_url."""

    reach: Reach
    why: str = ""
    bad_certificate: bool = False
    ours: bool = False  #: whether it is our own /health


def judge_account(facts: AccountFacts) -> list[Finding]:
    """Judge the credentials and the account's state."""
    if facts.reach is Reach.REFUSED:
        what = "Twilio does not accept the account SID and auth token"
        mend = f"copy both again, HARKARA_TWILIO_…, from the first page {_CONSOLE}"
        return [_problem(what, mend)]
    if facts.reach is Reach.UNREACHABLE:
        what = f"Twilio cannot be reached ({facts.why})"
        mend = (
            "see that this machine is on the network and may call api.twilio.com on "
            "port 443"
        )
        return [_problem(what, mend)]
    if facts.reach is Reach.ODD:
        what = f"Twilio answers oddly ({facts.why})"
        return [_problem(what, "try again in a minute; see status.twilio.com")]
    if facts.status != "active":
        what = f"the Twilio account is {facts.status or 'in no known state'}"
        return [_problem(what, f"see what is asked of you {_CONSOLE}: billing, review")]
    found = [Finding(Level.WELL, "whatsapp", "Twilio accepts the account")]
    if facts.trial:
        found.append(
            Finding(
                Level.WARNING,
                "whatsapp",
                "it is a trial account, which writes to verified numbers only",
                f"upgrade it {_CONSOLE} before readers join",
            )
        )
    return found


def judge_sender(facts: SenderFacts, *, wanted: str) -> list[Finding]:
    """Judge the WhatsApp sender.

    Args:
        facts: As Twilio says.
        wanted: The address that Twilio is to call with what readers write.
    """
    if facts.reach is not Reach.ANSWERED:
        return [
            Finding(
                Level.NOTE,
                "whatsapp",
                "Twilio does not say whether HARKARA_WHATSAPP_NUMBER is a sender of "
                "this account; the first message will tell",
            )
        ]
    if not facts.listed:
        return [
            Finding(
                Level.WARNING,
                "whatsapp",
                "HARKARA_WHATSAPP_NUMBER is not among this account's WhatsApp senders "
                "(Twilio's own trial number never is)",
                f"compare it with Messaging > Senders > WhatsApp senders {_CONSOLE}",
            )
        ]
    found = []
    if facts.status.startswith("ONLINE"):
        found.append(Finding(Level.WELL, "whatsapp", "the WhatsApp sender is online"))
    else:
        found.append(
            _problem(
                f"the WhatsApp sender is {facts.status.lower() or 'in no known state'}",
                f"see Messaging > Senders > WhatsApp senders {_CONSOLE} for what it "
                "waits for",
            )
        )
    if facts.inbound == wanted:
        found.append(
            Finding(Level.WELL, "webhook", "Twilio calls us with what readers write")
        )
    else:
        other = "nobody" if not facts.inbound else "another address"
        found.append(
            Finding(
                Level.WARNING,
                "webhook",
                f"by the sender's own settings Twilio calls {other} with what readers "
                "write",
                f"{_CONSOLE}, set the WhatsApp sender's webhook for incoming messages "
                f"to {wanted}, method POST, unless a Messaging Service does it",
            )
        )
    return found


_APPROVAL = {
    "unsubmitted": (Level.PROBLEM, "submit it for WhatsApp approval"),
    "received": (Level.WARNING, "wait: it takes minutes, at most two days"),
    "pending": (Level.WARNING, "wait: it takes minutes, at most two days"),
    "rejected": (Level.PROBLEM, "change its words and submit it under a new name"),
    "paused": (
        Level.PROBLEM,
        "wait until WhatsApp lifts that, and send less or to readers who want it",
    ),
    "disabled": (Level.PROBLEM, "make another template and have it approved"),
}


def judge_template(facts: TemplateFacts) -> list[Finding]:
    """Judge the digest template."""
    if facts.reach is not Reach.ANSWERED:
        return [
            Finding(
                Level.WARNING,
                "template",
                "Twilio did not say what HARKARA_CONTENT_SID is",
                "run harkara check again in a minute",
            )
        ]
    if not facts.exists:
        return [
            Finding(
                Level.PROBLEM,
                "template",
                "there is no template HARKARA_CONTENT_SID in this account",
                f"copy the SID, HX…, from the Content Template Builder {_CONSOLE}",
            )
        ]
    found = []
    if facts.approval == "approved":
        found.append(Finding(Level.WELL, "template", "the template is approved"))
    else:
        level, mend = _APPROVAL.get(
            facts.approval, (Level.WARNING, "look at it there yourself")
        )
        words = one_line(facts.rejection)[:_LONGEST_WORDS]
        said = f": “{words}”" if words else ""
        found.append(
            Finding(
                level,
                "template",
                f"the template is {facts.approval or 'of unknown approval'}{said}; "
                "until it is approved, readers whose window is closed get nothing",
                f"{_CONSOLE}, Content Template Builder: {mend}",
            )
        )
    missing = [each for each in VARIABLES if each not in facts.variables]
    if missing:
        names = ", ".join("{{" + each + "}}" for each in missing)
        found.append(
            Finding(
                Level.PROBLEM,
                "template",
                f"the template lacks {names}",
                "make one with {{1}} the headline, {{2}} the text and {{3}} the link",
            )
        )
    extra = sorted(facts.variables - set(VARIABLES))
    if extra:
        names = ", ".join("{{" + each + "}}" for each in extra)
        found.append(
            Finding(
                Level.PROBLEM,
                "template",
                f"nothing fills the template's {names}, and WhatsApp refuses it so",
                "make one with {{1}} the headline, {{2}} the text and {{3}} the link",
            )
        )
    return found


def judge_windows(windows: Windows, *, template: bool) -> list[Finding]:
    """Judge how many readers a broadcast would reach now.

    Args:
        windows: Counted in the ledger.
        template: Whether one is set.
    """
    total = windows.open + windows.closed
    if not total:
        return [Finding(Level.NOTE, "window", "nobody is enrolled on WhatsApp yet")]
    readers = counted(total, "WhatsApp reader")
    if template or not windows.closed:
        rest = f", {windows.closed:,} get the template" if windows.closed else ""
        return [
            Finding(
                Level.WELL,
                "window",
                f"of {readers}, {windows.open:,} wrote within a day and get text{rest}",
            )
        ]
    return [
        Finding(
            Level.WARNING,
            "window",
            f"{windows.closed:,} of {readers} have not written within a day, and would "
            "get nothing",
            "have a template approved and set HARKARA_CONTENT_SID",
        )
    ]


def judge_address(facts: AddressFacts, *, https: bool, running: bool) -> list[Finding]:
    """Judge what answers at HARKARA_PUBLIC_URL.

    Args:
        facts: As seen from this machine.
        https: Whether the address begins with it.
        running: Whether an application works on the database now.
    """
    topic = "address"
    found = []
    if not https:
        found.append(
            Finding(
                Level.WARNING,
                topic,
                "HARKARA_PUBLIC_URL is not https: what readers write travels openly",
                "put a proxy with a certificate before harkara run",
            )
        )
    if facts.bad_certificate:
        found.append(
            Finding(
                Level.PROBLEM,
                topic,
                "the certificate at HARKARA_PUBLIC_URL is not valid, and nobody will "
                "call there",
                "renew it, with all intermediate certificates",
            )
        )
    elif facts.reach is Reach.ANSWERED and facts.ours:
        found.append(Finding(Level.WELL, topic, "HARKARA_PUBLIC_URL leads here"))
    elif not running:
        found.append(
            Finding(
                Level.NOTE,
                topic,
                "whether HARKARA_PUBLIC_URL leads here shows once harkara run is up",
            )
        )
    else:
        what = facts.why or "no answer"
        if facts.reach is Reach.ANSWERED:
            what = f"something else: {what}"
        found.append(
            Finding(
                Level.WARNING,
                topic,
                f"at HARKARA_PUBLIC_URL there is {what}; from here one cannot tell "
                "whether that is so from outside",
                "open its /health from another network; if it is not there, see the "
                "proxy, the firewall and HARKARA_LISTEN",
            )
        )
    return found


def _problem(what: str, mend: str) -> Finding:
    return Finding(Level.PROBLEM, "whatsapp", what, mend)
