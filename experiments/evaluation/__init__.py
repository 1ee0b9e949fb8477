"""What a voice, a face generator and a policy are worth, measured on people who were held out."""
