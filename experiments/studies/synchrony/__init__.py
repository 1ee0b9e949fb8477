"""From which delay on is a reaction late?"""
