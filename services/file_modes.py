"""What others than its reader may do with a secret's file.

A file belongs to who reads it, or it is handed to them: so a cluster mounts a secret in a pod that
is not root's, owned by root and readable by a group of that pod alone.
"""

from __future__ import annotations

import os
import stat


def for_others(file: os.stat_result, user: int) -> int:
    """The bits of a file's mode that let others read, write or run it; 0: nobody else may.

    Args:
        file: what the system says of it.
        user: who reads it, a user's number.
    """
    handed = file.st_uid == 0 != user
    return file.st_mode & (stat.S_IRWXO | stat.S_IRWXG) & ~(stat.S_IRGRP if handed else 0)
