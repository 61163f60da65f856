"""How long a model will take on a board that is not here: a cost model of operators, with its interval and its data."""
