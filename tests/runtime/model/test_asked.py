"""A network under other names: what each name was held to goes with its class."""

import dataclasses

from edgelens.runtime.model.asked import with_names
from edgelens.runtime.model.open import open_model

GERMAN = ("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "leere Hand")


def test_what_means_nothing_is_there_means_so_by_another_name():
    assert open_model("sign-digits").manifest.main.decode.background == ("nothing",)
    assert open_model("sign-digits", labels=GERMAN).manifest.main.decode.background == ("leere Hand",)
    numbers = [*map(str, range(10)), "none of these"]
    assert open_model("sign-digits", labels=numbers).manifest.main.decode.background == ("none of these",)


def test_each_class_keeps_its_own_threshold():
    network = open_model("sign-digits").manifest.main
    strict = dataclasses.replace(network, decode=dataclasses.replace(network.decode, thresholds={"1": 0.9, "3": 0.2}))
    renamed = with_names(strict, GERMAN)
    assert renamed.labels == GERMAN
    assert [renamed.decode.least(name) for name in ("eins", "drei", "zwei")] == [0.9, 0.2, network.decode.threshold]
