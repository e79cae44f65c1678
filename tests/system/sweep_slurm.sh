#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A sweep as a job array: its tasks share the points, what they leave is found again, and the table is that of one machine. Against a
# real Slurm of one node where it can start here; the sharing itself is tried everywhere.
source "$(dirname "$0")/support.sh"
source_dir=$1
build_dir=$2
tests=$source_dir/tests/system
memwall=$build_dir/memwall
export MEMWALL_CONFIGS=$source_dir/configs
cd "$work"

cat >s.yaml <<'END'
sweep: s
base: {machine: tiny_von_neumann, network: tiny_conv}
grid:
  machine.clock: {from: 100 MHz, to: 1 GHz, steps: 25, round: 1 kHz}
  batch: {from: 1, to: 20, steps: 20}
END
"$memwall" sweep s.yaml --out whole --then analytic --top 7 >/dev/null 2>&1

# records DIR: "pass point" of every record in its shards
records() {
    for shard in "$1"/shards/*.shard; do
        pass=$(head -1 "$shard" | cut -d' ' -f4)
        tail -n +2 "$shard" | sed "s/^........ \([0-9]*\),.*/$pass \1/"
    done
}

# expect_whole DIR: its table is that of one machine, and no point was run twice
expect_whole() {
    local twice
    cmp -s whole/results.csv "$1/results.csv" || failed "the table of $1 differs from that of one machine"
    twice=$(records "$1" | sort | uniq -d | head -3)
    [[ -z "$twice" ]] || failed "points of $1 were run twice: $twice"
}

# Without Slurm's commands: one line, or the script alone.
status=0
said=$(PATH=/nowhere "$memwall" sweep s.yaml --slurm --out none 2>&1) || status=$?
expect_equal "$status" 2 "the exit status without sbatch"
expect_contains "$said" "error: --slurm: no sbatch in PATH; expected" "what is said without sbatch"
expect_equal "$(wc -l <<<"$said")" 1 "the lines that are said without sbatch"
[[ ! -e none ]] || failed "a folder was made for a sweep that was not submitted"
script=$(PATH=/nowhere "$memwall" sweep s.yaml --slurm --dry-run --array-tasks 3 --jobs 2 --partition main --time 10 \
    --sbatch=--account=lab --out "it's here" 2>/dev/null)
for line in "#SBATCH --array=0-2" "#SBATCH --cpus-per-task=2" "#SBATCH --partition=main" "#SBATCH --time=10" "#SBATCH --account=lab"; do
    expect_contains "$script" "$line" "the script"
done
bash -n <<<"$script" || failed "the script is no shell script"
status=0
said=$("$memwall" sweep s.yaml --array-tasks 3 2>&1) || status=$?
expect_equal "$status:$said" "2:error: --array-tasks: expected --slurm with it" "what is said of --array-tasks alone"

# An sbatch that keeps what it is given, for tasks that are started by hand, all at once.
mkdir bin
cat >bin/sbatch <<END
#!/bin/bash
[[ ! -e "$work/refuse" ]] || { echo "sbatch: error: invalid partition specified: gpu" >&2; exit 1; }
echo "\$*" >>"$work/submitted"
echo "warning: this cluster is slow" >&2
wc -l <"$work/submitted"
END
printf '#!/bin/bash\ncat "%s/queue" 2>/dev/null\n' "$work" >bin/squeue
chmod +x bin/sbatch bin/squeue
submit() { PATH=$work/bin:$PATH "$memwall" sweep s.yaml --slurm --out "$1" --then analytic --top 7 "${@:2}" 2>&1; }
# task SCRIPT JOB NUMBER COUNT
task() { SLURM_ARRAY_JOB_ID=$2 SLURM_ARRAY_TASK_ID=$3 SLURM_ARRAY_TASK_COUNT=$4 timeout -s KILL "${5:-600}" bash "$1" 2>/dev/null; }

said=$(submit shared --array-tasks 3)
expect_contains "$said" "submitted 500 points as jobs 1, 2, 3" "what is said of a submission"
expect_equal "$(grep -c -- "--dependency=afterany:[12] " submitted)" 2 "the jobs that wait for others"
echo 2 >queue
status=0
said=$(submit shared --array-tasks 3) || status=$?
expect_equal "$status" 2 "the exit status of a second submission while the first one waits"
expect_contains "$said" "error: --slurm: this sweep's jobs 2 still wait or run" "what is said of it"
rm queue
tasks=()
exec 3>&2 2>/dev/null # bash tells of every process that is killed
for number in 0 1 2; do
    # The first is killed, as on a node that fails: what it leaves is run by the next submission.
    task shared/slurm/first.sh 1 "$number" 3 "$([[ $number == 0 ]] && echo 0.2 || echo 600)" &
    tasks+=($!)
done
for process in "${tasks[@]}"; do
    wait "$process" || true
done
exec 2>&3
there=$(records shared | wc -l)
said=$("$memwall" sweep s.yaml --out shared --status 2>/dev/null)
expect_contains "$said" "s: $there of 500 points are there" "the status after a task was killed"
expect_contains "$(submit shared --array-tasks 2)" "submitted $((500 - there)) points" "what is left to submit"
for script in first 'then'; do
    task "shared/slurm/$script.sh" "4$script" 0 2 2>/dev/null && failed "a job's number that is none was accepted"
    tasks=()
    for number in 0 1; do
        task "shared/slurm/$script.sh" "4$([[ $script == 'then' ]] && echo 1)" "$number" 2 &
        tasks+=($!)
    done
    wait "${tasks[@]}"
done
bash shared/slurm/collect.sh >/dev/null 2>&1
expect_whole shared
said=$("$memwall" sweep s.yaml --out shared --then analytic --top 7 2>&1 >/dev/null | tail -1)
expect_equal "$said" "500 points, 500 found, 0 failed" "what one machine says of the job array's points"

# What the inputs decide anew is not mixed with what was submitted.
cp -r "$source_dir/configs" own
MEMWALL_CONFIGS=$work/own submit changed >/dev/null
sed -i 's/pipeline: 2 cycles/pipeline: 3 cycles/' own/machines/tiny_von_neumann.yaml
status=0
said=$(MEMWALL_CONFIGS=$work/own SLURM_ARRAY_JOB_ID=9 SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_COUNT=1 \
    bash changed/slurm/first.sh 2>&1) || status=$?
expect_equal "$status" 2 "the exit status of a task whose inputs changed"
expect_contains "$said" "have changed since the sweep was submitted" "what is said of changed inputs"

touch refuse
status=0
said=$(submit refused) || status=$?
expect_equal "$status" 1 "the exit status where sbatch refuses"
expect_contains "$said" "sbatch refuses the job: sbatch: error: invalid partition specified: gpu" "what is said of it"

# Slurm itself: submitted, cancelled on the way, submitted again.
cat >real.sh <<'END'
set -euo pipefail
memwall=$1
"$memwall" sweep s.yaml --slurm --array-tasks 2 --out real --then analytic --top 7 --partition main --time 5
sleep 1
scancel --name memwall-s-first || true
"$memwall" sweep s.yaml --out real --status
until [[ -z $(squeue --noheader) ]]; do sleep 0.2; done
"$memwall" sweep s.yaml --slurm --array-tasks 2 --out real --then analytic --top 7
until [[ -z $(squeue --noheader) ]]; do sleep 0.2; done
"$memwall" sweep s.yaml --out real --status
END
status=0
said=$("$tests/slurm_here.sh" bash real.sh "$memwall" 2>&1) || status=$?
if [[ $status -eq 77 ]]; then
    echo "skipped: ${said##*$'\n'}"
    exit 0
fi
expect_equal "$status" 0 "the exit status with a real Slurm ($said)"
expect_contains "$said" "s: 500 of 500 points are there (100 %), 0 failed" "the status at the end"
expect_whole real
