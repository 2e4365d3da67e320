"""One room: it keeps its schedule, prepares its devices, proves readiness and writes the journal."""
