"""Which of two films looks more real?"""
