"""One press, felt, heard and seen, as a film. No hardware is needed."""

import robopatient as rp

patient = rp.load_patient("appendicitis")
press = rp.press(newton=20, region="right iliac", hold_s=1.0)

# The same seed gives the same press, pain, voice and face on every machine.
episode = rp.simulate(patient, press, seed=1)

print(f"{patient.name}: {patient.complaint}")
print(f"pain felt, NRS 0 to 10:  {episode.pain['nrs'].max():.1f}")
print(f"pain shown, PSPI 0 to 16: {episode.motion['pspi'].max():.1f}")
print(f"sound: {len(episode.sound) / episode.sample_rate_hz:.1f} s at {episode.sample_rate_hz} Hz")

film = episode.film("press.mp4", size_px=256, replace=True)
print(f"watch {film}")
