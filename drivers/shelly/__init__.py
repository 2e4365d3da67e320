"""Switched outlets of Shelly's second generation and later."""
