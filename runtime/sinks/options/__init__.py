"""What each sink can be told: one file a sink. Nothing heavy is imported: the command line is made from these."""
