"""Statistics that learners, evaluations and analyses share: intervals over people, the ordered logit, reliability."""
