"""The map of what a search found."""


cpdef enum:                # Match.outcome
    FOUND = 0             # rule, endpoint and view_args are set
    NOT_FOUND = 1
    METHOD_NOT_ALLOWED = 2        # `allowed` is set
    WEBSOCKET_MISMATCH = 3
    REDIRECT_PATH = 4     # the right path stands in `path`, unquoted: a slash was missing, or several became one
    REDIRECT_ALIAS = 5    # `endpoint` and `view_args` name the canonical rule
    REDIRECT_DEFAULTS = 6         # `rule` is the one whose defaults are what was asked for
    REDIRECT_TO = 7       # `rule.redirect_to` says where to


cdef class Match:
    """What one search found.  It never raises: a missing rule, a wrong method and a redirect are outcomes, too."""

    cdef readonly int outcome
    cdef readonly object rule
    cdef readonly object endpoint
    cdef dict _view_args              # fresh for every match: the caller may change it; None: names and values say it
    cdef tuple names
    cdef list values                  # as many as names
    cdef readonly set allowed         # methods
    cdef readonly str path


cdef Match make_found(object rule, object endpoint, dict view_args)
cdef Match make_path_redirect(str path)
cdef Match make_refusal(set allowed, bint websocket_mismatch)
cdef int redirect_further(Match match, tuple default_rules, str method) except -1
