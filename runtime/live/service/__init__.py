"""POST /v1/recognize: pictures that are sent, the engine that answers, its counts and description; no camera."""
