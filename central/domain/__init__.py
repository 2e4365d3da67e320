"""Rules of the SOP, without input or output."""
