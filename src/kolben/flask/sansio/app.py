"""Flask's module `sansio.app`: our app has no such half, so it is the whole."""

from kolben.app.app import App

__all__ = [
    "App",
]
