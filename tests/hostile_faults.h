/* Rows of group G: resources, concurrency, lifecycle. See hostile.c for what a row asks for and
   for the helpers: H checks under the row's id, h_begin and h_within measure, h_program runs an
   example, h_context makes a metered context whose meter.fail_at-th allocation fails. A row is a
   function here, a script in tests/ whose check has the id in its text, or a reason why it does
   not apply; a row with none of the three counts as skipped. */
#ifndef PAW_TEST_HOSTILE_FAULTS_H
#define PAW_TEST_HOSTILE_FAULTS_H

/* ---- a small model and what it says of two images ---- */

enum { HG_PX = 32, HG_DIM = 64, HG_N = 2 };
static paw_model *hg_model(paw_ctx *c, paw_err *e)
{
    paw_random_spec s;
    paw_tensors *t = NULL;
    paw_model *m = NULL;
    memset(&s, 0, sizeof s);
    s.recipe = PAW_BEIT;
    s.image_px = HG_PX;
    s.patch_px = 8;
    s.dim = HG_DIM;
    s.depth = 2;
    s.seed = 9;
    *e = paw_tensors_random(c, &s, &t);
    if (!*e) *e = paw_model_from_tensors(c, t, NULL, &m);
    paw_tensors_close(t);
    return m;
}
static const float *hg_pixels(void)
{
    static float chw[HG_N * 3 * HG_PX * HG_PX + 1];
    size_t i;
    for (i = chw[0] < 0 ? sizeof chw / sizeof *chw : 0; i < sizeof chw / sizeof *chw; ++i)
        chw[i] = (float)(i * 37 % 101) / 50 - 1;
    return chw;
}
static paw_err hg_encode(const paw_model *m, paw_ctx *c, const float *chw, uint64_t *hash)
{
    float cls[HG_N * HG_DIM];
    paw_outputs o;
    paw_err e;
    memset(&o, 0, sizeof o);
    o.cls = cls;
    e = paw_encode(m, c, chw, HG_N, HG_PX, HG_PX, &o);
    if (!e) *hash = paw_hash(cls, sizeof cls, 0);
    return e;
}

/* ---- rows ---- */

static void hg_memory(void)
{
    const size_t live = meter.live;
    paw_ctx *c = h_context(1, 0);
    uint64_t want = 0, got = 0;
    paw_err e;
    paw_model *m = hg_model(c, &e);
    long n;
    H(m && !hg_encode(m, c, hg_pixels(), &want), "%s", paw_message(c));
    paw_model_free(m);
    h_begin();
    for (n = 1;; ++n) {
        meter.calls = 0;
        meter.fail_at = n;
        m = hg_model(c, &e);
        if (!e) e = hg_encode(m, c, hg_pixels(), &got);
        if (meter.calls < n) break;
        meter.fail_at = 0;
        if (!H(e == PAW_E_OOM || (!e && got == want), "allocation %ld: code %d", n, e)) break;
        if (m && !H(!hg_encode(m, c, hg_pixels(), &got) && got == want, "used after %ld", n)) break;
        paw_model_free(m);
    }
    meter.fail_at = 0;
    paw_model_free(m);
    paw_destroy(c);
    H(n > 50 && meter.live == live, "%ld allocations; %zu bytes are held", n, meter.live - live);
    h_within("each allocation of loading and encoding", 0);
}
/* In a process of its own: 0 where every check held, else its number. */
static int hg_child(int (*run)(void))
{
    int status = 0;
    const pid_t pid = fork();
    if (!pid) _exit(run());
    if (pid < 0 || waitpid(pid, &status, 0) != pid) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
static int hg_narrow(void)
{
    struct rlimit most;
    paw_ctx *c = NULL;
    uint8_t *file;
    uint64_t hash;
    size_t n;
    paw_model *m;
    paw_err e;
    if (paw_create(NULL, &c)) return 1;
    most.rlim_cur = most.rlim_max = h_resident("VmSize:") + 64 * MEGA;
    if (setrlimit(RLIMIT_AS, &most)) return 2;
    if (paw_file_read(c, h_path("sparse"), &file, &n) != PAW_E_OOM) return 3;
    if (!strstr(paw_message(c), "out of memory")) return 4;
    m = hg_model(c, &e);
    if (!m || hg_encode(m, c, hg_pixels(), &hash)) return 5;
    paw_model_free(m);
    paw_destroy(c);
    return 0;
}
static void hg_address_space(void)
{
    int k;
    h_text("sparse", "");
    if (truncate(h_path("sparse"), (off_t)(300 * MEGA))) abort();
    if (SANITIZED) {
        H_SKIP("sanitizers reserve the address space");
        return;
    }
    h_begin();
    k = hg_child(hg_narrow);
    H(k == 0, "300 MB where 64 are left: check %d", k);
    h_within("little address space", 0);
}
static void hg_isas(void)
{
    const int was = paw_isa();
    uint64_t first = 0, hash = 0;
    paw_err e;
    paw_model *m;
    int isa;
    for (isa = PAW_ISA_SCALAR; isa <= PAW_ISA_AVX512 + 1; ++isa) {
        const int got = paw_isa_limit(isa);
        H(got <= isa && paw_isa_supported(got), "limit %d gives %d", isa, got);
        H(isa > PAW_ISA_AVX512 || (got == isa) == paw_isa_supported(isa), "%s", paw_isa_name(isa));
        m = hg_model(ctx, &e);
        H(m && !hg_encode(m, ctx, hg_pixels(), &hash), "%s: %s", paw_isa_name(got),
          paw_message(ctx));
        if (!isa) first = hash;
        H(hash == first, "%s: other bits", paw_isa_name(got));
        paw_model_free(m);
    }
    H(!paw_isa_supported(-1) && !paw_isa_supported(99) && paw_isa_name(99), "outside the enum");
    paw_isa_limit(was);
    printf("note features %016llx, at most %s\n", (unsigned long long)first, paw_isa_name(was));
}
static struct {
    const paw_model *m;
    uint64_t want;
    int wrong; /* atomic */
} hg_shared;
static void *hg_host(void *threads)
{
    paw_config config;
    paw_ctx *c = NULL;
    uint64_t hash = 0;
    int i;
    memset(&config, 0, sizeof config);
    config.threads = *(int *)threads;
    if (paw_create(&config, &c)) return NULL;
    for (i = 0; i < 3; ++i)
        if (hg_encode(hg_shared.m, c, hg_pixels(), &hash) || hash != hg_shared.want)
            __atomic_add_fetch(&hg_shared.wrong, 1, __ATOMIC_RELAXED);
    paw_destroy(c);
    return NULL;
}
static void hg_threads(void)
{
    static int counts[] = { 1, 2, 7, 64 };
    static int wide[8] = { 1, 2, 3, 4, 1, 2, 3, 4 };
    pthread_t hosts[8];
    paw_err e;
    paw_model *m = hg_model(ctx, &e);
    size_t i;
    hg_shared.m = m;
    hg_shared.wrong = 0;
    if (!H(m && !hg_encode(m, ctx, hg_pixels(), &hg_shared.want), "%s", paw_message(ctx))) return;
    h_begin();
    for (i = 0; i < sizeof counts / sizeof *counts; ++i) {
        (void)hg_host(&counts[i]);
        H(!hg_shared.wrong, "%d threads: other bits", counts[i]);
    }
    for (i = 0; i < 8; ++i)
        if (pthread_create(&hosts[i], NULL, hg_host, &wide[i])) abort();
    for (i = 0; i < 8; ++i) pthread_join(hosts[i], NULL);
    H(!hg_shared.wrong, "8 threads of the host, each with a context: other bits");
    h_within("many threads", 64 * MEGA);
    paw_model_free(m);
}
static void hg_modes(void)
{
#if defined(PAW__X86)
    const unsigned modes[] = { 0x1f80u | 0x8040u, 0x1f80u | 0x6000u, 0x1f80u | 0x2000u | 0x8000u,
                               0x1d80u /* invalid operations trap */ };
    uint64_t want = 0, got = 0;
    paw_err e;
    paw_model *m = hg_model(ctx, &e);
    size_t i;
    H(m && !hg_encode(m, ctx, hg_pixels(), &want), "%s", paw_message(ctx));
    for (i = 0; i < 4; ++i) {
        unsigned after;
        _mm_setcsr(modes[i]);
        e = hg_encode(m, ctx, hg_pixels(), &got);
        after = _mm_getcsr();
        _mm_setcsr(0x1f80u);
        H(!e && got == want, "MXCSR %04x: other bits", modes[i]);
        H((after & 0xffc0u) == modes[i], "MXCSR %04x became %04x", modes[i], after);
    }
    paw_model_free(m);
#else
    H_SKIP("not x86: tests/faults.c sets what C99 can");
#endif
}
static void hg_arguments(void)
{
    float chw[3], out[3] = { 7, 7, 7 };
    double d = 7, box[4] = { 0, 0, 4, 4 };
    const size_t shape[1] = { 3 };
    uint64_t want = 0, got = 0;
    paw_image img = { NULL, 0, 0 }, other = { NULL, 0, 0 };
    paw_mask mask = { NULL, 0, 0 };
    paw_tensors *t = NULL;
    paw_model_info info;
    paw_store_spec spec;
    paw_store *s = NULL;
    paw_head_opts o;
    paw_head *h = NULL;
    paw_index x;
    paw_files files;
    paw_poses poses;
    paw_outputs none;
    paw_dense dense;
    size_t n = 7;
    paw_err e;
    paw_model *m = hg_model(ctx, &e);
    memset(&spec, 0, sizeof spec);
    memset(&o, 0, sizeof o);
    memset(&none, 0, sizeof none);
    memset(&dense, 0, sizeof dense);
    memset(chw, 0, sizeof chw);
    h_begin();
#define ARG(call) H((call) == PAW_E_ARG, "%s", #call)
    ARG(paw_create(NULL, NULL));
    ARG(paw_tensors_open(NULL, "x", &t));
    ARG(paw_tensors_open(ctx, NULL, &t));
    ARG(paw_tensors_open_io(ctx, NULL, "x", &t));
    ARG(paw_tensors_info(NULL, 0, NULL));
    ARG(paw_tensors_find(NULL, "x", &n));
    ARG(paw_tensors_read(ctx, NULL, 0, PAW_F32, out, 3));
    ARG(paw_safetensors_save(ctx, NULL, NULL, 0, NULL));
    ARG(paw_npy_save(ctx, NULL, out, 1, shape));
    ARG(paw_model_load(NULL, NULL, NULL, &m));
    ARG(paw_model_from_tensors(ctx, NULL, NULL, &m));
    ARG(paw_tensors_random(ctx, NULL, &t));
    ARG(paw_model_convert(ctx, NULL, NULL, "x"));
    ARG(paw_encode(NULL, ctx, chw, 1, HG_PX, HG_PX, &none));
    ARG(paw_encode(m, NULL, chw, 1, HG_PX, HG_PX, &none));
    ARG(paw_encode(m, ctx, NULL, 1, HG_PX, HG_PX, &none));
    ARG(paw_encode(m, ctx, chw, 1, HG_PX, HG_PX, NULL));
    ARG(paw_project(NULL, ctx, PAW_LOGITS, chw, 1, out));
    ARG(paw_embed(m, ctx, NULL, NULL, out));
    ARG(paw_file_read(ctx, NULL, NULL, NULL));
    ARG(paw_image_decode(ctx, NULL, 0, "x", &img));
    ARG(paw_image_load(ctx, NULL, &img));
    ARG(paw_image_resize(ctx, NULL, 4, 4, PAW_BICUBIC, &other));
    ARG(paw_image_resize(ctx, &img, 4, 4, PAW_BICUBIC, &img)); /* in and out are one */
    ARG(paw_image_resize_short(ctx, &img, 0, &other));
    ARG(paw_image_crop(ctx, &img, box, &other));
    ARG(paw_image_center_crop(ctx, NULL, 4, 4, &other));
    ARG(paw_image_resize_linear(ctx, NULL, 4, 4, &other));
    ARG(paw_mask_decode(ctx, NULL, 0, "x", &mask));
    ARG(paw_mask_load(ctx, NULL, &mask));
    ARG(paw_mask_resize(ctx, NULL, 4, 4, 1, &mask));
    ARG(paw_files_list(ctx, NULL, &files));
    ARG(paw_index_cub(NULL, "x", NULL, &x));
    ARG(paw_index_cub(ctx, NULL, NULL, &x));
    ARG(paw_index_coco_parts(ctx, NULL, NULL, &x));
    ARG(paw_index_coco_objects(ctx, NULL, NULL, &x));
    ARG(paw_index_cifar10(ctx, NULL, NULL, &x));
    ARG(paw_index_folders(ctx, NULL, NULL, &x));
    ARG(paw_index_list(ctx, NULL, NULL, &x));
    ARG(paw_index_hash(ctx, NULL, &want));
    ARG(paw_item_image(ctx, NULL, &img, 4, 0, &other));
    ARG(paw_reader_item(ctx, NULL, NULL, 4, 0, &other));
    ARG(paw_reader_augment(ctx, NULL, NULL, 4, 0, 0, 0, &other));
    ARG(paw_file_hash(ctx, NULL, 0, &want));
    ARG(paw_store_open(ctx, NULL, &s));
    ARG(paw_store_open(ctx, &spec, &s)); /* no name, no shape */
    ARG(paw_store_write(ctx, NULL, 0, out));
    ARG(paw_store_read(ctx, NULL, &n, 1, PAW_F32, out));
    ARG(paw_seg_files_list(ctx, NULL, NULL, NULL));
    ARG(paw_average_precision(ctx, NULL, NULL, 3, &d));
    ARG(paw_retrieval_ap(ctx, NULL, 3, 1, NULL, 0, &d));
    ARG(paw_retrieval_ap(ctx, out, 3, 0, NULL, 0, &d));
    ARG(paw_retrieval_topk(ctx, NULL, 1, NULL, 1, 1, 1, 0, NULL, NULL));
    ARG(paw_knn(ctx, NULL, 1, NULL, NULL, 1, 1, 1, NULL, NULL, NULL));
    ARG(paw_head_create(ctx, NULL, &h));
    ARG(paw_head_create(ctx, &o, &h)); /* width and classes 0 */
    ARG(paw_head_train(NULL, ctx, NULL, NULL, NULL));
    ARG(paw_head_predict(NULL, ctx, NULL, out));
    ARG(paw_head_save(NULL, ctx, "x", NULL));
    ARG(paw_head_load(ctx, NULL, &h));
    ARG(paw_seg_count(ctx, NULL, NULL, 3, 3, NULL));
    ARG(paw_pose_evaluate(ctx, NULL, 3, NULL, 0, NULL));
    ARG(paw_dense_create(ctx, 0, 0, 0, &dense));
    ARG(paw_dense_save(ctx, "x", NULL, NULL));
    ARG(paw_dense_load(ctx, NULL, &dense));
    ARG(paw_poses_load(ctx, NULL, NULL, &poses));
#undef ARG
    H(!t && !s && !h && !img.px && !mask.px && n == 7 && out[0] == 7 && d == 7 && m,
      "an output was touched");
    /* Nothing to do is no error; NULL may be freed; a pointer need not be aligned to a vector. */
    none.cls = out;
    H(!paw_encode(m, ctx, NULL, 0, HG_PX, HG_PX, &none), "no images: %s", paw_message(ctx));
    H(!paw_retrieval_ap(ctx, NULL, 0, 1, NULL, 0, NULL), "no rows: %s", paw_message(ctx));
    paw_model_describe(NULL, &info);
    H(!info.dim && !paw_model_hash(NULL) && !paw_threads_used(NULL) && paw_message(NULL), "NULL");
    paw_destroy(NULL);
    paw_model_free(NULL);
    paw_tensors_close(NULL);
    paw_store_close(NULL);
    paw_head_free(NULL);
    paw_image_free(ctx, NULL);
    paw_mask_free(ctx, NULL);
    paw_index_free(ctx, NULL);
    paw_poses_free(ctx, NULL);
    paw_dense_free(ctx, NULL);
    paw_reader_free(ctx, NULL);
    {
        static float moved[HG_N * 3 * HG_PX * HG_PX + 1];
        memcpy(moved + 1, hg_pixels(), sizeof moved - sizeof *moved);
        H(!hg_encode(m, ctx, hg_pixels(), &want) && !hg_encode(m, ctx, moved + 1, &got) &&
          got == want, "pixels one float further on: other bits");
    }
    h_within("bad arguments", 0);
    paw_model_free(m);
}

static const h_row hostile_faults[] = {
    { "G1", "the n-th allocation fails, for every n, in every function", hg_memory, NULL,
      "loading and encoding here; every function of the header in tests/faults.c" },
    { "G2", "little address space, a cgroup's limit", hg_address_space, "machine.sh",
      "a cgroup's limit kills without a word: stay below it by --batch and --threads; what is held "
      "is bounded and stated (MEMORY, LIMITS)" },
    { "G3", "a worker thread cannot be made", NULL, NULL,
      "tests/faults.c: pthread_create fails from the first, second, third worker on under every "
      "function: the same results; paw_threads_used says how many there are, programs say it" },
    { "G4", "cache folder unwritable, missing, a file, stale", NULL, "resume.sh", NULL },
    { "G5", "full disk, short writes, interrupted calls", NULL, "machine.sh",
      "each call on a file in tests/faults.c: EIO, ENOSPC, EINTR, half a transfer" },
    { "G6", "interrupted, terminated, killed, power lost", NULL, "resume.sh",
      "power: files are on the disk (fsync) before they get their name; make soak kills more" },
    { "G7", "damaged, cut, foreign cache shards", NULL, "resume.sh", NULL },
    { "G8", "two processes, one cache", NULL, "resume.sh", NULL },
    { "G9", "weights or images changed under the same name", NULL, "resume.sh", NULL },
    { "G10", "instruction sets that are not there", hg_isas, "machine.sh", NULL },
    { "G11", "any number of threads, one model in many", hg_threads, NULL, NULL },
    { "G12", "the host's floating-point modes", hg_modes, NULL,
      "every function of the header in tests/faults.c" },
    { "G13", "NULL, unaligned, empty, overlapping arguments", hg_arguments, NULL,
      "no struct of the API has a size member" },
    { "G14", "output closed, no terminal, a narrow one", NULL, "machine.sh", NULL },
    { "G15", "clocks that jump", NULL, NULL,
      "durations are of the monotonic clock; the other one only decides which temporary files are "
      "old, and in tests/faults.c it jumps both ways under the store" },
    { "G16", "shards out of range, of other settings", NULL, "mpi.sh", NULL },
};
#endif
