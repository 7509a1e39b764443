from collections.abc import Callable, Iterable
from typing import Any

def set_house_fields(fields: Iterable[tuple[str, str | Callable[[Any], str | None]]], *, server: bool = True) -> None: ...
