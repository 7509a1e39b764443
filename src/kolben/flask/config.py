"""Flask's module `config`."""

from kolben.app.config import Config, ConfigAttribute

__all__ = [
    "Config",
    "ConfigAttribute",
]
