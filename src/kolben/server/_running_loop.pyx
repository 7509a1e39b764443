"""Asyncio's idea of the running loop, in the calling thread: asked for, set and unset.

Refuses to know why one does so, and whether it was done before: the reactor remembers that.  Where asyncio's own functions would be
slow, the loop is exchanged in place; what does not look there as it should is left to them.
"""

from asyncio import _get_running_loop, _set_running_loop

cdef object set_by_asyncio = _set_running_loop

cdef extern from *:
    """
    /* Python 3.11 calls getpid() whenever the running loop is set or asked for: up to three system calls a turn.  The thread's
       state has an object that holds the loop and the process; we exchange the loop in it, in place, if it looks as it does there.
       Later versions do not make that call, and hold the loop elsewhere. */
    #if PY_VERSION_HEX < 0x030C0000
    typedef struct { PyObject_HEAD PyObject *loop; pid_t process; } kolben_Holder;

    static kolben_Holder *kolben_holder(void) {
        static PyObject *key = NULL;
        PyObject *state = PyThreadState_GetDict(), *found;
        if (key == NULL && (key = PyUnicode_InternFromString("__asyncio_running_event_loop__")) == NULL) {
            PyErr_Clear();
            return NULL;
        }
        found = state == NULL ? NULL : PyDict_GetItem(state, key);
        if (found == NULL || strcmp(Py_TYPE(found)->tp_name, "_RunningLoopHolder") != 0
                || Py_TYPE(found)->tp_basicsize != (Py_ssize_t)sizeof(kolben_Holder))
            return NULL;
        return (kolben_Holder *)found;
    }

    static int kolben_swap_running_loop(PyObject *expected, PyObject *loop) {
        kolben_Holder *holder = kolben_holder();
        if (holder == NULL || holder->loop != expected)
            return 0;
        Py_INCREF(loop);
        holder->loop = loop;
        Py_DECREF(expected);
        return 1;
    }

    static int kolben_running_loop_is(PyObject *loop) {
        kolben_Holder *holder = kolben_holder();
        return holder == NULL ? -1 : holder->loop == loop;
    }
    #else
    static int kolben_swap_running_loop(PyObject *expected, PyObject *loop) { (void)expected; (void)loop; return 0; }
    static int kolben_running_loop_is(PyObject *loop) { (void)loop; return -1; }
    #endif
    """
    bint swap_running_loop "kolben_swap_running_loop"(object expected, object loop)     # False: nothing was done
    int running_loop_is "kolben_running_loop_is"(object loop)                           # -1: not known


cdef bint is_running_loop(object loop) except -1:
    cdef int known = running_loop_is(loop)
    return _get_running_loop() is loop if known < 0 else known


cdef int unset_running_loop(object loop) except -1:
    if not swap_running_loop(loop, None):
        set_by_asyncio(None)
    return 0


cdef int set_running_loop(object loop) except -1:
    if not swap_running_loop(None, loop):
        set_by_asyncio(loop)
    return 0
