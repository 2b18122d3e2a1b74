/* Files in memory, and torch streams of the old form: any pickle as the object of one. After
   partaware.h. */
#ifndef PAW_TEST_STREAMS_H
#define PAW_TEST_STREAMS_H

typedef struct {
    uint8_t *p;
    size_t n;
    long reads_left; /* negative: no fault */
} memory;
static size_t memory_read(void *user, uint64_t offset, void *dst, size_t bytes)
{
    memory *m = (memory *)user;
    size_t k;
    if (m->reads_left == 0) return 0;
    if (m->reads_left > 0) --m->reads_left;
    k = offset >= m->n ? 0 : m->n - (size_t)offset;
    if (k > bytes) k = bytes;
    if (k) memcpy(dst, m->p + offset, k);
    return k;
}
static paw_err open_memory(paw_ctx *c, memory *m, paw_tensors **t)
{
    paw_io io;
    io.read = memory_read;
    io.bytes = m->n;
    io.user = m;
    return paw_tensors_open_io(c, &io, "memory", t);
}

#define STORAGE(class, count, view)                                                                \
    "(U\7storagec" class "\nU\0010U\3cpuK" count view "tQ"
#define TENSOR_OF(storage) "ctorch._utils\n_rebuild_tensor_v2\n(" storage "K\0(K\3t(K\1ttR"
#define TENSOR TENSOR_OF(STORAGE("torch\nFloatStorage", "\6", "N"))
#define TENSOR3(class, count)                                                                      \
    "ctorch._utils\n_rebuild_tensor_v3\n(" STORAGE(class, count, "N")                              \
    "K\3(K\2t(K\1t\x89}ctorch\nint16\ntR"
#define PICKLE(s) s, sizeof s - 1

/* The stream of one object whose storage '0' has `count` elements in 24 bytes: 0, 1, ... as F32. */
static memory legacy_stream(const char *object, size_t bytes, uint8_t count)
{
    static const char before[] = "\x80\2\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\2M\xe9\3."
                                 "\x80\2}U\15little_endian\x88s.\x80\2";
    static const char keys[] = ".\x80\2]U\0010a.";
    const float data[6] = { 0, 1, 2, 3, 4, 5 };
    uint8_t *p = (uint8_t *)calloc(1, sizeof before + bytes + sizeof keys + 8 + sizeof data);
    memory m;
    m.p = p;
    m.reads_left = -1;
    memcpy(p, before, sizeof before - 1);
    memcpy(p += sizeof before - 1, object, bytes);
    memcpy(p += bytes, keys, sizeof keys - 1);
    *(p += sizeof keys - 1) = count;
    memcpy(p + 8, data, sizeof data);
    m.n = (size_t)(p - m.p) + 8 + sizeof data;
    return m;
}
#endif
