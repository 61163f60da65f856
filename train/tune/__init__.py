"""The search for training settings on Optuna, shared by many processes and machines."""
