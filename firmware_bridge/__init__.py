"""From a sensor board's bytes to counts with a host time: knows nothing of pain."""
