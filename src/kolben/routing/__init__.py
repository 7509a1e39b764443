"""Rules to endpoint names and endpoint names to URLs.  Knows strings only."""
