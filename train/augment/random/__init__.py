"""The draws that techniques share: keyed to picture and epoch, for some pictures of a batch."""
