"""``python -m robopatient`` is the command ``robopatient``."""

from robopatient.cli import app

if __name__ == "__main__":
    app(prog_name="robopatient")
