"""Fixtures of the whole suite: the peers that misbehave are our own public ones."""

pytest_plugins = ["kolben.testing.faults"]
