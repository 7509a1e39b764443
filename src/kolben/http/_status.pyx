"""Statuses as text: the number of one, its registered phrase, and whether a body may follow it."""

from http import HTTPStatus

from kolben.base.errors import LocalProtocolError

cdef dict STATUS_TEXTS = {}
# (number, None) by status line: those of the registry, and what Werkzeug makes of them
cdef dict STATUSES = {f"{status.value} {status.phrase}": (status.value, None) for status in HTTPStatus}


cdef object status_text(int status):
    text = STATUS_TEXTS.get(status)
    if text is None:
        from werkzeug.http import HTTP_STATUS_CODES
        text = STATUS_TEXTS[status] = f"{status} {HTTP_STATUS_CODES.get(status, 'Unknown').upper()}"
        STATUSES[text] = (status, None)
    return text


cdef bint has_no_body(int status) noexcept:
    return status < 200 or status == 204 or status == 304


cdef object reason_of(object status, int code):
    """The phrase of "200 OK" if it is not the registered one."""
    if status == status_text(code):
        return None
    phrase = status.partition(" ")[2]
    return phrase or None


cdef tuple text_of_status(object text):
    """The number and the phrase of "200 OK", as a WSGI application says it."""
    known = STATUSES.get(text)
    if known is not None:
        return known
    code = text[:3]
    if not (code.isascii() and code.isdigit() and text[3:4] in ("", " ")):
        raise LocalProtocolError(f"status {text!r:.80}: expected three digits and a phrase", source="RFC 9112, section 4")
    return int(code), reason_of(text, int(code))
