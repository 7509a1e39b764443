from re import Pattern as Regex
from typing import Any

from typing_extensions import disjoint_base
from werkzeug.routing import BaseConverter

REGEX: int
TEXT: int
PATH: int
INTEGER: int
REAL: int
UUID: int
WORD: int
MISS: int
HIT: int
HIT_BUT_SLASH: int
KEEP: int
TO_INT: int
TO_FLOAT: int
CALL: int

@disjoint_base
class Pattern:
    shape: int
    final: bool
    suffixed: bool
    catches: int
    def __init__(
        self,
        shape: int,
        *,
        final: bool,
        suffixed: bool = False,
        prefix: str = "",
        suffix: str = "",
        signed: bool = False,
        minimum: int = 1,
        maximum: int = -1,
        words: frozenset[str] | None = None,
        regex: Regex[str] | None = None,
        groups: tuple[str, ...] | None = None,
    ) -> None: ...
    def catch(self, target: str) -> list[str] | None: ...

@disjoint_base
class Conversion:
    kind: int
    def __init__(self, kind: int, converter: BaseConverter, *, fixed_digits: int = 0, minimum: Any = None, maximum: Any = None) -> None: ...
