"""Programs that do not outlive this one, even if it is killed.

The kernel's death signal survives exec; asking for it between fork and exec is not safe
beside gRPC's threads, so a few lines of Python ask and then become the program.
"""

from __future__ import annotations

import os
import sys

_LAUNCH = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


def bound(program: str, *arguments: str) -> list[str]:
    """The command that runs ``program`` (a path) and has it end with this process (Linux)."""
    return [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()), program, *arguments]
