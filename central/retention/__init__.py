"""How long things are kept, and what erases them then."""
