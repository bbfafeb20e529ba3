"""Discord's numbers, each with its source."""

#: Characters (code points) of a bot's message. docs: Message, Create Message, `content`.
CONTENT = 2000
#: Characters of a nonce. docs: Create Message, `nonce`.
NONCE = 25
#: How long a repeated nonce surely returns the earlier message. docs: "the past few minutes"; taken low.
NONCE_WINDOW_S = 120.0
#: Buttons in a row, rows in a message. docs: Components.
BUTTONS_A_ROW = 5
#: Error codes after which a direct message cannot arrive. docs: JSON Error Codes; 50278: no mutual servers.
UNREACHABLE = frozenset({50007, 50278, 10013})
#: An interaction must be acknowledged within 3 s. docs: Receiving and Responding. It is committed first, so that
#: what was acknowledged is not lost; but no longer than this is waited for that.
ACK_PATIENCE_S = 1.5
#: Close codes after which the gateway must not be dialled again. docs: Gateway Close Event Codes.
FATAL_CLOSE = {
    4004: ("DISCORD_TOKEN is refused by Discord", "copy the bot's token again from the developer portal"),
    4010: ("Discord refuses the shard", "this is a bug: please report it"),
    4011: ("Discord demands sharding", "the bot is in more than 2,500 servers; one community is supported"),
    4012: ("Discord no longer takes this gateway version", "update discord.py"),
    4013: ("Discord refuses the intents", "this is a bug: please report it"),
    4014: ("Discord refuses a privileged intent", "none is needed: please report it"),
}
#: Milliseconds of the Unix epoch at which snowflakes begin. docs: Reference, Snowflakes.
EPOCH_MS = 1_420_070_400_000
