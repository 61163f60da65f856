"""What a device was taught: names with their exemplars in one file, and who or what is nearest to a picture."""
