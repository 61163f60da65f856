"""What each source can be told: one file a kind. Nothing heavy is imported: the command line is made from these."""
