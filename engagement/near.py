"""How far apart two places are; a place is an H3 cell and stands for its centre."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import h3  # type: ignore[import-untyped]


def is_near(cell: str, cells: Iterable[str], distance_m: int) -> bool:
    """Whether a cell is within a distance of one of some others; what is no cell is near nothing."""
    here = _centre(cell)
    if here is None:
        return False
    return any(
        there is not None and h3.great_circle_distance(here, there, unit="m") <= distance_m
        for there in map(_centre, cells)
    )


@lru_cache(maxsize=65_536)
def _centre(cell: str) -> tuple[float, float] | None:
    """Latitude and longitude in degrees."""
    return h3.cell_to_latlng(cell) if h3.is_valid_cell(cell) else None
