"""ProfileService: events in, and on to whoever may know of them."""
