from typing import Any

from werkzeug.datastructures import ImmutableMultiDict

class Args(ImmutableMultiDict[str, str]):
    """What `request.args` is: Werkzeug's type, whose look-ups are native."""

    def __getitem__(self, key: str) -> str: ...
    def get(self, key: str, default: Any = None, type: Any = None) -> Any: ...  # type: ignore[override]  # one signature for Werkzeug's overloads
