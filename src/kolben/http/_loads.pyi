from typing import Any

def loads(data: str | bytes | bytearray) -> Any:
    """Return what `json.loads` returns for `data`, faster where `data` is ordinary JSON in UTF-8."""
