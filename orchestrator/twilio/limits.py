"""Twilio's numbers, each with its source."""

#: Bytes of a message's body in a chat conversation. docs: Conversations Limits.
BODY_BYTES = 32_000
#: After an ambiguous failure a message may still be written; look again no sooner than this. Seconds.
SETTLE_S = 20.0
#: docs: error 50353, a Twilio Conversation of that unique name exists.
NAME_TAKEN = 50353
#: docs: error 50433, the participant is in the conversation already.
PARTICIPANT_EXISTS = 50433
#: docs: errors 50377 and 20404, the conversation is in its final state, or is not there.
CLOSED = 50377
NOT_FOUND = 20404
#: docs: error 50391, somebody else changes the conversation at the same moment.
CONCURRENT = 50391
#: Events of a conversation's own webhook. docs: Conversations Webhooks.
FILTERS = (
    "onMessageAdded",
    "onMessageUpdated",
    "onMessageRemoved",
    "onParticipantAdded",
    "onParticipantRemoved",
    "onConversationStateUpdated",
)
#: Events of the Flex instance's webhook. docs: Interactions Webhooks.
INTERACTION_EVENTS = ("onChannelStatusUpdated", "onChannelCreateFailed")
