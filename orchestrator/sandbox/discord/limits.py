"""Numbers that Discord enforces, each with its source in Discord's developer documentation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: First second of 2015; snowflakes count milliseconds from here (Reference, Snowflakes).
EPOCH = datetime(2015, 1, 1, tzinfo=UTC)

CONTENT = 2000  #: code points in a bot's message (Message, Create Message)
NONCE = 25  #: characters of a string nonce (Message, Create Message)
EMBEDS = 10  #: per message (Message, Create Message)
EMBED_TOTAL = 6000  #: code points over all embeds of a message (Message, Embed Limits)
FILES = 10  #: per message (Reference, Uploading Files)
FILE_BYTES = 10 * 1024 * 1024  #: per file without boosts (Reference, Uploading Files)
ROWS = 5  #: action rows of a message (Components, Action Row)
BUTTONS = 5  #: buttons of an action row (Components, Action Row)
COMPONENTS_V2 = 40  #: components of a message with the V2 flag (Components, Reference)
CUSTOM_ID = 100  #: characters (Components, Custom ID)
LABEL = 80  #: characters on a button (Components, Button)
MODAL_TITLE = 45  #: characters (Interactions, Modal callback)
INPUT_LABEL = 45  #: characters over a text input (Components, Text Input and Label)
INPUT = 4000  #: characters in a text input (Components, Text Input)
INPUT_PLACEHOLDER = 100  #: characters (Components, Text Input)
PAGE = 100  #: messages in one page of history (Message, Get Channel Messages)
COMMANDS = 100  #: global slash commands (Application Commands, Registering)

#: "The past few minutes" in which `enforce_nonce` finds an earlier message (Message, Create Message).
NONCE_WINDOW = timedelta(minutes=5)
#: First answer to an interaction (Interactions, Receiving and Responding).
ACKNOWLEDGE = timedelta(seconds=3)
#: Life of an interaction's token (Interactions, Receiving and Responding).
TOKEN_LIFE = timedelta(minutes=15)
#: How long a signed attachment link works (Reference, Signed Attachment CDN URLs).
LINK_LIFE = timedelta(hours=24)
#: How long a typing indicator stays (Channel, Trigger Typing Indicator).
TYPING = timedelta(seconds=10)
#: A session whose socket dropped stays resumable "for a few minutes" (Gateway, Resuming).
RESUME_WINDOW = timedelta(minutes=3)
#: Events kept for a resume; Discord does not publish its number.
REPLAY = 2000
#: Bytes of one payload sent to the gateway (Gateway, Sending Events).
GATEWAY_PAYLOAD = 4096
