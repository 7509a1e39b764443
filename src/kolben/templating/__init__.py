"""Rendering templates with Jinja2."""

from kolben.templating.environment import DispatchingJinjaLoader, Environment

__all__ = ["DispatchingJinjaLoader", "Environment"]
