"""Rendering templates with Jinja2."""
