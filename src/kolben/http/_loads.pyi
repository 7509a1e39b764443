from typing import Any

def loads(data: str | bytes | bytearray) -> Any:
    """Return what `json.loads` returns for `data`, faster where `data` is ordinary JSON in UTF-8."""

def loads_for_provider(self: Any, s: str | bytes, **kwargs: Any) -> Any:
    """Read JSON text: `loads` as a method, natively; with arguments for `json.loads`, by that."""
