"""What a compression writes: bundle, card, report, thresholds fitted on what ships; the format is runtime/bundle's."""
