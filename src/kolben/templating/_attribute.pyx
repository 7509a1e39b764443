"""What `{{ thing.name }}` means in a template: an attribute, else an item.

Jinja says it by two tries, of which the first raises for every dict: 2 us a name, and most of what a page costs that lists rows.
"""

from cpython.object cimport PyObject

cdef extern from "Python.h":
    PyObject *PyDict_GetItemWithError(object mapping, object key) except? NULL     # borrowed; NULL: not there

cdef frozenset OF_DICTS = frozenset(dir(dict))        # {{ row.items }} is the method
cdef object MISSING = object()


def attribute_or_item(self, obj, attribute):
    """Return an attribute of an object, else its item of that name, else what the environment has for nothing."""
    cdef PyObject *item
    if type(obj) is dict and attribute not in OF_DICTS:
        item = PyDict_GetItemWithError(obj, attribute)
        return self.undefined(obj=obj, name=attribute) if item == NULL else <object>item
    found = getattr(obj, attribute, MISSING)
    if found is not MISSING:
        return found
    try:
        return obj[attribute]
    except (TypeError, LookupError, AttributeError):
        pass
    return self.undefined(obj=obj, name=attribute)
