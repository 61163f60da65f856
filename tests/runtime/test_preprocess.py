"""The pixel path: geometry against a slow reference, numbers against the formula they stand for."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from edgelens.runtime.errors import UsageError
from edgelens.runtime.preprocess import (
    PixelContract,
    Region,
    TensorContract,
    fit_frame,
    pixel_values,
    to_tensor,
    view_of,
)

SIZES = [(1, 1), (1, 300), (300, 1), (7, 5), (97, 33), (240, 320), (721, 1283), (64, 64)]


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def smooth(height, width, seed=0):
    return cv2.resize(picture(5, 7, seed), (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("resize", ["stretch", "letterbox", "crop"])
@pytest.mark.parametrize("how", ["halves", "area", "linear", "cubic"])
def test_every_size_policy_filter_and_colour_gives_the_contract_s_picture(resize, how):
    for (height, width), color, (h, w) in itertools.product(SIZES, ["rgb", "bgr", "gray"], [(32, 32), (24, 40)]):
        contract = PixelContract(h, w, color, resize, how)
        pixels, placement = fit_frame(picture(height, width), contract)
        assert pixels.shape == (h, w, contract.channels)
        assert pixels.dtype == np.uint8
        x, y, view_w, view_h = placement.view
        assert 0 <= x <= x + view_w <= width
        assert 0 <= y <= y + view_h <= height
        assert placement.view == view_of(height, width, contract)


def test_a_picture_of_the_right_size_passes_untouched():
    image = picture(32, 48)
    for resize in ("stretch", "letterbox", "crop"):
        np.testing.assert_array_equal(fit_frame(image, PixelContract(32, 48, "bgr", resize))[0], image)
        np.testing.assert_array_equal(fit_frame(image, PixelContract(32, 48, "rgb", resize))[0], image[..., ::-1])
    gray = np.repeat(picture(32, 48)[..., :1], 3, axis=2)
    np.testing.assert_array_equal(fit_frame(gray, PixelContract(32, 48, "gray"))[0], gray[..., :1])


def test_the_crop_is_the_largest_centred_part_of_the_networks_proportions():
    image = picture(100, 300)
    square, placement = fit_frame(image, PixelContract(100, 100, "bgr", "crop"))
    assert placement.view == (100, 0, 100, 100)
    np.testing.assert_array_equal(square, image[:, 100:200])
    assert view_of(300, 100, PixelContract(50, 100)) == (0, 125, 100, 50)


@pytest.mark.parametrize("anchor", ["center", "topleft"])
def test_letterbox_keeps_proportions_and_fills_the_rest(anchor):
    contract = PixelContract(64, 64, "bgr", "letterbox", pad=114, anchor=anchor)
    pixels, placement = fit_frame(np.zeros((100, 200, 3), np.uint8), contract)
    inside = (pixels == 0).all(axis=2)
    assert inside.sum() == 32 * 64
    assert (pixels[~inside] == 114).all()
    top = 16 if anchor == "center" else 0
    assert inside[top : top + 32].all()
    assert (placement.offset_x, placement.offset_y) == (0, top)


def test_halving_is_the_mean_of_whole_blocks():
    image = picture(64, 96)
    quarter, _ = fit_frame(image, PixelContract(16, 24, "bgr", "stretch", "halves"))
    half = image.reshape(32, 2, 48, 2, 3).astype(float).mean((1, 3))
    exact = np.floor(half + 0.5).reshape(16, 2, 24, 2, 3).mean((1, 3))
    assert np.abs(quarter - exact).max() <= 1


@pytest.mark.parametrize("size", [(721, 1283), (480, 640), (900, 300), (1080, 1920)])
def test_halving_stays_near_the_area_filter_where_linear_aliases(size):
    fine = cv2.GaussianBlur(picture(*size), (0, 0), 1.5)
    area, _ = fit_frame(fine, PixelContract(40, 40, "bgr", "stretch", "area"))
    halves, _ = fit_frame(fine, PixelContract(40, 40, "bgr", "stretch", "halves"))
    linear, _ = fit_frame(fine, PixelContract(40, 40, "bgr", "stretch", "linear"))
    off = [np.abs(other.astype(int) - area).mean() for other in (halves, linear)]
    assert off[0] < 0.5 * off[1]


def test_gray_is_made_after_resizing_and_weighs_the_colours():
    image = np.zeros((40, 40, 3), np.uint8)
    image[..., 2] = 255  # red
    assert fit_frame(image, PixelContract(20, 20, "gray"))[0][0, 0, 0] == round(0.299 * 255)


@pytest.mark.parametrize("resize", ["stretch", "letterbox", "crop"])
@pytest.mark.parametrize("how", ["halves", "area", "linear", "cubic"])
def test_a_region_gives_what_its_cut_out_gives(resize, how):
    image = smooth(200, 310)
    contract = PixelContract(48, 64, "rgb", resize, how)
    for region in (Region(30, 40, 155, 97), Region(0.1, 0.25, 0.5, 0.7)):
        x, y, w, h = region.pixels(200, 310)
        through, placement = fit_frame(image, contract, region)
        alone, own = fit_frame(image[y : y + h, x : x + w].copy(), contract)
        np.testing.assert_array_equal(through, alone)
        assert placement.view[:2] == (own.view[0] + x, own.view[1] + y)
    whole, _ = fit_frame(image, contract, Region(0, 0, 1, 1))
    np.testing.assert_array_equal(whole, fit_frame(image, contract)[0])


@pytest.mark.parametrize("resize", ["stretch", "letterbox", "crop"])
@pytest.mark.parametrize("size", [(240, 320), (101, 333), (500, 77)])
def test_boxes_found_in_the_input_lie_right_in_the_frame(resize, size):
    """A bright square is drawn in the frame, found again in the network's picture, and carried back."""
    height, width = size
    contract = PixelContract(96, 128, "gray", resize, "area", pad=0)
    x, y, w, h = view_of(height, width, contract)
    box = np.array([x + w * 0.3, y + h * 0.4, w * 0.35, h * 0.3]).round().astype(int)
    image = np.zeros((height, width, 3), np.uint8)
    image[box[1] : box[1] + box[3], box[0] : box[0] + box[2]] = 255
    pixels, placement = fit_frame(image, contract)
    weight_x, weight_y = pixels[..., 0].max(0) / 255, pixels[..., 0].max(1) / 255
    seen = [
        np.argmax(weight_x > 0) + 1 - weight_x[np.argmax(weight_x > 0)],
        np.argmax(weight_y > 0) + 1 - weight_y[np.argmax(weight_y > 0)],
    ]
    found = placement.to_frame(np.array([[*seen, seen[0] + weight_x.sum(), seen[1] + weight_y.sum()]]))[0]
    np.testing.assert_allclose(found, box, atol=1.0)


def test_boxes_are_clipped_to_the_frame():
    _, placement = fit_frame(picture(50, 100), PixelContract(32, 32, resize="letterbox"))
    assert placement.to_frame(np.array([[-50.0, -50, 90, 90]])).tolist() == [[0, 0, 100, 50]]
    assert placement.to_frame(np.empty((0, 4))).shape == (0, 4)


@pytest.mark.parametrize(
    ("text", "pixels"),
    [("10,20,30,40", (10, 20, 30, 40)), (".25,.5,.5,.5", (80, 120, 160, 120)), ("0,0,1,1", (0, 0, 320, 240)),
     ("300,200,500,500", (300, 200, 20, 40)), ("319,239,1,1", (319, 239, 1, 1)), ("900,900,5,5", (319, 239, 1, 1))],
)  # fmt: skip
def test_regions_in_pixels_and_fractions_stay_inside_the_frame(text, pixels):
    assert Region.parse(text).pixels(240, 320) == pixels


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d", "-1,0,5,5", "0,0,0,5", "nan,0,1,1", "0,0,inf,1",
                                  ".5,0,1.5,.5", "0,0,.5,300", "10.5,0,20,20", ".5,.5,.6,.5", "1,1,1,1"])  # fmt: skip
def test_regions_that_make_no_sense_are_refused(text):
    with pytest.raises(UsageError, match="--roi"):
        Region.parse(text)


TENSORS = {
    "uint8 as it is": (TensorContract(dtype="uint8"), lambda p: p),
    "int8, its top bit flipped": (TensorContract(dtype="int8", mean=(128.0,)), lambda p: p - 128.0),
    "float 0 to 1": (TensorContract(dtype="float32", std=(255.0,)), lambda p: p / 255),
    "float -1 to 1": (TensorContract(dtype="float32", mean=(127.0,), std=(128.0,)), lambda p: (p - 127) / 128),
    "half": (TensorContract(dtype="float16", std=(255.0,)), lambda p: p / 255),
    "of ImageNet": (
        TensorContract(dtype="float32", mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375)),
        lambda p: (p - np.array([123.675, 116.28, 103.53])) / np.array([58.395, 57.12, 57.375]),
    ),
    "quantized real values": (
        TensorContract(dtype="int8", mean=(127.5,), std=(127.5,), scale=0.02, zero_point=-5),
        lambda p: np.clip(np.rint((p - 127.5) / 127.5 / 0.02 - 5), -128, 127),
    ),
    "the kit's own": (
        TensorContract(dtype="uint8", mean=(128.0,), std=(128.0,), scale=1 / 128, zero_point=128),
        lambda p: p,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_numbers_are_what_the_formula_says(name, layout):
    contract, formula = TENSORS[name]
    contract = TensorContract(
        contract.name, layout, *[getattr(contract, f) for f in ("dtype", "mean", "std", "scale", "zero_point")]
    )
    pixels = picture(6, 5)
    tensor = to_tensor(pixels, contract)
    expected = formula(pixels.astype(np.float64))[None]
    expected = expected.transpose(0, 3, 1, 2) if layout == "NCHW" else expected
    assert tensor.dtype == np.dtype(contract.dtype)
    assert tensor.flags.c_contiguous
    np.testing.assert_allclose(tensor.astype(np.float64), expected, rtol=2e-3 if contract.dtype == "float16" else 1e-6)
    both = to_tensor(np.stack([pixels, pixels]), contract)
    np.testing.assert_array_equal(both[1], tensor[0])


def test_the_kits_own_quantization_costs_no_look_up():
    assert pixel_values(TENSORS["the kit's own"][0]) is None
    assert pixel_values(TENSORS["uint8 as it is"][0]) is None
