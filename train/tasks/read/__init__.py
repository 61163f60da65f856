"""Reading: what is written in a picture, learned by CTC from pictures with their texts and from writing made up."""
