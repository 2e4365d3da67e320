"""Forward-only migrations, run at start."""
