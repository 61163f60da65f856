"""From a torch graph to the files that other programs run; numbers go to 8 bits in quantize/."""
