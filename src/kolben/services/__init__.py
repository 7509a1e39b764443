"""TCP, UDP and Unix services beside HTTP in the same process; codecs."""

from kolben.services.codecs import CLOSED, NEED_DATA, Codec, DelimiterCodec, FixedCodec, LengthPrefixedCodec, LineCodec
from kolben.services.conversation import Conversation

__all__ = ["CLOSED", "NEED_DATA", "Codec", "Conversation", "DelimiterCodec", "FixedCodec", "LengthPrefixedCodec", "LineCodec"]
