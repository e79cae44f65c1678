#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs a command with a Slurm of one node of its own, started for it and ended after it; needs root, slurm-wlm and munge.
#   slurm_here.sh COMMAND...      exit status 77, with the reason on standard output, where Slurm cannot start here
set -euo pipefail

refuse() {
    echo "Slurm cannot start here: $*"
    exit 77
}
for program in munged slurmctld slurmd sbatch squeue sinfo scontrol; do
    command -v "$program" >/dev/null || PATH=$PATH:/usr/sbin
    command -v "$program" >/dev/null || refuse "there is no $program (packages slurm-wlm and munge)"
done
[[ $EUID -eq 0 ]] || refuse "it needs root"

slurm=$(mktemp -d)
chmod 755 "$slurm"
started=()
# shellcheck disable=SC2317 # called at the end
end_slurm() {
    if ((${#started[@]})); then
        kill "${started[@]}" 2>/dev/null || true
        wait "${started[@]}" 2>/dev/null || true
    fi
    rm -rf "$slurm"
}
trap end_slurm EXIT

host=$(hostname -s)
mkdir "$slurm/state" "$slurm/spool" "$slurm/munge"
chmod 700 "$slurm/munge"
head -c 128 /dev/urandom >"$slurm/munge/key"
chmod 400 "$slurm/munge/key"
munged --foreground --force --key-file="$slurm/munge/key" --socket="$slurm/munge.socket" --pid-file="$slurm/munge/pid" \
    --log-file="$slurm/munge/log" --seed-file="$slurm/munge/seed" >"$slurm/munged.said" 2>&1 &
started+=($!)

# Ports of its own, below those that the kernel hands out.
port=$((20000 + $$ % 10000))
cat >"$slurm/slurm.conf" <<END
ClusterName=here
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$slurm/munge.socket
CredType=cred/munge
StateSaveLocation=$slurm/state
SlurmdSpoolDir=$slurm/spool
SlurmctldPidFile=$slurm/slurmctld.pid
SlurmdPidFile=$slurm/slurmd.pid
SlurmctldLogFile=$slurm/slurmctld.log
SlurmdLogFile=$slurm/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
SchedulerParameters=batch_sched_delay=0,sched_min_interval=1000,bf_interval=1
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=1000
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF=$slurm/slurm.conf
slurmctld -D -c >"$slurm/slurmctld.said" 2>&1 &
started+=($!)
slurmd -D >"$slurm/slurmd.said" 2>&1 &
started+=($!)

for ((tenth = 0; tenth < 300; ++tenth)); do
    if [[ $(sinfo --noheader --format %t 2>/dev/null) == idle ]]; then
        "$@"
        exit $?
    fi
    for process in "${started[@]}"; do
        kill -0 "$process" 2>/dev/null || break 2
    done
    sleep 0.1
done
refuse "$(tail -q -n 2 "$slurm"/*.said "$slurm"/*.log "$slurm/munge/log" 2>/dev/null | tail -4 | tr '\n' ';')"
