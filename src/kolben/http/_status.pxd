"""The map of statuses as text."""


cdef bint has_no_body(int status) noexcept           # whatever was asked (RFC 9110, section 6.4.1)
cdef object status_text(int status)                  # "200 OK"
cdef object reason_of(object status, int code)       # the phrase of "200 OK"; None: the registered one
cdef tuple text_of_status(object text)               # (200, phrase or None if it is the registered one) of "200 OK"
