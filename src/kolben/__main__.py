"""`python -m kolben`: every command, and beside them a file, which runs as a script whose `app.run()` serves."""

import sys

from kolben.cli.program import main_of_module

if __name__ == "__main__":
    sys.exit(main_of_module(sys.argv[1:]))
