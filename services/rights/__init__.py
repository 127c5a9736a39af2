"""RightsService: what people may ask about themselves and have done, with proof of who asks."""
