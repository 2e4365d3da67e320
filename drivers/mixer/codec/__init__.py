"""How the four makers' bytes look: bytes in, values out, no input or output."""
