"""Augmentation on whole batches of tensors, the same code on CPU and GPU, every draw keyed by (seed, epoch, sample)."""

from .apply import apply, normalised
from .catalog import RECIPES, mirror_is_safe, recipe
from .recipe import Recipe, recipe_from_json, recipe_to_json

__all__ = [
    "RECIPES",
    "Recipe",
    "apply",
    "mirror_is_safe",
    "normalised",
    "recipe",
    "recipe_from_json",
    "recipe_to_json",
]
