"""What followed things do in a picture's places: lines they cross, zones they stay in, counts that are kept."""
