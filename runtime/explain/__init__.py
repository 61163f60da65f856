"""What a model saw in a picture: its answer's parts, each with the places that its score would fall without."""
