#!/bin/sh
# One program on many machines, as a job array of Slurm over a shared folder:
#     id=$(sbatch --parsable --array=0-15 --cpus-per-task=16 tools/slurm.sh PROGRAM OPTIONS)
#     sbatch --dependency=afterok:$id --cpus-per-task=16 tools/slurm.sh PROGRAM OPTIONS
# The tasks encode a sixteenth each into --cache, the second job prints the result. A task that was
# lost is submitted again by its number, --array=7; it goes on where it was.
#SBATCH --job-name=partaware
#SBATCH --output=partaware-%A_%a.out
if [ -n "${SLURM_CPUS_PER_TASK:-}" ]; then export PAW_THREADS="$SLURM_CPUS_PER_TASK"; fi
if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then exec "$@" --shard array --quiet; fi
exec "$@" --merge
