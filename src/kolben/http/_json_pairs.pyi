# Nothing here is for Python: its map, for native callers, is the .pxd.
