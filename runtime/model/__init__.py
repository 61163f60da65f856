"""From a name to a recognizer: a bundle or bare file is opened, its engine chosen and remembered, proven and asked."""
