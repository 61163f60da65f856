"""The camera loop and what it alone needs: newest-frame slots, pace, heat, settings, its summary."""
