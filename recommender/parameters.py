"""The constants of the model, in one place.

They were chosen on one data set and are defaults: a deployment with other data chooses them
anew by the rule of decision 28, before looking at the test period.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a model is trained and served with.

    Attributes:
        half_life_days: an event counts half after so many days.
        ridge: EASE's λ, for weights of which a fresh purchase is 1.
        lasting_half_life_days: the same of an event in the directional part.
        row_half_life_days: a day of purchase teaches half after so many days.
        gap_half_life_days: what is bought later counts half after so many days.
        directional_ridge: λ of the directional part.
        directional_weight: weight of the directional part beside the symmetric one.
        trend_half_life_days: half-life of first purchases in the trend.
        trend_weight: weight of the trend beside the symmetric part of root mean square 1.
        own_weight: weight of the chance that a thing is bought again, where lists may hold such things.
        held_weight: weight of what the person holds of it, with the lasting half-life; likewise.
        popularity_half_life_days: half-life of the popularity that answers before a model.
        head_items_max: so many of the most bought items are in the Gram.
        rank: dimensions of the item vectors.
        repurchase_window_days: a purchase this soon after a checkpoint is a repurchase.
        repurchase_checkpoints: so many checkpoints before the reference day, a window apart.
        repurchase_prior: so many exposures at the overall rate stand in every hazard cell.
    """

    half_life_days: float = 60.0
    ridge: float = 300.0
    lasting_half_life_days: float = 240.0
    row_half_life_days: float = 60.0
    gap_half_life_days: float = 14.0
    directional_ridge: float = 40.0
    directional_weight: float = 0.5
    trend_half_life_days: float = 2.0
    trend_weight: float = 0.5
    own_weight: float = 0.0
    held_weight: float = 30.0
    popularity_half_life_days: float = 14.0
    head_items_max: int = 8000
    rank: int = 64
    repurchase_window_days: int = 14
    repurchase_checkpoints: int = 13
    repurchase_prior: float = 20.0


DEFAULTS = Parameters()
