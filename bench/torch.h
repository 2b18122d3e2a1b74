/* Writes tensors in memory as torch.save does: a stored zip with a pickled dict and one entry a
   storage, data aligned to 64 bytes. Include after bench.h, in load.c. */
#ifndef PAW_BENCH_TORCH_H
#define PAW_BENCH_TORCH_H

typedef struct {
    paw__out out;
    paw__text head, directory; /* of the entry in hand; of all */
    uint64_t at;               /* bytes written */
    size_t entries;
} torch_file;

static void torch_le(paw__text *t, uint64_t v, int bytes)
{
    for (; bytes > 0; --bytes, v >>= 8) {
        const char byte = (char)(v & 127) | (char)(v & 128 ? -128 : 0);
        paw__text_add(t, &byte, 1);
    }
}
static void torch_string(paw__text *t, const char *s) /* BINUNICODE */
{
    paw__text_put(t, "X");
    torch_le(t, strlen(s), 4);
    paw__text_put(t, s);
}
static void torch_write(torch_file *o, const void *p, size_t n)
{
    paw__out_write(&o->out, p, n);
    o->at += n;
}
/* From "version needed to extract" on, as far as local header and directory agree. */
static void torch_fields(paw__text *t, uint32_t crc, size_t bytes, const char *name, size_t extra)
{
    torch_le(t, 0, 2 * 5);
    torch_le(t, crc, 4);
    torch_le(t, bytes, 4);
    torch_le(t, bytes, 4);
    torch_le(t, strlen(name), 2);
    torch_le(t, extra, 2);
}
static void torch_entry(torch_file *o, const char *name, const void *p, size_t bytes)
{
    static const char zeros[64] = {0};
    const size_t pad = (64 - (size_t)(o->at + 30 + strlen(name) + 4) % 64) % 64;
    const uint32_t crc = paw__crc32((const uint8_t *)p, bytes);
    paw__text *h = &o->head, *d = &o->directory;
    paw__text_add(d, "PK\1\2\0\0", 6);
    torch_fields(d, crc, bytes, name, 0);
    torch_le(d, 0, 2 * 3 + 4);
    torch_le(d, o->at, 4);
    paw__text_put(d, name);
    h->n = 0;
    paw__text_add(h, "PK\3\4", 4);
    torch_fields(h, crc, bytes, name, pad + 4);
    paw__text_put(h, name);
    paw__text_put(h, "FB");
    torch_le(h, pad, 2);
    paw__text_add(h, zeros, pad);
    torch_write(o, h->s, h->n);
    torch_write(o, p, bytes);
    ++o->entries;
}
static void torch_end(torch_file *o)
{
    const uint64_t from = o->at, bytes = o->directory.n;
    torch_write(o, o->directory.s, o->directory.n);
    o->head.n = 0;
    paw__text_add(&o->head, "PK\5\6\0\0\0\0", 8);
    torch_le(&o->head, o->entries, 2);
    torch_le(&o->head, o->entries, 2);
    torch_le(&o->head, bytes, 4);
    torch_le(&o->head, from, 4);
    torch_le(&o->head, 0, 2);
    torch_write(o, o->head.s, o->head.n);
}
/* name: torch._utils._rebuild_tensor_v2(storage key, 0, shape, stride, False, OrderedDict()) */
static void torch_pickle(paw__text *t, const paw_tensor_info *x, const char *key)
{
    size_t stride = x->count;
    int i;
    torch_string(t, x->name);
    paw__text_put(t, "ctorch._utils\n_rebuild_tensor_v2\n((");
    torch_string(t, "storage");
    paw__text_put(t, "ctorch\nFloatStorage\n");
    torch_string(t, key);
    torch_string(t, "cpu");
    paw__text_put(t, "J");
    torch_le(t, x->count, 4);
    paw__text_put(t, "tQJ");
    torch_le(t, 0, 4);
    paw__text_put(t, "(");
    for (i = 0; i < x->ndim; ++i) {
        paw__text_put(t, "J");
        torch_le(t, x->shape[i], 4);
    }
    paw__text_put(t, "t(");
    for (i = 0; i < x->ndim; ++i) {
        stride /= x->shape[i];
        paw__text_put(t, "J");
        torch_le(t, stride, 4);
    }
    paw__text_put(t, "t\x89" "ccollections\nOrderedDict\n)RtR");
}
/* At most 4 GB, with float32 tensors in memory that are not empty. */
static paw_err torch_save(paw_ctx *c, const paw_tensors *t, const char *path)
{
    torch_file o;
    paw__text pickle;
    paw_tensor_info x;
    char name[48];
    size_t i;
    paw_err e;
    memset(&o, 0, sizeof o);
    memset(&pickle, 0, sizeof pickle);
    o.head.c = o.directory.c = pickle.c = c;
    e = paw__out_open(&o.out, c, path);
    if (e != PAW_OK) return e;
    paw__text_put(&pickle, "\x80\2}(");
    for (i = 0; i < paw_tensors_count(t); ++i) {
        (void)paw_tensors_info(t, i, &x);
        snprintf(name, sizeof name, "%zu", i);
        torch_pickle(&pickle, &x, name);
    }
    paw__text_put(&pickle, "u.");
    torch_entry(&o, "archive/data.pkl", pickle.s, pickle.n);
    for (i = 0; i < paw_tensors_count(t); ++i) {
        (void)paw_tensors_info(t, i, &x);
        snprintf(name, sizeof name, "archive/data/%zu", i);
        torch_entry(&o, name, ((const paw__tensor *)t->items[i])->data, x.count * sizeof(float));
    }
    torch_entry(&o, "archive/version", "3\n", 2);
    torch_end(&o);
    if (!o.out.e) o.out.e = pickle.e ? pickle.e : o.head.e ? o.head.e : o.directory.e;
    paw__free(pickle.s);
    paw__free(o.head.s);
    paw__free(o.directory.s);
    return paw__out_close(&o.out);
}
#endif
