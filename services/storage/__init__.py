"""Stores: what implements the domain packages' store ports."""
