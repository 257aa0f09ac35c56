"""The files that stages leave: one module for each, which both the stage and its readers use.

Import the module of the file that you mean: what a training can reach shall not change with the scores' form.
"""
