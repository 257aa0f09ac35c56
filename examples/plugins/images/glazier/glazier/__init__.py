"""Glazier, the worked example of a plug-in: a small residual network that learns to take reflections out."""
