"""The program of the image `inference`."""
