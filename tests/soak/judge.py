"""What a run left behind, judged: where messages stand, and what the tables hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from sqlalchemy import Engine, func, select

from storage import schema
from storage.values import Status
from tests.bench.crowd import Said, Way
from tests.storage.replay import differences

#: Which way, and whose.
Place = tuple[Way, str]


def astray(said: Iterable[Said], standing: Mapping[Place, list[int]]) -> Iterator[str]:
    """What is lost, doubled, with somebody else or out of order at the other side, in words."""
    spoken: dict[Place, list[int]] = {}
    for message in said:
        spoken.setdefault((message.way, message.member), []).append(message.number)
    for way, member in sorted(spoken.keys() | standing.keys()):
        there, wanted = standing.get((way, member), []), spoken.get((way, member), [])
        copies = Counter(there)
        wrong = {
            "lost": [number for number in wanted if not copies[number]],
            "doubled": [number for number, times in copies.items() if times > 1],
            "of others": [number for number in copies if number not in set(wanted)],
            "overtaken": [later for earlier, later in pairwise(copies) if later < earlier],
        }
        yield from (f"{way}, {member}: {what} {which}" for what, which in wrong.items() if which)


def left_undone(engine: Engine, settled_at: float) -> Iterator[str]:
    """Effects that should be done, and where the tables are not what the journal says.

    `settled_at`: when there was nothing left to send, in seconds since the epoch. What came later may be left.
    """
    t = schema.effect
    query = select(t.c.status, func.count().label("amount")).group_by(t.c.status)
    with engine.connect() as connection:
        late = query.where(t.c.status == Status.PENDING, t.c.due_at < settled_at)
        for row in (*connection.execute(late), *connection.execute(query.where(t.c.status == Status.DEAD))):
            yield f"{row.amount} effects are {row.status}"
    yield from differences(engine)
