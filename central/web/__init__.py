"""Central's pages for people: plain forms that work without a script."""
