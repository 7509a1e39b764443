"""What one search for a rule found: the outcome, and what belongs to it.

Refuses to know how rules are searched, and by whom: the native tree and Werkzeug's matcher answer alike.  A missing rule, a wrong
method and a redirect are outcomes, never exceptions.
"""

cimport cython


@cython.final
@cython.no_gc                         # lives for one call
@cython.freelist(16)
cdef class Match:

    @property
    def view_args(self):
        """The values of the rule's variables, by name; None where nothing was found."""
        if self._view_args is None and self.names is not None:
            self._view_args = dict(zip(self.names, self.values, strict=True))
        return self._view_args

    @property
    def is_redirect(self):
        return self.outcome >= REDIRECT_PATH

    def __repr__(self):
        return f"<Match {OUTCOMES[self.outcome]} {self.endpoint!r} {self.view_args!r}>"


OUTCOMES = (
    "found", "not found", "method not allowed", "websocket mismatch",
    "redirect: path", "redirect: alias", "redirect: defaults", "redirect: redirect_to",
)


cdef Match _outcome(int outcome):
    cdef Match match = Match.__new__(Match)
    match.outcome = outcome
    return match


cdef Match make_found(object rule, object endpoint, dict view_args):
    cdef Match match = Match.__new__(Match)
    match.rule = rule
    match.endpoint = endpoint
    match._view_args = view_args
    return match


cdef Match make_path_redirect(str path):
    cdef Match match = _outcome(REDIRECT_PATH)
    match.path = path
    return match


cdef Match make_refusal(set allowed, bint websocket_mismatch):
    cdef Match match
    if allowed:
        match = _outcome(METHOD_NOT_ALLOWED)
        match.allowed = allowed
        return match
    return _MISMATCH if websocket_mismatch else _NOTHING


# Shared: they carry nothing.
cdef Match _NOTHING = _outcome(NOT_FOUND)
cdef Match _MISMATCH = _outcome(WEBSOCKET_MISMATCH)


cdef int redirect_further(Match match, tuple default_rules, str method) except -1:
    """Let a match redirect to the rule with these defaults, or to where its rule says, if it does."""
    for rule in default_rules:
        if rule.suitable_for(match.view_args, method):
            match.rule = rule
            match.outcome = REDIRECT_DEFAULTS
            return 0
    if match.rule.redirect_to is not None:
        match.outcome = REDIRECT_TO
    return 0
