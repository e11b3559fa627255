"""Intel: news feeds in, articles out; the trades of massive in, signals out."""
