"""The tablet of a room: pages, live socket and what they need of the engine (`face`)."""
