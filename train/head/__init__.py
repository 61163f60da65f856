"""Answer first: what a trunk that has seen the world says of every photo, kept, and a head fitted on it in seconds.

Nothing here changes the trunk; that is the loop's, and on what it has made of one a head may be fitted once more.
"""
