"""Documents in, ranked and scored passages out."""
