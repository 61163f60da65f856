"""The bundles that come with the kit, by the names that every verb takes; how they were made: benchmarks/builtin."""
