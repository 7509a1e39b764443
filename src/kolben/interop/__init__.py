"""The same Handler behind somebody else's server, and somebody else's app behind ours."""
