"""Signed cookies and session stores."""
