"""What tests of several folders share: what a machine may lack, and a desk to sit at. Not part of the product."""
