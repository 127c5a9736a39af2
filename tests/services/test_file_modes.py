"""Whether a secret's file is its reader's alone."""

from __future__ import annotations

import os

import pytest

from services.file_modes import for_others


@pytest.mark.parametrize(
    ("mode", "owner", "user", "open_to_others"),
    [
        (0o600, 10001, 10001, False),
        (0o640, 10001, 10001, True),
        (0o440, 0, 10001, False),  # a cluster's secret, handed to a pod by its group
        (0o444, 0, 10001, True),
        (0o460, 0, 10001, True),  # its group could put another one there
        (0o440, 0, 0, True),  # whoever reads it as its owner needs no group
        (0o440, 77, 10001, True),  # somebody else's
    ],
)
def test_a_group_reads_a_secret_only_where_a_cluster_hands_it_over(mode, owner, user, open_to_others):
    """Root's, for the group of one pod, in the mode that a mounted secret has."""
    file = os.stat_result((mode, 1, 1, 1, owner, 10001, 1, 0, 0, 0))
    assert bool(for_others(file, user)) == open_to_others
