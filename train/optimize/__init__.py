"""How weights move: optimizers, schedules, averages, number formats, several processes, and the watch for trouble."""
