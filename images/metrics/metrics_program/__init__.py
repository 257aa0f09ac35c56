"""The program of the image `metrics`: prepares datasets and scores predictions."""
