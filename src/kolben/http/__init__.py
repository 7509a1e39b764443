"""What messages mean (RFC 9110): Request, Response, headers, forms, JSON; the Handler and Plan protocols."""
