"""Counts become newtons: calibration, tare, spike rejection, contact, centre of pressure, presses."""

from robopatient.sensing.calibration import ForceCalibration, load_calibration
from robopatient.sensing.sensing import Sensing

__all__ = ["ForceCalibration", "Sensing", "load_calibration"]
