"""Does the face fit the press?"""
