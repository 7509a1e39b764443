"""Commands that a person types.

What an app is and how it is served is the business of the rooms below: here text becomes a call, and an error becomes a sentence.
"""

from kolben.cli.program import main

__all__ = ["main"]
