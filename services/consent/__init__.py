"""ConsentService: the authority, its stream to every replica, and what may be said to it."""
