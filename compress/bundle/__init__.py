"""What a compression writes: bundle, card and report; the format itself is runtime/bundle's."""
