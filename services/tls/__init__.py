"""Mutual TLS: which certificate a process shows, and for whom one that is shown to it speaks."""
