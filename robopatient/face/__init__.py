"""Expression becomes a face: action units, rig, identity, pixels."""
