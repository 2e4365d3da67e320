"""Why a camera refuses, as the makers' lists number it."""

from __future__ import annotations


class SyntaxProblem(Exception):
    """The camera does not know the command, or a parameter is wrong: error 02."""


class NotExecutable(Exception):
    """The camera knows the command and cannot run it now: error 41."""
