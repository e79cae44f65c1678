#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A sweep that is killed at random moments, or finds its disk full, loses no finished point and makes none twice or wrong.
#   MEMWALL_KILLS   how often it is killed (20)
source "$(dirname "$0")/support.sh"
source_dir=$1
build_dir=$2
kills=${MEMWALL_KILLS:-20}
RANDOM=7

cat >"$work/s.yaml" <<'END'
sweep: s
base: {machine: tiny_von_neumann, network: tiny_conv}
grid:
  machine.clock: {from: 100 MHz, to: 1 GHz, steps: 25, round: 1 kHz}
  batch: {from: 1, to: 20, steps: 20}
END
# In a subshell of its own, which becomes the program: so its process is the one that is killed.
sweep() (exec "$build_dir/memwall" sweep "$work/s.yaml" --configs "$source_dir/configs" --jobs 2 "$@")

# finished DIR: how many different points the shards of DIR hold
finished() {
    { cat "$1"/shards/*.shard 2>/dev/null || true; } | { grep -a '^........ [0-9]*,.*,done,' || true; } |
        sed 's/^........ \([0-9]*\),.*/\1/' | sort -u | wc -l
}

sweep --out "$work/whole" >/dev/null 2>&1

before=0
for ((kill = 0; kill < kills; ++kill)); do
    exec 3>&2 2>/dev/null  # bash tells of every process that is killed
    "$build_dir/memwall" sweep "$work/s.yaml" --configs "$source_dir/configs" --jobs 2 --out "$work/killed" >/dev/null 2>&1 &
    parent=$!
    sleep "0.0$((RANDOM % 9 + 1))"
    # The sweep itself, one of its workers, or a simulation of one; where none is there yet, what it would come from.
    victim=$parent
    for ((generation = RANDOM % 3; generation > 0; --generation)); do
        child=$(ps -o pid= --ppid "$victim" | head -1 || true)
        victim=${child:-$victim}
    done
    kill -9 "$victim" 2>/dev/null || true
    sleep 0.02
    kill -9 "$parent" 2>/dev/null || true
    wait "$parent" || true
    exec 2>&3
    now=$(finished "$work/killed")
    [[ $now -ge $before ]] || failed "of $before finished points $now are left after kill $kill"
    before=$now
done
said=$(sweep --out "$work/killed" 2>&1 >/dev/null | tail -1)
expect_equal "$said" "500 points, $before found, 0 failed" "what the last run says"
cmp -s "$work/whole/results.csv" "$work/killed/results.csv" || failed "the results differ from those of a run in peace"

# What a fault leaves at the end of a shard is not read, and its points are run again.
shards=("$work"/killed/shards/*.shard)
last=${shards[-1]}
head -c -5 "$last" >"$work/cut" && cp "$work/cut" "$last"
printf 'garbage' >>"$last"
sweep --out "$work/killed" >/dev/null 2>&1
cmp -s "$work/whole/results.csv" "$work/killed/results.csv" || failed "the results differ after the end of a shard was damaged"

# A full disk: the sweep says so and keeps what it has.
mkdir "$work/small"
if mount -t tmpfs -o size=64k none "$work/small" 2>/dev/null; then
    trap 'umount "$work/small"; rm -rf "$work"' EXIT
    status=0
    said=$(sweep --out "$work/small/out" 2>&1 >/dev/null) || status=$?
    expect_equal "$status" 1 "the exit status on a full disk"
    expect_contains "$said" "No space left on device" "what is said of a full disk"
    kept=$(finished "$work/small/out")
    mount -o remount,size=16m "$work/small"
    said=$(sweep --out "$work/small/out" 2>&1 >/dev/null | tail -1)
    expect_equal "$said" "500 points, $kept found, 0 failed" "what is said when there is room again"
    cmp -s "$work/whole/results.csv" "$work/small/out/results.csv" || failed "the results differ after a full disk"
else
    echo "skipped: no tmpfs can be mounted here, so a full disk is not tried"
fi

# Ctrl-C: it ends at once and its workers with it, and the same command goes on.
sed 's/steps: 25/steps: 50/' "$work/s.yaml" >"$work/long.yaml"
"$build_dir/memwall" sweep "$work/long.yaml" --configs "$source_dir/configs" --jobs 2 --out "$work/stopped" >/dev/null 2>"$work/said" &
parent=$!
for ((try = 0; try < 500; ++try)); do
    [[ $(finished "$work/stopped") -eq 0 ]] || break
    sleep 0.01
done
workers=$(ps -o pid= --ppid "$parent" || true)
kill -INT "$parent"
status=0
wait "$parent" || status=$?
expect_equal "$status" 1 "the exit status after Ctrl-C"
expect_contains "$(cat "$work/said")" "error: interrupted" "what is said after Ctrl-C"
for worker in $workers; do
    ! kill -0 "$worker" 2>/dev/null || failed "worker $worker goes on after Ctrl-C"
done
kept=$(finished "$work/stopped")
[[ $kept -gt 0 && $kept -lt 1000 ]] || failed "Ctrl-C came too late: $kept of 1000 points were done"
said=$("$build_dir/memwall" sweep "$work/long.yaml" --configs "$source_dir/configs" --jobs 2 --out "$work/stopped" 2>&1 >/dev/null | tail -1)
expect_equal "$said" "1000 points, $kept found, 0 failed" "what is said when it goes on after Ctrl-C"

# A point that needs more memory than there is: it failed for that, the others did not, and it is tried again where there is more.
cat >"$work/memory.yaml" <<'END'
sweep: memory
base: {engine: systemc}
list:
  - {machine: tiny_von_neumann, network: tiny_conv, batch: 1}
  - {machine: northpole, network: resnet50, batch: 32}
  - {machine: tiny_von_neumann, network: tiny_linear, batch: 1}
END
in_little() (ulimit -v 70000 && exec "$build_dir/memwall" "$@" --configs "$source_dir/configs")
if in_little run --machine tiny_von_neumann --network tiny_conv >/dev/null 2>&1; then
    status=0
    said=$(in_little sweep "$work/memory.yaml" --jobs 2 --out "$work/memory" 2>&1 >/dev/null | tail -1) || status=$?
    expect_equal "$status:$said" "1:3 points, 0 found, 1 failed" "what is said in little memory"
    expect_equal "$(cut -d, -f1,5,6 "$work/memory/results.csv" | sed -n 3p)" "1,failed,out of memory" "the point without memory"
    said=$("$build_dir/memwall" sweep "$work/memory.yaml" --configs "$source_dir/configs" --out "$work/memory" 2>&1 >/dev/null | tail -1)
    expect_equal "$said" "3 points, 2 found, 0 failed" "what is said where there is more memory"
else
    echo "skipped: this build does not start in 70 MB of addresses, so that no point can run out of them"
fi

# Two at once: whoever comes second waits a while, then refuses; between them they leave what one alone would.
sweep --out "$work/both" >/dev/null 2>"$work/first" &
first=$!
second=0
first_status=0
sweep --out "$work/both" >/dev/null 2>"$work/second" || second=$?
wait "$first" || first_status=$?
[[ $first_status -eq 0 || $second -eq 0 ]] || failed "both of two sweeps at once failed"
for said in first second; do
    last=$(tail -1 "$work/$said")
    [[ $last == "500 points, "*" found, 0 failed" || $last == "error: another sweep is at work in '$work/both'" ]] ||
        failed "the $said of two sweeps ended with '$last'"
done
cmp -s "$work/whole/results.csv" "$work/both/results.csv" || failed "the results differ after two sweeps in one folder"
