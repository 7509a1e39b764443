"""A client that speaks to an app without a socket, one that speaks through a socket, fixtures."""
