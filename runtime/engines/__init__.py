"""Engines run one model file on arrays; nothing about labels or boxes lives here (that is decode/)."""
