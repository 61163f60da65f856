"""Counting right and wrong, as pure functions of arrays; running a model over a data set is model/'s."""
