"""Boxes and labels by hand in the browser: what is to be labelled, what has been, and the data sets that come of it.

The page's own files lie in `page/`; how they are served is `live/http/`, what a data set looks like is `datasets/`.
"""
