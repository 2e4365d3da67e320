"""Network mixers and sound processors: Behringer/Midas, Shure, Biamp Tesira, Q-SYS."""
