"""Scores of steps become text: greedily, within words or a pattern, with a probability that is one."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from edgelens.runtime.bundle.manifest import Decode, Network
from edgelens.runtime.decode.ctc import CHARACTER_SCORES, CtcOptions, ctc, steps_of
from edgelens.runtime.decode.spelling.alignment import confidences, likelihood, spoken
from edgelens.runtime.decode.spelling.automaton import accepts, columns_of, places_in
from edgelens.runtime.decode.spelling.beam import likeliest
from edgelens.runtime.decode.spelling.lexicon import Lexicon
from edgelens.runtime.decode.spelling.pattern import Pattern
from edgelens.runtime.errors import ModelError, UsageError
from edgelens.runtime.preprocess import PixelContract, fit_frame
from edgelens.runtime.recognitions import UNKNOWN_ID

ALPHABET = "ABC12"
PLACEMENT = fit_frame(np.zeros((8, 8, 3), np.uint8), PixelContract(8, 8))[1]


def decoder(threshold=0.0, **options):
    decode = Decode("ctc", threshold=threshold, options={"alphabet": list(ALPHABET), **options})
    network = Network("read", ("text",), PixelContract(8, 8), (), decode, ())
    made = ctc(network, CtcOptions.of(decode))
    return lambda outputs: made({"scores": outputs}, PLACEMENT)


def said(path, sure=0.9, alphabet=ALPHABET, blank=0):
    """Scores (1, T, C) of one character a step; _ is the blank."""
    columns = [0 if c == "_" else alphabet.index(c) + 1 for c in path]
    steps = np.full((len(path), len(alphabet) + 1), (1 - sure) / len(alphabet))
    steps[np.arange(len(path)), columns] = sure
    return np.roll(steps, blank, axis=1)[None].astype(np.float32)


def random_steps(steps=5, characters=3, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(characters + 1, 0.5), steps)


def by_counting(steps):
    """Every text's probability: that of all paths that say it."""
    found = {}
    for path in itertools.product(range(steps.shape[1]), repeat=len(steps)):
        text = tuple(c for c, _ in itertools.groupby(path) if c)
        found[text] = found.get(text, 0.0) + float(np.prod(steps[np.arange(len(steps)), path]))
    return found


@pytest.mark.parametrize(
    ("path", "text"), [("A", "A"), ("AA_A", "AA"), ("__AB__", "AB"), ("AABBB1", "AB1"), ("_1_1_", "11")]
)
def test_repeats_are_one_and_blanks_part_them(path, text):
    seen = decoder()(said(path))
    assert seen.texts == (text,)
    assert [row.label for row in seen] == ["text"]
    assert seen.names == (text,)


@pytest.mark.parametrize("options", [{}, {"lexicon": ["AB"]}, {"pattern": "AAA"}])
def test_a_network_that_broke_down_reads_nothing(options):
    assert len(decoder(**options)(np.full((1, 9, 6), np.nan, np.float32))) == 0


def test_nothing_written_is_no_row():
    assert len(decoder()(said("____"))) == 0


@pytest.mark.parametrize("seed", range(5))
def test_a_texts_probability_is_that_of_all_ways_to_say_it(seed):
    steps = random_steps(seed=seed)
    wanted = by_counting(steps)
    assert sum(wanted.values()) == pytest.approx(1)
    for text, probability in wanted.items():
        assert likelihood(steps, text) == pytest.approx(probability, abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_the_search_finds_the_likeliest_of_the_words(seed):
    steps = random_steps(seed=seed)
    everything = by_counting(steps)
    words = [(1, 2), (1,), (2, 2), (3, 1, 2), (3,), (1, 3)]
    assert likeliest(steps, Lexicon(tuple(words)), 64) == max(words, key=lambda word: everything[word])


@pytest.mark.parametrize("seed", range(20))
def test_the_search_finds_the_likeliest_of_a_pattern(seed):
    steps = random_steps(seed=seed)
    fitting = {t: p for t, p in by_counting(steps).items() if re.fullmatch("[ab]c+", "".join("_abc"[c] for c in t))}
    found = likeliest(steps, Pattern("[ab]c+", "abc"), 64)
    assert fitting[found] == pytest.approx(max(fitting.values()))


def test_what_is_likely_and_may_not_end_leaves_room_for_what_may():
    steps = said("1_2_A", sure=0.999)[0].astype(np.float64)
    found = likeliest(steps, Pattern(r"\d{2}[A-C]{2}", ALPHABET), 4)
    assert found is not None
    assert accepts(Pattern(r"\d{2}[A-C]{2}", ALPHABET), found)


@pytest.mark.parametrize("expression", [
    "A", "AB|C", "(AB)*", "A?B+", r"\d{2}", "[A-C]{1,2}1", "[^A]+", ".", ".*2", "(A|BC)+1?", r"\w\d", "A{2,}", "^AB$",
    "A{0}", "(?:A|)B", "[A12]", "[-A]", r"[\dA]B",
])  # fmt: skip
def test_a_pattern_is_what_python_says_it_is(expression):
    pattern = Pattern(expression, ALPHABET)
    for length in range(4):
        for text in map("".join, itertools.product(ALPHABET, repeat=length)):
            columns = columns_of(text, places_in(ALPHABET))
            assert columns is not None
            assert accepts(pattern, columns) == bool(re.fullmatch(expression, text)), text


@pytest.mark.parametrize(("expression", "what"), [
    ("(A", "without its"), ("A)", "too many"), ("[A", "ends in the middle"), ("*A", "nothing before it"),
    ("A{", "no number"), ("A{3,2}", "larger number last"), ("A{999}", "at most 99"), (r"\b", "not known here"),
    ("Z", "no text of this model's alphabet"), ("[C-A]", "runs backwards"), ("A" * 201, "longer than"), ("\\", "ends"),
])  # fmt: skip
def test_a_pattern_that_cannot_be_is_one_line(expression, what):
    with pytest.raises(UsageError, match=what):
        Pattern(expression, ALPHABET)


def test_a_pattern_decides_what_a_doubtful_step_says():
    steps = said("A_B_1")
    steps[0, 2, 2], steps[0, 2, 5] = 0.5, 0.4  # B, or 2
    assert decoder()(steps).texts == ("AB1",)
    assert decoder(pattern=r"[A-C]\d\d")(steps).texts == ("A21",)


def test_words_decide_too_and_a_pattern_among_them():
    steps = said("A_B_1", sure=0.6)
    assert decoder(lexicon=["CB1", "A21", "zzz"])(steps).texts[0] in ("CB1", "A21")
    assert decoder(lexicon=["CB1", "A21"], pattern=r"[A-C]\d+")(steps).texts == ("A21",)
    assert decoder(lexicon=["ab1"])(said("A_B_1")).texts == ("AB1",)  # in the alphabet's own case
    with pytest.raises(UsageError, match="none of its 1 words"):
        decoder(lexicon=["xyz"])


def test_a_long_alphabet_is_gone_through_as_often_for_a_thousand_words_as_for_one():
    class Counted(tuple):
        __slots__ = ()
        gone_through = 0

        def __iter__(self):
            Counted.gone_through += 1
            return super().__iter__()

    counts, network = [], Network("read", (), PixelContract(8, 8), (), Decode("ctc"), ())
    for words in (("AB1",), ("AB1",) * 1000):
        Counted.gone_through = 0
        ctc(network, CtcOptions(Counted(ALPHABET), lexicon=words))
        counts.append(Counted.gone_through)
    assert counts[0] == counts[1]


def test_what_is_too_unsure_is_unknown_and_still_says_what_was_read():
    seen = decoder(threshold=0.9)(said("A_B", sure=0.6))
    assert seen.ids.tolist() == [UNKNOWN_ID]
    assert seen.texts == ("AB",)
    assert seen.names == ("unknown",)


def test_each_character_says_how_sure_it_is():
    steps = said("A_B_1")
    steps[0, 2] = [0.1, 0.1, 0.5, 0.1, 0.1, 0.1]
    seen = decoder()(steps)
    assert seen.extra[CHARACTER_SCORES][0] == pytest.approx([0.9, 0.5, 0.9])
    assert [round(value, 2) for value in seen[0].to_dict()[CHARACTER_SCORES]] == [0.9, 0.5, 0.9]
    assert seen[0].to_dict()["text"] == "AB1"


@pytest.mark.parametrize("seed", range(5))
def test_characters_of_the_likeliest_path_are_as_sure_as_their_steps(seed):
    steps = random_steps(6, seed=seed)
    sure = confidences(steps, spoken(steps))
    runs = [list(run) for _, run in itertools.groupby(range(6), lambda t: int(steps[t].argmax()))]
    wanted = [max(steps[t].max() for t in run) for run in runs if steps[run[0]].argmax()]
    assert sure == pytest.approx(wanted)


def test_every_layout_is_the_same_steps():
    rows = said("AB_1")
    wanted = steps_of(rows, CtcOptions())
    assert steps_of(rows.transpose(1, 0, 2), CtcOptions()) == pytest.approx(wanted)
    assert steps_of(rows.transpose(0, 2, 1), CtcOptions(steps="columns")) == pytest.approx(wanted)
    assert steps_of(said("AB_1", blank=-1), CtcOptions(blank="last")) == pytest.approx(wanted)
    assert steps_of(np.log(rows), CtcOptions()) == pytest.approx(wanted, rel=1e-4)  # logits


def test_an_alphabet_that_does_not_fit_is_one_line():
    with pytest.raises(ModelError, match="gives 4 scores a step, its alphabet has 5"):
        decoder()(np.zeros((1, 3, 4), np.float32))
    with pytest.raises(ModelError, match="--labels FILE"):
        decoder(alphabet=None)


def test_what_words_brought_the_reading_to_is_known_though_it_is_less_likely_than_plain_readings():
    doubtful = said("A_1", 0.9)
    doubtful[0, 2] = 0.05
    doubtful[0, 2, [4, 5]] = 0.6, 0.2  # 1, else 2
    plain, steered = decoder(0.5)(doubtful), decoder(0.5, lexicon=["A2", "B1"])(doubtful)
    assert (plain.texts, plain.ids.tolist()) == (("A1",), [0])
    assert (steered.texts, steered.ids.tolist()) == (("A2",), [0]) and float(steered.scores[0]) < 0.2
    assert decoder(0.5, lexicon=["CCC"])(doubtful).ids.tolist() == [UNKNOWN_ID]
    asked = Network("read", ("text",), PixelContract(8, 8), (), Decode("ctc", 0.5, options={}), ())
    held = ctc(asked, CtcOptions(alphabet=tuple(ALPHABET), lexicon=("A2", "B1")))
    assert held({"scores": doubtful}, PLACEMENT, 0.5).ids.tolist() == [UNKNOWN_ID]  # who asks decides


def test_what_leaves_the_same_behind_is_one_state_that_is_found_without_a_look_inside():
    """Of counts in counts a state has hundreds of parts: hashed and compared at every step they took seconds."""
    pattern = Pattern("(([ABC]{1,9}1?){1,9}2?){1,9}", ALPHABET)
    states = [pattern.after(pattern.after(pattern.start, one), other) for one in (1, 2, 3) for other in (1, 2, 3)]
    assert all(state is states[0] for state in states) and len(states[0].parts) > 1
    assert Pattern("(([ABC]{1,9}1?){1,9}2?){1,9}", ALPHABET).start is pattern.start
    assert type(states[0]).__hash__ is object.__hash__ and type(states[0]).__eq__ is object.__eq__


def test_a_dollar_that_is_meant_ends_a_pattern():
    assert accepts(Pattern(r"\d\$", [*"12", "$"]), (1, 3))
    assert accepts(Pattern(r"\d$", [*"12"]), (1,))
