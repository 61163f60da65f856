"""The short trainings that repair or replace a network, and the pictures they see."""
