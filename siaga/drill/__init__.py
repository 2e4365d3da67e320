"""Drills: a room's own agent on simulated devices, with faults by script, for training and for tests."""
