"""Errors a user can act on. Each carries the exit code the command line ends with."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


class OhmpropError(Exception):
    """Base of every error this package raises on purpose; `exit_code` is the command's status."""

    exit_code: ClassVar[int] = 1


class BadInput(OhmpropError, ValueError):
    """The user's input is wrong: the message says what, where, expected, found and how to fix."""

    exit_code: ClassVar[int] = 2


class CertificateError(OhmpropError):
    """An equilibrium's KCL residual exceeds its tolerance."""

    exit_code: ClassVar[int] = 3


class VerificationError(OhmpropError):
    """A comparison with an independent result (ngspice, the exact gradient) fails."""

    exit_code: ClassVar[int] = 4


def nearest(word: str, known: Iterable[str]) -> str:
    """A suffix suggesting the known word closest to `word`, and the list of all known words."""
    known = sorted(known)
    close = get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"{hint} Known: {', '.join(known)}."
