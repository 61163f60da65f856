#!/bin/bash
# Run a command in an arm64 Debian tree as if on a Raspberry Pi, without root and without touching this machine.
#
#   board.sh ROOT pi3|zero2w|pi4|pi5 HOME COMMAND...
#
# ROOT is the unpacked tree, HOME a folder that becomes the board's home. A user, mount and PID namespace of its own
# holds a private binfmt_misc (kernel 6.7 or newer), so that children of emulated programs are emulated too, and the
# board's own /proc/cpuinfo, device tree, cpufreq and thermal files. BOARD_BEFORE is sourced before the board is entered
# ($root is its tree): tests make it fill disks and take things away there. CPUS is how many cores the board shows.
set -euo pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
root=$1 board=$2 home=$3
shift 3
old="fp asimd evtstrm crc32 cpuid"
new="fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
case $board in
    zero2w) cpu=cortex-a53 part=0xd03 features=$old khz=1000000 model="Raspberry Pi Zero 2 W Rev 1.0" ;;
    pi3) cpu=cortex-a53 part=0xd03 features=$old khz=1200000 model="Raspberry Pi 3 Model B Rev 1.2" ;;
    pi4) cpu=cortex-a72 part=0xd08 features=$old khz=1800000 model="Raspberry Pi 4 Model B Rev 1.4" ;;
    pi5) cpu=cortex-a76 part=0xd0b features=$new khz=2400000 model="Raspberry Pi 5 Model B Rev 1.0" ;;
    *)
        echo "board.sh: no board is called $board" >&2
        exit 2
        ;;
esac
export root home cpu part features khz model CPUS=${CPUS:-2} BOARD_BEFORE=${BOARD_BEFORE:-}
export qemu=${QEMU:-/usr/bin/qemu-aarch64-static}

inside() {
    mount --rbind /dev "$root/dev"
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/tmp"
    mkdir -p "$root/root"
    mount --bind "$home" "$root/root"
    local formats=$root/proc/sys/fs/binfmt_misc
    mount -t binfmt_misc binfmt_misc "$formats"
    local magic='\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
    local mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
    # O, C and F: pass the open file, keep the caller's rights, open qemu now, since it is not in the tree
    printf ':qemu-aarch64:M::%s:%s:%s:OCF' "$magic" "$mask" "$qemu" >"$formats/register"

    mount -t tmpfs tmpfs "$root/sys"
    local sys=$root/sys cores="0-$((CPUS - 1))" i
    mkdir -p "$sys/devices/system/cpu" "$sys/firmware/devicetree/base" "$sys/class/thermal/thermal_zone0"
    for i in possible present online; do echo "$cores" >"$sys/devices/system/cpu/$i"; done
    echo 7 >"$sys/devices/system/cpu/kernel_max"
    : >"$sys/cpuinfo"
    for ((i = 0; i < CPUS; i++)); do
        local core=$sys/devices/system/cpu/cpu$i
        mkdir -p "$core/topology" "$core/cpufreq"
        echo 0 >"$core/topology/physical_package_id"
        echo "$i" >"$core/topology/core_id"
        echo "$i" >"$core/topology/thread_siblings_list"
        echo "$cores" | tee "$core/topology/core_siblings_list" >"$core/topology/package_cpus_list"
        echo "$khz" | tee "$core/cpufreq/cpuinfo_max_freq" >"$core/cpufreq/scaling_cur_freq"
        echo 600000 >"$core/cpufreq/cpuinfo_min_freq"
        echo ondemand >"$core/cpufreq/scaling_governor"
        printf 'processor\t: %d\nBogoMIPS\t: 108.00\nFeatures\t: %s\nCPU implementer\t: 0x41\nCPU architecture: 8\n' \
            "$i" "$features" >>"$sys/cpuinfo"
        printf 'CPU variant\t: 0x0\nCPU part\t: %s\nCPU revision\t: 3\n\n' "$part" >>"$sys/cpuinfo"
    done
    printf 'Serial\t\t: 100000000badcafe\nModel\t\t: %s\n' "$model" >>"$sys/cpuinfo"
    printf '%s\0' "$model" >"$sys/firmware/devicetree/base/model"
    echo 48312 >"$sys/class/thermal/thermal_zone0/temp"
    echo cpu-thermal >"$sys/class/thermal/thermal_zone0/type"
    mkdir -p "$sys/devices/platform/soc/soc:firmware"
    echo 0 >"$sys/devices/platform/soc/soc:firmware/get_throttled"
    mount --bind "$sys/cpuinfo" "$root/proc/cpuinfo"
    if [ -n "$BOARD_BEFORE" ]; then
        # shellcheck disable=SC1090
        source "$BOARD_BEFORE"
    fi
    set +e
    # no exec: as process 1 of its namespace qemu would never see its own fatal signals
    chroot "$root" /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/root LANG=C.UTF-8 QEMU_CPU="$cpu" \
        XDG_RUNTIME_DIR=/tmp "$@"
}
export -f inside
exec unshare --user --map-root-user --mount --pid --fork --kill-child bash --norc -euc 'inside "$@"; exit $?' board "$@"
