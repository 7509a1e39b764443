"""JSON to values: by msgspec what it takes, by the interpreter's own module all else."""

import json

cdef object decode = None                 # msgspec's, imported at the first call: programs that read no JSON do without it


cdef object decode_json(object data):
    global decode
    if decode is None:
        import msgspec.json
        decode = msgspec.json.decode
    if isinstance(data, (str, bytes, bytearray)):
        try:
            return decode(data)
        except (ValueError, TypeError, RecursionError):       # TypeError: msgspec takes no subclasses of str
            pass
    return json.loads(data)


def loads_for_provider(self, s, **kwargs):
    """Read JSON text: `loads` as a method, natively; with arguments for `json.loads`, by that."""
    return json.loads(s, **kwargs) if kwargs else decode_json(s)


def loads(data):
    """Return what `json.loads` returns for `data`, faster where `data` is ordinary JSON in UTF-8.

    msgspec accepts less than `json.loads` (no NaN, no byte order mark, no UTF-16, no lone surrogates, no overflow to infinity),
    and what it accepts it reads as the same values.  So whatever it refuses is read again by `json.loads`: text that is
    wrong is paid for twice.

    Raises:
        json.JSONDecodeError: `data` is no JSON.
        UnicodeDecodeError: `data` is no text.
        RecursionError: `data` is nested deeper than the interpreter allows.
        TypeError: `data` is neither text nor bytes.
    """
    return decode_json(data)


loads_for_provider.__name__ = "loads"
loads_for_provider.__qualname__ = "DefaultJSONProvider.loads"
