"""The person's page: what is known of them, what it is used for, and their say in it.

A small web application in a process of its own. It calls the suite as any backend does, through
``veilgraph.client`` and the gateway, under a caller's name with no more than it needs, and as a
registered verifier it attests who signed in. It keeps nothing: what it must remember of a visit
lies sealed in the visitor's own cookie, for a quarter of an hour at most.
"""
