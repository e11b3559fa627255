"""One module for each service: a function that returns its tree."""
