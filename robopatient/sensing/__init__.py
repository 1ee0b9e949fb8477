"""Counts become newtons: calibration, tare, spike rejection, contact, centre of pressure, presses."""

from robopatient.sensing.calibration import Calibration, load_calibration
from robopatient.sensing.sensing import Sensing

__all__ = ["Calibration", "Sensing", "load_calibration"]
