"""Lag is told for every reader, by names of feeds and numbers of partitions only."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from services.lag import Lags


def test_each_reader_has_its_line_and_says_how_far_behind_it_is_now():
    """The figure is that of the moment it is asked for."""
    registry = CollectorRegistry()
    lags, behind = Lags(registry), {"graph": 0, "events": 4}
    lags.watch("graph", lambda: behind["graph"])
    lags.watch("events", lambda: behind["events"], 3)
    behind["graph"] = 7
    told = generate_latest(registry).decode()
    assert 'veilgraph_feed_lag{feed="graph",partition=""} 7.0' in told
    assert 'veilgraph_feed_lag{feed="events",partition="3"} 4.0' in told
