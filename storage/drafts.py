"""Rows in the making: what a batch holds of members, conversations, cases and messages; and what it need not read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from machines.snapshot import Snapshot
from storage.values import Link

if TYPE_CHECKING:
    from storage.picture import Picture


@dataclass(slots=True)
class Talk:
    """A conversation's row in the making."""

    snapshot: Snapshot
    created_at: float
    queued_at: float | None = None
    new: bool = False
    dirty: bool = False


@dataclass(slots=True)
class Case:
    """A case's row in the making."""

    snapshot: Snapshot
    created_at: float
    number: int = 0  #: 0: not numbered yet
    new: bool = False
    dirty: bool = False


@dataclass(slots=True)
class Said:
    """A message's row in the making."""

    id: str
    conversation: str
    member: str
    author: str
    name: str
    body: str
    attachments: str
    reply_to: str | None
    version: int
    at: float
    revision: int = 0
    edited_at: float | None = None
    deleted: bool = False
    withheld: bool = False
    new: bool = False
    dirty: bool = False


@dataclass(slots=True)
class Member:
    id: str
    dm_channel: str | None = None
    name: str = ""
    locale: str = ""
    blocked: bool = False
    known_since: str | None = None
    new: bool = False
    dirty: bool = False


@dataclass(slots=True)
class Owners:
    """Who owns what, for names that never change owner. Survives batches; bounded."""

    conversations: dict[str, str] = field(default_factory=dict)  #: id -> member
    links: dict[tuple[str, str], Link] = field(default_factory=dict)

    def trim(self, at_most: int = 20_000) -> None:
        if len(self.conversations) > at_most:
            self.conversations.clear()
        if len(self.links) > at_most:
            self.links.clear()


@dataclass(slots=True)
class Recent:
    """Members as the last commit left them: the one writer of a file need not read back what it wrote.

    A member who is in here is here whole: row, open or latest conversation, cases that are not closed. Not for
    databases with several writers.
    """

    members: dict[str, Member] = field(default_factory=dict)
    talks: dict[str, Talk] = field(default_factory=dict)  #: member -> the open conversation, else the latest
    cases: dict[str, list[Case]] = field(default_factory=dict)  #: member -> those that are not closed

    def keep(self, picture: Picture, at_most: int = 2_000) -> None:
        """After a commit. Beyond `at_most` members all are forgotten and read again when they come back."""
        if len(self.members) > at_most:
            self.members.clear()
            self.talks.clear()
            self.cases.clear()
        by_member: dict[str, list[Case]] = {}
        for case in picture.cases.values():
            case.new = case.dirty = False
            if case.snapshot.state != "closed":
                by_member.setdefault(case.snapshot.member, []).append(case)
        for talk in picture.talks.values():
            talk.new = talk.dirty = False
        for member in picture.whole:
            row = picture.members[member]
            row.new = row.dirty = False
            self.members[member] = row
            self.cases[member] = by_member.get(member, [])
            if talk_id := picture.open.get(member) or picture.latest_closed.get(member):
                self.talks[member] = picture.talks[talk_id]
