"""Newtons become pain: who the patient is and what a press feels like to them."""

from robopatient.patient.model import Patient
from robopatient.patient.profile import PatientProfile, load_patient
from robopatient.patient.tenderness import TenderSite

__all__ = ["Patient", "PatientProfile", "TenderSite", "load_patient"]
