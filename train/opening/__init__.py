"""All before the loop's first step: which network, its data and first weights, the first answer, the first state."""
