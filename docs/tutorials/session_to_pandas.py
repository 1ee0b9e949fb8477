"""Read a recorded session into pandas: python session_to_pandas.py sessions/20261130-202223"""

import sys

import robopatient as rp

session = rp.read_session(sys.argv[1])
print(session)
print("voice:", session.settings["voice"]["identity"], "- recorded", session.start.wall_time_iso)

# One row a press: where, how hard, how much it hurt, how loud and how visible the answer was.
presses = session.presses()
print(presses[["start_s", "region", "peak_newton", "peak_nrs", "peak_level_dbfs", "peak_pspi"]].round(1))

# Curves have the time t_s in common: s from the start of the session.
pain = session.pain()
hurting = pain[pain["nrs"] >= 4.0]
print(f"pain of 4 and more for {100 * len(hurting) / len(pain):.0f} % of the time")

# The face has NaN where nobody saw it; pandas leaves NaN out of a mean.
face = session.face()
print(f"mean PSPI while the face was seen: {face['pspi'].mean():.2f}")

print(session.events().tail())
presses.to_csv("presses_of_session.csv", index=False)
