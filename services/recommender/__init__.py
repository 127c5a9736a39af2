"""RecommenderService: the index in service, training, evaluation."""
