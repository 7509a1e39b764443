"""Errors that more than one room raises or catches."""

__all__ = ["KolbenError", "LimitExceeded", "LocalProtocolError", "ProtocolError", "RegistrationError", "RemoteProtocolError", "UsageError"]


class KolbenError(Exception):
    """The ancestor of what Kolben itself raises."""


class UsageError(KolbenError):
    """A person asked for something that cannot be done: expected what, got what, do what.

    The command line prints the message alone, without a traceback.
    """


class RegistrationError(KolbenError, AssertionError):
    """A rule, a view or a hook that does not fit the app it is registered on."""


class ProtocolError(KolbenError):
    """A message breaks the rules of its protocol.

    Attributes:
        status: What to answer.
        source: Where the rule is written, such as "RFC 9112, section 6.3".
    """

    def __init__(self, message: str, *, status: int = 400, source: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.source = source

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message} ({self.source})" if self.source else message


class RemoteProtocolError(ProtocolError):
    """The peer broke the rules; `status` is what to answer it."""


class LimitExceeded(RemoteProtocolError):
    """The peer sent more than a limit allows; `status` is 413, 414 or 431."""


class LocalProtocolError(ProtocolError):
    """We, or the application, would have broken the rules: nothing was sent."""

    def __init__(self, message: str, *, status: int = 500, source: str = "") -> None:
        super().__init__(message, status=status, source=source)
