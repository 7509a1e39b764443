"""The map of the JSON reader."""

cdef object decode_json(object data)      # loads(), for native callers
