"""What a task asks of a compression, one file a task: score, agreement, what stays float, proof, thresholds."""
