"""Flask's module `sansio.blueprints`."""

from kolben.app.blueprints import Blueprint, BlueprintSetupState, DeferredSetupFunction

__all__ = [
    "Blueprint",
    "BlueprintSetupState",
    "DeferredSetupFunction",
]
