"""All before the loop's first step: the network that suits, its data and first weights, the first answer and state.

And a look at what the loop would see (`preview.py`), where no more is asked.
"""
