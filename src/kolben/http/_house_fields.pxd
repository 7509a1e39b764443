"""The map of the fields of every answer."""

from kolben.http._request cimport RequestBase
from kolben.wire._writer cimport Output


cdef unsigned long long house_sizes       # a bit for the length of each name: most of an application's fields need no look

# Writes all but those that the answer has given itself: `given` are such names in lower case, None if there are none.
# `request` is None where there was none.
cdef int write_house_fields(Output output, RequestBase request, bint has_date, bint has_server, set given) except -1
