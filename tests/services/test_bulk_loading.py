"""While a great deal is loaded the collector does not run; afterwards it does as before."""

import gc

import pytest

from services.bulk_loading import bulk_loading


@pytest.mark.parametrize("runs", [True, False])
def test_the_collector_is_paused_and_afterwards_as_it_was_even_if_loading_fails(runs):
    before = gc.isenabled()
    try:
        gc.enable() if runs else gc.disable()
        with pytest.raises(RuntimeError), bulk_loading():
            assert not gc.isenabled()
            raise RuntimeError
        assert gc.isenabled() is runs
    finally:
        gc.enable() if before else gc.disable()
