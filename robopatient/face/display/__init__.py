"""From a picture of the face to light on a screen, a robot's head or a mask: profiles, warps, patterns, calibration."""
