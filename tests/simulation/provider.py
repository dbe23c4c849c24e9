"""Two pretend providers: one like Telegram, one like Twilio.

They hear the calls of every simulated process in one true time, count them by strict
sliding windows, and keep what they heard and said. What they do wrong is drawn by the
seed from a `Mischief`; what they find wrong with us is noted at once.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.domain.deliveries import Progress
from bot.domain.recipients import Channel

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.domain.deliveries import Reference
    from bot.domain.messages import OutboundMessage
    from tests.simulation.loop import World

#: Seconds after which a caller gives up waiting for an answer.
READ_TIMEOUT = 10.0
#: Seconds in which a caller must have taken to heart that it is to wait: what is in
#: hand already may go.
REACTION = 1.0
#: Seconds that a wave of the clock may go on being felt: until the sweep has seen it.
SETTLING = 8.0


@dataclass(frozen=True, slots=True)
class Window:
    """At most *most* messages in any *seconds*."""

    most: int
    seconds: float


#: core.telegram.org/bots/faq: 30 in any second, one a second in a chat, 20 a minute in
#: a group. Twilio: 80 a second; Meta: one in 6 seconds to the same reader.
IN_ALL = {Channel.TELEGRAM: Window(30, 1.0), Channel.WHATSAPP: Window(80, 1.0)}
ONE_CHAT = {Channel.TELEGRAM: Window(1, 1.0), Channel.WHATSAPP: Window(1, 6.0)}
ONE_GROUP = Window(20, 60.0)


@dataclass(slots=True)
class Mischief:
    """How likely, for each call, something goes wrong that has nothing to do with us.

    All are probabilities from 0 to 1.
    """

    throttled_chat: float = 0.0
    throttled_sender: float = 0.0
    refused: float = 0.0
    malformed: float = 0.0
    late_answer: float = 0.0
    lost_answer: float = 0.0
    lost_request: float = 0.0
    never_left: float = 0.0
    receipt_twice: float = 0.0
    receipt_reordered: float = 0.0
    receipt_failed: float = 0.0


@dataclass(slots=True, eq=False)
class Call:
    """One call, as the provider knows it and as the caller was told."""

    number: int
    process: str
    to: str
    message: OutboundMessage
    reference: Reference | None
    sent_at: float  #: when it left the caller, by true time
    stale: bool  #: the caller stood still between deciding and calling
    arrived_at: float | None = None  #: None while on its way, or where it was lost
    accepted: bool = False
    provider_id: str = ""
    said: str = ""  #: what was answered: "ok", or the error's word
    heard: bool = False  #: the caller was there to hear it
    ended: bool = False  #: the caller waits no longer
    reported: list[tuple[Progress, str]] = field(default_factory=list)
    withdrawn: bool = False  #: accepted, and then reported as failed


@dataclass(slots=True)
class Answer:
    """What a provider says to a call: an id, or an error's word and its numbers."""

    word: str  #: "ok" where it was taken
    provider_id: str = ""
    after: float = 0.0  #: seconds to wait, where told to
    address: str = ""  #: where the chat has moved


@dataclass(slots=True)
class Chat:
    """What a provider knows of one chat, by true time."""

    group: bool = False
    trouble: str = ""  #: "blocked", "not_found", "rights" or ""
    moved_to: str = ""
    moves_at: float = 0.0
    flooded_until: float = 0.0
    window_open: bool = True  #: WhatsApp's 24 hours


class Provider:
    """One account at one provider."""

    def __init__(
        self,
        world: World,
        channel: Channel,
        mischief: Mischief,
        *,
        excused: Callable[[float], bool],
        note: Callable[..., None],
    ) -> None:
        self.world = world
        self.channel = channel
        self.mischief = mischief
        self.calls: list[Call] = []
        self.chats: dict[str, Chat] = {}
        self.struck: Counter[str] = Counter()  #: how often each fault was played
        self.violations: list[str] = []
        self.down_until = 0.0
        self.flooded_until = 0.0
        self.report: Callable[[Call, Progress, str], None] = lambda *_: None
        self._excused = excused  #: whether the clock jumped in the last so many seconds
        self._note = note
        self._taken: deque[Call] = deque()
        self._taken_by: defaultdict[str, deque[Call]] = defaultdict(deque)
        self._told: set[tuple[str, str]] = set()
        self._heard: dict[str, float] = {}  #: by chat: when we heard that it must wait
        self._heard_all = float("inf")  #: the same of the sender

    def told(self, call: Call, *, dead: Callable[[], bool]) -> None:
        """Note that the caller has heard that it must wait.

        That counts once the time to write it down is over: what a process had heard
        that is *dead* by then, nobody knows.
        """
        now, chat = self.world.now, self.chats[call.to]
        waits = (chat.flooded_until, self.flooded_until)

        def written() -> None:
            if dead() or waits != (chat.flooded_until, self.flooded_until):
                return
            self._heard.setdefault(call.to, now)
            if call.said == "flood_all":
                self._heard_all = min(self._heard_all, now)

        self.world.after(REACTION, written)

    def begin(self, call: Call, reply: Callable[[Answer], None]) -> None:
        """Take a call from its caller; the answer, if any, comes by *reply*."""
        self.calls.append(call)
        rng, mischief = self.world.rng, self.mischief
        delay = 0.012 + 0.006 * rng.random()
        if self._strikes("lost_request", mischief.lost_request):
            return
        self.world.after(delay, lambda: self._arrive(call, reply))

    def _strikes(self, name: str, probability: float) -> bool:
        if probability and self.world.rng.random() < probability:
            self.struck[name] += 1
            self._note("fault", name)
            return True
        return False

    def _arrive(self, call: Call, reply: Callable[[Answer], None]) -> None:
        call.arrived_at = self.world.now
        answer = self._judge(call)
        call.said = answer.word
        call.accepted = answer.word == "ok"
        call.provider_id = answer.provider_id
        self._note("provider", call.to, call.reference, call.number, answer.word)
        if call.accepted and self.channel is Channel.WHATSAPP:
            self._schedule_reports(call)
        mischief, rng = self.mischief, self.world.rng
        delay = 0.012 + 0.02 * rng.random()
        if self._strikes("lost_answer", mischief.lost_answer):
            return
        if self._strikes("late_answer", mischief.late_answer):
            delay = rng.uniform(0.3, 1.4 * READ_TIMEOUT)
        self.world.after(delay, lambda: reply(answer))

    def _judge(self, call: Call) -> Answer:  # noqa: C901, PLR0911, PLR0912 - a table of refusals
        now, rng = self.world.now, self.world.rng
        chat = self.chats.setdefault(call.to, Chat())
        if now < self.down_until:
            return Answer("down")
        if now < self.flooded_until:
            if call.sent_at > self._heard_all + REACTION:
                self._overrun(call, "while the sender was told to wait", SETTLING)
            return Answer("flood_all", after=self.flooded_until - now)
        if now < chat.flooded_until:
            if call.sent_at > self._heard.get(call.to, now) + REACTION:
                self._overrun(call, "while the chat was told to wait", SETTLING)
            return Answer("flood", after=chat.flooded_until - now)
        if self._over(call, chat):
            chat.flooded_until = now + 2
            self._heard.pop(call.to, None)
            return Answer("flood", after=2.0)
        if chat.moved_to and now >= chat.moves_at:
            self._first("migrated", call.to)
            return Answer("moved", address=chat.moved_to)
        if chat.trouble:
            self._first(chat.trouble, call.to)
            return Answer(chat.trouble)
        if self._strikes("throttled_sender", self.mischief.throttled_sender):
            self.flooded_until = now + rng.randint(1, 4)
            self._heard_all = float("inf")
            return Answer("flood_all", after=self.flooded_until - now)
        if self._strikes("throttled_chat", self.mischief.throttled_chat):
            chat.flooded_until = now + rng.randint(2, 8)
            self._heard.pop(call.to, None)
            return Answer("flood", after=chat.flooded_until - now)
        if self._strikes("refused", self.mischief.refused):
            return Answer("refused")
        if self._strikes("malformed", self.mischief.malformed):
            return Answer("malformed")
        if not chat.window_open and type(call.message).__name__ == "Text":
            self._first("window_closed", call.to)
            return Answer("window")
        self._taken.append(call)
        self._taken_by[call.to].append(call)
        return Answer("ok", provider_id=f"{self.channel.value[0]}{call.number}")

    def _first(self, name: str, to: str) -> None:
        if (name, to) not in self._told:
            self._told.add((name, to))
            self.struck[name] += 1
            self._note("fault", name, to)

    def _over(self, call: Call, chat: Chat) -> bool:
        """Whether taking *call* would break a window."""
        windows = [(self._taken, IN_ALL[self.channel])]
        windows.append((self._taken_by[call.to], ONE_CHAT[self.channel]))
        if chat.group:
            windows.append((self._taken_by[call.to], ONE_GROUP))
        for taken, window in windows:
            recent = []
            for each in reversed(taken):
                if self.world.now - (each.arrived_at or 0.0) >= window.seconds - 1e-6:
                    break
                recent.append(each)
            if len(recent) >= window.most:
                if not any(each.stale for each in recent):
                    words = f"more than {window.most} in {window.seconds:g} s"
                    self._overrun(call, words, window.seconds + SETTLING)
                return True
        return False

    def _overrun(self, call: Call, words: str, reach: float) -> None:
        """Note a call that came too soon, unless nobody could have known.

        A process that stood still between its last look and the call could not; nor
        could one whose machine's clock had jumped.
        """
        if not call.stale and not self._excused(reach):
            self.violations.append(
                f"rate: {self.channel.value} call {call.number} for {call.reference} "
                f"came {words} (at {self.world.now:.3f})"
            )

    def _schedule_reports(self, call: Call) -> None:
        """Report what becomes of a message: late, twice, in any order."""
        rng = self.world.rng
        if self._strikes("receipt_failed", self.mischief.receipt_failed):
            call.withdrawn = True
            word = rng.choice(("window", "unreachable", "refused"))
            steps = [(Progress.ACCEPTED, ""), (Progress.FAILED, word)]
        else:
            far = rng.randint(1, 3)
            all_steps = (Progress.ACCEPTED, Progress.DELIVERED, Progress.READ)
            steps = [(each, "") for each in all_steps[:far]]
        moments = sorted(rng.uniform(0.05, 6.0) for _ in steps)
        if len(steps) > 1 and self._strikes(
            "receipt_reordered", self.mischief.receipt_reordered
        ):
            moments.reverse()
        for (progress, code), moment in zip(steps, moments, strict=True):
            times = 1
            if self._strikes("receipt_twice", self.mischief.receipt_twice):
                times = 2
            for _ in range(times):
                self._report_after(moment + rng.random(), call, progress, code)

    def _report_after(
        self, delay: float, call: Call, progress: Progress, code: str
    ) -> None:
        self.world.after(delay, lambda: self.report(call, progress, code))

    def find(
        self, to: str, message: OutboundMessage, since: float, others: set[str]
    ) -> list[Call]:
        """What was taken for *to* with these words since a moment, *others* apart."""
        return [
            each
            for each in self._taken_by[to]
            if each.message == message
            and (each.arrived_at or 0.0) >= since
            and each.provider_id not in others
        ]
