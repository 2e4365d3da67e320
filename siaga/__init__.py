"""The command line and the demo; imports everything, is imported by nothing."""
