"""`python -m flask`."""

from kolben.flask.cli import main

main()
