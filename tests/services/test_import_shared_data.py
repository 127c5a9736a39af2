"""The real invoices are read to the figures that are published about them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from services.importing.mapping_file import load_mapping
from services.importing.purchases import read_purchases
from services.importing.survey import take_survey

ROOT = Path(__file__).parents[2]
INVOICES = ROOT.parent / "shared/data/recs"


@pytest.mark.shared_data
@pytest.mark.skipif(not INVOICES.is_dir(), reason="the development data is not beside the checkout")
def test_online_retail_ii_is_read_to_its_published_counts() -> None:
    mapping = load_mapping(ROOT / "docs/examples/online_retail_ii.toml", folder=INVOICES)
    survey = take_survey(mapping, io.StringIO())
    assert survey.rows_read == 1_034_220
    assert survey.refused == {"NO_PERSON": 233_565, "ITEM_PATTERN": 3_306, "PRICE_NOT_POSITIVE": 60}
    bought, refunds, buyers = 0, 0, set[int]()
    for purchases in read_purchases(mapping, survey):
        refunds += int(purchases.refund.sum())
        bought += int((~purchases.refund).sum())
        buyers.update(np.unique(purchases.ordinals[~purchases.refund]).tolist())
    assert (bought, refunds, len(buyers)) == (788_187, 9_102, 5_852)


def test_complete_journey_is_read_to_its_published_counts() -> None:
    survey = take_survey(load_mapping(), io.StringIO())
    assert survey.rows_read == 1_469_307
    assert survey.refused == {"QUANTITY_ZERO": 8_869}
    assert len(survey.people) == 2_469
    assert len(survey.catalogue.ids) == 68_509
