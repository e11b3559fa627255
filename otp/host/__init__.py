"""Where the process lives: what its surroundings are told of a tree, and what is looked after outside supervision."""
