"""Probes read another root's files as they would this machine's, and say what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from board_files import put

from edgelens.devices.probes import board_probe
from edgelens.devices.probes.throttle import decode_throttled, throttling


def test_an_empty_board_invents_nothing(tmp_path: Path) -> None:
    probe = board_probe(tmp_path)
    reading = probe.read()
    assert (reading.temperature_c, reading.clock_mhz, reading.throttled, reading.power_w) == (None,) * 4
    assert set(probe.missing()) == {"temperature", "clock", "throttling", "power", "governor", "clock limit"}


def test_a_raspberry_pi(tmp_path: Path) -> None:
    put(tmp_path, "sys/class/thermal/thermal_zone0/temp", "48312\n")
    put(tmp_path, "sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
    put(tmp_path, "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1500000\n")
    put(tmp_path, "sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n")
    put(tmp_path, "proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 512000 kB\n")
    reading = board_probe(tmp_path).read()
    assert (reading.temperature_c, reading.clock_mhz, reading.throttled) == (48.312, 1500.0, True)
    assert reading.memory_free_mb == 500.0
    assert throttling(tmp_path).reasons == ("under-voltage", "throttled")


def test_of_two_processors_the_hotter_one_counts(tmp_path: Path) -> None:
    for zone, milli in ((0, "81000"), (1, "45000")):
        put(tmp_path, f"sys/class/thermal/thermal_zone{zone}/temp", milli)
        put(tmp_path, f"sys/class/thermal/thermal_zone{zone}/type", "x86_pkg_temp")
    assert board_probe(tmp_path).read().temperature_c == 81.0


@pytest.mark.parametrize(
    ("bits", "now", "ever"), [(0, False, False), (0x1, True, True), (0x50000, False, True), (0x8, True, True)]
)
def test_throttle_bits(bits: int, now: bool, ever: bool) -> None:
    state = decode_throttled(bits, "test")
    assert (state.now, state.since_boot) == (now, ever)


def test_a_counter_that_grows_is_throttling(tmp_path: Path) -> None:
    path = "sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count"
    put(tmp_path, path, "3")
    probe = board_probe(tmp_path)
    assert probe.read().throttled is False
    put(tmp_path, path, "4")
    assert probe.read().throttled is True
    assert probe.read().throttled is False


def test_a_fan_is_no_throttling(tmp_path: Path) -> None:
    put(tmp_path, "sys/class/thermal/cooling_device0/type", "pwm-fan")
    put(tmp_path, "sys/class/thermal/cooling_device0/cur_state", "2")
    assert board_probe(tmp_path).read().throttled is None
    put(tmp_path, "sys/class/thermal/cooling_device1/type", "cpufreq-cpu0")
    put(tmp_path, "sys/class/thermal/cooling_device1/cur_state", "1")
    assert board_probe(tmp_path).read().throttled is True


def test_jetson_power_is_the_input_rail(tmp_path: Path) -> None:
    sensor = "sys/class/hwmon/hwmon1"
    put(tmp_path, f"{sensor}/name", "ina3221")
    for channel, label, volts, amps in ((1, "VDD_CPU_GPU_CV", 5000, 300), (2, "VDD_IN", 5000, 1200)):
        put(tmp_path, f"{sensor}/in{channel}_label", label)
        put(tmp_path, f"{sensor}/in{channel}_input", str(volts))
        put(tmp_path, f"{sensor}/curr{channel}_input", str(amps))
    assert board_probe(tmp_path).read().power_w == 6.0


def test_rapl_needs_two_looks_and_survives_its_wrap(tmp_path: Path) -> None:
    energy = "sys/class/powercap/intel-rapl:0/energy_uj"
    put(tmp_path, "sys/class/powercap/intel-rapl:0/max_energy_range_uj", "1000000000")
    put(tmp_path, energy, "999000000")
    probe = board_probe(tmp_path)
    assert probe.read().power_w is None
    put(tmp_path, energy, "1000000")
    import time

    time.sleep(0.01)
    watts = probe.read().power_w
    assert watts is not None and 0 < watts < 2 / 0.01
    (tmp_path / "sys/class/powercap/intel-rapl:0/max_energy_range_uj").unlink()
    put(tmp_path, energy, "500000")
    time.sleep(0.01)
    assert probe.read().power_w is None  # where it wraps is not known: it was a negative power


def test_broken_sensors_are_missing_sensors(tmp_path: Path) -> None:
    put(tmp_path, "sys/class/thermal/thermal_zone0/temp", "N/A")
    put(tmp_path, "proc/cpuinfo", "cpu MHz : fast\n")
    assert board_probe(tmp_path).read().temperature_c is None
    assert board_probe(tmp_path).read().clock_mhz is None
