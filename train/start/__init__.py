"""Where a network's first weights come from: the kit's own, an earlier run's, a teacher's answers beside the labels."""
