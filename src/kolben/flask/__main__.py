"""`python -m flask`, and `python -m kolben.flask`, which opens the doors first: Flask's commands."""

from kolben.flask import install
from kolben.flask.cli import main

install()
main()
