#!/bin/sh
# tools/slurm.sh under a Slurm of one machine, started here without systemd: an array encodes, the
# job that depends on it prints the JSON of one process; a task that was lost is submitted again;
# mpirun inside an allocation. Skipped where munged, slurmctld or slurmd is not installed.
# Run after make examples tools. Last line: slurm: N passed, N failed, N skipped.
. "$(dirname "$0")/t.sh"
PATH=$PATH:/usr/sbin:/sbin
out=$(cd "$out" && pwd)
for p in munged slurmctld slurmd sbatch; do
    have $p || { skip "no $p (apt-get install slurm-wlm munge)"; finish; }
done
if [ ! -x "$bin/part_retrieval" ] || [ ! -x "$b/tools/make_creatures" ]; then
    skip "part_retrieval or make_creatures is not built"
    finish
fi

# Ports, key and socket of their own: another Slurm on this machine is not touched.
run=$(mktemp -d)
host=$(uname -n | cut -d. -f1)
pids=
stop()
{
    for p in $pids $(cat "$run"/*.pid 2>/dev/null); do kill "$p" 2>/dev/null; done
    wait
    rm -rf "$run"
}
trap stop EXIT
trap 'exit 1' INT TERM
mkdir "$run/state" "$run/spool"
head -c 128 /dev/urandom >"$run/key"
chmod 400 "$run/key"
export SLURM_CONF="$run/slurm.conf"
cat >"$SLURM_CONF" <<END
ClusterName=check
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
AuthType=auth/munge
AuthInfo=socket=$run/munge
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
StateSaveLocation=$run/state
SlurmdSpoolDir=$run/spool
SlurmctldPidFile=$run/slurmctld.pid
SlurmdPidFile=$run/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES State=UP
END
munged --foreground --force --key-file="$run/key" --socket="$run/munge" \
    --pid-file="$run/munged.pid" --seed-file="$run/seed" --log-file="$run/munged.log" \
    >"$out/munged" 2>&1 &
pids="$pids $!"
until_true test -S "$run/munge"
slurmctld -D >"$out/slurmctld" 2>&1 &
pids="$pids $!"
slurmd -D >"$out/slurmd" 2>&1 &
pids="$pids $!"
idle() { sinfo -h -o %T | grep -q idle; }
if ! until_true idle; then
    skip "Slurm does not start here: $(cat "$out/munged" "$out/slurmctld" "$out/slurmd" |
        grep -iE -m 1 'error|fatal')"
    finish
fi

"$b/tools/make_creatures" --out "$out/creatures" --images 12 >/dev/null 2>"$out/err"
options="--root $out/creatures --parts all --random deit_tiny --json --threads 1 --shard-items 4"
program=$(cd "$bin" && pwd)/part_retrieval
result() { grep -v '"seconds":' "$1"; }
"$program" $options --cache "$out/one" --quiet >"$out/one.json" 2>"$out/err"
check "one process" [ $? -eq 0 ]
result "$out/one.json" >"$out/want"

done_jobs() { [ -z "$(squeue -h)" ]; }
submit() { sbatch --parsable --chdir="$out" "$@" --cpus-per-task=1 tools/slurm.sh "$program" \
    $options --cache "$out/array"; }
id=$(submit --array=0-2)
last=$(submit --dependency="afterok:$id" --output=merged.json)
check "jobs end" until_true done_jobs
result "$out/merged.json" >"$out/out"
check "an array of three and its merge: the JSON of one process" cmp -s "$out/out" "$out/want"
check "three tasks encoded" [ "$(grep -l 'items encoded' "$out"/partaware-*.out | wc -l)" -eq 3 ]

lost=$(find "$out/array" -name '000001-*.npy' | sort | head -n 1)
check "a shard to lose" [ -n "$lost" ]
rm -f "$lost"
last=$(submit --output=refused.txt)
check "job ends" until_true done_jobs
check "a shard is lost: the merge refuses" grep -q 'part_retrieval: ' "$out/refused.txt"
id=$(submit --array=1)
last=$(submit --dependency="afterok:$id" --output=again.json)
check "jobs end again" until_true done_jobs
result "$out/again.json" >"$out/out"
check "its task again, and the merge: the same JSON" cmp -s "$out/out" "$out/want"

# in a folder of its own, as mpi.sh may be building in that of the others
ranks=$out/build/mpi/examples/part_retrieval
if have mpirun && ${MAKE:-make} -s -j1 MPI=1 B="$out/build" OBJECT="$b/partaware.o" "$ranks" \
    >"$out/log" 2>&1; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    rm -f "$out/log"
    salloc -Q -n 2 mpirun "$ranks" $options --cache "$out/ranks" >"$out/ranks.json" 2>"$out/err"
    result "$out/ranks.json" >"$out/out"
    check "mpirun in an allocation of two: the same JSON" cmp -s "$out/out" "$out/want"
else
    skip "no mpirun, or no part_retrieval for it"
fi
finish
