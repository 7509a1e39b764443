from typing import Any, final

FOUND: int
NOT_FOUND: int
METHOD_NOT_ALLOWED: int
WEBSOCKET_MISMATCH: int
REDIRECT_PATH: int
REDIRECT_ALIAS: int
REDIRECT_DEFAULTS: int
REDIRECT_TO: int
OUTCOMES: tuple[str, ...]

@final
class Match:
    outcome: int
    rule: Any
    endpoint: Any
    @property
    def view_args(self) -> dict[str, Any]: ...
    allowed: set[str]
    path: str
    @property
    def is_redirect(self) -> bool: ...
