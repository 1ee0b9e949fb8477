"""Programs that look at pictures in environments of their own: nothing here is imported by this project's."""
