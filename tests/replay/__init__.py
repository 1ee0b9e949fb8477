"""Sessions, studies, lessons and files of 0.1 that every later version reads: golden/README.md."""
