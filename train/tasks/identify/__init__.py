"""Which of many, shown later and not before: a network whose features tell identities apart."""
