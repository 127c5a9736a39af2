"""The four services as parts: each builds its own store, servicers and feeds, and nothing else.

A part knows the others only through ``links.Links``, whose ports are in this process or behind
a channel; so one process with four parts and four processes with one are the same code.
"""
