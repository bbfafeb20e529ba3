"""What a follower of cases is told of one, as it stands now."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BindParameter, bindparam, select

from machines.snapshot import CaseContext
from storage import codec
from storage.reads.reader import Reader
from storage.schema import case_, member


@dataclass(frozen=True, slots=True)
class FollowedCase:
    id: str
    number: int
    kind: str
    state: str
    version: int
    member: str
    member_name: str
    context: CaseContext
    created_at: float  #: seconds since the epoch
    updated_at: float  #: seconds since the epoch


_ID: BindParameter[str] = bindparam("id")
_FOLLOWED = (
    select(case_, member.c.name.label("member_name"))
    .join(member, member.c.id == case_.c.member)
    .where(case_.c.id == _ID)
)


class WebhookReader(Reader):
    """The reader, for whoever tells of cases."""

    async def followed(self, case_id: str) -> FollowedCase | None:
        row = await self._one(_FOLLOWED, id=case_id)
        return row and FollowedCase(
            row.id,
            row.number,
            row.kind,
            row.state,
            row.version,
            row.member,
            row.member_name,
            CaseContext.from_json(codec.load(row.context)),
            row.created_at,
            row.updated_at,
        )
