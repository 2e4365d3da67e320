"""A whole office on one machine: central, its broker, rooms, and devices that are programs.

Every part is a process of its own and they meet only where real ones meet: HTTP, MQTT,
VISCA over UDP, obs-websocket, sound lines. What the demo shows therefore truly happened.
"""
