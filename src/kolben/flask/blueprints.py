"""Flask's module `blueprints`."""

from kolben.app.blueprints import Blueprint, BlueprintSetupState

__all__ = [
    "Blueprint",
    "BlueprintSetupState",
]
