"""Expression becomes sound: gestures, synthesis, playback."""
