"""The line as a batch sees it: who is at which place, and how long that may take."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from machines.conversation import PLACED, State
from machines.events import Event
from machines.queue import UNKNOWN, expected, pace
from machines.snapshot import Context, Snapshot
from storage.drafts import Talk
from storage.picture import Picture
from storage.reads.waits import end_of_line, latest_waits, places, wait_of

DAY_S = 24 * 3600.0
#: For so long a pace that was worked out holds. Seconds.
HOLDS_S = 60.0
#: The least by which two members come into the line apart, in seconds.
_APART = 1e-6

#: Conversation, request, since when and until when it waited, whether an agent came: a row of the table `wait`.
Ended = tuple[str, int, float, float, bool]


@dataclass(slots=True)
class Pace:
    """How fast the line moves, by the waits of the last days. Survives batches: it changes slowly."""

    days: float = 7.0
    _every: float | None = None
    _known_at: float | None = None

    def at(self, connection: Connection, now: float) -> float | None:
        """Seconds for each place; None: too few waited to tell. Read anew once a minute."""
        if self._known_at is None or not 0 <= now - self._known_at < HOLDS_S:
            rows = connection.execute(latest_waits(now - self.days * DAY_S))
            self._every, self._known_at = pace(map(wait_of, rows)), now
        return self._every


@dataclass(slots=True)
class Line:
    """Looked at only if a step is to be told a place: as it stood before the batch, and who came in it since."""

    picture: Picture
    pace: Pace
    now: float
    waits: list[Ended]  #: those that are over are added
    _places: dict[str, int] = field(default_factory=dict)
    _length: int | None = None  #: None: nobody looked
    _end: float = 0.0  #: since when the last of them waits

    def look(self, event: Event, talk: Talk) -> tuple[int, int]:
        """The place that this conversation has or would get, and the minutes that are to be expected there.

        (0, 0): no place will be told for this event. Most answers of the chatbot call nobody.
        """
        calls_nobody = event.data.get("kind") in ("answer", "suggestions")
        if event.trigger not in PLACED or calls_nobody or talk.snapshot.state == State.CLOSED:
            return 0, UNKNOWN
        place = self._place(talk)
        return place, expected(place, self.pace.at(self.picture.connection, self.now))

    def follow(self, talk: Talk, after: Snapshot) -> None:
        """Who comes stands behind everybody, whatever the clock says. Who goes has waited so long."""
        was, now = talk.snapshot.context, after.context
        assert isinstance(was, Context)
        assert isinstance(now, Context)
        waited, waits = (state == State.AWAITING_AGENT for state in (talk.snapshot.state, after.state))
        if waits and (now.request != was.request or talk.queued_at is None):
            self._places[after.id] = self._length = self._last()
            talk.queued_at = self._end = max(self.now, self._end + _APART)
        elif waited and not waits and talk.queued_at and not was.request_joined:
            taken = after.state == State.WITH_AGENT
            if taken or was.request_opened:  # else nobody could have come
                self.waits.append((after.id, was.request, talk.queued_at, self.now, taken))

    def _place(self, talk: Talk) -> int:
        if not _has_a_place(talk):
            return self._last()
        if talk.snapshot.id not in self._places:
            placed = [t.snapshot.id for t in self.picture.talks.values() if _has_a_place(t)]
            found = self.picture.connection.execute(places(placed))
            self._places |= {row.id: int(row.place) for row in found}
        return self._places.get(talk.snapshot.id, 0)

    def _last(self) -> int:
        """The place behind everybody."""
        if self._length is None:
            length, end = self.picture.connection.execute(end_of_line()).one()
            self._length, self._end = int(length), float(end or 0.0)
        return self._length + 1


def _has_a_place(talk: Talk) -> bool:
    """It is in the line; or its member was told that nobody came, and would come back to where they stood."""
    context = talk.snapshot.context
    assert isinstance(context, Context)
    return talk.snapshot.state == State.AWAITING_AGENT or context.request_state == "expired"
