"""HTTP for the live service: who may ask, how much, how answers are written; what is shown lives in live/."""
