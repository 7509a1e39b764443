"""Doors: Flask's module names over our rooms, and install() that makes `import flask` mean Kolben.  No logic."""
