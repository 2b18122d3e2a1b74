/* Rows of group G: resources, concurrency, lifecycle. See hostile.c for what a row asks for and
   for the helpers: H checks under the row's id, h_begin and h_within measure, h_program runs an
   example, h_context makes a metered context whose meter.fail_at-th allocation fails. A row is a
   function here, a script in tests/ whose check has the id in its text, or a reason why it does
   not apply; a row with none of the three counts as skipped. */
#ifndef PAW_TEST_HOSTILE_FAULTS_H
#define PAW_TEST_HOSTILE_FAULTS_H

static const h_row hostile_faults[] = {
    { "G1", "the n-th allocation fails, for every n, in every function", NULL, NULL, NULL },
    { "G2", "little address space, a cgroup's limit", NULL, NULL, NULL },
    { "G3", "a worker thread cannot be made", NULL, NULL, NULL },
    { "G4", "cache folder unwritable, missing, a file, stale", NULL, NULL, NULL },
    { "G5", "full disk, short writes, interrupted calls", NULL, NULL, NULL },
    { "G6", "interrupted, terminated, killed, power lost", NULL, NULL, NULL },
    { "G7", "damaged, cut, foreign cache shards", NULL, NULL, NULL },
    { "G8", "two processes, one cache", NULL, NULL, NULL },
    { "G9", "weights or images changed under the same name", NULL, NULL, NULL },
    { "G10", "instruction sets that are not there", NULL, NULL, NULL },
    { "G11", "any number of threads, one model in many", NULL, NULL, NULL },
    { "G12", "the host's floating-point modes", NULL, NULL, NULL },
    { "G13", "NULL, unaligned, empty, overlapping arguments", NULL, NULL, NULL },
    { "G14", "output closed, no terminal, a narrow one", NULL, NULL, NULL },
    { "G15", "clocks that jump", NULL, NULL, NULL },
    { "G16", "shards out of range, of other settings", NULL, NULL, NULL },
};
#endif
