"""The bundles that come with the kit."""
