"""The tables. Times are seconds since the epoch (UTC); JSON columns hold compact text."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: Compared by range. In English, say, ";" comes before ":", and nothing lies between "subject:" and "subject;".
_IN_BYTE_ORDER = Text().with_variant(Text(collation="C"), "postgresql")

#: A Discord user. The row is the lock under which everything of this member happens.
member = Table(
    "member",
    metadata,
    Column("id", Text, primary_key=True),  # snowflake
    Column("dm_channel", Text, unique=True),
    Column("name", Text, nullable=False, server_default=""),
    Column("locale", Text, nullable=False, server_default=""),
    Column("blocked", Boolean, nullable=False, server_default=text("false")),
    Column("known_since", Text),  # id of the event that made the DM known: reading up never goes below it
)

conversation = Table(
    "conversation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("member", Text, ForeignKey(member.c.id), nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("table_version", Integer, nullable=False),
    Column("context", Text, nullable=False),
    Column("case_id", Text),
    Column("request", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column(
        "queued_at", Double
    ),  # since when the current request queues; kept when the member comes back to it
    Column("closed_at", Double),
)
#: A member has at most one open conversation.
Index(
    "ix_conversation_open",
    conversation.c.member,
    unique=True,
    sqlite_where=text("state <> 'closed'"),
    postgresql_where=text("state <> 'closed'"),
)
Index("ix_conversation_member", conversation.c.member, conversation.c.created_at)
Index(
    "ix_conversation_queue",
    conversation.c.queued_at,
    conversation.c.id,
    sqlite_where=text("state = 'awaiting_agent'"),
    postgresql_where=text("state = 'awaiting_agent'"),
)

#: How long members waited for each of their requests. A row is written when the wait is over.
wait = Table(
    "wait",
    metadata,
    Column("conversation", Text, nullable=False),
    Column("request", Integer, nullable=False),
    Column("queued_at", Double, nullable=False),
    Column("ended_at", Double, nullable=False),
    Column("taken", Boolean, nullable=False),  # by an agent; else the member left, or was told nobody came
    PrimaryKeyConstraint("conversation", "request"),
)
Index("ix_wait_ended_at", wait.c.ended_at)

#: Ledger (which facts were seen) and journal (what each did) in one: a row per fact.
event = Table(
    "event",
    metadata,
    Column("source", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("subject", Text),  # `conversation:...` or `case:...`; NULL: it concerned none
    Column("version", Integer),  # of the subject after this event
    Column("table_version", Integer),  # of the machine that stepped it
    Column("trigger", Text, nullable=False),
    Column("from_state", Text),
    Column("to_state", Text),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("at", Double, nullable=False),  # by the provider's clock
    Column("received_at", Double, nullable=False),
    Column("address", Text),
    Column("data", Text),
    Column("given", Text),
    PrimaryKeyConstraint("source", "id"),
)
Index("ix_event_subject", event.c.subject, event.c.version)
_FAILED = text("outcome = 'failed'")
Index("ix_event_failed", event.c.received_at, sqlite_where=_FAILED, postgresql_where=_FAILED)
#: What statistics count, a few rows per conversation. A query whose conditions imply this one finds them here.
_MILESTONE = text("outcome = 'moved' OR trigger = 'agent_contacts'")
Index("ix_event_milestone", event.c.received_at, sqlite_where=_MILESTONE, postgresql_where=_MILESTONE)

#: Events whose conversation is not known yet; their ids are not spent.
parked = Table(
    "parked",
    metadata,
    Column("source", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("waits_for", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("parked_at", Double, nullable=False),
    PrimaryKeyConstraint("source", "id"),
)
Index("ix_parked_waits_for", parked.c.waits_for)

#: The outbox. Every index costs a page per row that is written, so there are few: what is pending is a small
#: part of the table, and a subject's effects are a range of keys.
effect = Table(
    "effect",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("key", _IN_BYTE_ORDER, nullable=False, unique=True),
    Column("subject", Text, nullable=False),
    Column("member", Text, nullable=False, server_default=""),
    Column("lane", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("replaces", Text),
    Column("status", Text, nullable=False),  # pending, done, dead, void
    Column("due_at", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("last_error", Text),
    Column("ref", Text),  # the provider's id of what came of it
    Column("done_at", Double),
)
_PENDING = text("status = 'pending'")
Index("ix_effect_lane", effect.c.lane, effect.c.seq, sqlite_where=_PENDING, postgresql_where=_PENDING)
Index(
    "ix_effect_ref",
    effect.c.ref,
    sqlite_where=text("ref IS NOT NULL"),
    postgresql_where=text("ref IS NOT NULL"),
)
#: The built-in desk shows them to agents; there are few.
_NOTE = text("kind = 'desk_note'")
Index("ix_effect_note", effect.c.lane, sqlite_where=_NOTE, postgresql_where=_NOTE)
_DEAD = text("status = 'dead'")
Index("ix_effect_dead", effect.c.done_at, sqlite_where=_DEAD, postgresql_where=_DEAD)

timer = Table(
    "timer",
    metadata,
    Column("subject", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("epoch", Integer, nullable=False),  # version of the step that set it
    PrimaryKeyConstraint("subject", "name"),
    sqlite_with_rowid=False,
)

#: A provider's name for something of ours.
link = Table(
    "link",
    metadata,
    Column("kind", Text, nullable=False),  # conversation_sid, interaction_sid, channel_sid, task_sid
    Column("ref", Text, nullable=False),
    Column("conversation", Text, nullable=False),
    Column("request", Integer, nullable=False),
    Column("read_up_to", Integer),  # conversation_sid: highest Index below which nothing is missing
    Column("done", Boolean, nullable=False, server_default=text("false")),  # read once after its close
    PrimaryKeyConstraint("kind", "ref"),
)
Index("ix_link_conversation", link.c.conversation, link.c.request)

#: What was said, by both sides and the chatbot. Our own notices are effects, not messages.
message = Table(
    "message",
    metadata,
    Column("id", Text, primary_key=True),  # `discord:...`, `twilio:...` or `effect:...`
    Column("conversation", Text, nullable=False),
    Column("member", Text, nullable=False),
    Column("author", Text, nullable=False),  # member, agent or bot
    Column("name", Text, nullable=False, server_default=""),  # the agent's
    Column("body", Text, nullable=False),
    Column("attachments", Text, nullable=False, server_default="[]"),
    Column("reply_to", Text),
    Column("version", Integer, nullable=False),  # of the conversation, when it was said
    Column("at", Double, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("edited_at", Double),
    Column("deleted", Boolean, nullable=False),
    # an agent's text that came when nobody was there for it: on the case, not for the member's eyes
    Column("withheld", Boolean, nullable=False, server_default=text("false")),
    Column("refs", Text, nullable=False, server_default="[]"),  # ids of its parts on the other side
)
Index("ix_message_conversation", message.c.conversation, message.c.version)

case_ = Table(
    "case_",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("member", Text, ForeignKey(member.c.id), nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("table_version", Integer, nullable=False),
    Column("context", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    # of the context, to be looked for
    Column("title", Text, nullable=False, server_default=""),
    Column("summary", Text, nullable=False, server_default=""),
    Column("assignee", Text, nullable=False, server_default=""),
    UniqueConstraint("number"),
)
Index("ix_case_member", case_.c.member, case_.c.state)
#: Few cases are open, and it is those that are looked for.
_NOT_CLOSED = text("state <> 'closed'")
Index("ix_case_open", case_.c.number, sqlite_where=_NOT_CLOSED, postgresql_where=_NOT_CLOSED)

case_note = Table(
    "case_note",
    metadata,
    Column("key", Text, primary_key=True),  # id of the event that made it
    Column("case_id", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("note", Text, nullable=False),
    Column("data", Text, nullable=False),
)
Index("ix_case_note_case", case_note.c.case_id, case_note.c.at)

#: What members said of a conversation, with a case or without. A second rating replaces the first.
feedback = Table(
    "feedback",
    metadata,
    Column("conversation", Text, primary_key=True),
    Column("rating", Integer),  # 1 to 5
    Column("comment", Text),
    Column("at", Double, nullable=False),
)
Index("ix_feedback_at", feedback.c.at)

#: Numbers that people see. Locked last.
counter = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)

#: Where reading a provider's truth stands: the highest position below which nothing is missing.
watermark = Table(
    "watermark",
    metadata,
    Column("channel", Text, primary_key=True),  # `dm:{channel}`
    Column("position", Text, nullable=False),
)

#: What the command line asks of whoever serves, and what came of it. A second process may insert rows here.
operator = Table(
    "operator",
    metadata,
    Column("id", Text, primary_key=True),  # minted by the command
    Column("command", Text, nullable=False),  # retry or drop
    Column("letter", Text, nullable=False),  # name of a dead letter, see `storage.letters`
    Column("reason", Text, nullable=False, server_default=""),
    Column("asked_at", Double, nullable=False),
    Column("outcome", Text),  # done or refused; NULL: it waits
    Column("detail", Text, nullable=False, server_default=""),
)
_WAITING = text("outcome IS NULL")
Index("ix_operator_waiting", operator.c.asked_at, sqlite_where=_WAITING, postgresql_where=_WAITING)
Index("ix_operator_letter", operator.c.letter)
