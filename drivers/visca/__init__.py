"""Cameras that speak VISCA over IP (Sony's UDP header)."""
