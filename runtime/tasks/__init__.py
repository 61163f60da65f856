"""What a task asks of the runtime, one file a task: data, evaluation, agreement, steadying, drawing, words."""
