"""Projectors and screens that speak PJLink."""
