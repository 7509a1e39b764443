"""The face: App, Blueprint, hooks, signals, config, contexts.  Registers, compiles plans, delegates."""
