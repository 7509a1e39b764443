"""Flask's package `sansio`."""

from typing import TYPE_CHECKING, Any

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in {"app", "blueprints", "scaffold"}:  # `import flask` is enough for them with Flask; here once asked for, not before
            import importlib

            return importlib.import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
