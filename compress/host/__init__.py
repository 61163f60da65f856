"""What the machine gives a compression: scratch folders, and silence from talkative packages."""
