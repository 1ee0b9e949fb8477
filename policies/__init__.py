"""Ways to teach a patient: learners and trainers. Never imported by the patient."""
