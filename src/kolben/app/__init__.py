"""The face: App, Blueprint, hooks, signals, config, contexts.  Registers, compiles plans, delegates."""

from kolben.app.app import App
from kolben.app.blueprints import Blueprint
from kolben.app.config import Config

__all__ = ["App", "Blueprint", "Config"]
