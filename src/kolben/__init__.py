"""Kolben: a web framework from the socket up to the page, with Flask's API on an engine of its own."""

__version__ = "0.1.0.dev0"

__all__ = ["__version__"]
