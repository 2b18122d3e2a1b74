/* partaware.h - v0.1.0 - frozen vision transformers and what they know about parts

   Runs the encoders of "Understanding Self-Supervised Pretraining with Part-Aware Representation
   Learning" (DeiT, MoCo v3, DINO, BEiT, MAE, CAE, iBOT, Long-seq MAE) from their official
   checkpoints, and the paper's experiments from image file to metric. One header, C99 or C++11, no
   Python, no GPU: AVX-512, AVX2 and NEON chosen at run time, the same bits on all of them.

   Do this in one C file:                    cc app.c -lsleef -lm -lpthread

       #define PARTAWARE_IMPLEMENTATION
       #include "partaware.h"

       paw_ctx *c; paw_model *m; paw_image img;
       float cls[768];                          // ViT-B; paw_model_describe tells the width
       if (paw_create(NULL, &c)) return 1;
       if (paw_model_load(c, "mae_pretrain_vit_base.pth", NULL, &m) ||
           paw_image_load(c, "bird.jpg", &img) || paw_embed(m, c, &img, NULL, cls))
           puts(paw_message(c));

   Licence: MIT, at the end of this file. */

/* ==== >>contents ==== every section by its tag; search for the tag ====

   >>contents   this table
   >>manual     start; models; memory; threads; errors; bits; precision; machines; limits; security
   >>config     every macro: name, default, consequence
   >>api        declarations; comments state shapes, units, ownership, errors, source
   >>platform   compilers, attributes, target regions, little-endian loads
   >>memory     checked sizes, aligned allocation, buffers that grow
   >>error      the context and its message
   >>threads    parallel loops: own pool, or the caller's parallel_for
   >>cpu        cpuid and xgetbv, or hwcap; what the instruction sets offer the drivers
   >>reference  double-accumulating oracle of every kernel; tests use it
   >>isa        vector macros per instruction set, each block ending in the self-include
   >>gemm       packed matrix product with fused epilogues
   >>nn         layers: norm, attention, patch and position embedding, projectors
   >>vit        one recipe row per encoder family, one forward pass for all
   >>load       torch .pth (zip, legacy), safetensors, .npy; name maps; every length checked
   >>image      decode (stb_image), Pillow-exact resize and crop, index PNG
   >>data       data set indexes: CUB, COCO, CIFAR-10, folders, lists; from item to pixels
   >>heads      frozen features: store, retrieval, neighbours, probes, dense heads
   >>metrics    average precision, top-k, segmentation, pose
   >>kernels    the text that every instruction set reads; see >>isa for its words
*/

/* ==== >>manual ==== start; models; memory; threads; errors; bits; machines; limits; security ====

   QUICK START
   A paw_ctx holds what a thread needs: allocator, worker threads, scratch, the last message. A
   paw_model is immutable and shared. paw_embed takes an image to one feature; paw_encode takes
   normalised pixels to class token, patch average, tokens, block outputs and attention maps;
   paw_project takes features through the checkpoint's own head. examples/ has a program a task.

   MODELS
   paw_model_load reads what the authors published (torch zip or legacy stream, whole training
   checkpoints included) and safetensors, and finds the family by container and tensor names:
     deit    model.*                        class scores (PAW_LOGITS)
     mocov3  state_dict.module.base_encoder.*   projector, predictor
     dino    teacher.backbone.* / student.module.backbone.* / bare   projector, prototypes
     ibot    teacher.backbone.* / state_dict.*  projector, prototypes for class and patch tokens
     beit    model.*                        relative bias, layer scale
     mae     model.*                        Long-seq MAE too: the stored table says 28 x 28
     cae     model.encoder.*                layer scale
   Width, depth, patch and grid come from the shapes; the number of heads does not stand in a file:
   width / 64, and 12 for MoCo v3 and CAE of width 384 (paw_model_opts.heads overrides). Inputs of
   any size that is a multiple of the patch: position tables are resized as each family's code
   does (PAW_POS_SIZE, PAW_POS_SCALE), BEiT's relative table on its geometric grid.

   MEMORY
   The context's allocator serves everything; NULL means malloc, with huge pages on Linux. Models,
   tensors, heads and stores outlive the context: so must your allocator. Models keep packed weights
   only (about the file's size); loading adds 64 KB of rows, or 16 rows, at a time; matrices with
   strides and prototypes as a whole. Scratch grows to the largest call and goes with the context:
   7 MB a worker for ViT-B at 224 pixels, 25 at 512. Of attention 14 rows are held at most. Heads
   train on f16 and bf16 rows as they are: a store, in memory too, rounds your floats to them.

   THREADS
   One context per thread of yours; models are shared. A context runs config.threads wide (default:
   PAW_THREADS, else the online CPUs) on its own pool, which starts at the first call that needs it,
   or through config.hook.parallel_for. Several images go side by side; a single one is split.

   ERRORS
   Functions return PAW_OK or a negative PAW_E_ code; paw_message says in one line which file,
   tensor and shape, where they have a context; codes of your callbacks come back as they are.
   Out-parameters come last and are untouched on failure; only paw_tensors_read and paw_store_read
   may leave dst filled up to where the file failed. Nothing aborts, exits or prints. Of the
   environment PAW_ISA and PAW_THREADS are read (PAW_NO_GETENV: nothing).

   DETERMINISM
   In fp32, features are the same to the bit for scalar, AVX2, AVX-512 and NEON, for any number of
   threads and any batch: a product is one FMA chain over k in blocks of PAW__KC added in order;
   every reduction runs in 16 virtual lanes combined by one tree; exp and GELU are FMA polynomials;
   what may not be contracted is fenced. The floating-point mode that the host has set (rounding,
   denormals, traps) neither counts nor changes; callbacks run in the default one. PAW_NUMERICS
   changes when any bit of a feature may; heads may train to other bits in another version. With
   PAW_MATH_SLEEF exp and erf come from SLEEF (1 ulp) and the promise is SLEEF's.
   Against the official PyTorch code tokens agree within 2e-5; resize and crop equal Pillow in every
   byte; average precision equals scikit-learn's to 1e-12 given the same similarities.

   PRECISION
   With paw_model_opts.dtype PAW_BF16 the weights of all blocks but the first, and the inputs of
   their products, are rounded to bfloat16 (nearest even). The first block, sums, norms, softmax,
   attention, residual stream, patch embedding and heads stay fp32. Weights take half the memory.
   Where the active instruction set has bf16 products of its own (paw_bf16_native: AVX-512 with
   avx512_bf16, NEON with bf16) they run on those, and features are the same for any threads and
   batch on that instruction set; elsewhere weights are widened tile by tile, and features are the
   same bits on all of them.

   MANY MACHINES
   paw_store is shared by processes, paw_retrieval_ap_part divides the queries among them. The
   programs do both: make MPI=1 and mpirun, or --shard I/N and --merge (README, Many machines).
   README plans ImageNet-patch (2.45 million patches): core hours, machines, disk.

   LIMITS
   gcc or clang; POSIX systems, and Windows through mingw-w64 (there files below 2 GiB). Regular
   files only; images 100 million pixels (config.max_pixels) and 1 GiB; 65,536 tensors, 8
   dimensions, 512 blocks, 512 patches a side. Annotations of any size: 4,096 key points an image,
   ids below 2^53, 64 KiB a row of a list. JPEG and PNG. Kernels for AVX2 (with FMA and F16C),
   AVX-512 and NEON; other little-endian machines run scalar ones. One reader per paw_tensors at a
   time: it moves the file position. PAW_ISA=scalar|neon|avx2|avx512, paw_isa_limit: not beyond it.

   SECURITY
   Checkpoints, images, masks, annotations, lists and heads may come from strangers. Nothing in them
   is executed: a pickle's globals are looked up in a table of names, others are PAW_E_UNSUP. What
   is damaged is an error that names file and place. Time and memory follow the file's size and
   these limits, beyond which a file is PAW_E_LIMIT: image pixels (config.max_pixels, asked before
   decoding), file and side of an image (PAW__MAX_FILE, _SIDE); tensors, names, header, pickle
   opcodes, depth, values (PAW__MAX_TENSORS, _KEY, _HEADER, _OPS, _DEPTH, _NODES); compressed
   entries are refused; nesting of JSON (PAW__JSON_DEPTH); key points, rows, fields
   (PAW__MAX_IMAGE_POINTS, _ROW, _FIELDS). config.max_pixels is raised when a context is made, the
   others in their #define. Files are read, never mapped: one that shrinks meanwhile is an error.
   Image names of CUB and COCO stay below their folder; a list's paths are taken as they stand, ".."
   and "/" too. Not promised: hashes tell damage, not forgery; stb_image before 2.30 has known holes
   (PAW_STB_IMAGE_H). Tested by make hostile, make fuzz, tests/faults.c (every allocation and file
   operation fails) and sanitizers.
*/

/* ==== >>config ==== every macro: name, default, consequence ====

   PARTAWARE_IMPLEMENTATION  undefined  define in one .c or .cc file before the include: the code
   PARTAWARE_STATIC   undefined         all functions static: a private copy where the code is
   PAW_DEF            extern            what stands before every declaration (dllexport, ...)
   PAW_SELF           "partaware.h"     the file's own name, without a folder, by which it includes
                                        itself: define it where the file is renamed
   PAW_NO_SLEEF       undefined         no -lsleef needed; PAW_MATH_SLEEF becomes PAW_E_UNSUP
   PAW_NO_STB         undefined         no stb_image; decoding becomes PAW_E_UNSUP
   PAW_STB_IMAGE_H    <stb/stb_image.h> where stb_image.h is; 2.30 or newer for untrusted files
   PAW_NO_THREADS     undefined         no pthreads: one thread, unless a hook is given
   PAW_NO_GETENV      undefined         PAW_ISA and PAW_THREADS are not read
   PAW_NO_CODE        undefined         for the command line of a build that compiles the code once
                                        and links it: every include declares only
*/
#ifndef PAW__PASS

/* ==== >>api ==== declarations; comments state shapes, units, ownership, errors, source ==== */
#ifndef PARTAWARE_H
#define PARTAWARE_H

#include <stddef.h>
#include <stdint.h>

#define PAW_VERSION 100
#define PAW_NUMERICS 3

#if defined(PARTAWARE_STATIC)
#define PAW_DEF static __attribute__((unused))
#elif !defined(PAW_DEF)
#define PAW_DEF extern
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct paw_ctx paw_ctx;         /* allocator, threads, scratch, message; one per thread */
typedef struct paw_model paw_model;     /* packed weights; immutable, share it across threads */
typedef struct paw_tensors paw_tensors; /* directory of named tensors of one open file */

/* ---- errors: 0 or a negative code; the sentence is in paw_message ---- */
#define PAW_ERRORS(X)                                                                              \
    X(PAW_E_ARG, -1, "bad argument")                                                               \
    X(PAW_E_OOM, -2, "out of memory")                                                              \
    X(PAW_E_IO, -3, "cannot read or write")                                                        \
    X(PAW_E_FORMAT, -4, "malformed file")                                                          \
    X(PAW_E_LIMIT, -5, "over a limit")                                                             \
    X(PAW_E_SHAPE, -6, "wrong shape")                                                              \
    X(PAW_E_KEY, -7, "missing or ambiguous name")                                                  \
    X(PAW_E_NUM, -8, "number not finite")                                                          \
    X(PAW_E_UNSUP, -9, "not supported")
typedef int paw_err;
#define PAW__ERROR_ENUM(name, code, text) name = code,
enum { PAW_OK = 0, PAW_ERRORS(PAW__ERROR_ENUM) PAW_E_LAST_ = -10 };
#undef PAW__ERROR_ENUM

PAW_DEF const char *paw_strerror(paw_err e);        /* static text of a code, never NULL */
PAW_DEF const char *paw_message(const paw_ctx *c);  /* last failure: file, tensor, shapes, offset */
PAW_DEF int paw_version(void);                      /* of the implementation; compare PAW_VERSION */

/* ---- CPU: the kernels in use are chosen once for the process ---- */
enum { PAW_ISA_SCALAR = 0, PAW_ISA_NEON = 1, PAW_ISA_AVX2 = 2, PAW_ISA_AVX512 = 3 };
PAW_DEF int paw_isa(void);                  /* active instruction set */
PAW_DEF int paw_isa_limit(int isa);         /* at most isa; returns the active one; thread-safe */
PAW_DEF int paw_isa_supported(int isa);     /* 1 where this machine and this build can run isa */
PAW_DEF const char *paw_isa_name(int isa);  /* "scalar", "neon", "avx2", "avx512" */
PAW_DEF int paw_bf16_native(void); /* 1 where PAW_BF16 runs on the CPU's own bf16 products */

/* ---- context ---- */
typedef struct {
    void *(*alloc)(void *user, size_t bytes); /* NULL on failure; aligned as malloc is */
    void (*free)(void *user, void *p, size_t bytes);
    void *user;
} paw_allocator;
typedef void paw_task(void *arg, int index);
typedef struct { /* calls fn(arg, 0..n-1), each once, before it returns; may run them together */
    void (*parallel_for)(void *user, int n, paw_task *fn, void *arg);
    void *user;
} paw_threads;
enum { PAW_MATH_BUILTIN = 0, PAW_MATH_SLEEF = 1 };
typedef struct {         /* all zero: defaults */
    paw_allocator mem;   /* alloc == NULL: malloc */
    paw_threads hook;    /* parallel_for == NULL: own pool, started at first use */
    int threads;         /* 0: PAW_THREADS, else the online CPUs; with a hook: how wide to split */
    int math;            /* PAW_MATH_...: exp and GELU (>>manual DETERMINISM) */
    uint64_t max_pixels; /* cap of width * height before an image is decoded; 0: 100,000,000 */
} paw_config;
PAW_DEF paw_err paw_create(const paw_config *config_or_null, paw_ctx **out); /* E_ARG, E_OOM */
PAW_DEF void paw_destroy(paw_ctx *c); /* NULL is fine; models and tensors outlive it */
PAW_DEF int paw_threads_used(const paw_ctx *c); /* wanted; once it works, how many could start */

/* ---- tensors in files: torch .pth (zip and legacy stream), .safetensors, .npy, by content ----
   Opening reads the directory only. Names are the path through the pickled dicts joined with dots
   ("model.blocks.0.norm1.weight"); the one array of an .npy has the empty name. */
enum {
    PAW_F32 = 0, PAW_F64, PAW_F16, PAW_BF16, PAW_I64, PAW_I32, PAW_I16, PAW_I8, PAW_U8, PAW_BOOL,
    PAW_U16, PAW_U32, PAW_U64, PAW_DTYPE_OTHER
};
#define PAW_MAX_DIMS 8
typedef struct {
    const char *name; /* owned by the paw_tensors */
    int dtype, ndim;
    size_t shape[PAW_MAX_DIMS];
    size_t count; /* product of shape */
} paw_tensor_info;
typedef struct { /* returns bytes read, short only at the end or on error; one caller at a time */
    size_t (*read)(void *user, uint64_t offset, void *dst, size_t bytes);
    uint64_t bytes;
    void *user;
} paw_io;
PAW_DEF paw_err paw_tensors_open(paw_ctx *c, const char *path, paw_tensors **out);
PAW_DEF paw_err paw_tensors_open_io(paw_ctx *c, const paw_io *io, const char *name,
                                    paw_tensors **out); /* name: for messages */
PAW_DEF void paw_tensors_close(paw_tensors *t);
PAW_DEF size_t paw_tensors_count(const paw_tensors *t);
PAW_DEF paw_err paw_tensors_info(const paw_tensors *t, size_t i, paw_tensor_info *out);
PAW_DEF paw_err paw_tensors_find(const paw_tensors *t, const char *name, size_t *out); /* E_KEY */
PAW_DEF const char *paw_tensors_meta(const paw_tensors *t, const char *key); /* or NULL */
/* Reads tensor i in C order, converted to dtype as (PAW_F32, PAW_F64, PAW_I64 or PAW_U8); count
   must be the tensor's. Integers that do not fit the target are E_NUM. */
PAW_DEF paw_err paw_tensors_read(paw_ctx *c, const paw_tensors *t, size_t i, int as, void *dst,
                                 size_t count);
typedef struct {
    const char *name;
    int ndim;
    const size_t *shape;
    const float *data;
} paw_tensor_view;
/* Writes float32 safetensors. meta: key, value, ..., NULL; or NULL. This and all that is saved goes
   to PATH.PROCESS-N.tmp, which is renamed when it is whole and on the disk. A process killed before
   leaves it there; stores clear away those that are over an hour old, other folders are yours. */
PAW_DEF paw_err paw_safetensors_save(paw_ctx *c, const char *path, const paw_tensor_view *views,
                                     size_t count, const char *const *meta);
/* dst[256]: the .npy header of an array in C order, descr as in NumPy ("<f4"); returns its bytes,
   a multiple of 64, or 0 where it does not fit. The raw values follow it in the file. */
PAW_DEF size_t paw_npy_header(const char *descr, int ndim, const size_t *shape, char *dst);
PAW_DEF paw_err paw_npy_save(paw_ctx *c, const char *path, const float *data, int ndim,
                             const size_t *shape);

/* ---- models ---- */
enum {
    PAW_RECIPE_AUTO = 0, PAW_DEIT, PAW_MOCOV3, PAW_DINO, PAW_IBOT, PAW_BEIT, PAW_MAE, PAW_CAE,
    PAW_RECIPES
};
enum { PAW_TEACHER = 0, PAW_STUDENT = 1 };
enum { PAW_POS_RECIPE = 0, PAW_POS_SIZE = 1, PAW_POS_SCALE = 2 };
typedef struct {         /* all zero: defaults */
    int recipe;          /* PAW_RECIPE_AUTO: by container and names */
    int network;         /* DINO and iBOT full files: PAW_TEACHER or PAW_STUDENT */
    int heads;           /* 0: dim / 64; 12 for MoCo v3 and CAE of width 384 */
    float norm_eps;      /* 0: 1e-6; the paper's code has 1e-5 for CAE in retrieval and probing */
    int position;        /* 0: the recipe's rule for other input sizes (protocol: S or F) */
    int allow_nonfinite; /* 0: a NaN or Inf weight is E_NUM */
    int dtype;           /* PAW_F32 (0), or PAW_BF16: see >>manual PRECISION */
} paw_model_opts;
typedef struct {
    const char *recipe; /* "deit", "mocov3", "dino", "ibot", "beit", "mae", "cae" */
    int image_px, patch_px, dim, depth, heads, mlp;
    int tokens;     /* at image_px, class token included */
    int classes;    /* logits of the checkpoint's own head, 0 without */
    int projected;  /* width of PAW_PROJECTED, 0 without */
    int bottleneck; /* width of PAW_BOTTLENECK (DINO, iBOT), 0 without */
    int predicted;  /* width of PAW_PREDICTED (MoCo v3), 0 without */
    int dtype;      /* PAW_F32 or PAW_BF16, as asked for */
    size_t parameters; /* numbers read: encoder, heads and their statistics */
    size_t packed_bytes;
    size_t rounded; /* float64 tensors among them, read to the nearest float32: worth a warning */
} paw_model_info;
PAW_DEF const char *paw_recipe_name(int recipe); /* NULL outside the enum; "auto" for 0 */
PAW_DEF paw_err paw_model_load(paw_ctx *c, const char *path, const paw_model_opts *opts_or_null,
                               paw_model **out);
PAW_DEF paw_err paw_model_from_tensors(paw_ctx *c, const paw_tensors *t,
                                       const paw_model_opts *opts_or_null, paw_model **out);
/* Tensors of a seeded random model (deviation 0.02, the same on every machine) under the
   official names: for demos, tests and benches. heads 0: the recipe's; classes 0: no class scores;
   projected 0: no projector. What the recipe does not have is E_ARG. */
typedef struct {
    int recipe, image_px, patch_px, dim, depth, heads, classes, projected;
    uint64_t seed;
} paw_random_spec;
PAW_DEF paw_err paw_tensors_random(paw_ctx *c, const paw_random_spec *spec, paw_tensors **out);
/* Writes what the recipe uses as safetensors under names that paw_model_load recognises. */
PAW_DEF paw_err paw_model_convert(paw_ctx *c, const paw_tensors *t,
                                  const paw_model_opts *opts_or_null, const char *path);
PAW_DEF void paw_model_describe(const paw_model *m, paw_model_info *out); /* m NULL: zeros */
PAW_DEF void paw_model_free(paw_model *m); /* NULL is fine */

/* ---- encode ---- */
typedef struct {         /* every pointer may be NULL; T = 1 + (h / patch) * (w / patch) */
    float *cls;          /* [n, dim]: class token after the final layer norm */
    float *mean;         /* [n, dim]: average of the patch tokens after the final layer norm */
    float *tokens;       /* [n, T, dim]: class token first, then patches row by row */
    const int *blocks;   /* block indices, 0-based, whose output is wanted */
    int block_count;
    float *block_outputs; /* [block_count, n, T, dim]: residual stream, no norm */
    int attention_block;  /* which block's attention; -1: the last */
    float *attention;     /* [n, heads, T, T]: rows sum to 1 */
} paw_outputs;
/* chw: [n, 3, h, w] normalised, h and w multiples of the patch (else E_SHAPE). Features do not
   depend, to the bit, on n, threads or instruction set. */
PAW_DEF paw_err paw_encode(const paw_model *m, paw_ctx *c, const float *chw, size_t n, int h, int w,
                           const paw_outputs *out);
enum {
    PAW_PROJECTED = 0,    /* MoCo v3: BN output; DINO, iBOT: prototype logits (Tables 2, 4) */
    PAW_PROJECTED_COSINE, /* the same cosines in the bottleneck's width, see >>nn Gram */
    PAW_BOTTLENECK,       /* DINO, iBOT: unit vector before the prototypes */
    PAW_PREDICTED,        /* MoCo v3: predictor output */
    PAW_LOGITS,           /* DeiT: class scores */
    PAW_PROJECTED_PATCH   /* iBOT: prototype logits of patch tokens, by the head for patches */
};
PAW_DEF int paw_project_dim(const paw_model *m, int which); /* 0 where the model has none */
/* x: [n, dim] class or patch features after the final norm; out: [n, paw_project_dim]. */
PAW_DEF paw_err paw_project(const paw_model *m, paw_ctx *c, int which, const float *x, size_t n,
                            float *out);

/* ---- images: 8-bit RGB, rows top to bottom ---- */
typedef struct {
    uint8_t *px; /* [h, w, 3]; paw_image_free frees it, or is not called where it is yours */
    int w, h;
} paw_image;
typedef struct {
    uint16_t *px; /* [h, w] label indices, never colours */
    int w, h;
} paw_mask;
typedef struct { float mean[3], std[3]; } paw_stats;
enum { PAW_BILINEAR = 0, PAW_BICUBIC = 1 };
PAW_DEF const paw_stats *paw_stats_find(const char *name); /* "imagenet", "half"; NULL if unknown */
PAW_DEF paw_err paw_file_read(paw_ctx *c, const char *path, uint8_t **bytes, size_t *size);
PAW_DEF void paw_file_free(paw_ctx *c, uint8_t *bytes);
/* JPEG or PNG by content, as Pillow's convert("RGB"); EXIF is ignored. name: for messages. */
PAW_DEF paw_err paw_image_decode(paw_ctx *c, const void *bytes, size_t size, const char *name,
                                 paw_image *out);
PAW_DEF paw_err paw_image_load(paw_ctx *c, const char *path, paw_image *out);
PAW_DEF void paw_image_free(paw_ctx *c, paw_image *img);
/* Pillow's antialiased resize, equal in every byte; in and out may not be the same struct. */
PAW_DEF paw_err paw_image_resize(paw_ctx *c, const paw_image *in, int w, int h, int filter,
                                 paw_image *out);
/* torchvision Resize(px): short side to px, long side truncated; bicubic. */
PAW_DEF paw_err paw_image_resize_short(paw_ctx *c, const paw_image *in, int px, paw_image *out);
/* PIL crop: corners rounded half to even, black outside; box x0, y0, x1, y1 in pixels. */
PAW_DEF paw_err paw_image_crop(paw_ctx *c, const paw_image *in, const double box[4],
                               paw_image *out);
PAW_DEF paw_err paw_image_center_crop(paw_ctx *c, const paw_image *in, int w, int h,
                                      paw_image *out);
/* chw: [3, h, w] = (px / 255 - mean) / std */
PAW_DEF void paw_normalize(const paw_image *img, const paw_stats *s, float *chw);
/* Easy: Resize(px * 8 / 7) bicubic, CenterCrop(px) at the model's image_px, normalised (stats NULL:
   ImageNet's), encoded: cls [dim]. */
PAW_DEF paw_err paw_embed(const paw_model *m, paw_ctx *c, const paw_image *img,
                          const paw_stats *stats_or_null, float *cls);
/* PNG of label indices: grey or palette, 1 to 8 bits, or 16-bit grey. An RGB file is E_SHAPE. */
PAW_DEF paw_err paw_mask_decode(paw_ctx *c, const void *bytes, size_t size, const char *name,
                                paw_mask *out);
PAW_DEF paw_err paw_mask_load(paw_ctx *c, const char *path, paw_mask *out);
PAW_DEF void paw_mask_free(paw_ctx *c, paw_mask *mask);

/* ---- data sets ---- */
typedef struct {
    char **paths; /* sorted by bytes */
    size_t count;
} paw_files;
/* path: one file, or a folder's files that end in .jpg .jpeg .png in any case; E_IO: it has none */
PAW_DEF paw_err paw_files_list(paw_ctx *c, const char *path, paw_files *out);
PAW_DEF void paw_files_free(paw_ctx *c, paw_files *f);

/* An index lists what retrieval, probing and k-NN read: crops around parts, boxes around objects,
   whole images, records of a binary file. Items stand in image order, so that a paw_reader decodes
   each image once. Building an index reads annotations only: images may be missing. What it lacks
   of a data set is counted: candidates == count + the sum of skipped. An index of your own: zeros
   but for items and count, which stay yours; not to be given to paw_index_free. */
enum { PAW_PROTOCOL_CODE = 0, PAW_PROTOCOL_PAPER = 1 }; /* released code, or the paper's text */
enum {
    PAW_ITEM_IMAGE = 0, /* the whole image */
    PAW_ITEM_BOX,       /* box: cut out as PIL does, black outside the image */
    PAW_ITEM_RECORD     /* record `entry` of the binary file at path */
};
typedef struct {
    const char *path; /* joined with the root; owned by the index; equal pointers: same image */
    int64_t image_id; /* the data set's; where it has none, the number of the image from 0 */
    int64_t entry;    /* COCO: annotation id; CIFAR-10: record from 0; list: line; else 0 */
    int32_t part_id;  /* CUB: part, COCO: key point from 1 or category id; else 0 */
    int32_t label;    /* 0..classes-1 */
    double x, y;      /* key point, or centre of the box, in pixels; boxes only */
    double e;         /* parts: half the distance to the nearest other kept point; else 0 */
    double box[4];    /* x0, y0, x1, y1, corners unrounded; boxes only */
    int kind;         /* PAW_ITEM_... */
    int train;        /* 1: of the training split */
} paw_item;
#define PAW_SKIPS_LIST(X)                                                                          \
    X(PAW_SKIP_INVISIBLE, "key point not visible")                                                 \
    X(PAW_SKIP_POSITION, "unusable position: not finite, over 1e9, or COCO's (0, 0)")              \
    X(PAW_SKIP_PERSON, "person with fewer than two of the wanted key points")                      \
    X(PAW_SKIP_ALONE, "no other key point in its image")                                           \
    X(PAW_SKIP_NEAR, "nearest key point within 40 pixels")                                         \
    X(PAW_SKIP_FAR, "nearest key point 2000 pixels away or more")                                  \
    X(PAW_SKIP_CROWD, "crowd")                                                                     \
    X(PAW_SKIP_SMALL, "box too small")                                                             \
    X(PAW_SKIP_RATIO, "box not square enough")                                                     \
    X(PAW_SKIP_MALFORMED, "annotation without usable key points or box")                           \
    X(PAW_SKIP_NAME, "not a file named .jpg, .jpeg or .png")                                       \
    X(PAW_SKIP_SPLIT, "of the other split")                                                        \
    X(PAW_SKIP_MISSING, "image file missing")
#define PAW__SKIP_ENUM(name, text) name,
enum { PAW_SKIPS_LIST(PAW__SKIP_ENUM) PAW_SKIPS };
#undef PAW__SKIP_ENUM
PAW_DEF const char *paw_skip_text(int reason); /* static; NULL outside the enum */
typedef struct {
    paw_item *items; /* image id ascending, then entry, then part id; lists: rows by image */
    size_t count;
    char **class_names; /* [classes] */
    int classes;
    size_t images;      /* that the data set lists */
    size_t candidates;  /* wanted key points, objects, files, records, rows met */
    size_t skipped[PAW_SKIPS];
    void *owned_;
} paw_index;
typedef struct {       /* all zero: defaults; each function reads what its comment names */
    int protocol;      /* PAW_PROTOCOL_... */
    const char *split; /* NULL: the data set's default */
    const int *parts;  /* ids in label order; NULL: the paper's choice */
    int part_count;    /* -1 with parts NULL: every part */
    double max_ratio;  /* COCO objects: longer side / shorter side at most; 0: 1.25 */
    double min_side;   /* COCO objects: shorter side at least, pixels; 0: 40 */
} paw_index_opts;
/* Every data set is opened by a function of this type; root is its folder, or a list's file. */
typedef paw_err paw_index_fn(paw_ctx *c, const char *root, const paw_index_opts *opts_or_null,
                             paw_index *out);
/* CUB-200-2011 (protocol 4.1): images.txt, parts/parts.txt, parts/part_locs.txt,
   train_test_split.txt, images/. Reads protocol, split ("train", "test"; NULL: both), parts (ids
   of parts.txt; NULL: 11, 12, 9, 14). Boxes: half side round(e / 2) by the code, round(e) by the
   paper. */
PAW_DEF paw_index_fn paw_index_cub;
/* Key points of persons (protocol 4.2): annotations/person_keypoints_SPLIT.json, read as a stream;
   images in images/SPLIT or SPLIT. Reads split (NULL: "train2017"), parts (1 to 17; NULL: 1 nose,
   11 right wrist, 16 left ankle) and protocol: the code's third coordinate is the annotation id, so
   that neighbours are of the same person; the paper's distance is in the image. Boxes as for CUB.
   train: the split's name begins with train. */
PAW_DEF paw_index_fn paw_index_coco_parts;
/* Objects, by the protocol's own proposal (4.5; the paper says "approximately square"):
   annotations/instances_SPLIT.json, split NULL: "val2017"; iscrowd 0, max_ratio, min_side. Labels
   are the ranks of the category ids. */
PAW_DEF paw_index_fn paw_index_coco_objects;
/* CIFAR-10, binary version: data_batch_1.bin to 5 and test_batch.bin in root or in
   root/cifar-10-batches-bin. Reads split ("train", "test", "all"; NULL: "test"). */
PAW_DEF paw_index_fn paw_index_cifar10;
/* CLASS/IMAGE, or SPLIT/CLASS/IMAGE where root has only folders named train, val or test. Labels
   are the ranks of the class names of all splits. Reads split (a folder of root; NULL: all). */
PAW_DEF paw_index_fn paw_index_folders;
/* A CSV file: path, x, y, side, label, or path, label; under a header in any order, other columns
   passed over. x, y: centre of a square of side pixels; all three empty: the whole image. Paths are
   relative to the list's folder. Labels are the ranks of the texts, by value where all are
   integers. A bad row is an error that names its line. */
PAW_DEF paw_index_fn paw_index_list;
PAW_DEF void paw_index_free(paw_ctx *c, paw_index *x); /* NULL is fine */
/* Takes out the items whose file is not there, counted as PAW_SKIP_MISSING. Returns how many files
   are missing; *first, where not NULL: the first one's path, owned by the index, or NULL. */
PAW_DEF size_t paw_index_drop_missing(paw_index *x, const char **first);

/* From an item to pixels: [px, px], to be normalised. */
enum {
    PAW_FRAME_AUTO = 0, /* boxes and records FULL, images CENTER: the paper's test framing */
    PAW_FRAME_FULL,     /* all of it to px x px, bicubic; squares as torchvision's Resize(px) */
    PAW_FRAME_CENTER    /* Resize(px * 8 / 7) bicubic, CenterCrop(px): part probing's training */
};
/* in: the item's decoded image. A box that does not touch the image is E_SHAPE. */
PAW_DEF paw_err paw_item_image(paw_ctx *c, const paw_item *item, const paw_image *in, int px,
                               int frame, paw_image *out);
typedef struct { /* all zero: empty; one per thread, with its context */
    paw_image image; /* the last one decoded, owned by the reader */
    char *path;      /* its path, or NULL */
    size_t decoded;  /* images decoded so far */
} paw_reader;
/* Decodes the item's image unless it is the last one's, then as paw_item_image. A missing file is
   E_IO, a damaged one E_FORMAT; the reader stays usable. */
PAW_DEF paw_err paw_reader_item(paw_ctx *c, paw_reader *r, const paw_item *item, int px, int frame,
                                paw_image *out);
/* The item as ImageNet probing trains on it (protocol 5.4): a crop of 8 to 100 % of the area and of
   ratio 3/4 to 4/3, in one draw, resized bicubic to [px, px], flipped in half of the cases. The
   draw depends on seed, epoch and number alone. Of a box the whole image is cut. */
PAW_DEF paw_err paw_reader_augment(paw_ctx *c, paw_reader *r, const paw_item *item, int px,
                                   uint64_t seed, int epoch, size_t number, paw_image *out);
PAW_DEF void paw_reader_free(paw_ctx *c, paw_reader *r); /* empties it; NULL is fine */

/* ---- hashes: 64 bits, for finding what changed, not against forgery ---- */
/* XXH64 as its specification says (xxhsum -H64 prints the same for seed 0). */
PAW_DEF uint64_t paw_hash(const void *bytes, size_t n, uint64_t seed);
PAW_DEF paw_err paw_file_hash(paw_ctx *c, const char *path, uint64_t seed, uint64_t *out);
/* hashes [count]: of what decides an item's pixels: the image file's content, and box or record.
   Each file is read once. E_IO: a file is missing (paw_index_drop_missing takes such items out). */
PAW_DEF paw_err paw_index_hash(paw_ctx *c, const paw_index *x, uint64_t *hashes);
/* Of all packed weights and sizes of a model: equal hashes mean equal features under equal math.
   Independent of threads, of the container the weights came in and, but for PAW_BF16 where the CPU
   has products of its own, of the instruction set. 0 for NULL. */
PAW_DEF uint64_t paw_model_hash(const paw_model *m);

/* ---- feature store: rows of features on disk, which outlive the process ----
   A store is the folder DIR/NAME-KEY with manifest.json and shards INDEX-INPUTS-CONTENT.npy, each
   [rows, shape...] and readable by NumPy. KEY is the manifest's hash: of everything in
   paw_store_spec but dir, items and names, of PAW_NUMERICS and of the context's math; INPUTS that
   of the shard's items; CONTENT that of key, inputs and values. So another setting is another
   folder, a changed item costs its shard only, lists that begin with the same items share shards,
   and what is torn, edited or from elsewhere is never taken. A shard gets its name when it is whole
   and on the disk (fsync, rename): any number of processes may use one store, and kill -9 loses
   the shard in work.
   One thread may write; any number may read at the same time, each with its own context, but for a
   shard that is there and written again. */
typedef struct paw_store paw_store;
typedef struct {
    const char *dir;          /* folder of stores, made where its parent is; NULL: in memory */
    const char *name;         /* of the feature, "cls": letters, digits, '_', '-' */
    const char *const *about; /* name, value, ..., NULL: all that decides the numbers: recipe, */
                              /* eps, size, statistics, layer; or NULL */
    uint64_t weights;         /* paw_model_hash */
    const uint64_t *items;    /* [count] hash of each row's input; NULL will do without dir */
    const char *const *names; /* [count] for rows-LIST.json, where row numbers are explained, or
                                 NULL */
    size_t count;             /* rows */
    int ndim;                 /* of one row: 1 for [dim], 2 for [T, dim] */
    size_t shape[PAW_MAX_DIMS - 1];
    int dtype;                /* on disk: PAW_F32, PAW_F16 or PAW_BF16 (to NumPy: <u2), rounded to
                                 nearest even; rows are float going in */
    size_t shard_rows;        /* 0: 64 */
    int fresh;                /* 1: take nothing that is there */
} paw_store_spec;
typedef struct {
    const char *folder; /* DIR/NAME-KEY, owned by the store; "" in memory */
    uint64_t key;
    int dtype;                 /* as stored: PAW_F32, PAW_F16 or PAW_BF16 */
    size_t rows, row_count;    /* row_count: numbers in a row */
    size_t shards, shard_rows; /* shard i has rows i * shard_rows on; the last may be shorter */
    size_t ready;              /* shards that can be read */
    size_t torn;               /* at opening: files with bad size, header or content */
    size_t stale;              /* at opening: sound files made from other items */
} paw_store_info;
/* Finds what is there: every shard of these items is read once and checked. Files that fail are
   left alone until their shard is written. E_IO: the folder cannot be made, read or written. */
PAW_DEF paw_err paw_store_open(paw_ctx *c, const paw_store_spec *spec, paw_store **out);
PAW_DEF void paw_store_close(paw_store *s); /* NULL is fine */
PAW_DEF void paw_store_describe(const paw_store *s, paw_store_info *out);
PAW_DEF int paw_store_has(const paw_store *s, size_t shard); /* 1: its rows can be read */
/* All rows of a shard, [rows of it, row_count]. NaN is kept: by convention a row of NaN stands for
   an item that could not be read. A value that overflows the stored type is E_NUM. */
PAW_DEF paw_err paw_store_write(paw_ctx *c, paw_store *s, size_t shard, const float *rows);
/* Rows in any order, in parallel: out [n, row_count] of dtype, PAW_F32 (exact) or as stored, else
   E_ARG. A row whose shard is missing is E_KEY. */
PAW_DEF paw_err paw_store_read(paw_ctx *c, const paw_store *s, const size_t *rows, size_t n,
                               int dtype, void *out);

/* ---- segmentation data: an image and a PNG of label indices a sample (protocol 6.2) ---- */
typedef struct {
    const char *name;          /* "lip" */
    int classes, crop, stride; /* pixels; stride: of the windows at test */
    int train_scale[2], test_scale[2]; /* long side and short side at most; train: times 0.5..2 */
    const char *folders[2][2]; /* [train, val][images, masks] below the root */
    const uint8_t *values;     /* [classes] stored value of each class; NULL: class + 1 */
} paw_seg_preset;
/* "ade20k", "ade20k-object59", "ade20k-part209", "pascal-part193", "pascal-object16", "lip19", or
   NULL. The 59 objects are values of ADE20K-150; other maps: the authors' masks, 1 .. classes. */
PAW_DEF const paw_seg_preset *paw_seg_preset_find(const char *name);
PAW_DEF const paw_seg_preset *paw_seg_preset_at(size_t i); /* NULL behind the last */
typedef struct {
    char **images, **masks; /* [count], sorted by image path */
    size_t count;
} paw_seg_files;
/* Every image below the folder, however deep, and its mask: the same path below mask_folder with
   the ending .png. An image without mask is E_IO. */
PAW_DEF paw_err paw_seg_files_list(paw_ctx *c, const char *image_folder, const char *mask_folder,
                                   paw_seg_files *out);
PAW_DEF void paw_seg_files_free(paw_ctx *c, paw_seg_files *f);
#define PAW_UNKNOWN 65534 /* class of a stored value that a map does not know */
typedef struct {
    int classes;
    uint16_t class_of[65536]; /* of a stored value: class, PAW_IGNORED or PAW_UNKNOWN */
} paw_label_map;
/* Value v is class v - offset. Values below offset, 255 and 65535 are ignored unless classes. */
PAW_DEF void paw_label_map_offset(int classes, int offset, paw_label_map *out);
/* values: [classes] stored value of each class; other values below 256 are ignored. */
PAW_DEF void paw_label_map_values(int classes, const uint8_t *values, paw_label_map *out);
/* Stored values to classes, in place. An unknown value is E_FORMAT with name (for messages),
   value, place and a histogram of all such values, or ignored. */
PAW_DEF paw_err paw_mask_classes(paw_ctx *c, const paw_label_map *map, int ignore_unknown,
                                 const char *name, paw_mask *mask);
/* Sides that keep the ratio within long and short (mmcv's imrescale). */
PAW_DEF void paw_seg_size(int w, int h, int long_side, int short_side, int *out_w, int *out_h);
/* OpenCV's 8-bit INTER_LINEAR: two taps, no antialiasing. */
PAW_DEF paw_err paw_image_resize_linear(paw_ctx *c, const paw_image *in, int w, int h,
                                        paw_image *out);
/* Nearest label: what is below an output pixel's centre (centred 1: Pillow) or corner (OpenCV). */
PAW_DEF paw_err paw_mask_resize(paw_ctx *c, const paw_mask *in, int w, int h, int centred,
                                paw_mask *out);
/* One training sample: resized by a random factor, cropped where labels vary, flipped, distorted
   (protocol 6.2, steps 2 to 7). mask holds classes. Every draw comes from seed and sample alone.
   chw: [3, crop, crop] normalised, 0 outside; labels: [crop, crop], PAW_IGNORED outside. */
PAW_DEF paw_err paw_seg_augment(paw_ctx *c, const paw_seg_preset *p, const paw_stats *stats,
                                const paw_image *image, const paw_mask *mask, uint64_t seed,
                                uint64_t sample, float *chw, uint16_t *labels);

/* ---- retrieval and metrics ---- */
/* Average precision as scikit-learn's: equal scores are one threshold, no interpolation. NaN where
   nothing is relevant. scores, relevant: [n]. */
PAW_DEF paw_err paw_average_precision(paw_ctx *c, const float *scores, const uint8_t *relevant,
                                      size_t n, double *ap);
/* Each row of x [n, dim] queries all rows by cosine, x.y / sqrt(max(x.x * y.y, 1e-16)); relevant
   are those of the same label. ap: [n]; NaN where the query has no relevant item. Memory beside x:
   24 bytes a row and about 235 MB at most, unless a class has over 5 million rows; the scores are
   never held. A feature that is not finite is E_NUM. */
PAW_DEF paw_err paw_retrieval_ap(paw_ctx *c, const float *x, size_t n, size_t dim,
                                 const int32_t *labels, int exclude_query, double *ap);
/* The queries of one of parts processes (part: 0 to parts - 1) only, ap of the others being 0: the
   sum over the parts is what paw_retrieval_ap gives, to the bit. */
PAW_DEF paw_err paw_retrieval_ap_part(paw_ctx *c, const float *x, size_t n, size_t dim,
                                      const int32_t *labels, int exclude_query, size_t part,
                                      size_t parts, double *ap);
/* How many rows of x [n, dim] are zero throughout, so that every cosine with them is 0. */
PAW_DEF size_t paw_zero_rows(const float *x, size_t n, size_t dim);
/* The k rows of gallery [n, dim] with the highest such cosine to each query [nq, dim], highest
   first, of equal ones the lower row. exclude_self: query i is row i of the gallery, and left out.
   k over what is there is E_ARG. rows, scores: [nq, k], either may be NULL. */
PAW_DEF paw_err paw_retrieval_topk(paw_ctx *c, const float *queries, size_t nq,
                                   const float *gallery, size_t n, size_t dim, size_t k,
                                   int exclude_self, size_t *rows, float *scores);
enum { PAW_VOTE_EXP = 0, PAW_VOTE_ONE = 1 };
typedef struct {       /* all zero: defaults */
    size_t k;          /* neighbours; 0: 20 */
    int vote;          /* PAW_VOTE_EXP: exp(cosine / temperature), as DINO's eval_knn.py; _ONE: 1 */
    float temperature; /* 0: 0.07 */
    int exclude_self;  /* query i is row i of the gallery: leave one out */
} paw_knn_opts;
/* Class of each query by the votes of its k neighbours; of equal sums the lower label. labels [n]
   of the gallery: 0..classes - 1. predicted: [nq]; votes: [nq, classes], relative to the vote of
   the nearest (for paw_topk_correct), or NULL. */
PAW_DEF paw_err paw_knn(paw_ctx *c, const float *queries, size_t nq, const float *gallery,
                        const int32_t *labels, size_t n, size_t dim, int classes,
                        const paw_knn_opts *opts_or_null, int32_t *predicted, float *votes);
typedef struct {
    double ap;        /* mean over queries */
    double map;       /* mean over classes of the class means */
    size_t undefined; /* queries without a relevant item, left out */
} paw_ap_summary;
/* labels: 0..classes - 1, else E_ARG. per_class: [classes], NaN where nothing counts, or NULL. */
PAW_DEF paw_err paw_ap_mean(const double *ap, const int32_t *labels, size_t n, int classes,
                            double *per_class, paw_ap_summary *out);
/* Expected precision of a random order: sum of squared class shares, in 0..1. */
PAW_DEF double paw_chance(const int32_t *labels, size_t n, int classes);
/* Rows whose label is among the k highest logits; of equal logits the lower index counts higher. */
PAW_DEF size_t paw_topk_correct(const float *logits, const int32_t *labels, size_t n, int classes,
                                int k);

/* ---- probing: heads trained on frozen features (protocol 5) ---- */
typedef struct paw_head paw_head; /* parameters, momenta, epochs done; one thread at a time */
enum { PAW_LINEAR = 0, PAW_ATTENTIVE = 1 };
enum { PAW_PROBE_PART = 0, PAW_PROBE_IMAGENET = 1 }; /* protocol 5.1 to 5.3, and 5.4 */
enum { PAW_SGD = 0, PAW_LARS = 1, PAW_ADAMW = 2 };
enum { PAW_BN_BATCH = 0, PAW_BN_RUNNING = 1 };
enum { PAW_RATE_EPOCH = 0, PAW_RATE_STEP = 1, PAW_RATE_LINSPACE = 2 };
typedef struct {
    int kind;          /* PAW_LINEAR: class features; PAW_ATTENTIVE: all tokens */
    size_t dim;        /* to be set, as classes */
    int classes;
    int heads;         /* attentive; 0: dim / 64, at least 1 */
    int norm;          /* linear: 1: batch norm without affine first. Attentive always has one */
    double norm_eps;   /* of batch norm; its running statistics have momentum 0.1 */
    size_t bn_group;   /* rows of a batch that share statistics (one GPU's); 0: all */
    int bn_eval;       /* PAW_BN_BATCH: test rows by their own statistics, as the released code */
    size_t test_batch; /* of so many consecutive rows */
    int optimizer, nesterov;
    double lr, momentum, weight_decay; /* lr: absolute, at its highest */
    size_t batch;
    int epochs;
    double warmup, min_lr; /* epochs from 0 to lr; then half a cosine to min_lr */
    int rate;          /* when it changes: each epoch; each step; each step as numpy.linspace */
    double init_limit; /* weights are cut at so many deviations; 0: never */
    int init_query;    /* 1: the query is drawn as weights are; 0: it starts at 0 */
    uint64_t seed;     /* of weights and order */
} paw_head_opts;
/* The settings of a published recipe; dim and classes stay 0. lr is for its batch: scale it. */
PAW_DEF void paw_head_recipe(int probe, int kind, paw_head_opts *out);
typedef struct { /* rows by number, so that they may come from memory, disk or an encoder */
    size_t count, tokens;  /* tokens of a row, class token included; linear: 1 */
    const int32_t *labels; /* [count]; to predict: not read, NULL is fine */
    int dtype;             /* of the rows, aligned to it: PAW_F32, _F16, _BF16; others are E_ARG */
    /* rows[i]: features of row items[i], [tokens, dim], valid until the next call; epoch from 0, -1
       to predict; n: batch or test_batch at most. Called by the thread of the call, which may use
       the context here. What is not PAW_OK ends the run and is returned. */
    paw_err (*get)(void *user, int epoch, const size_t *items, size_t n, const void **rows);
    void *user;
} paw_features;
typedef struct {
    int epoch;           /* from 0 */
    size_t step, steps;  /* in this epoch, done; step == steps: the epoch is complete */
    double lr, loss;     /* of this step; mean over the epoch so far */
} paw_progress;
PAW_DEF paw_err paw_head_create(paw_ctx *c, const paw_head_opts *o, paw_head **out);
PAW_DEF void paw_head_free(paw_head *h); /* NULL is fine */
PAW_DEF void paw_head_describe(const paw_head *h, paw_head_opts *out, int *epochs_done);
/* Parameter i by official name, owned by the head, else E_KEY; gradient: last step's, or NULL. */
PAW_DEF paw_err paw_head_parameter(const paw_head *h, size_t i, paw_tensor_view *out,
                                   const float **gradient);
/* One step on n rows, each [tokens, dim] of dtype as in paw_features; loss: mean cross-entropy
   before it. One that is not finite is E_NUM and changes nothing but statistics. */
PAW_DEF paw_err paw_head_step(paw_head *h, paw_ctx *c, const void *const *rows, int dtype,
                              const int32_t *labels, size_t n, size_t tokens, double lr,
                              double *loss);
/* All epochs that are left, rows in an order drawn from seed and epoch, the last batch of each with
   what is left. told, where not NULL, is called after each step and may use the head; what it
   returns other than PAW_OK ends the run. E_NUM: the loss is no longer finite; the message names
   epoch and learning rate. After a failure the next call goes on behind the last step done. The
   same head to the bit on any threads and instruction set, in one run or resumed in mid-epoch. */
PAW_DEF paw_err paw_head_train(paw_head *h, paw_ctx *c, const paw_features *x,
                               paw_err (*told)(void *user, const paw_progress *p), void *user);
/* logits: [count, classes]; by PAW_BN_BATCH those of a row depend on the rest of its test_batch: a
   row alone is given the bias. To predict rows one by one, set PAW_BN_RUNNING. */
PAW_DEF paw_err paw_head_predict(const paw_head *h, paw_ctx *c, const paw_features *x,
                                 float *logits);
PAW_DEF paw_err paw_head_bn_eval(paw_head *h, int bn_eval); /* PAW_BN_BATCH, PAW_BN_RUNNING */
/* safetensors: official names, settings and what training needs to go on; more: further meta, key,
   value, ..., NULL, such as class names, to be read by paw_tensors_open and paw_tensors_meta. */
PAW_DEF paw_err paw_head_save(const paw_head *h, paw_ctx *c, const char *path,
                              const char *const *more_or_null);
PAW_DEF paw_err paw_head_load(paw_ctx *c, const char *path, paw_head **out);
/* counts [classes, classes], added to: row the label, column the highest logit */
PAW_DEF void paw_confusion(const float *logits, const int32_t *labels, size_t n, int classes,
                           size_t *counts);

/* ---- segmentation and pose metrics ---- */
#define PAW_IGNORED 65535 /* class of a pixel that counts nowhere */
/* Adds to counts [3][classes]: pixels hit, predicted and true, per class (protocol 6.4). Pixels
   whose truth is PAW_IGNORED are left out; any other class of truth or predicted must be below
   classes. truth, predicted: [n]. */
PAW_DEF paw_err paw_seg_count(paw_ctx *c, const uint16_t *truth, const uint16_t *predicted,
                              size_t n, int classes, uint64_t *counts);
typedef struct {          /* in 0..1; NaN where nothing counts */
    double miou, macc, aacc; /* means over the classes that have a value, and over pixels */
    uint64_t pixels;      /* that count */
    int classes_iou, classes_acc; /* that have a value */
} paw_seg_summary;
/* IoU = hit / (predicted + true - hit), accuracy = hit / true; 0 / 0 is NaN and not in the means.
   iou, acc: [classes], or NULL. */
PAW_DEF paw_err paw_seg_score(const uint64_t *counts, int classes, double *iou, double *acc,
                              paw_seg_summary *out);

#define PAW_KEYPOINTS 17 /* COCO's, nose to right ankle */
typedef struct {         /* one person, annotated or found */
    int64_t image_id, id;
    double box[4];       /* x, y, width, height; annotated */
    double area;         /* annotated */
    double points[PAW_KEYPOINTS][3]; /* x, y in pixels; annotated: visibility 0, 1, 2 */
    int labelled, crowd; /* annotated: num_keypoints, iscrowd */
    double score;        /* found */
} paw_pose;
/* Object keypoint similarity of a found person to an annotated one, 0..1 (protocol 7). */
PAW_DEF double paw_oks(const paw_pose *truth, const paw_pose *found);
typedef struct { /* in 0..1, -1 where no annotated person counts */
    double ap, ap50, ap75, ap_medium, ap_large, ar, ar50, ar75, ar_medium, ar_large;
} paw_pose_score;
/* What pycocotools' COCOeval says of keypoints: at most 20 found persons an image, thresholds .50
   to .95, 101 recalls. Order within an image breaks ties; an annotated person of id 0 counts as
   never matched, as there. A number that is not finite is E_NUM. */
PAW_DEF paw_err paw_pose_evaluate(paw_ctx *c, const paw_pose *truth, size_t truths,
                                  const paw_pose *found, size_t founds, paw_pose_score *out);

/* ---- dense heads: one linear layer on every patch token, its outputs upsampled (protocol 6, 7).
   The layer runs on the small grid, and its gradient comes down to that grid as well; that equals
   upsampled features in front of it, at 1 / 256 of the work for patches of 16. ---- */
typedef struct {
    int outputs;          /* classes or key points */
    size_t width;         /* of the features */
    float *weight, *bias; /* [outputs, width], [outputs]; owned, as the moments are */
    float *moments[4];    /* AdamW: first, second of the weight, first, second of the bias */
    uint64_t steps;       /* updates done */
    double decay;         /* weight decay, 0.05 */
    int decay_bias;       /* 1: of the bias too (protocol 6.2) */
    int mean_labelled;    /* 1: mean over labelled pixels (torch's default), 0: over all (6.2) */
} paw_dense;
/* Weight N(0, 0.01^2) from seed, bias 0. */
PAW_DEF paw_err paw_dense_create(paw_ctx *c, int outputs, size_t width, uint64_t seed,
                                 paw_dense *out);
PAW_DEF void paw_dense_free(paw_ctx *c, paw_dense *h); /* empties it; NULL is fine */
/* Safetensors with mmseg's names (decode_head.conv_seg.weight, .bias), and moments and step count,
   so that training goes on as if it had not stopped. meta: key, value, ..., NULL; or NULL. */
PAW_DEF paw_err paw_dense_save(paw_ctx *c, const char *path, const paw_dense *h,
                               const char *const *meta);
/* Reads what paw_dense_save wrote, or any file with the two tensors (moments 0). */
PAW_DEF paw_err paw_dense_load(paw_ctx *c, const char *path, paw_dense *out);
/* Patch tokens of n images chw [n, 3, h, w]: outputs of the blocks without norm, side by side, or
   with block_count 0 the tokens behind the final norm. x: [n, h / patch * (w / patch), width],
   width = dim * max(block_count, 1). */
PAW_DEF paw_err paw_dense_features(const paw_model *m, paw_ctx *c, const int *blocks,
                                   int block_count, const float *chw, size_t n, int h, int w,
                                   float *x);
/* One AdamW step. x: [n, gh * gw, width]; labels: [n, h, w], PAW_IGNORED or a class; cross-entropy
   of the logits upsampled to h x w, averaged over all pixels, ignored ones as 0 (protocol 6.2). The
   same bits for any number of threads. Loss or gradient not finite: E_NUM, head unchanged. */
PAW_DEF paw_err paw_seg_step(paw_dense *h, paw_ctx *c, const float *x, size_t n, int gh, int gw,
                             const uint16_t *labels, int height, int width, double lr,
                             double *loss);
/* mmcv's poly schedule of power 1 with linear warm-up from 1e-6 of the rate. */
PAW_DEF double paw_seg_rate(double lr, double warm_up, double total, double iteration);
typedef struct {
    int slide, crop, stride; /* slide 0: the whole image at once */
    const int *blocks;
    int block_count;
} paw_seg_test;
/* Classes of every pixel of an image of out_w x out_h, by each of `heads` heads of equal outputs.
   chw: [3, h, w], it resized and normalised; a window that is no multiple of the patch is padded
   with 0 to the right and below. Logits are averaged over windows, upsampled twice as mmseg does
   (protocol 6.3). labels: [heads, out_h, out_w]. */
PAW_DEF paw_err paw_seg_predict(const paw_dense *d, size_t heads, const paw_model *m, paw_ctx *c,
                                const paw_seg_test *t, const float *chw, int h, int w, int out_h,
                                int out_w, uint16_t *labels);
/* The same where features of the whole image are there: x [gh * gw, width], covering gh and gw
   patches of which h x w pixels count. */
PAW_DEF paw_err paw_seg_predict_features(const paw_dense *d, paw_ctx *c, const float *x, int gh,
                                         int gw, int patch, int h, int w, int out_h, int out_w,
                                         uint16_t *labels);
/* A permutation of 0..n-1 for this epoch, the same on every machine. */
PAW_DEF void paw_shuffle(uint64_t seed, uint32_t epoch, size_t *order, size_t n);

/* ---- pose, top-down: our proposal (protocol 7), for the paper has no code for it ---- */
typedef struct {
    paw_pose *items;    /* in the file's order */
    const char **paths; /* [count] image of each, joined with the folder; NULL of results */
    size_t count;
    void *owned_;
} paw_poses;
/* COCO: person_keypoints_*.json, or a list of results with scores. image_folder may be NULL. */
PAW_DEF paw_err paw_poses_load(paw_ctx *c, const char *path, const char *image_folder,
                               paw_poses *out);
PAW_DEF void paw_poses_free(paw_ctx *c, paw_poses *p); /* NULL is fine */
typedef struct {
    double x, y, w, h, turn; /* centre and size in image pixels; radians */
    int flip;                /* 1: mirrored */
} paw_pose_crop;
/* Box widened to the ratio w : h and enlarged by 1.25. */
PAW_DEF void paw_pose_crop_of(const double box[4], int w, int h, paw_pose_crop *out);
/* A random one as mmpose draws it: shift, half body, scale, rotation, flip. */
PAW_DEF void paw_pose_crop_random(const paw_pose *p, int w, int h, uint64_t seed, uint64_t sample,
                                  paw_pose_crop *out);
/* in: the whole image; chw: [3, h, w] normalised, black outside the image. */
PAW_DEF void paw_pose_input(const paw_image *in, const paw_pose_crop *crop, const paw_stats *stats,
                            int w, int h, float *chw);
/* heat: [17, h, w], Gaussians of deviation 2; weights: [17], 0 where a point is not labelled or
   outside. w, h: of the heat maps, which cover the crop. */
PAW_DEF void paw_pose_target(const paw_pose *p, const paw_pose_crop *crop, int w, int h,
                             float *heat, float *weights);
/* One AdamW step of a head of 17 outputs. x: [n, gh * gw, width]; target: [n] of heat and weights,
   17 * (gh up * gw up + 1) floats; mean squared error over all outputs upsampled by up. */
PAW_DEF paw_err paw_pose_step(paw_dense *h, paw_ctx *c, const float *x, size_t n, int gh, int gw,
                              int up, const float *target, double lr, double *loss);
/* heat: [17, gh up, gw up] of one image; added to what is there, mirrored and with left and right
   swapped where flip is 1. */
PAW_DEF paw_err paw_pose_heat(const paw_dense *h, paw_ctx *c, const float *x, int gh, int gw,
                              int up, int flip, float *heat);
/* Maxima moved a quarter to the higher neighbour, in image pixels; points[][2] is the maximum.
   out->score: box_score times the mean of the maxima above 0.2; of all where none is. */
PAW_DEF void paw_pose_decode(const float *heat, int w, int h, const paw_pose_crop *crop,
                             double box_score, paw_pose *out);

#ifdef __cplusplus
}
#endif
#endif /* PARTAWARE_H */
/* ==== >>platform ==== compilers, attributes, target regions, little-endian loads ==== */
#if defined(PARTAWARE_IMPLEMENTATION) && !defined(PAW__IMPLEMENTED) && !defined(PAW_NO_CODE)
#define PAW__IMPLEMENTED

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/mman.h>
#if !defined(__cplusplus)
extern int madvise(void *, size_t, int); /* which strict C99 hides, as fsync */
#endif
#endif
#if defined(_WIN32) /* a rename that replaces is not C's */
#include <direct.h>
#include <io.h>
#if defined(__cplusplus)
extern "C"
#endif
__declspec(dllimport) int __stdcall MoveFileExA(const char *, const char *, unsigned long);
#define paw__rename(from, to) (!MoveFileExA(from, to, 1))
#define paw__mkdir(path) _mkdir(path)
#define paw__sync(fd) _commit(fd)
#define PAW__BINARY O_BINARY
#else
#if !defined(__cplusplus)
extern int fsync(int);
#endif
#define paw__rename(from, to) rename(from, to)
#define paw__mkdir(path) mkdir(path, 0777)
#define paw__sync(fd) fsync(fd)
#define PAW__BINARY 0
#endif

#if defined(__x86_64__) || defined(_M_X64)
#define PAW__X86 1
#include <immintrin.h>
#include <cpuid.h>
#elif defined(__aarch64__)
#define PAW__ARM 1
#include <arm_neon.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif
#endif
#if !defined(PAW_NO_THREADS)
#include <pthread.h>
#endif

#if defined(__FAST_MATH__)
#error "partaware.h keeps NaN and rounds where it says: compile it without -ffast-math"
#endif
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ == 2
#error "partaware.h rounds every float: on 32-bit x86 compile it with -msse2 -mfpmath=sse"
#endif
#if !defined(PAW_SELF)
#define PAW_SELF "partaware.h"
#endif
#if defined(__has_include)
#if !__has_include(PAW_SELF)
#error "partaware.h re-reads itself: renamed, it needs PAW_SELF as its own name, without a folder"
#endif
#endif

#define PAW__STR(x) #x
#define PAW__CAT2(a, b) a##_##b
#define PAW__CAT(a, b) PAW__CAT2(a, b)
#define PAW__FN(name) PAW__CAT(paw__##name, PAW__PASS)
#define PAW__COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A region makes every function in it a function of that instruction set, without flags. */
#if defined(__clang__)
#define PAW__BEGIN(t)                                                                              \
    _Pragma(PAW__STR(clang attribute push(__attribute__((target(t))), apply_to = function)))
#define PAW__END _Pragma("clang attribute pop")
#define PAW__UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define PAW__BEGIN(t) _Pragma("GCC push_options") _Pragma(PAW__STR(GCC target(t)))
#define PAW__END _Pragma("GCC pop_options")
#define PAW__UNROLL _Pragma("GCC unroll 32")
#else
#error "partaware.h needs gcc or clang"
#endif
#define PAW__INLINE static inline __attribute__((always_inline, unused))
#define PAW__UNUSED __attribute__((unused))
/* Ends an expression: what follows may not be fused with it, so that every compiler and every
   instruction set rounds at the same places (gcc contracts across statements, intrinsics too). */
#if defined(PAW__X86)
#define PAW__KEEP(x) __asm__("" : "+v"(x))
#elif defined(PAW__ARM)
#define PAW__KEEP(x) __asm__("" : "+w"(x))
#else
#define PAW__KEEP(x) __asm__("" : "+m"(x))
#endif
#if defined(__MINGW32__) && !defined(__clang__)
#define PAW__PRINTF(f, a) __attribute__((format(gnu_printf, f, a)))
#else
#define PAW__PRINTF(f, a) __attribute__((format(printf, f, a)))
#endif

static PAW__UNUSED uint32_t paw__le16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}
static PAW__UNUSED uint32_t paw__le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static PAW__UNUSED uint64_t paw__le64(const uint8_t *p)
{
    return (uint64_t)paw__le32(p) | (uint64_t)paw__le32(p + 4) << 32;
}
static PAW__UNUSED uint32_t paw__be32(const uint8_t *p)
{
    return (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

static PAW__UNUSED uint32_t paw__bf16_of(float x) /* nearest even; a NaN stays one */
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    if ((u & 0x7fffffffu) > 0x7f800000u) return u >> 16 | 0x40u;
    return (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
}

/* ==== >>memory ==== checked sizes, aligned allocation, buffers that grow ==== */

/* What free() needs stands before each block; the block itself is aligned to a cache line. */
#define PAW__ALIGN 64
typedef struct {
    void *base;
    size_t bytes;
    paw_allocator mem;
} paw__block;

/* Weights are touched once while they are packed: in huge pages that takes a third of the time. */
static void *paw__default_alloc(void *user, size_t bytes)
{
    void *p = malloc(bytes);
#if defined(__linux__)
    const size_t huge = (size_t)2 << 20, skip = (huge - (uintptr_t)p % huge) % huge;
    if (p && bytes >= 2 * huge) (void)madvise((char *)p + skip, (bytes - skip) / huge * huge, 14);
#endif
    (void)user;
    return p;
}
static void paw__default_free(void *user, void *p, size_t bytes)
{
    (void)user;
    (void)bytes;
    free(p);
}

static int paw__mul(size_t a, size_t b, size_t *out) /* 0 on overflow */
{
    if (b && a > (size_t)-1 / b) return 0;
    *out = a * b;
    return 1;
}
static int paw__add(size_t a, size_t b, size_t *out) /* 0 on overflow */
{
    if (a > (size_t)-1 - b) return 0;
    *out = a + b;
    return 1;
}
static size_t paw__up16(size_t n) { return (n + 15u) & ~(size_t)15u; }
static size_t paw__min(size_t a, size_t b) { return a < b ? a : b; }
static size_t paw__max(size_t a, size_t b) { return a > b ? a : b; }

static void *paw__mem_alloc(const paw_allocator *mem, size_t count, size_t size)
{
    size_t bytes, total;
    uint8_t *base, *p;
    paw__block blk;
    if (!paw__mul(count, size, &bytes) ||
        !paw__add(bytes, sizeof(paw__block) + 2 * PAW__ALIGN, &total))
        return NULL;
    base = (uint8_t *)mem->alloc(mem->user, total);
    if (!base) return NULL;
    p = base + sizeof(paw__block) + PAW__ALIGN - 1;
    p -= (uintptr_t)p % PAW__ALIGN;
    blk.base = base;
    blk.bytes = total;
    blk.mem = *mem;
    memcpy(p - sizeof blk, &blk, sizeof blk);
    return p;
}
static void paw__free(void *p) /* NULL is fine */
{
    paw__block blk;
    if (!p) return;
    memcpy(&blk, (uint8_t *)p - sizeof blk, sizeof blk);
    blk.mem.free(blk.mem.user, blk.base, blk.bytes);
}

/* ==== >>error ==== the context and its message ==== */

typedef struct paw__pool paw__pool;
struct paw_ctx {
    paw_allocator mem;
    paw_threads hook;
    paw__pool *pool;
    int threads, math;
    uint64_t max_pixels;
    float *scratch; /* one block that grows: activations and per-slot tiles */
    size_t scratch_count;
    char message[1024];
};

PAW_DEF const char *paw_strerror(paw_err e)
{
#define PAW__ERROR_TEXT(name, code, text) if (e == code) return text;
    PAW_ERRORS(PAW__ERROR_TEXT)
#undef PAW__ERROR_TEXT
    return e == PAW_OK ? "ok" : "unknown error";
}
PAW_DEF const char *paw_message(const paw_ctx *c) { return c ? c->message : "no context"; }
PAW_DEF int paw_version(void) { return PAW_VERSION; }

/* Bytes of the UTF-8 character at s (n bytes left), 0 where it is not one: no overlong forms, no
   surrogates, nothing above U+10FFFF. */
static size_t paw__utf8(const uint8_t *s, size_t n)
{
    static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint32_t v;
    size_t len, i;
    if (!n) return 0;
    if (s[0] < 0x80) return 1;
    len = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
        : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
    if (!len || len > n) return 0;
    v = s[0] & (0x7fu >> len);
    for (i = 1; i < len; ++i) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        v = v << 6 | (s[i] & 0x3fu);
    }
    return v >= least[len] && v <= 0x10ffff && (v < 0xd800 || v > 0xdfff) ? len : 0;
}
/* Messages are one line of UTF-8 whatever is in a file name or key, so that logs stay parseable and
   terminals unmoved: U+0080 to U+009F are control characters too. */
static void paw__one_line(char *s)
{
    size_t k;
    for (; *s; s += k) {
        const uint8_t *u = (const uint8_t *)s;
        k = paw__utf8(u, 4); /* never reads behind the end: a NUL ends what it takes */
        if (k && *u >= 32 && *u != 127 && (*u != 0xc2 || u[1] >= 0xa0)) continue;
        *s = '?';
        k = 1;
    }
}
static PAW__PRINTF(3, 4) paw_err paw__fail(paw_ctx *c, paw_err e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->message, sizeof c->message, format, args);
    va_end(args);
    paw__one_line(c->message);
    return e;
}
/* The failure e again, its message behind the file's name (NULL: as it is). */
static paw_err paw__fail_in(paw_ctx *c, paw_err e, const char *path)
{
    char what[sizeof c->message];
    if (!e || !path) return e;
    memcpy(what, c->message, sizeof what);
    return paw__fail(c, e, "%s: %s", path, what);
}
static void *paw__alloc(paw_ctx *c, size_t count, size_t size) /* NULL: the message is set */
{
    void *p = paw__mem_alloc(&c->mem, count, size);
    if (!p) paw__fail(c, PAW_E_OOM, "out of memory: %zu x %zu bytes", count, size);
    return p;
}
static PAW__UNUSED void *paw__calloc(paw_ctx *c, size_t count, size_t size)
{
    void *p = paw__alloc(c, count, size);
    if (p) memset(p, 0, count * size);
    return p;
}
/* Grows *p (cap elements of size) to hold at least need, doubling; old content kept. */
static PAW__UNUSED paw_err paw__grow(paw_ctx *c, void **p, size_t *cap, size_t need, size_t size)
{
    size_t want = *cap ? *cap : 16;
    void *q;
    if (need <= *cap) return PAW_OK;
    while (want < need) {
        if (want > (size_t)-1 / 2) return paw__fail(c, PAW_E_OOM, "out of memory");
        want *= 2;
    }
    q = paw__alloc(c, want, size);
    if (!q) return PAW_E_OOM;
    if (*p) memcpy(q, *p, *cap * size);
    paw__free(*p);
    *p = q;
    *cap = want;
    return PAW_OK;
}
static PAW__UNUSED char *paw__strdup(paw_ctx *c, const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = (char *)paw__alloc(c, n, 1);
    if (p) memcpy(p, s, n);
    return p;
}

/* Nearest, denormals kept, nothing trapped: bits depend on it. The host's mode is put back. */
static uint64_t paw__mode(int set, uint64_t v) /* the mode; after set: v */
{
#if defined(PAW__X86)
    if (set) _mm_setcsr((unsigned)v);
    return _mm_getcsr();
#elif defined(PAW__ARM)
    if (set) __asm__ volatile("msr fpcr, %0" : : "r"(v) : "memory");
    __asm__ volatile("mrs %0, fpcr" : "=r"(v) : : "memory");
    return v;
#else
    (void)set;
    return v;
#endif
}
#if defined(PAW__X86)
#define PAW__MODE_IS(v) (((v) & 0xffc0u) == 0x1f80u)
#define PAW__MODE_USUAL 0x1f80u
#else
#define PAW__MODE_IS(v) ((v) == 0)
#define PAW__MODE_USUAL 0
#endif
static uint64_t paw__mode_enter(void)
{
    const uint64_t host = paw__mode(0, 0);
    if (!PAW__MODE_IS(host)) (void)paw__mode(1, PAW__MODE_USUAL);
    return host;
}
static void paw__mode_leave(const uint64_t *host)
{
    if (!PAW__MODE_IS(*host)) (void)paw__mode(1, *host);
}
/* Stands in every function that computes, until its end. */
#define PAW__MODE                                                                                  \
    const uint64_t paw__host __attribute__((cleanup(paw__mode_leave), unused)) = paw__mode_enter()
#define PAW__ENTER(given)                                                                          \
    PAW__MODE;                                                                                     \
    if (!(given)) return PAW_E_ARG

/* ==== >>threads ==== parallel loops: own pool, or the caller's parallel_for ==== */

/* A loop runs items 0..n-1, each once; slot is below the context's thread count and unique among
   the items that run at the same time, so that per-slot scratch needs no lock. */
typedef void paw__body(void *arg, size_t item, int slot);
typedef struct {
    paw__body *fn;
    void *arg;
    size_t n;
    size_t next; /* atomic */
} paw__loop;

static void paw__loop_run(void *arg, int slot)
{
    paw__loop *l = (paw__loop *)arg;
    PAW__MODE; /* of a worker, or of the hook's thread */
    for (;;) {
        size_t i = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
        if (i >= l->n) return;
        l->fn(l->arg, i, slot);
    }
}

#if !defined(PAW_NO_THREADS)
/* Workers spin briefly before they sleep: a forward pass enters a hundred loops per image. */
#define PAW__SPINS 4000
typedef struct {
    paw__pool *pool;
    int slot;
    pthread_t thread;
} paw__worker;
struct paw__pool {
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    paw__worker *workers;
    int count;          /* threads started; the caller is one more */
    unsigned epoch;     /* atomic; a change announces a loop */
    int running, stop;  /* atomic */
    int width;          /* slots of the present loop */
    paw__loop *loop;
};

static void paw__pause(void)
{
#if defined(PAW__X86)
    _mm_pause();
#elif defined(PAW__ARM)
    __asm__ volatile("yield");
#endif
}
static void *paw__worker_main(void *arg)
{
    paw__worker *w = (paw__worker *)arg;
    paw__pool *p = w->pool;
    unsigned seen = 0;
    for (;;) {
        int spins;
        for (spins = 0; spins < PAW__SPINS; ++spins) {
            if (__atomic_load_n(&p->epoch, __ATOMIC_ACQUIRE) != seen) break;
            paw__pause();
        }
        if (spins == PAW__SPINS) {
            pthread_mutex_lock(&p->lock);
            while (__atomic_load_n(&p->epoch, __ATOMIC_ACQUIRE) == seen)
                pthread_cond_wait(&p->wake, &p->lock);
            pthread_mutex_unlock(&p->lock);
        }
        seen = __atomic_load_n(&p->epoch, __ATOMIC_ACQUIRE);
        if (__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE)) return NULL;
        if (w->slot < p->width) paw__loop_run(p->loop, w->slot);
        if (__atomic_sub_fetch(&p->running, 1, __ATOMIC_ACQ_REL) == 0) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->done);
            pthread_mutex_unlock(&p->lock);
        }
    }
}
static void paw__pool_announce(paw__pool *p)
{
    pthread_mutex_lock(&p->lock);
    __atomic_add_fetch(&p->epoch, 1, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}
static void paw__pool_free(paw__pool *p)
{
    int i;
    if (!p) return;
    __atomic_store_n(&p->stop, 1, __ATOMIC_RELEASE);
    paw__pool_announce(p);
    for (i = 0; i < p->count; ++i) pthread_join(p->workers[i].thread, NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
    pthread_cond_destroy(&p->done);
    paw__free(p->workers);
    paw__free(p);
}
/* NULL, or fewer workers than asked: the loop then runs on what there is. */
static paw__pool *paw__pool_new(const paw_allocator *mem, int workers)
{
    paw__pool *p = (paw__pool *)paw__mem_alloc(mem, 1, sizeof *p);
    if (!p) return NULL;
    memset(p, 0, sizeof *p);
    p->workers = (paw__worker *)paw__mem_alloc(mem, (size_t)workers, sizeof *p->workers);
    if (!p->workers || pthread_mutex_init(&p->lock, NULL)) {
        paw__free(p->workers);
        paw__free(p);
        return NULL;
    }
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->done, NULL);
    for (; p->count < workers; ++p->count) {
        paw__worker *w = &p->workers[p->count];
        w->pool = p;
        w->slot = p->count + 1;
        if (pthread_create(&w->thread, NULL, paw__worker_main, w)) break;
    }
    return p;
}
static void paw__pool_run(paw__pool *p, paw__loop *l, int width)
{
    int spins;
    p->loop = l;
    p->width = width;
    __atomic_store_n(&p->running, p->count, __ATOMIC_RELEASE);
    paw__pool_announce(p);
    paw__loop_run(l, 0);
    for (spins = 0; spins < PAW__SPINS; ++spins) {
        if (__atomic_load_n(&p->running, __ATOMIC_ACQUIRE) == 0) return;
        paw__pause();
    }
    pthread_mutex_lock(&p->lock);
    while (__atomic_load_n(&p->running, __ATOMIC_ACQUIRE)) pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}
#endif

static void paw__for(paw_ctx *c, size_t n, paw__body *fn, void *arg)
{
    paw__loop l;
    int width = n < (size_t)c->threads ? (int)n : c->threads;
    l.fn = fn;
    l.arg = arg;
    l.n = n;
    l.next = 0;
    if (width > 1 && c->hook.parallel_for) {
        c->hook.parallel_for(c->hook.user, width, paw__loop_run, &l);
        return;
    }
#if !defined(PAW_NO_THREADS)
    if (width > 1 && !c->pool) c->pool = paw__pool_new(&c->mem, c->threads - 1);
    if (width > 1 && c->pool) {
        paw__pool_run(c->pool, &l, width);
        return;
    }
#endif
    paw__loop_run(&l, 0);
}

static int paw__online_cpus(void)
{
#if !defined(PAW_NO_THREADS) && defined(_SC_NPROCESSORS_ONLN)
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < 1024 ? (int)n : 1;
#elif !defined(PAW_NO_THREADS) && defined(_WIN32)
    return pthread_num_processors_np();
#else
    return 1;
#endif
}
static int paw__env_threads(void)
{
#if !defined(PAW_NO_GETENV)
    const char *s = getenv("PAW_THREADS");
    int n = 0;
    for (; s && *s >= '0' && *s <= '9' && n < 1000; ++s) n = n * 10 + (*s - '0');
    if (n > 0) return n;
#endif
    return 0;
}
#define PAW__MAX_THREADS 256

PAW_DEF paw_err paw_create(const paw_config *config, paw_ctx **out)
{
    paw_config cfg;
    paw_ctx *c;
    memset(&cfg, 0, sizeof cfg);
    if (config) cfg = *config;
    if (!cfg.mem.alloc) {
        cfg.mem.alloc = paw__default_alloc;
        cfg.mem.free = paw__default_free;
    }
    if (!out || !cfg.mem.free || cfg.threads < 0 || cfg.math < 0 || cfg.math > PAW_MATH_SLEEF)
        return PAW_E_ARG;
#if defined(PAW_NO_SLEEF)
    if (cfg.math == PAW_MATH_SLEEF) return PAW_E_UNSUP;
#endif
    c = (paw_ctx *)paw__mem_alloc(&cfg.mem, 1, sizeof *c);
    if (!c) return PAW_E_OOM;
    memset(c, 0, sizeof *c);
    c->mem = cfg.mem;
    c->hook = cfg.hook;
    c->math = cfg.math;
    c->max_pixels = cfg.max_pixels ? cfg.max_pixels : 100000000u;
    c->threads = cfg.threads ? cfg.threads : paw__env_threads();
    if (!c->threads) c->threads = paw__online_cpus();
    if (c->threads > PAW__MAX_THREADS) c->threads = PAW__MAX_THREADS;
#if defined(PAW_NO_THREADS)
    if (!c->hook.parallel_for) c->threads = 1;
#endif
    *out = c;
    return PAW_OK;
}
PAW_DEF void paw_destroy(paw_ctx *c)
{
    if (!c) return;
#if !defined(PAW_NO_THREADS)
    paw__pool_free(c->pool);
#endif
    paw__free(c->scratch);
    paw__free(c);
}
PAW_DEF int paw_threads_used(const paw_ctx *c)
{
#if !defined(PAW_NO_THREADS)
    if (c && c->pool) return c->pool->count + 1;
#endif
    return c ? c->threads : 0;
}

/* ==== >>cpu ==== cpuid and xgetbv, or hwcap; what the instruction sets offer the drivers ==== */

/* The layouts below are the same for all instruction sets; only the height of a panel differs.
   A operand (activations, [rows, k]): rows in panels of at most mr, as even as possible; inside a
   panel chunks of 16 k, each [rows of the panel][16]. k is padded with zeros to a multiple of 16.
   B operand (weights, [n, k]): panels of 16 columns, each [k][16], columns padded with zeros.
   In bf16: B panels [k / 2][16][2], so that a 32-bit word holds two k; A panels floats of bf16
   value, or, for kernels that multiply bf16, [rows][8] words of two k, packed to the front. */
typedef struct {
    size_t rows, count, base, extra; /* the first extra panels have base + 1 rows */
} paw__panels;
static PAW__UNUSED paw__panels paw__panels_of(size_t rows, int mr)
{
    paw__panels p;
    p.rows = rows;
    p.count = (rows + (size_t)mr - 1) / (size_t)mr;
    p.base = p.count ? rows / p.count : 0;
    p.extra = p.count ? rows % p.count : 0;
    return p;
}
static PAW__UNUSED size_t paw__panel_first(const paw__panels *p, size_t i)
{
    return i * p->base + paw__min(i, p->extra);
}
static PAW__UNUSED int paw__panel_rows(const paw__panels *p, size_t i)
{
    return (int)(p->base + (i < p->extra ? 1 : 0));
}

/* Part of the contract: a product is summed in blocks of this many k, each one FMA chain from
   zero, and the blocks are added in order. Bounds the rounding error and must never be tuned. */
#define PAW__KC 384
#define PAW__MAX_MR 14
#define PAW__TILE_COLS 32 /* of the widest micro-kernel */

enum { /* what becomes of a finished tile */
    PAW__TO_ROWS,     /* out[row * ld + col] */
    PAW__TO_RESIDUAL, /* out[row * ld + col] += gamma[col] * value */
    PAW__TO_A,        /* A operand of the next product, k = this n */
    PAW__TO_QKV       /* operands of the attention */
};
enum { PAW__NO_ACT, PAW__GELU, PAW__GELU_SLEEF, PAW__RELU };

typedef struct { /* per image, all heads; dh is padded to 16, tokens to 16 */
    float *q;    /* [heads] A operands [tokens, dh] */
    float *k;    /* [heads] B operands of q k': panels of 16 tokens, [dh][16] */
    float *v;    /* [heads] B operands of p v: panels of 16 channels, [tokens][16] */
    size_t tokens, padded; /* padded: tokens up to 16 */
    size_t dh;             /* padded */
    size_t heads;
} paw__qkv;

typedef struct {
    const float *a, *b;
    size_t a_step;    /* 0; else a is [k / 16][rows][16], a_step floats from chunk to chunk */
    size_t b_step;    /* floats from panel to panel of b; 0: 16 k */
    int goes_on;      /* behind b is that of the next product: fetched as panels of b are */
    const uint16_t *b16; /* bf16 instead of b, or NULL; a is narrowed then, see paw__ops */
    float *wide;         /* PAW__WIDE_COUNT a slot for product16 */
    size_t k;         /* padded to 16 */
    size_t k0, k1;    /* this call's range, multiples of PAW__KC but the end */
    paw__panels rows; /* of the whole A operand */
    size_t p0, p1;    /* panels to compute */
    size_t n;         /* padded to 16 */
    const float *bias, *scale; /* [n]; scale NULL: 1 */
    const float *gamma;        /* [n]; PAW__TO_RESIDUAL; NULL: 1 */
    int to, act;
    float *out;
    size_t ld;
    paw__qkv *qkv;
    float *partial; /* sums between k ranges, [tile column][span][tile]; NULL if one range */
    size_t p_base, span; /* panels that partial holds: p_base .. p_base + span */
} paw__product;

typedef struct {
    const paw__qkv *in;
    float scale;
    const float *bias; /* BEiT: [heads][2 gh - 1][2 gw - 1] reversed, then [heads][3]; or NULL */
    int gh, gw;
    int math;
    float *out; /* A operand [tokens, heads * dh] */
    float *map; /* [heads, tokens, tokens] probabilities, or NULL */
} paw__attention;

typedef struct { /* one update of parameters p with gradients g and moments m, v; as torch.optim */
    float lr, momentum;
    float decay, trust; /* SGD: the gradient becomes trust * (g + decay p) */
    int nesterov;
    float keep;         /* AdamW: 1 - lr decay */
    float beta1, rest1, beta2, rest2, eps; /* rest: 1 - beta */
    float step, root;   /* lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t) */
} paw__update;

/* Attention pooling of one item, all heads: probabilities p = softmax(u xhat'), pooled = p xhat, of
   the normalised tokens xhat, which are nowhere made: with mean m and r = 1 / deviation of a token,
   u xhat = r (u x) - m r sum(u) and p xhat = (p r) x - sum(p r m). k and v of protocol 5.3 fold
   into u and into what reads pooled. padded: up to 16; heads go in groups of 16, one to a lane. */
typedef struct {
    const void *x;      /* tokens [tokens, dim] of dtype: F32, F16 or BF16 */
    const void *next;   /* of the item that comes next: fetched meanwhile */
    int dtype;
    size_t tokens, dim, heads;
    float eps;
    const float *u; /* forward: [heads, dim padded] */
    int packed;     /* forward: scratch still has u from the call before */
    float *scratch; /* paw__pool_scratch floats */
    float *moments; /* [2][tokens padded]: means; 1 / deviations; forward writes, backward reads */
    float *p;       /* [heads padded / 16][tokens][16]: forward writes, backward reads */
    /* Forward, twice: for what reads it next, and past the caches. Of head h channels from 16 c on
       are at h * head_step + c * step; kept is aligned to 64 bytes. */
    float *pooled, *kept;
    size_t head_step, step, kept_head, kept_step;
    const float *grad; /* backward: of pooled, [heads, dim padded] */
    float *du;         /* backward: [heads, dim padded], added to */
} paw__pooling;

typedef struct {
    int isa, mr, cols; /* micro-kernel height and width */
    int dots;          /* product16 multiplies bf16 */
    /* Tile column j (cols wide) of the product, panels p0..p1. */
    void (*product)(const paw__product *g, size_t j);
    void (*product16)(const paw__product *g, size_t j); /* the same with b16 */
    void (*narrow)(float *a, size_t n); /* n floats of an A panel for product16, in place */
    /* One panel of rows of one head. scratch: paw__attention_scratch floats. */
    void (*attention)(const paw__attention *t, size_t head, size_t panel, float *scratch);
    /* x: rows of ld -> y: if to_a, the A operand, else rows of ld; panels p0..p1 of it; d true
       width; x, w and b padded with zeros to 16. */
    void (*norm)(const float *x, size_t ld, const paw__panels *panels, size_t p0, size_t p1,
                 size_t d, const float *w, const float *b, float eps, int to_a, float *y);
    void (*gelu)(float *x, size_t n, int math);           /* in place; n a multiple of 16 */
    /* A panel of an A operand, in place; see >>kernels. */
    void (*softmax)(float *x, int rows, size_t n, float scale, int math, float *sums);
    float (*dot)(const float *x, const float *y, size_t n); /* n a multiple of 16 */
    /* Rows of logits, at most mr, in place: scale * (shares - one at the label), padding 0. Minus
       the logs of the labels' shares are added to *loss; 0, and nothing, where a label is not one
       of the n. */
    void (*xent)(float *x, size_t ld, int rows, size_t n, const int32_t *labels, float scale,
                 double *loss);
    void (*sgd)(const paw__update *u, float *p, float *m, const float *g, size_t n); /* n % 16: 0 */
    void (*adamw)(const paw__update *u, float *p, float *m, float *v, const float *g, size_t n);
    void (*pool)(const paw__pooling *t, int backward);
    /* One panel of 16 columns, rows of ld floats. sum [16]: of (x - sub) y of each column. */
    void (*columns)(const float *x, const float *y, const float *sub, size_t ld, size_t rows,
                    float *sum);
    /* Batch norm of a panel without affine: y = (x - mean) / sqrt(var + eps), var biased. */
    void (*batch_norm)(const float *x, size_t ld, size_t rows, float eps, int given, float *mean,
                       float *var, float *y); /* given: mean and var come from the caller */
    void (*batch_norm_back)(const float *y, const float *grad, size_t ld, size_t rows, float eps,
                            const float *var, float *dx); /* y: the output */
    /* Layer norm of one row [d], buffers padded with zeros to 16 -> gradients of x, w and b. */
    void (*norm_back)(const float *x, size_t d, const float *w, float eps, const float *grad,
                      float *dx, float *dw);
    void (*cosine)(float *xy, const float *yy, size_t n, float xx); /* n a multiple of 16 */
    void (*bucket)(const float *s, size_t n, float high, float scale, float top, float *out);
    /* out = wa a + wb b; y += w x; n % 16: 0. argmax: the first of the largest, padding is set */
    void (*blend)(const float *a, float wa, const float *b, float wb, size_t n, float *out);
    void (*axpy)(float w, const float *x, size_t n, float *y);
    size_t (*argmax)(float *x, size_t n);
} paw__ops;

#define PAW__ALL_ISAS(X) X(SCALAR, scalar) X(NEON, neon) X(AVX2, avx2) X(AVX512, avx512)
PAW_DEF const char *paw_isa_name(int isa)
{
#define PAW__ISA_NAME(upper, lower) if (isa == PAW_ISA_##upper) return #lower;
    PAW__ALL_ISAS(PAW__ISA_NAME)
#undef PAW__ISA_NAME
    return "unknown";
}

#if defined(PAW__X86)
/* The operating system must save the wide registers, whatever the CPU can do. */
static int paw__os_saves(unsigned mask)
{
    unsigned lo, hi;
    __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(lo), "=d"(hi) : "c"(0)); /* xgetbv */
    (void)hi;
    return (lo & mask) == mask;
}
static int paw__cpu_isa(void)
{
    unsigned a, b, c, d, leaf1_c;
    if (!__get_cpuid(1, &a, &b, &leaf1_c, &d)) return PAW_ISA_SCALAR;
    if (~leaf1_c & (1u << 27 | 1u << 12 | 1u << 29) || !paw__os_saves(0x6)) /* fma, f16c */
        return PAW_ISA_SCALAR;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & (1u << 5))) return PAW_ISA_SCALAR;
    if ((b & (1u << 16)) && paw__os_saves(0xe6)) return PAW_ISA_AVX512;
    return PAW_ISA_AVX2;
}
#elif defined(PAW__ARM)
static int paw__cpu_isa(void) { return PAW_ISA_NEON; } /* part of every AArch64 */
#else
static int paw__cpu_isa(void) { return PAW_ISA_SCALAR; }
#endif
/* Products of bf16 pairs. PAW__SOFT_DOTS: tests run these kernels where the instruction is not.
   clang 16 for x86 overflows its stack optimising vectors of bf16. */
#if (defined(__clang__) && !defined(PAW__X86) && __clang_major__ >= 16) || \
    (defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 10) || \
    (defined(__clang__) && defined(PAW__X86) && __clang_major__ >= 9 && __clang_major__ != 16)
#define PAW__DOTS 1
#endif
static PAW__UNUSED int paw__cpu_dots(void)
{
#if defined(PAW__SOFT_DOTS)
    return 1;
#elif defined(PAW__DOTS) && defined(PAW__X86)
    unsigned a, b, c, d;
    return paw__cpu_isa() == PAW_ISA_AVX512 && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
           (b & (1u << 30)) && __get_cpuid_count(7, 1, &a, &b, &c, &d) && /* AVX512BW */
           (a & (1u << 5));
#elif defined(PAW__DOTS) && defined(PAW__ARM) && defined(__linux__)
    return (getauxval(AT_HWCAP2) & (1ul << 14)) != 0; /* HWCAP2_BF16 */
#else
    return 0;
#endif
}

/* ==== >>reference ==== double-accumulating oracle of every kernel; tests use it ==== */

/* Plain rows in, doubles out, nothing packed or padded, sums in the order of their indices: what
   the kernels must approximate. Where a rounding bound needs it, the sum of the absolute values of
   all terms (the condition sum) comes out beside the sum. */

/* x [n], y [n] */
static PAW__UNUSED double paw__ref_dot(const float *x, const float *y, size_t n, double *condition)
{
    double sum = 0, size = 0;
    size_t i;
    for (i = 0; i < n; ++i) {
        const double p = (double)x[i] * (double)y[i];
        sum += p;
        size += fabs(p);
    }
    if (condition) *condition = size;
    return sum;
}
/* x Phi(x), Phi by erfc so that the negative side keeps its digits */
static PAW__UNUSED double paw__ref_gelu(double x)
{
    return 0.5 * x * erfc(-x * 0.70710678118654752440);
}
static PAW__UNUSED double paw__ref_act(double x, int act)
{
    if (act == PAW__GELU || act == PAW__GELU_SLEEF) return paw__ref_gelu(x);
    return act == PAW__RELU && x < 0 ? 0.0 : x;
}

typedef struct {
    const float *x;              /* [rows, k] of ldx floats */
    const float *w;              /* [n, k] as torch stores it */
    const float *bias, *scale;   /* [n]; NULL: 0 and 1 */
    const float *gamma;          /* [n]; NULL: 1 */
    const float *residual;       /* [rows, n] of ldr floats; NULL: none */
    size_t rows, n, k, ldx, ldr;
    int act;
} paw__ref_layer;
/* out [rows, n] = residual + gamma act(scale (x w') + bias); condition [rows, n]: of x w' alone,
   linear [rows, n]: before the activation; NULL where not wanted */
static PAW__UNUSED void paw__ref_product(const paw__ref_layer *l, double *out, double *linear,
                                         double *condition)
{
    size_t r, j;
    for (r = 0; r < l->rows; ++r)
        for (j = 0; j < l->n; ++j) {
            const size_t at = r * l->n + j;
            double size, v = paw__ref_dot(l->x + r * l->ldx, l->w + j * l->k, l->k, &size);
            v = v * (l->scale ? (double)l->scale[j] : 1.0) + (l->bias ? (double)l->bias[j] : 0.0);
            if (condition) condition[at] = size;
            if (linear) linear[at] = v;
            v = paw__ref_act(v, l->act) * (l->gamma ? (double)l->gamma[j] : 1.0);
            out[at] = v + (l->residual ? (double)l->residual[r * l->ldr + j] : 0.0);
        }
}

/* One row x [d] -> out [d]; biased variance; *mean and *rstd for bounds, NULL where not wanted */
static PAW__UNUSED void paw__ref_norm(const float *x, size_t d, const float *w, const float *b,
                                      double eps, double *out, double *mean, double *rstd)
{
    double m = 0, v = 0, s;
    size_t i;
    for (i = 0; i < d; ++i) m += (double)x[i];
    m /= (double)d;
    for (i = 0; i < d; ++i) v += ((double)x[i] - m) * ((double)x[i] - m);
    s = 1.0 / sqrt(v / (double)d + eps);
    for (i = 0; i < d; ++i) out[i] = ((double)x[i] - m) * s * (double)w[i] + (double)b[i];
    if (mean) *mean = m;
    if (rstd) *rstd = s;
}

/* One row in place, x [n] */
static PAW__UNUSED void paw__ref_softmax(double *x, size_t n)
{
    double top = x[0], sum = 0;
    size_t i;
    for (i = 1; i < n; ++i) top = x[i] > top ? x[i] : top;
    for (i = 0; i < n; ++i) sum += x[i] = exp(x[i] - top);
    for (i = 0; i < n; ++i) x[i] /= sum;
}

/* Cross-entropy of one row of logits x [n]; grad [n] = scale (softmax - one at the label) */
static PAW__UNUSED double paw__ref_xent(const float *x, size_t n, size_t label, double scale,
                                        double *grad)
{
    double top = (double)x[0], sum = 0;
    size_t i;
    for (i = 1; i < n; ++i) top = (double)x[i] > top ? (double)x[i] : top;
    for (i = 0; i < n; ++i) sum += grad[i] = exp((double)x[i] - top);
    for (i = 0; i < n; ++i) grad[i] = scale * (grad[i] / sum - (i == label));
    return log(sum) - ((double)x[label] - top);
}
static PAW__UNUSED double paw__ref_blend(double a, double wa, double b, double wb)
{
    return wa * a + wb * b;
}
/* The first of the largest of x [n] */
static PAW__UNUSED size_t paw__ref_argmax(const float *x, size_t n)
{
    size_t i, best = 0;
    for (i = 1; i < n; ++i) best = x[i] > x[best] ? i : best;
    return best;
}
/* One row x [d] -> (x - mean) / sqrt(var + eps), var biased */
static PAW__UNUSED void paw__ref_standard(const double *x, size_t d, size_t stride, double eps,
                                          double *out)
{
    double m = 0, v = 0;
    size_t i;
    for (i = 0; i < d; ++i) m += x[i * stride];
    m /= (double)d;
    for (i = 0; i < d; ++i) v += (x[i * stride] - m) * (x[i * stride] - m);
    for (i = 0; i < d; ++i) out[i * stride] = (x[i * stride] - m) / sqrt(v / (double)d + eps);
}
/* Attention pooling of xhat [t, d] by u [heads, d]: p [heads, t], pooled [heads, d] */
static PAW__UNUSED void paw__ref_pool(const double *xhat, const double *u, size_t t, size_t d,
                                      size_t heads, double *p, double *pooled)
{
    size_t h, i, c;
    for (h = 0; h < heads; ++h, u += d, p += t, pooled += d) {
        for (i = 0; i < t; ++i)
            for (p[i] = 0, c = 0; c < d; ++c) p[i] += u[c] * xhat[i * d + c];
        paw__ref_softmax(p, t);
        for (c = 0; c < d; ++c)
            for (pooled[c] = 0, i = 0; i < t; ++i) pooled[c] += p[i] * xhat[i * d + c];
    }
}
/* One parameter: torch.optim's SGD (trust 1) or LARS of protocol 5.4, and AdamW */
static PAW__UNUSED void paw__ref_sgd(const paw__update *u, double g, double *p, double *m)
{
    const double d = (g + (double)u->decay * *p) * (double)u->trust;
    *m = (double)u->momentum * *m + d;
    *p -= (double)u->lr * (u->nesterov ? d + (double)u->momentum * *m : *m);
}
static PAW__UNUSED void paw__ref_adamw(const paw__update *u, double g, double *p, double *m,
                                       double *v)
{
    *m = (double)u->beta1 * *m + (double)u->rest1 * g;
    *v = (double)u->beta2 * *v + (double)u->rest2 * g * g;
    *p = *p * (double)u->keep -
         (double)u->step * *m / (sqrt(*v) * (double)u->root + (double)u->eps);
}

/* BEiT's relative bias of query token i to key token j (protocol 1.4). table [R, heads] as stored,
   R = (2 gh - 1)(2 gw - 1) + 3, for a grid of gh rows and gw columns; token 0 is the class token */
static PAW__UNUSED double paw__ref_bias(const float *table, int gh, int gw, size_t heads,
                                        size_t head, size_t i, size_t j)
{
    const size_t h = (size_t)gh, w = (size_t)gw, rows = (2 * h - 1) * (2 * w - 1) + 3;
    size_t at;
    if (i && j) {
        const size_t dr = (i - 1) / w + h - 1 - (j - 1) / w, dc = (i - 1) % w + w - 1 - (j - 1) % w;
        at = dr * (2 * w - 1) + dc;
    } else {
        at = i ? rows - 2 : j ? rows - 3 : rows - 1;
    }
    return (double)table[at * heads + head];
}

typedef struct { /* one head; rows q, k, v [tokens, dh] */
    const float *q, *k, *v;
    size_t tokens, dh;
    double scale;
    const float *table; /* [R, heads] as stored, or NULL; then head, heads, gh, gw count */
    size_t head, heads;
    int gh, gw;
} paw__ref_head;
/* Scaled logits with bias, [tokens, tokens]; condition: of the scaled product alone, or NULL */
static PAW__UNUSED void paw__ref_logits(const paw__ref_head *a, double *logits, double *condition)
{
    const size_t t = a->tokens;
    size_t i, j;
    for (i = 0; i < t; ++i)
        for (j = 0; j < t; ++j) {
            double size, s = paw__ref_dot(a->q + i * a->dh, a->k + j * a->dh, a->dh, &size);
            s *= a->scale;
            if (a->table) s += paw__ref_bias(a->table, a->gh, a->gw, a->heads, a->head, i, j);
            logits[i * t + j] = s;
            if (condition) condition[i * t + j] = size * fabs(a->scale);
        }
}
/* map [tokens, tokens]: probabilities; out [tokens, dh] */
static PAW__UNUSED void paw__ref_attention(const paw__ref_head *a, double *map, double *out)
{
    const size_t t = a->tokens;
    size_t i, j, c;
    paw__ref_logits(a, map, NULL);
    for (i = 0; i < t; ++i) {
        paw__ref_softmax(map + i * t, t);
        for (c = 0; c < a->dh; ++c) out[i * a->dh + c] = 0;
        for (j = 0; j < t; ++j)
            for (c = 0; c < a->dh; ++c)
                out[i * a->dh + c] += map[i * t + j] * (double)a->v[j * a->dh + c];
    }
}

/* Convolution of stride patch: chw [3, h, w], weight [dim, 3, patch, patch], bias [dim] ->
   out [h / patch * (w / patch), dim]; condition alike, or NULL */
static PAW__UNUSED void paw__ref_patches(const float *chw, int h, int w, int patch,
                                         const float *weight, const float *bias, size_t dim,
                                         double *out, double *condition)
{
    const size_t p = (size_t)patch, hh = (size_t)h, ww = (size_t)w, gw = ww / p;
    size_t t, d, c, y, x;
    for (t = 0; t < hh / p * gw; ++t)
        for (d = 0; d < dim; ++d) {
            double sum = 0, size = 0;
            for (c = 0; c < 3; ++c)
                for (y = 0; y < p; ++y)
                    for (x = 0; x < p; ++x) {
                        const size_t row = t / gw * p + y, col = t % gw * p + x;
                        const double v = (double)chw[(c * hh + row) * ww + col] *
                                         (double)weight[((d * 3 + c) * p + y) * p + x];
                        sum += v;
                        size += fabs(v);
                    }
            out[t * dim + d] = sum + (double)bias[d];
            if (condition) condition[t * dim + d] = size;
        }
}

/* Of the product of two rows and their squared norms (protocol 4.3) */
static PAW__UNUSED double paw__ref_cosine(double xy, double xx, double yy)
{
    return xy / sqrt(xx * yy > 1e-16 ? xx * yy : 1e-16);
}
/* scikit-learn's average precision by looking for one threshold after the other; the same to the
   bit, for the terms are few and their order is given. NaN where nothing is relevant. */
static PAW__UNUSED double paw__ref_average_precision(const float *s, const uint8_t *relevant,
                                                     size_t n)
{
    double sum = 0, hits = 0, before = 0;
    float last = (float)INFINITY;
    for (;;) {
        double seen = 0, gain;
        float next = -(float)INFINITY;
        size_t i;
        for (i = 0; i < n; ++i)
            if (s[i] < last && s[i] > next) next = s[i];
        for (i = 0, hits = 0; i < n; ++i) {
            seen += s[i] >= next;
            hits += s[i] >= next && relevant[i];
        }
        if (!(next > -(float)INFINITY)) return hits > 0 ? sum / hits : (double)NAN;
        gain = (hits - before) * (hits / seen);
        PAW__KEEP(gain);
        sum += gain;
        before = hits;
        last = next;
    }
}

/* torch's cubic convolution kernel, a = -0.75 */
static PAW__UNUSED double paw__ref_cubic(double x)
{
    x = fabs(x);
    if (x <= 1) return (1.25 * x - 2.25) * x * x + 1;
    return x < 2 ? ((-0.75 * x + 3.75) * x - 6) * x + 3 : 0.0;
}
/* One value of the resized position table: table [g0 * g0, dim], output cell (y, x), channel d,
   source steps per output cell; borders clamped, no antialiasing (protocol 1.6) */
static PAW__UNUSED double paw__ref_position(const float *table, int g0, size_t dim, double step_y,
                                            double step_x, int y, int x, size_t d)
{
    const double sy = step_y * (y + 0.5) - 0.5, sx = step_x * (x + 0.5) - 0.5;
    const int y0 = (int)floor(sy), x0 = (int)floor(sx);
    double sum = 0;
    int i, j;
    for (i = y0 - 1; i <= y0 + 2; ++i)
        for (j = x0 - 1; j <= x0 + 2; ++j) {
            const int r = i < 0 ? 0 : i >= g0 ? g0 - 1 : i, c = j < 0 ? 0 : j >= g0 ? g0 - 1 : j;
            sum += paw__ref_cubic(sy - i) * paw__ref_cubic(sx - j) *
                   (double)table[((size_t)r * (size_t)g0 + (size_t)c) * dim + d];
        }
    return sum;
}

/* Bilinear value of channel d at pixel (y, x) of a grid [gh, gw, ld] upsampled to h x w, as torch
   with align_corners False */
static PAW__UNUSED double paw__ref_upsample(const float *grid, int gh, int gw, size_t ld, int h,
                                            int w, int y, int x, size_t d)
{
    const double sy = (y + 0.5) * gh / h - 0.5, sx = (x + 0.5) * gw / w - 0.5;
    const double cy = sy < 0 ? 0 : sy, cx = sx < 0 ? 0 : sx;
    const int y0 = (int)cy, x0 = (int)cx, y1 = y0 + (y0 + 1 < gh), x1 = x0 + (x0 + 1 < gw);
    const double wy = cy - y0, wx = cx - x0;
    const float *top = grid + (size_t)(y0 * gw) * ld + d, *low = grid + (size_t)(y1 * gw) * ld + d;
    const size_t i = (size_t)x0 * ld, j = (size_t)x1 * ld;
    return (1 - wy) * ((1 - wx) * (double)top[i] + wx * (double)top[j]) +
           wy * ((1 - wx) * (double)low[i] + wx * (double)low[j]);
}

/* ==== >>isa ==== vector macros per instruction set, each block ending in the self-include ==== */

/* The words of the kernel text: V a vector of VW floats; KEEP as in >>platform; POW2(t): 2^n where
   t = n + PAW__POW2_MAGIC; IFGT(a, b, x, y): a > b ? x : y, y where unordered; MAX(a, b) is
   IFGT(a, b, a, b); SPREAD(p): *p in all lanes; DONE(row) ends a row of accumulators, where the
   compiler would load the rows after it so far ahead that accumulators leave the registers;
   LO16(p), HI16(p): the first and second of VW pairs of bf16; ROUND16(v): to bf16, nearest even;
   TOP16(p, v): the upper halves; WIDE16(p), HALF(p): VW numbers of bf16, of f16. FOR unrolls in
   full, or the accumulators would live on the stack, at half the speed; the scalar instance does
   not: its words are long, it is there to be right. */
#define PAW__BUCKET_MAGIC 8388608.0f /* 2^23 + i: i stands in the low bits */
#define PAW__POW2_MAGIC 12583039.0f /* 1.5 * 2^23 + 127: n + 127 stands in the low bits */

#if !defined(PAW_NO_SLEEF)
#ifdef __cplusplus
extern "C" {
#endif
extern float Sleef_expf_u10(float);
extern float Sleef_erff_u10(float);
#ifdef __cplusplus
}
#endif
#endif

/* Correctly rounded a*b + c without the instruction: the product is exact in double, the sum is
   rounded to odd, so that rounding to float afterwards rounds once. */
static inline PAW__UNUSED float paw__fmaf(float a, float b, float c)
{
#if defined(__FMA__) || defined(PAW__ARM)
    return __builtin_fmaf(a, b, c);
#else
    const double p = (double)a * (double)b, q = (double)c, s = p + q;
    const double t = s - p, e = (p - (s - t)) + (q - t);
    uint64_t u;
    double r;
    if (!(e > 0.0 || e < 0.0)) return (float)s; /* exact, infinite or not a number */
    memcpy(&u, &s, sizeof u);
    if (!(u & 1)) u += (e > 0.0) == (s > 0.0) ? (uint64_t)1 : ~(uint64_t)0;
    memcpy(&r, &u, sizeof r);
    return (float)r;
#endif
}
/* a*b + c rounded twice, on every compiler */
static double paw__mul_add(double a, double b, double c)
{
    double p = a * b;
    PAW__KEEP(p);
    PAW__KEEP(c); /* may be a product itself */
    return p + c;
}
/* Natural logarithm of a finite x > 0, exp(x) and cosine of pi x, 0 <= x <= 2, within 2 ulps of 1
   or of the result: series in fenced steps, for the C library's last bits differ. */
static double paw__log(double x)
{
    static const double odd[] = {1.0,      1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11,
                                 1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23};
    int e, k;
    double m = frexp(x, &e), s, z, p = 0;
    if (m < 0.70710678118654752) {
        m *= 2;
        --e;
    }
    s = (m - 1) / (m + 1);
    z = s * s;
    for (k = 11; k >= 0; --k) p = paw__mul_add(p, z, odd[k]);
    return paw__mul_add((double)e, 0.69314718055994531, 2 * s * p);
}
static PAW__UNUSED double paw__exp(double x) /* x < 709; 0 below the normal numbers */
{
    double n, r, p = 1;
    int k;
    if (!(x > -708)) return x == x ? 0 : x;
    n = floor(paw__mul_add(x, 1.44269504088896341, 0.5));
    r = paw__mul_add(n, -1.90821492927058770e-10,
                     paw__mul_add(n, -6.93147180369123816e-01, x)); /* its product is exact */
    for (k = 14; k; --k) p = paw__mul_add(r / (double)k, p, 1);
    return ldexp(p, (int)n);
}
static PAW__UNUSED double paw__cospi(double x)
{
    const double y = 3.14159265358979312 * (0.5 - (x <= 1 ? x : 2 - x)), z = -y * y;
    double p = 1;
    int k;
    for (k = 11; k; --k) p = paw__mul_add(p * z, 1.0 / (2 * k * (2 * k + 1)), 1.0);
    return y * p;
}
static inline PAW__UNUSED float paw__from_bf16(uint32_t u)
{
    float x;
    u <<= 16;
    memcpy(&x, &u, sizeof x);
    return x;
}
static inline PAW__UNUSED float paw__half(uint32_t h)
{
    const uint32_t sign = (h & 0x8000u) << 16, e = h >> 10 & 31u, m = h & 0x3ffu;
    const uint32_t u = sign | (e == 31u ? 255u : e + 112u) << 23 | m << 13;
    float f;
    if (!e) return (sign ? -1.0f : 1.0f) * (float)m * (1.0f / 16777216.0f);
    memcpy(&f, &u, sizeof f);
    return f;
}
/* n numbers of dtype F32, F16 or BF16 to floats */
static PAW__UNUSED void paw__widen(int dtype, const void *row, size_t n, float *to)
{
    const uint16_t *u = (const uint16_t *)row;
    size_t i;
    if (dtype == PAW_F32) memcpy(to, row, n * sizeof *to);
    else if (dtype == PAW_F16) for (i = 0; i < n; ++i) to[i] = paw__half(u[i]);
    else for (i = 0; i < n; ++i) to[i] = paw__from_bf16(u[i]);
}
static inline PAW__UNUSED float paw__pow2f(float t)
{
    uint32_t u;
    float r;
    memcpy(&u, &t, sizeof u);
    u <<= 23;
    memcpy(&r, &u, sizeof r);
    return r;
}

/* BEGIN tools/gen_coefficients.c */
/* 2^x on [-1/2, 1/2], relative; error 1.86e-09 before rounding;
   lowest power first */
static const float paw__exp2_c[7] = {
    1.00000000e+00f, 6.93147182e-01f, 2.40226462e-01f, 5.55032864e-02f,
    9.61848907e-03f, 1.33999309e-03f, 1.53458124e-04f,
};
/* log2(erfc(x / sqrt 2) / 2) on [0, 8] as GELU moves; error 4.10e-09 before rounding;
   lowest power first */
static const float paw__gelu_c[11] = {
    -9.99999762e-01f, -1.15111041e+00f, -4.59181458e-01f, -5.25476299e-02f,
    7.09734485e-03f, -1.23178557e-04f, -2.18386107e-04f, 5.77358151e-05f,
    -7.55866631e-06f, 5.22199741e-07f, -1.50453676e-08f,
};
/* END tools/gen_coefficients.c */

/* PAW__V_SUMS: s[i] = row i of x [16][16], its lanes combined by the one tree. */
static inline void paw__sums_scalar(const float *x, float *s)
{
    float t[16];
    int i, j, w;
    for (i = 0; i < 16; ++i, x += 16) {
        for (j = 0; j < 8; ++j) t[j] = x[j] + x[j + 8];
        for (w = 4; w; w /= 2)
            for (j = 0; j < w; ++j) t[j] += t[j + w];
        s[i] = t[0];
    }
}
/* clang-format off */
#define PAW__PASS scalar
#define PAW__ISA PAW_ISA_SCALAR
#define PAW__MR 2
#define PAW__NV 16
#define PAW__VW 1
#define PAW__V float
#define PAW__FOR(i, n) for (i = 0; i < (n); ++i)
#define PAW__V_ZERO()            0.0f
#define PAW__V_SET1(x)           (x)
#define PAW__V_LOAD(p)           (*(p))
#define PAW__V_STORE(p, v)       (*(p) = (v))
#define PAW__V_STREAM(p, v)      PAW__V_STORE(p, v)
#define PAW__STREAMED()          (void)0
#define PAW__V_ADD(a, b)         ((a) + (b))
#define PAW__V_SUB(a, b)         ((a) - (b))
#define PAW__V_MUL(a, b)         ((a) * (b))
#define PAW__V_DIV(a, b)         ((a) / (b))
#define PAW__V_SQRT(a)           sqrtf(a)
#define PAW__V_FMA(a, b, c)      paw__fmaf(a, b, c)
#define PAW__V_MAX(a, b)         ((a) > (b) ? (a) : (b))
#define PAW__V_IFGT(a, b, x, y)  ((a) > (b) ? (x) : (y))
#define PAW__V_POW2(t)           paw__pow2f(t)
#define PAW__V_SPREAD(p)         PAW__V_SET1(*(p))
#define PAW__V_DONE(v)           (void)0
#define PAW__V_LO16(p)           paw__from_bf16((p)[0])
#define PAW__V_HI16(p)           paw__from_bf16((p)[1])
#define PAW__V_WIDE16(p)         paw__from_bf16((p)[0])
#define PAW__V_HALF(p)           paw__half((p)[0])
#define PAW__V_ROUND16(v)        paw__from_bf16(paw__bf16_of(v))
#define PAW__V_SUMS(x, s)        paw__sums_scalar(x, s)
#define PAW__V_SLEEF_EXP(x)      Sleef_expf_u10(x)
#define PAW__V_SLEEF_ERF(x)      Sleef_erff_u10(x)
#include PAW_SELF

#if defined(PAW__ARM)
#if !defined(PAW_NO_SLEEF)
#ifdef __cplusplus
extern "C" {
#endif
extern float32x4_t Sleef_expf4_u10advsimd(float32x4_t);
extern float32x4_t Sleef_erff4_u10advsimd(float32x4_t);
#ifdef __cplusplus
}
#endif
#endif
/* As a scalar: a load that spreads (ld1r) takes a turn of the pipes that multiply. */
static inline float32x4_t paw__neon_spread(const float *p)
{
    float x = *p;
    __asm__("" : "+w"(x));
    return vdupq_n_f32(x);
}
static inline void paw__sums_neon(const float *x, float *s)
{
    float32x4_t r[4], a, b;
    int i, j;
    for (i = 0; i < 4; ++i, x += 64, s += 4) {
        for (j = 0; j < 4; ++j)
            r[j] = vaddq_f32(vaddq_f32(vld1q_f32(x + j * 16), vld1q_f32(x + j * 16 + 8)),
                             vaddq_f32(vld1q_f32(x + j * 16 + 4), vld1q_f32(x + j * 16 + 12)));
        a = vaddq_f32(vcombine_f32(vget_low_f32(r[0]), vget_low_f32(r[1])),
                      vcombine_f32(vget_high_f32(r[0]), vget_high_f32(r[1])));
        b = vaddq_f32(vcombine_f32(vget_low_f32(r[2]), vget_low_f32(r[3])),
                      vcombine_f32(vget_high_f32(r[2]), vget_high_f32(r[3])));
        vst1q_f32(s, vaddq_f32(vuzp1q_f32(a, b), vuzp2q_f32(a, b)));
    }
}
static inline PAW__UNUSED float32x4_t paw__nearest16_neon(uint32x4_t u)
{
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(u, 16), vdupq_n_u32(1));
    u = vaddq_u32(u, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
    return vreinterpretq_f32_u32(vandq_u32(u, vdupq_n_u32(0xffff0000u)));
}
#define PAW__PASS neon
#define PAW__ISA PAW_ISA_NEON
#define PAW__MR 6
#define PAW__NV 4
#define PAW__VW 4
#define PAW__V float32x4_t
#define PAW__FOR(i, n) PAW__UNROLL for (i = 0; i < (n); ++i)
#define PAW__V_ZERO()            vdupq_n_f32(0.0f)
#define PAW__V_SET1(x)           vdupq_n_f32(x)
#define PAW__V_LOAD(p)           vld1q_f32(p)
#define PAW__V_STORE(p, v)       vst1q_f32(p, v)
#define PAW__V_STREAM(p, v)      PAW__V_STORE(p, v)
#define PAW__STREAMED()          (void)0
#define PAW__V_ADD(a, b)         vaddq_f32(a, b)
#define PAW__V_SUB(a, b)         vsubq_f32(a, b)
#define PAW__V_MUL(a, b)         vmulq_f32(a, b)
#define PAW__V_DIV(a, b)         vdivq_f32(a, b)
#define PAW__V_SQRT(a)           vsqrtq_f32(a)
#define PAW__V_FMA(a, b, c)      vfmaq_f32(c, a, b)
#define PAW__V_MAX(a, b)         vbslq_f32(vcgtq_f32(a, b), a, b)
#define PAW__V_IFGT(a, b, x, y)  vbslq_f32(vcgtq_f32(a, b), x, y)
#define PAW__V_POW2(t)           vreinterpretq_f32_s32(vshlq_n_s32(vreinterpretq_s32_f32(t), 23))
#define PAW__V_SPREAD(p)         paw__neon_spread(p)
#define PAW__V_DONE(v) \
    __asm__ volatile("" : "+w"((v)[0]), "+w"((v)[1]), "+w"((v)[2]), "+w"((v)[3]) : : "memory")
#define PAW__V_LO16(p) vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_u16(vld1q_u16(p)), 16))
#define PAW__V_HI16(p) \
    vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_u16(vld1q_u16(p)), vdupq_n_u32(0xffff0000u)))
#define PAW__V_WIDE16(p)         vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16))
#define PAW__V_HALF(p)           vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)))
#define PAW__V_ROUND16(v)        paw__nearest16_neon(vreinterpretq_u32_f32(v))
#define PAW__V_SUMS(x, s)        paw__sums_neon(x, s)
#define PAW__V_SLEEF_EXP(x)      Sleef_expf4_u10advsimd(x)
#define PAW__V_SLEEF_ERF(x)      Sleef_erff4_u10advsimd(x)
#include PAW_SELF
#if defined(PAW__DOTS)
PAW__BEGIN("arch=armv8.2-a+bf16")
#define PAW__V_TOP16(p, v)       vst1_u16(p, vshrn_n_u32(vreinterpretq_u32_f32(v), 16))
#define PAW__PASS neon_bf16
#define PAW__BASE neon
#define PAW__ISA PAW_ISA_NEON
#define PAW__MR 6
#define PAW__NV 4
#define PAW__VW 4
#define PAW__V float32x4_t
#define PAW__FOR(i, n) PAW__UNROLL for (i = 0; i < (n); ++i)
#define PAW__V_ZERO()            vdupq_n_f32(0.0f)
#define PAW__V_SPREAD(p)         paw__neon_spread(p)
#define PAW__V_DONE(v) \
    __asm__ volatile("" : "+w"((v)[0]), "+w"((v)[1]), "+w"((v)[2]), "+w"((v)[3]) : : "memory")
#define PAW__V_LOAD(p)           vld1q_f32(p)
#define PAW__V_STORE(p, v)       vst1q_f32(p, v)
#define PAW__V_ADD(a, b)         vaddq_f32(a, b)
#define PAW__V_FMA(a, b, c) \
    vbfdotq_f32(c, vreinterpretq_bf16_f32(a), vreinterpretq_bf16_f32(b))
#include PAW_SELF
PAW__END
#endif
#endif

#if defined(PAW__X86)
PAW__BEGIN("avx2,fma,f16c")
#if !defined(PAW_NO_SLEEF)
#ifdef __cplusplus
extern "C" {
#endif
extern __m256 Sleef_expf8_u10avx2(__m256);
extern __m256 Sleef_erff8_u10avx2(__m256);
#ifdef __cplusplus
}
#endif
#endif
#define PAW__LOAD128(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define PAW__LOAD256(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
static inline __m256 paw__nearest16_avx2(__m256i u)
{
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    u = _mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    return _mm256_castsi256_ps(_mm256_and_si256(u, _mm256_set1_epi32(-65536)));
}
#define PAW__FOLD256(op, a, b, i, j) _mm256_add_ps(op(a, b, i), op(a, b, j))
static inline void paw__sums_avx2(const float *x, float *s)
{
    __m256 r[8];
    int h, i;
    for (h = 0; h < 2; ++h, x += 128, s += 8) {
        for (i = 0; i < 8; ++i)
            r[i] = _mm256_add_ps(_mm256_loadu_ps(x + i * 16), _mm256_loadu_ps(x + i * 16 + 8));
        for (i = 0; i < 4; ++i)
            r[i] = PAW__FOLD256(_mm256_permute2f128_ps, r[i], r[i + 4], 0x20, 0x31);
        r[0] = PAW__FOLD256(_mm256_shuffle_ps, r[0], r[1], 0x44, 0xee);
        r[2] = PAW__FOLD256(_mm256_shuffle_ps, r[2], r[3], 0x44, 0xee);
        _mm256_storeu_ps(s, PAW__FOLD256(_mm256_shuffle_ps, r[0], r[2], 0x88, 0xdd));
    }
}
#define PAW__PASS avx2
#define PAW__ISA PAW_ISA_AVX2
#define PAW__MR 6
#define PAW__NV 2
#define PAW__VW 8
#define PAW__V __m256
#define PAW__FOR(i, n) PAW__UNROLL for (i = 0; i < (n); ++i)
#define PAW__V_ZERO()            _mm256_setzero_ps()
#define PAW__V_SET1(x)           _mm256_set1_ps(x)
#define PAW__V_LOAD(p)           _mm256_loadu_ps(p)
#define PAW__V_STORE(p, v)       _mm256_storeu_ps(p, v)
#define PAW__V_STREAM(p, v)      _mm256_stream_ps(p, v)
#define PAW__STREAMED()          _mm_sfence()
#define PAW__V_ADD(a, b)         _mm256_add_ps(a, b)
#define PAW__V_SUB(a, b)         _mm256_sub_ps(a, b)
#define PAW__V_MUL(a, b)         _mm256_mul_ps(a, b)
#define PAW__V_DIV(a, b)         _mm256_div_ps(a, b)
#define PAW__V_SQRT(a)           _mm256_sqrt_ps(a)
#define PAW__V_FMA(a, b, c)      _mm256_fmadd_ps(a, b, c)
#define PAW__V_MAX(a, b)         _mm256_max_ps(a, b)
#define PAW__V_IFGT(a, b, x, y)  _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_GT_OQ))
#define PAW__V_POW2(t) \
    _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(t), 23))
#define PAW__V_SPREAD(p)         PAW__V_SET1(*(p))
#define PAW__V_DONE(v)           (void)0
#define PAW__V_LO16(p)           _mm256_castsi256_ps(_mm256_slli_epi32(PAW__LOAD256(p), 16))
#define PAW__V_HI16(p) \
    _mm256_castsi256_ps(_mm256_and_si256(PAW__LOAD256(p), _mm256_set1_epi32(-65536)))
#define PAW__V_WIDE16(p) \
    _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(PAW__LOAD128(p)), 16))
#define PAW__V_HALF(p)           _mm256_cvtph_ps(PAW__LOAD128(p))
#define PAW__V_ROUND16(v)        paw__nearest16_avx2(_mm256_castps_si256(v))
#define PAW__V_SUMS(x, s)        paw__sums_avx2(x, s)
#define PAW__V_SLEEF_EXP(x)      Sleef_expf8_u10avx2(x)
#define PAW__V_SLEEF_ERF(x)      Sleef_erff8_u10avx2(x)
#include PAW_SELF
PAW__END

/* gcc 12's C++ front end warns about the self-initialised dummies of its own avx512fintrin.h. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
PAW__BEGIN("avx2,fma,f16c,avx512f")
#if !defined(PAW_NO_SLEEF)
#ifdef __cplusplus
extern "C" {
#endif
extern __m512 Sleef_expf16_u10avx512f(__m512);
extern __m512 Sleef_erff16_u10avx512f(__m512);
#ifdef __cplusplus
}
#endif
#endif
static inline __m512 paw__nearest16_avx512(__m512i u)
{
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    u = _mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    return _mm512_castsi512_ps(_mm512_and_si512(u, _mm512_set1_epi32(-65536)));
}
#define PAW__FOLD512(op, a, b, i, j) _mm512_add_ps(op(a, b, i), op(a, b, j))
static inline void paw__sums_avx512(const float *x, float *s)
{
    __m512 r[4], a, b;
    int i;
    for (i = 0; i < 4; ++i, x += 16) { /* rows i, i + 4, i + 8, i + 12, four lanes of each */
        a = PAW__FOLD512(_mm512_shuffle_f32x4, _mm512_loadu_ps(x), _mm512_loadu_ps(x + 64), 0x44,
                         0xee);
        b = PAW__FOLD512(_mm512_shuffle_f32x4, _mm512_loadu_ps(x + 128), _mm512_loadu_ps(x + 192),
                         0x44, 0xee);
        r[i] = PAW__FOLD512(_mm512_shuffle_f32x4, a, b, 0x88, 0xdd);
    }
    a = PAW__FOLD512(_mm512_shuffle_ps, r[0], r[1], 0x44, 0xee);
    b = PAW__FOLD512(_mm512_shuffle_ps, r[2], r[3], 0x44, 0xee);
    _mm512_storeu_ps(s, PAW__FOLD512(_mm512_shuffle_ps, a, b, 0x88, 0xdd));
}
#define PAW__PASS avx512
#define PAW__ISA PAW_ISA_AVX512
#define PAW__MR 14
#define PAW__NV 2
#define PAW__VW 16
#define PAW__V __m512
#define PAW__FOR(i, n) PAW__UNROLL for (i = 0; i < (n); ++i)
#define PAW__V_ZERO()            _mm512_setzero_ps()
#define PAW__V_SET1(x)           _mm512_set1_ps(x)
#define PAW__V_LOAD(p)           _mm512_loadu_ps(p)
#define PAW__V_STORE(p, v)       _mm512_storeu_ps(p, v)
#define PAW__V_STREAM(p, v)      _mm512_stream_ps(p, v)
#define PAW__STREAMED()          _mm_sfence()
#define PAW__V_ADD(a, b)         _mm512_add_ps(a, b)
#define PAW__V_SUB(a, b)         _mm512_sub_ps(a, b)
#define PAW__V_MUL(a, b)         _mm512_mul_ps(a, b)
#define PAW__V_DIV(a, b)         _mm512_div_ps(a, b)
#define PAW__V_SQRT(a)           _mm512_sqrt_ps(a)
#define PAW__V_FMA(a, b, c)      _mm512_fmadd_ps(a, b, c)
#define PAW__V_MAX(a, b)         _mm512_max_ps(a, b)
#define PAW__V_IFGT(a, b, x, y)  _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ), y, x)
#define PAW__V_POW2(t) \
    _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(t), 23))
#define PAW__V_SPREAD(p)         PAW__V_SET1(*(p))
#define PAW__V_DONE(v)           (void)0
#define PAW__V_LO16(p)           _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16))
#define PAW__V_HI16(p) \
    _mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(p), _mm512_set1_epi32(-65536)))
#define PAW__V_WIDE16(p) \
    _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(PAW__LOAD256(p)), 16))
#define PAW__V_HALF(p)           _mm512_cvtph_ps(PAW__LOAD256(p))
#define PAW__V_ROUND16(v)        paw__nearest16_avx512(_mm512_castps_si512(v))
#define PAW__V_SUMS(x, s)        paw__sums_avx512(x, s)
#define PAW__V_SLEEF_EXP(x)      Sleef_expf16_u10avx512f(x)
#define PAW__V_SLEEF_ERF(x)      Sleef_erff16_u10avx512f(x)
#include PAW_SELF
PAW__END
#if defined(PAW__DOTS)
#if defined(PAW__SOFT_DOTS)
PAW__BEGIN("avx2,fma,f16c,avx512f")
static inline __m512 paw__soft_dot(__m512i a, __m512i b, __m512 c)
{
    const __m512i hi = _mm512_set1_epi32(-65536);
    c = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_slli_epi32(a, 16)),
                        _mm512_castsi512_ps(_mm512_slli_epi32(b, 16)), c);
    return _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_and_si512(a, hi)),
                           _mm512_castsi512_ps(_mm512_and_si512(b, hi)), c);
}
#define PAW__V_FMA(a, b, c) \
    paw__soft_dot(_mm512_castps_si512(a), _mm512_castps_si512(b), c)
#else
PAW__BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512bf16")
#define PAW__V_FMA(a, b, c)      _mm512_dpbf16_ps(c, (__m512bh)(a), (__m512bh)(b))
#endif
#define PAW__V_TOP16(p, v) \
    _mm256_storeu_si256((__m256i *)(void *)(p), \
                        _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_castps_si512(v), 16)))
#define PAW__PASS avx512_bf16
#define PAW__BASE avx512
#define PAW__ISA PAW_ISA_AVX512
#define PAW__MR 14
#define PAW__NV 2
#define PAW__VW 16
#define PAW__V __m512
#define PAW__FOR(i, n) PAW__UNROLL for (i = 0; i < (n); ++i)
#define PAW__V_ZERO()            _mm512_setzero_ps()
#define PAW__V_SPREAD(p)         _mm512_set1_ps(*(p))
#define PAW__V_DONE(v)           (void)0
#define PAW__V_LOAD(p)           _mm512_loadu_ps(p)
#define PAW__V_STORE(p, v)       _mm512_storeu_ps(p, v)
#define PAW__V_ADD(a, b)         _mm512_add_ps(a, b)
#include PAW_SELF
PAW__END
#endif
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#endif
/* clang-format on */

static const paw__ops *const paw__ops_table[] = {
    &paw__ops_scalar,
#if defined(PAW__ARM)
    &paw__ops_neon,
#if defined(PAW__DOTS)
    &paw__ops_neon_bf16,
#endif
#elif defined(PAW__X86)
    &paw__ops_avx2, &paw__ops_avx512,
#if defined(PAW__DOTS)
    &paw__ops_avx512_bf16,
#endif
#endif
};
static const paw__ops *paw__ops_active; /* atomic; the only mutable state of the library */

static const paw__ops *paw__ops_upto(int isa)
{
    const paw__ops *best = &paw__ops_scalar;
    size_t i;
    for (i = 0; i < PAW__COUNT(paw__ops_table); ++i)
        if (paw__ops_table[i]->isa <= isa && paw__ops_table[i]->isa <= paw__cpu_isa() &&
            paw__ops_table[i]->dots <= paw__cpu_dots())
            best = paw__ops_table[i];
    return best;
}
static int paw__env_isa(void)
{
    int isa = PAW_ISA_AVX512;
#if !defined(PAW_NO_GETENV)
    const char *s = getenv("PAW_ISA");
    int i;
    for (i = 0; s && i <= PAW_ISA_AVX512; ++i)
        if (!strcmp(s, paw_isa_name(i))) isa = i;
#endif
    return isa;
}
static const paw__ops *paw__ops_now(void)
{
    const paw__ops *o = __atomic_load_n(&paw__ops_active, __ATOMIC_RELAXED);
    if (o) return o;
    o = paw__ops_upto(paw__env_isa());
    __atomic_store_n(&paw__ops_active, o, __ATOMIC_RELAXED);
    return o;
}
PAW_DEF int paw_isa(void) { return paw__ops_now()->isa; }
PAW_DEF int paw_isa_limit(int isa)
{
    __atomic_store_n(&paw__ops_active, paw__ops_upto(isa), __ATOMIC_RELAXED);
    return paw_isa();
}
PAW_DEF int paw_isa_supported(int isa) { return paw__ops_upto(isa)->isa == isa; }
PAW_DEF int paw_bf16_native(void) { return paw__ops_now()->dots; }

/* ==== >>gemm ==== packed matrix product with fused epilogues ==== */

/* out = x w' + bias, then scale (batch norm folded), activation. w [n, k] as torch stores it. */
typedef struct {
    size_t n, k;               /* true sizes */
    size_t n_padded, k_padded; /* of the packing; heads are padded one by one */
    float *w;                  /* B operand, or */
    uint16_t *w16;             /* the same in bf16 */
    float *bias, *scale;       /* [n_padded]; scale NULL: 1 */
} paw__linear;

/* How a dimension of `heads` groups spreads when each group is padded to 16; heads 1: plain. */
static size_t paw__spread(size_t i, size_t n, size_t heads)
{
    const size_t dh = n / heads;
    return i / dh * paw__up16(dh) + i % dh;
}
static size_t paw__spread_size(size_t n, size_t heads) { return heads * paw__up16(n / heads); }

/* Panel p of a B operand of n columns in heads groups: returns its rows of w, from *first on. The
   rows of the next panel follow them. */
static size_t paw__panel_source(size_t n, size_t heads, size_t p, size_t *first)
{
    const size_t dh = n / heads, panels = paw__up16(dh) / 16, at = p % panels * 16;
    *first = p / panels * dh + at;
    return paw__min(16, dh - at);
}
/* out[j * 16 + r] = from[r * ld + j], four by four: 128 bits are in every x86-64 and AArch64.
   *nan: 0, then NaN once a value was not finite. */
typedef float paw__f4 __attribute__((vector_size(16)));
PAW__INLINE paw__f4 paw__load4(const float *p)
{
    paw__f4 v;
    memcpy(&v, p, sizeof v);
    return v;
}
PAW__INLINE void paw__transpose4(const float *from, size_t ld, float *out, paw__f4 *nan)
{
    paw__f4 a = paw__load4(from), b = paw__load4(from + ld);
    paw__f4 c = paw__load4(from + 2 * ld), d = paw__load4(from + 3 * ld);
    *nan += (a - a) + (b - b) + ((c - c) + (d - d));
#if defined(PAW__X86)
    _MM_TRANSPOSE4_PS(a, b, c, d);
#elif defined(PAW__ARM)
    const float32x4x2_t ac = vzipq_f32(a, c), bd = vzipq_f32(b, d);
    const float32x4x2_t lo = vzipq_f32(ac.val[0], bd.val[0]), hi = vzipq_f32(ac.val[1], bd.val[1]);
    a = lo.val[0];
    b = lo.val[1];
    c = hi.val[0];
    d = hi.val[1];
#else
    const paw__f4 x[4] = {a, b, c, d};
    int i;
    for (i = 0; i < 4; ++i) {
        a[i] = x[i][0];
        b[i] = x[i][1];
        c[i] = x[i][2];
        d[i] = x[i][3];
    }
#endif
    memcpy(out, &a, sizeof a);
    memcpy(out + 16, &b, sizeof b);
    memcpy(out + 32, &c, sizeof c);
    memcpy(out + 48, &d, sizeof d);
}
/* At most 16 rows of k floats, k in heads groups -> one panel, [k padded][16]; padding zero. Four
   rows at a time: sixteen with a power of two between them would not fit a set of the cache.
   Returns 1 where all values are finite. */
static int paw__pack_panel(const float *from, size_t rows, size_t k, size_t heads, float *out)
{
    const size_t kh = k / heads, group = paw__up16(kh), whole = rows == 16 ? kh / 16 * 16 : 0;
    paw__f4 nan = {0, 0, 0, 0};
    size_t h, j, i, r;
    for (h = 0; h < heads; ++h, from += kh, out += group * 16) {
        for (j = 0; j < whole; j += 16) {
            for (i = j + 32; i < j + 48; ++i) __builtin_prefetch(out + i * 16, 1); /* 9 % */
            for (r = 0; r < 16; r += 4)
                for (i = j; i < j + 16; i += 4)
                    paw__transpose4(from + r * k + i, k, out + i * 16 + r, &nan);
        }
        for (; j < group; ++j)
            for (r = 0; r < 16; ++r) {
                const float x = j < kh && r < rows ? from[r * k + j] : 0.0f;
                out[j * 16 + r] = x;
                nan[0] += x - x;
            }
    }
    return nan[0] + nan[1] + (nan[2] + nan[3]) == 0.0f;
}
/* One panel of a B operand, [k][16] -> [k / 2][16][2] */
static void paw__narrow_panel(const float *from, size_t k, uint16_t *out)
{
    size_t i, r;
    for (i = 0; i < k; i += 2)
        for (r = 0; r < 16; ++r, out += 2) {
            out[0] = (uint16_t)paw__bf16_of(from[i * 16 + r]);
            out[1] = (uint16_t)paw__bf16_of(from[i * 16 + 16 + r]);
        }
}
/* w [n, k] -> B operand; n in n_heads groups, k in k_heads groups */
static void paw__pack_b(const float *w, size_t n, size_t k, size_t n_heads, size_t k_heads,
                        float *out)
{
    const size_t panels = paw__spread_size(n, n_heads) / 16;
    const size_t size = 16 * paw__spread_size(k, k_heads);
    size_t p, first;
    for (p = 0; p < panels; ++p) {
        const size_t rows = paw__panel_source(n, n_heads, p, &first);
        (void)paw__pack_panel(w + first * k, rows, k, k_heads, out + p * size);
    }
}
/* x: rows [rows, k] of ld floats -> A operand; k padded with zeros */
static void paw__pack_a(const float *x, size_t ld, size_t k, const paw__panels *rows, float *out)
{
    const size_t chunks = (k + 15) / 16, left = k % 16;
    size_t p, c;
    for (p = 0; p < rows->count; ++p) {
        const size_t first = paw__panel_first(rows, p), mr = (size_t)paw__panel_rows(rows, p);
        size_t r;
        for (r = 0; r < mr; ++r) {
            const float *from = x + (first + r) * ld;
            float *to = out + first * chunks * 16 + r * 16;
            for (c = 0; c < k / 16; ++c, to += mr * 16) memcpy(to, from + c * 16, 16 * sizeof *x);
            for (c = 0; left && c < 16; ++c) to[c] = c < left ? from[k - left + c] : 0;
        }
    }
}

/* Who runs a loop: one slot alone, or all threads of the context together. */
typedef struct {
    paw_ctx *c;
    const paw__ops *ops;
    int slot, wide;
} paw__team;
static paw__team paw__team_of(paw_ctx *c) /* all threads */
{
    paw__team t;
    t.c = c;
    t.ops = paw__ops_now();
    t.slot = 0;
    t.wide = c->threads > 1;
    return t;
}
static void paw__team_for(const paw__team *t, size_t n, paw__body *fn, void *arg)
{
    size_t i;
    if (t->wide) {
        paw__for(t->c, n, fn, arg);
        return;
    }
    for (i = 0; i < n; ++i) fn(arg, i, t->slot);
}

/* Cache blocks: an A block of this many k and rows stays in a second-level cache of 1 MB. Only
   speed depends on them; PAW__K_BLOCK is a multiple of PAW__KC so that sums are cut alike. */
#define PAW__K_BLOCK (2 * PAW__KC)
#define PAW__M_BLOCK 208
#define PAW__WIDE_COUNT ((PAW__K_BLOCK + PAW__KC) * PAW__TILE_COLS) /* most of a tile column */

typedef struct {
    const paw__product *g;
    const paw__ops *ops;
    size_t groups; /* panels of the block are split into so many items a tile column */
} paw__product_job;
static void paw__product_item(void *arg, size_t item, int slot)
{
    const paw__product_job *job = (const paw__product_job *)arg;
    const size_t group = item % job->groups, panels = job->g->p1 - job->g->p0;
    paw__product g = *job->g;
    g.p0 = job->g->p0 + panels * group / job->groups;
    g.p1 = job->g->p0 + panels * (group + 1) / job->groups;
    if (g.wide) g.wide += (size_t)slot * PAW__WIDE_COUNT;
    (g.b16 ? job->ops->product16 : job->ops->product)(&g, item / job->groups);
}
/* Floats that paw__product_run needs in partial. */
static size_t paw__partial_count(size_t k, size_t n)
{
    if (k <= PAW__K_BLOCK + PAW__KC) return 0;
    return (n + PAW__TILE_COLS) * (PAW__M_BLOCK + 4 * PAW__MAX_MR);
}
/* g: a, b, k, rows, n, bias ... out set; the ranges are filled in here. */
static void paw__product_run(const paw__team *team, paw__product *g, float *partial)
{
    const size_t columns = (g->n + (size_t)team->ops->cols - 1) / (size_t)team->ops->cols;
    const size_t k_block = paw__partial_count(g->k, g->n) ? PAW__K_BLOCK : g->k;
    const size_t blocks = (g->rows.rows + PAW__M_BLOCK - 1) / PAW__M_BLOCK;
    paw__product_job job;
    size_t b;
    job.g = g;
    job.ops = team->ops;
    g->partial = k_block < g->k ? partial : NULL;
    for (b = 0; b < blocks; ++b) {
        g->p0 = g->p_base = g->rows.count * b / blocks;
        g->p1 = g->rows.count * (b + 1) / blocks;
        g->span = g->p1 - g->p0;
        job.groups = 1;
        if (team->wide && columns < 4 * (size_t)team->c->threads)
            job.groups = paw__min(4 * (size_t)team->c->threads / columns + 1, g->span);
        for (g->k0 = 0; g->k0 < g->k; g->k0 = g->k1) {
            g->k1 = paw__min(g->k, g->k0 + k_block);
            paw__team_for(team, columns * job.groups, paw__product_item, &job);
        }
    }
}
static paw__product paw__product_of(const paw__team *team, const paw__linear *l, const float *a,
                                    size_t rows)
{
    paw__product g;
    memset(&g, 0, sizeof g);
    g.a = a;
    g.b = l->w;
    g.b16 = l->w16;
    g.k = l->k_padded;
    g.n = l->n_padded;
    g.rows = paw__panels_of(rows, team->ops->mr);
    g.bias = l->bias;
    g.scale = l->scale;
    return g;
}

typedef struct {
    const paw__ops *ops;
    paw__panels rows;
    size_t k;
    float *a;
} paw__narrow_job;
static void paw__narrow_item(void *arg, size_t item, int slot)
{
    const paw__narrow_job *j = (const paw__narrow_job *)arg;
    (void)slot;
    j->ops->narrow(j->a + paw__panel_first(&j->rows, item) * j->k,
                   (size_t)paw__panel_rows(&j->rows, item) * j->k);
}
/* a: A operand, becomes what product16 reads */
static void paw__narrow_run(const paw__team *team, float *a, size_t rows, size_t k)
{
    paw__narrow_job j;
    j.ops = team->ops;
    j.rows = paw__panels_of(rows, team->ops->mr);
    j.k = k;
    j.a = a;
    paw__team_for(team, j.rows.count, paw__narrow_item, &j);
}

/* ==== >>nn ==== layers: norm, attention, patch and position embedding, projectors ==== */

typedef struct {
    float *w, *b; /* [d padded] */
} paw__norm;

typedef struct {
    const paw__ops *ops;
    const float *x;
    size_t ld, d;
    paw__panels rows;
    const paw__norm *norm;
    float eps;
    int to_a;
    float *y;
} paw__norm_job;
static void paw__norm_item(void *arg, size_t item, int slot)
{
    const paw__norm_job *j = (const paw__norm_job *)arg;
    (void)slot;
    j->ops->norm(j->x, j->ld, &j->rows, item, item + 1, j->d, j->norm->w, j->norm->b, j->eps,
                 j->to_a, j->y);
}
/* x: rows of up16(d) floats -> y: A operand, or rows alike */
static void paw__norm_run(const paw__team *team, const paw__norm *norm, float eps, const float *x,
                          size_t rows, size_t d, int to_a, float *y)
{
    paw__norm_job j;
    j.ops = team->ops;
    j.x = x;
    j.ld = paw__up16(d);
    j.d = d;
    j.rows = paw__panels_of(rows, team->ops->mr);
    j.norm = norm;
    j.eps = eps;
    j.to_a = to_a;
    j.y = y;
    paw__team_for(team, j.rows.count, paw__norm_item, &j);
}

static size_t paw__attention_scratch(size_t padded) { return padded * (PAW__MAX_MR + 1); }
typedef struct {
    const paw__ops *ops;
    const paw__attention *t;
    size_t panels;
    float *scratch; /* per slot */
} paw__attention_job;
static void paw__attention_item(void *arg, size_t item, int slot)
{
    const paw__attention_job *j = (const paw__attention_job *)arg;
    j->ops->attention(j->t, item / j->panels, item % j->panels,
                      j->scratch + (size_t)slot * paw__attention_scratch(j->t->in->padded));
}
static void paw__attention_run(const paw__team *team, const paw__attention *t, float *scratch)
{
    paw__attention_job j;
    j.ops = team->ops;
    j.t = t;
    j.panels = paw__panels_of(t->in->tokens, team->ops->mr).count;
    j.scratch = scratch;
    paw__team_for(team, t->in->heads * j.panels, paw__attention_item, &j);
}
/* Padding of k and v: zeros, so that nothing uninitialised meets a weight of 0. */
static void paw__qkv_clear_padding(const paw__qkv *o)
{
    size_t i, columns = o->heads * o->dh / 16;
    for (i = 0; i < o->heads; ++i)
        memset(o->k + (i + 1) * o->padded * o->dh - o->dh * 16, 0, o->dh * 16 * sizeof(float));
    for (i = 0; i < columns; ++i)
        memset(o->v + (i * o->padded + o->tokens) * 16, 0,
               (o->padded - o->tokens) * 16 * sizeof(float));
}

/* ---- patch embedding: the convolution is a product over (c, ky, kx) ---- */

typedef struct {
    const float *chw;
    int h, w, patch;
    paw__panels rows;
    float *a;
} paw__patches_job;
static void paw__patches_item(void *arg, size_t item, int slot)
{
    const paw__patches_job *j = (const paw__patches_job *)arg;
    const size_t p = (size_t)j->patch, h = (size_t)j->h, w = (size_t)j->w, gw = w / p;
    const size_t k = 3 * p * p, k_padded = paw__up16(k), first = paw__panel_first(&j->rows, item);
    const size_t mr = (size_t)paw__panel_rows(&j->rows, item);
    size_t r, i, x;
    (void)slot;
    for (r = 0; r < mr; ++r) {
        const size_t row = (first + r) / gw, col = (first + r) % gw;
        float *to = j->a + first * k_padded + r * 16;
        for (i = 0; i < 3 * p; ++i) { /* one line of one channel of the patch */
            const float *from = j->chw + (i / p * h + row * p + i % p) * w + col * p;
            for (x = 0; x < p; ++x) to[(i * p + x) / 16 * mr * 16 + (i * p + x) % 16] = from[x];
        }
        for (i = k; i < k_padded; ++i) to[i / 16 * mr * 16 + i % 16] = 0.0f;
    }
}

/* ---- position tables (protocol 1.6) ---- */

/* a*b rounded, so that no compiler fuses it with what follows */
static float paw__mulf(float a, float b)
{
    float p = a * b;
    PAW__KEEP(p);
    return p;
}
/* torch's bicubic taps, a = -0.75, border clamped: index and weight of four sources. Rounded where
   torch's CPU code rounds: the step is a float, floor sees the coordinate as a float, the offset is
   taken before that rounding; agreement to 1e-6 of values near 3 needs all three. */
static void paw__cubic_taps(float step, int o, int n, int index[4], float weight[4])
{
    const double s = paw__mul_add((double)step, o + 0.5, -0.5);
    const int i0 = (int)floorf((float)s);
    const float t = (float)(s - i0);
    float x[4];
    int i;
    x[0] = t + 1.0f;
    x[1] = t;
    x[2] = 1.0f - t;
    x[3] = x[2] + 1.0f;
    for (i = 0; i < 4; ++i) {
        const int at = i0 + i - 1;
        if (i == 1 || i == 2)
            weight[i] = paw__mulf(paw__mulf(paw__fmaf(1.25f, x[i], -2.25f), x[i]), x[i]) + 1.0f;
        else
            weight[i] = paw__mulf(paw__fmaf(paw__fmaf(-0.75f, x[i], 3.75f), x[i], -6.0f), x[i]) +
                        3.0f;
        index[i] = at < 0 ? 0 : at >= n ? n - 1 : at;
    }
}
/* table [g0 * g0, dim] -> out [gh * gw, dim]. PAW_POS_SIZE: step g0 / g (MAE util/pos_embed.py);
   PAW_POS_SCALE: step g0 / (g + 0.1) (DINO vision_transformer.py), equal sizes left alone. */
static void paw__position_resize(const float *table, int g0, int dim, int gh, int gw, int rule,
                                 float *out)
{
    enum { WIDTH = 64 };
    const double more = rule == PAW_POS_SCALE ? 0.1 : 0.0;
    const float step_y = (float)(g0 / (gh + more)), step_x = (float)(g0 / (gw + more));
    double line[4][WIDTH]; /* row r of the table at this x, in r % 4: neighbours share them */
    int y, x, i, j, d, d0;
    if (gh == g0 && gw == g0) {
        memcpy(out, table, (size_t)g0 * (size_t)g0 * (size_t)dim * sizeof *out);
        return;
    }
    for (x = 0; x < gw; ++x)
        for (d0 = 0; d0 < dim; d0 += WIDTH) {
            const int n = dim - d0 < WIDTH ? dim - d0 : WIDTH;
            int yi[4], xi[4], held[4] = {-1, -1, -1, -1};
            float yw[4], xw[4];
            paw__cubic_taps(step_x, x, g0, xi, xw);
            for (y = 0; y < gh; ++y) {
                float *to = out + ((size_t)y * (size_t)gw + (size_t)x) * (size_t)dim + d0;
                paw__cubic_taps(step_y, y, g0, yi, yw);
                for (i = 0; i < 4; ++i) {
                    const float *from = table + (size_t)yi[i] * (size_t)g0 * (size_t)dim + d0;
                    double *row = line[yi[i] % 4];
                    if (held[yi[i] % 4] == yi[i]) continue;
                    held[yi[i] % 4] = yi[i];
                    for (d = 0; d < n; ++d)
                        for (row[d] = 0, j = 0; j < 4; ++j)
                            row[d] = paw__mul_add(
                                (double)xw[j],
                                (double)from[(size_t)xi[j] * (size_t)dim + (size_t)d], row[d]);
                }
                for (d = 0; d < n; ++d) {
                    double sum = 0;
                    for (i = 0; i < 4; ++i)
                        sum = paw__mul_add((double)yw[i], line[yi[i] % 4][d], sum);
                    to[d] = (float)sum;
                }
            }
        }
}

/* ---- BEiT's relative table on another grid: geometric knots, cubic spline, not-a-knot ---- */

/* Knots of an axis of 2 g0 - 1 entries for a target of 2 g - 1 (PA checkpoint.py:428-492). */
static void paw__beit_knots(int g0, int g, double *knots)
{
    double q = 1.0, left = 1.01, right = 1.5, at = 1.0, power;
    int i;
    while (g != g0 && right - left > 1e-6) {
        q = (left + right) / 2;
        for (power = 1, i = 0; i < g0 - 1; ++i) power *= q;
        if ((1.0 - power) / (1.0 - q) > (double)(g - 1)) right = q;
        else left = q;
    }
    knots[g0 - 1] = 0;
    for (power = 1, i = 1; i < g0; ++i) {
        knots[g0 - 1 + i] = at;
        knots[g0 - 1 - i] = -at;
        power *= q;
        at += power;
    }
}
/* Second derivatives m of the interpolating cubic spline with not-a-knot ends, by elimination of
   the dense n x n system (n = 27 in practice). a: scratch [n * (n + 1)]. */
static void paw__spline_moments(const double *x, const double *y, int n, double *a, double *m)
{
    const int w = n + 1;
    int i, j, k;
    memset(a, 0, (size_t)n * (size_t)w * sizeof *a);
    for (i = 1; i + 1 < n; ++i) {
        const double h0 = x[i] - x[i - 1], h1 = x[i + 1] - x[i];
        a[i * w + i - 1] = h0;
        a[i * w + i] = 2 * (h0 + h1);
        a[i * w + i + 1] = h1;
        a[i * w + n] = 6 * ((y[i + 1] - y[i]) / h1 - (y[i] - y[i - 1]) / h0);
    }
    for (i = 0; i < n; i += n - 1) { /* equal third derivatives across the second knot */
        const int o = i ? n - 3 : 0;
        const double h0 = x[o + 1] - x[o], h1 = x[o + 2] - x[o + 1];
        a[i * w + o] = h1;
        a[i * w + o + 1] = -(h0 + h1);
        a[i * w + o + 2] = h0;
    }
    for (k = 0; k < n; ++k) {
        int best = k;
        for (i = k + 1; i < n; ++i)
            if (fabs(a[i * w + k]) > fabs(a[best * w + k])) best = i;
        for (j = k; best != k && j <= n; ++j) {
            const double t = a[k * w + j];
            a[k * w + j] = a[best * w + j];
            a[best * w + j] = t;
        }
        for (i = k + 1; i < n; ++i) {
            const double f = a[i * w + k] / a[k * w + k];
            for (j = k; f < 0 || f > 0 ? j <= n : 0; ++j)
                a[i * w + j] = paw__mul_add(-f, a[k * w + j], a[i * w + j]);
        }
    }
    for (i = n - 1; i >= 0; --i) {
        double s = a[i * w + n];
        for (j = i + 1; j < n; ++j) s = paw__mul_add(-a[i * w + j], m[j], s);
        m[i] = s / a[i * w + i];
    }
}
static double paw__spline_at(const double *x, const double *y, const double *m, int n, double at)
{
    double h, a, b, p, q;
    int i = 0;
    at = at < x[0] ? x[0] : at > x[n - 1] ? x[n - 1] : at;
    while (i + 2 < n && at > x[i + 1]) ++i;
    h = x[i + 1] - x[i];
    a = (x[i + 1] - at) / h;
    b = (at - x[i]) / h;
    p = a * y[i];
    q = paw__mul_add(a * a, a, -a) * m[i];
    q = paw__mul_add(paw__mul_add(b * b, b, -b), m[i + 1], q);
    return paw__mul_add(q, h * h / 6, paw__mul_add(b, y[i + 1], p));
}
/* table [(2 g0 - 1)^2 + 3, heads] -> out [(2 gh - 1)(2 gw - 1) + 3, heads]; the three rows of the
   class token are kept. Along columns first, then rows: the spline is a tensor product. */
static paw_err paw__beit_resize(paw_ctx *c, const float *table, int g0, int heads, int gh, int gw,
                                float *out)
{
    const int n = 2 * g0 - 1, oh = 2 * gh - 1, ow = 2 * gw - 1;
    const size_t nn = (size_t)n, hh = (size_t)heads, total = (size_t)oh * (size_t)ow;
    double *s, *kx, *ky, *y, *m, *wide;
    size_t k, r, o;
    if (g0 < 3)
        return paw__fail(c, PAW_E_UNSUP, "a relative table of a %d x %d grid has too few knots to "
                         "be resized", g0, g0);
    s = (double *)paw__alloc(c, nn * (nn + 1) + 4 * nn + nn * (size_t)ow, sizeof *s);
    if (!s) return PAW_E_OOM;
    kx = s + nn * (nn + 1);
    ky = kx + nn;
    y = ky + nn;
    m = y + nn;
    wide = m + nn; /* [n, ow] */
    paw__beit_knots(g0, gw, kx);
    paw__beit_knots(g0, gh, ky);
    for (k = 0; k < hh; ++k) {
        for (r = 0; r < nn; ++r) {
            for (o = 0; o < nn; ++o) y[o] = (double)table[(r * nn + o) * hh + k];
            paw__spline_moments(kx, y, n, s, m);
            for (o = 0; o < (size_t)ow; ++o)
                wide[r * (size_t)ow + o] = paw__spline_at(kx, y, m, n, (double)o - (gw - 1));
        }
        for (o = 0; o < (size_t)ow; ++o) {
            for (r = 0; r < nn; ++r) y[r] = wide[r * (size_t)ow + o];
            paw__spline_moments(ky, y, n, s, m);
            for (r = 0; r < (size_t)oh; ++r)
                out[(r * (size_t)ow + o) * hh + k] =
                    (float)paw__spline_at(ky, y, m, n, (double)r - (gh - 1));
        }
        for (r = 0; r < 3; ++r) out[(total + r) * hh + k] = table[(nn * nn + r) * hh + k];
    }
    paw__free(s);
    return PAW_OK;
}
/* table [(2 gh - 1)(2 gw - 1) + 3, heads] -> the kernels' order: per head rows and columns
   reversed, then per head the three rows of the class token. */
static void paw__beit_reverse(const float *table, size_t count, size_t heads, float *out)
{
    size_t k, i;
    for (k = 0; k < heads; ++k) {
        for (i = 0; i < count; ++i) out[k * count + i] = table[(count - 1 - i) * heads + k];
        for (i = 0; i < 3; ++i) out[heads * count + k * 3 + i] = table[(count + i) * heads + k];
    }
}

/* ---- chains of linear layers (projectors, predictors, class scores) ---- */

#define PAW__MAX_LAYERS 6
typedef struct {
    paw__linear layer[PAW__MAX_LAYERS];
    int count, act; /* act between layers, none after the last */
} paw__mlp;

static size_t paw__mlp_width(const paw__mlp *p) /* widest operand, in floats a row */
{
    size_t w = p->count ? p->layer[0].k_padded : 0;
    int i;
    for (i = 0; i < p->count; ++i) w = paw__max(w, p->layer[i].n_padded);
    return w;
}
static size_t paw__linear_partial(const paw__linear *l)
{
    return paw__partial_count(l->k_padded, l->n_padded);
}
static size_t paw__mlp_partial(const paw__mlp *p)
{
    size_t n = 0;
    int i;
    for (i = 0; i < p->count; ++i)
        n = paw__max(n, paw__linear_partial(&p->layer[i]));
    return n;
}
/* a: A operand [rows, k]; result rows of the last layer's n_padded floats in out. a and b are
   buffers of rows * width, used in turn. */
static void paw__mlp_run(const paw__team *team, const paw__mlp *p, size_t rows, float *a, float *b,
                         float *partial, float *out)
{
    int i;
    for (i = 0; i < p->count; ++i) {
        const int last = i + 1 == p->count;
        float *t;
        paw__product g = paw__product_of(team, &p->layer[i], a, rows);
        g.to = last ? PAW__TO_ROWS : PAW__TO_A;
        g.act = last ? PAW__NO_ACT : p->act;
        if (g.act == PAW__GELU && team->c->math == PAW_MATH_SLEEF) g.act = PAW__GELU_SLEEF;
        g.out = last ? out : b;
        g.ld = g.n;
        paw__product_run(team, &g, partial);
        t = a;
        a = b;
        b = t;
    }
}
/* rows of ld floats to unit length; d padded with zeros to 16 */
static void paw__unit_rows(const paw__ops *ops, float *x, size_t rows, size_t ld, size_t d)
{
    size_t r, i;
    for (r = 0; r < rows; ++r) {
        float *row = x + r * ld, norm = sqrtf(ops->dot(row, row, paw__up16(d)));
        if (norm < 1e-12f) norm = 1e-12f;
        for (i = 0; i < d; ++i) row[i] /= norm;
    }
}
/* Gram: with unit bottleneck z, the cosine of the logits W z is that of L' z, where L L' = W' W;
   so 65,536 logits need not be stored. w [n, k]; lt [k, k]: L', zero rows where W has no rank.
   Chunks of PAW__KC prototypes are summed in double. */
static paw_err paw__gram(const paw__team *team, const float *w, size_t n, size_t k, float *lt)
{
    paw_ctx *c = team->c;
    const size_t kp = paw__up16(k), kc = PAW__KC;
    float *f = (float *)paw__calloc(c, kp * kc * 2 + kp * kp + kp, sizeof *f);
    double *g = (double *)paw__calloc(c, k * k, sizeof *g);
    float *a = f, *b, *sum, *bias;
    const paw__panels rows = paw__panels_of(kp, team->ops->mr);
    double top = 0;
    size_t r, i, j, q, p;
    if (!f || !g) {
        paw__free(f);
        paw__free(g);
        return PAW_E_OOM;
    }
    b = a + kp * kc;
    sum = b + kp * kc;
    bias = sum + kp * kp;
    for (r = 0; r < n; r += kc) {
        const size_t len = paw__min(kc, n - r);
        paw__linear l;
        paw__product job;
        memset(a, 0, kp * kc * 2 * sizeof *a);
        for (p = 0; p < rows.count; ++p) {
            const size_t first = paw__panel_first(&rows, p);
            const size_t mr = (size_t)paw__panel_rows(&rows, p);
            for (i = first; i < first + mr && i < k; ++i)
                for (q = 0; q < len; ++q)
                    a[first * kc + q / 16 * mr * 16 + (i - first) * 16 + q % 16] =
                        w[(r + q) * k + i];
        }
        for (q = 0; q < len; ++q)
            for (i = 0; i < k; ++i) b[(i / 16 * kc + q) * 16 + i % 16] = w[(r + q) * k + i];
        memset(&l, 0, sizeof l);
        l.n = l.n_padded = kp;
        l.k = l.k_padded = kc;
        l.w = b;
        l.bias = bias;
        job = paw__product_of(team, &l, a, kp);
        job.to = PAW__TO_ROWS;
        job.out = sum;
        job.ld = kp;
        paw__product_run(team, &job, NULL);
        for (i = 0; i < k; ++i)
            for (j = 0; j < k; ++j) g[i * k + j] += (double)sum[i * kp + j];
    }
    for (j = 0; j < k; ++j) top = g[j * k + j] > top ? g[j * k + j] : top;
    for (j = 0; j < k; ++j) { /* Cholesky; what the chunks' rounding leaves of a pivot is no rank */
        double pivot = g[j * k + j];
        for (q = 0; q < j; ++q) pivot = paw__mul_add(-g[j * k + q], g[j * k + q], pivot);
        pivot = pivot > 1e-6 * top ? sqrt(pivot) : 0.0;
        for (i = j; i < k; ++i) {
            double s = g[i * k + j];
            for (q = 0; q < j; ++q) s = paw__mul_add(-g[i * k + q], g[j * k + q], s);
            g[i * k + j] = pivot > 0.0 ? s / pivot : 0.0;
        }
        for (i = 0; i < j; ++i) lt[j * k + i] = 0.0f;
        for (i = j; i < k; ++i) lt[j * k + i] = (float)g[i * k + j];
    }
    paw__free(f);
    paw__free(g);
    return PAW_OK;
}

/* ==== >>vit ==== one recipe row per encoder family, one forward pass for all ==== */

enum { /* what a family has (protocol 1.2) */
    PAW__QKV_BIAS = 1,  /* attn.qkv.bias; otherwise q_bias and v_bias, k without */
    PAW__QV_BIAS = 2,
    PAW__SCALES = 4,    /* layer scale gamma_1, gamma_2 */
    PAW__POSITIONS = 8, /* absolute table pos_embed */
    PAW__RELATIVE = 16  /* relative bias, one table for all layers */
};
typedef struct {
    const char *name;
    int has, position;
    int narrow_heads; /* heads at width 384, where it is not width / 64 */
} paw__recipe;
static const paw__recipe paw__recipes[PAW_RECIPES] = {
    {"auto", 0, 0, 0},
    {"deit", PAW__QKV_BIAS | PAW__POSITIONS, PAW_POS_SIZE, 6},
    {"mocov3", PAW__QKV_BIAS | PAW__POSITIONS, PAW_POS_SIZE, 12},
    {"dino", PAW__QKV_BIAS | PAW__POSITIONS, PAW_POS_SCALE, 6},
    {"ibot", PAW__QKV_BIAS | PAW__POSITIONS, PAW_POS_SCALE, 6},
    {"beit", PAW__QV_BIAS | PAW__SCALES | PAW__RELATIVE, PAW_POS_SIZE, 6},
    {"mae", PAW__QKV_BIAS | PAW__POSITIONS, PAW_POS_SIZE, 6},
    {"cae", PAW__QV_BIAS | PAW__SCALES | PAW__POSITIONS, PAW_POS_SIZE, 12},
};
PAW_DEF const char *paw_recipe_name(int recipe)
{
    return recipe >= 0 && recipe < PAW_RECIPES ? paw__recipes[recipe].name : NULL;
}

typedef struct {
    paw__norm norm1, norm2;
    paw__linear qkv, proj, fc1, fc2;
    float *gamma1, *gamma2; /* NULL: 1 */
} paw__vit_block;

typedef struct { /* one owned allocation, for paw_model_free */
    void *p;
} paw__owned;

struct paw_model {
    paw__owned *owned;
    size_t owned_count, owned_cap, packed_bytes, parameters, rounded;
    uint8_t *room; /* of one owned allocation for the encoder, what is left of it */
    size_t room_bytes;
    int recipe, position, grid, patch, dim, depth, heads, hidden, table_rows, dtype;
    float eps;
    float *cls, *pos;    /* cls + position row 0 [dim padded]; [grid^2, dim] or NULL */
    float *rel;          /* BEiT: [table_rows, heads] as stored, or NULL */
    paw__linear patches;
    paw__vit_block *blocks;
    paw__norm norm;
    paw__mlp projector, predictor, scores;
    paw__linear prototypes, gram; /* after a projector with unit output; w NULL without */
    paw__linear patch_prototypes; /* iBOT's second head, for patch tokens */
};

static void *paw__model_own(paw_ctx *c, paw_model *m, size_t bytes)
{
    void *p = NULL, *list = m->owned;
    const paw_err e = paw__grow(c, &list, &m->owned_cap, m->owned_count + 1, sizeof *m->owned);
    m->owned = (paw__owned *)list;
    if (e == PAW_OK) p = paw__alloc(c, bytes, 1);
    if (p) m->owned[m->owned_count++].p = p;
    return p;
}
static void *paw__model_alloc(paw_ctx *c, paw_model *m, size_t count, size_t size)
{
    size_t bytes;
    void *p;
    if (!paw__mul(count, size, &bytes) || bytes > (size_t)-1 - PAW__ALIGN) {
        paw__fail(c, PAW_E_OOM, "out of memory: %zu x %zu bytes", count, size);
        return NULL;
    }
    bytes = (bytes + PAW__ALIGN - 1) / PAW__ALIGN * PAW__ALIGN;
    if (bytes > m->room_bytes) {
        p = paw__model_own(c, m, bytes);
    } else {
        p = m->room;
        m->room += bytes;
        m->room_bytes -= bytes;
    }
    if (p) m->packed_bytes += count * size;
    return p;
}
static void *paw__model_calloc(paw_ctx *c, paw_model *m, size_t count, size_t size)
{
    void *p = paw__model_alloc(c, m, count, size);
    if (p) memset(p, 0, count * size);
    return p;
}
PAW_DEF void paw_model_free(paw_model *m)
{
    size_t i;
    if (!m) return;
    for (i = 0; i < m->owned_count; ++i) paw__free(m->owned[i].p);
    paw__free(m->owned);
    paw__free(m);
}

static int paw__mlp_out(const paw__mlp *p) { return p->count ? (int)p->layer[p->count - 1].n : 0; }
PAW_DEF int paw_project_dim(const paw_model *m, int which)
{
    const int prototypes = m && m->prototypes.w ? (int)m->prototypes.n : 0;
    if (!m) return 0;
    switch (which) {
    case PAW_PROJECTED: return prototypes ? prototypes : paw__mlp_out(&m->projector);
    case PAW_PROJECTED_COSINE: return paw__mlp_out(&m->projector);
    case PAW_BOTTLENECK: return prototypes ? paw__mlp_out(&m->projector) : 0;
    case PAW_PREDICTED: return paw__mlp_out(&m->predictor);
    case PAW_LOGITS: return paw__mlp_out(&m->scores);
    case PAW_PROJECTED_PATCH: return m->patch_prototypes.w ? (int)m->patch_prototypes.n : 0;
    default: return 0;
    }
}
PAW_DEF void paw_model_describe(const paw_model *m, paw_model_info *out)
{
    paw_model_info i;
    memset(&i, 0, sizeof i);
    if (!out) return;
    *out = i;
    if (!m) return;
    i.recipe = paw__recipes[m->recipe].name;
    i.image_px = m->grid * m->patch;
    i.patch_px = m->patch;
    i.dim = m->dim;
    i.depth = m->depth;
    i.heads = m->heads;
    i.mlp = m->hidden;
    i.tokens = m->grid * m->grid + 1;
    i.classes = paw_project_dim(m, PAW_LOGITS);
    i.projected = paw_project_dim(m, PAW_PROJECTED);
    i.bottleneck = paw_project_dim(m, PAW_BOTTLENECK);
    i.predicted = paw_project_dim(m, PAW_PREDICTED);
    i.dtype = m->dtype;
    i.parameters = m->parameters;
    i.packed_bytes = m->packed_bytes;
    i.rounded = m->rounded;
    *out = i;
}

/* ---- forward pass ---- */

typedef struct { /* one call of paw_encode */
    paw_ctx *c;
    const paw_model *m;
    const paw__ops *ops;
    const paw_outputs *out;
    const float *chw;
    size_t n, tokens, padded;
    int h, w, gh, gw;
    const float *pos; /* [gh * gw, dim] or NULL */
    const float *rel; /* paw__beit_reverse, or NULL */
    float *slots;     /* per slot: activations of an image */
    size_t slot_count;
    float *scratch; /* per slot: attention */
    float *wide;    /* per slot: PAW__WIDE_COUNT, where bf16 weights are widened; or NULL */
} paw__run;

/* Activations of one image inside its slot. hidden, qkv and patches are never alive together. */
typedef struct {
    float *x, *a, *hidden, *partial;
    paw__qkv qkv;
} paw__activations;
/* Lays v out from base on; returns the floats it takes. base NULL: only that. */
static size_t paw__activations_of(const paw__run *r, float *base, paw__activations *v)
{
    const paw_model *m = r->m;
    const size_t d = paw__up16((size_t)m->dim), heads = (size_t)m->heads;
    const size_t dh = paw__up16((size_t)m->dim / heads), od = heads * dh, t = r->tokens;
    const size_t x = t * d, a = t * paw__max(d, od), qkv = od * (t + 2 * r->padded);
    const size_t wide = paw__max(t * m->blocks[0].fc1.n_padded, t * m->patches.k_padded);
    const size_t partial = paw__max(
        paw__max(paw__partial_count(m->blocks[0].fc2.k_padded, d),
                 paw__partial_count(d, m->blocks[0].fc1.n_padded)),
        paw__max(paw__partial_count(d, m->blocks[0].qkv.n_padded),
                 paw__max(paw__partial_count(od, d), paw__partial_count(m->patches.k_padded, d))));
    if (!base) return x + a + paw__max(qkv, wide) + partial;
    v->x = base;
    v->a = v->x + x;
    v->hidden = v->a + a;
    v->partial = v->hidden + paw__max(qkv, wide);
    v->qkv.q = v->hidden;
    v->qkv.k = v->qkv.q + od * t;
    v->qkv.v = v->qkv.k + od * r->padded;
    v->qkv.tokens = t;
    v->qkv.padded = r->padded;
    v->qkv.dh = dh;
    v->qkv.heads = heads;
    return x + a + paw__max(qkv, wide) + partial;
}

/* X = [cls; patches] + positions */
static void paw__embed_tokens(const paw__run *r, const paw__team *team, const float *chw,
                              paw__activations *v)
{
    const paw_model *m = r->m;
    const size_t dim = (size_t)m->dim, d = paw__up16(dim), n = r->tokens - 1;
    paw__patches_job job;
    paw__product g;
    size_t i;
    memset(v->x, 0, r->tokens * d * sizeof *v->x);
    memcpy(v->x, m->cls, dim * sizeof *v->x);
    for (i = 0; r->pos && i < n; ++i)
        memcpy(v->x + (i + 1) * d, r->pos + i * dim, dim * sizeof *v->x);
    job.chw = chw;
    job.h = r->h;
    job.w = r->w;
    job.patch = m->patch;
    job.rows = paw__panels_of(n, r->ops->mr);
    job.a = v->hidden;
    paw__team_for(team, job.rows.count, paw__patches_item, &job);
    g = paw__product_of(team, &m->patches, v->hidden, n);
    g.to = PAW__TO_RESIDUAL;
    g.out = v->x + d;
    g.ld = d;
    paw__product_run(team, &g, v->partial);
}
/* The product of a layer of a block; in bf16 a is used up. */
static paw__product paw__layer(const paw__run *r, const paw__team *team, const paw__linear *l,
                               float *a)
{
    paw__product g = paw__product_of(team, l, a, r->tokens);
    if (l->w16) paw__narrow_run(team, a, r->tokens, l->k_padded);
    g.wide = r->wide;
    return g;
}
static void paw__residual(const paw__run *r, const paw__team *team, const paw__linear *l, float *a,
                          const float *gamma, paw__activations *v)
{
    paw__product g = paw__layer(r, team, l, a);
    g.to = PAW__TO_RESIDUAL;
    g.gamma = gamma;
    g.out = v->x;
    g.ld = paw__up16((size_t)r->m->dim);
    paw__product_run(team, &g, v->partial);
}
/* X += g1 Attn(LN1 X); X += g2 MLP(LN2 X). map: [heads, tokens, tokens] or NULL */
static void paw__block_run(const paw__run *r, const paw__team *team, const paw__vit_block *b,
                           float *map, paw__activations *v)
{
    const paw_model *m = r->m;
    const size_t dim = (size_t)m->dim;
    paw__attention t;
    paw__product g;
    paw__norm_run(team, &b->norm1, m->eps, v->x, r->tokens, dim, 1, v->a);
    paw__qkv_clear_padding(&v->qkv);
    g = paw__layer(r, team, &b->qkv, v->a);
    g.to = PAW__TO_QKV;
    g.qkv = &v->qkv;
    paw__product_run(team, &g, v->partial);
    t.in = &v->qkv;
    t.scale = 1.0f / sqrtf((float)(dim / (size_t)m->heads));
    t.bias = r->rel;
    t.gh = r->gh;
    t.gw = r->gw;
    t.math = r->c->math;
    t.out = v->a;
    t.map = map;
    paw__attention_run(team, &t, r->scratch);
    paw__residual(r, team, &b->proj, v->a, b->gamma1, v);
    paw__norm_run(team, &b->norm2, m->eps, v->x, r->tokens, dim, 1, v->a);
    g = paw__layer(r, team, &b->fc1, v->a);
    g.to = PAW__TO_A;
    g.act = r->c->math == PAW_MATH_SLEEF ? PAW__GELU_SLEEF : PAW__GELU;
    g.out = v->hidden;
    paw__product_run(team, &g, v->partial);
    paw__residual(r, team, &b->fc2, v->hidden, b->gamma2, v);
}
static void paw__copy_rows(const float *from, size_t ld, size_t rows, size_t d, float *to)
{
    size_t i;
    for (i = 0; i < rows; ++i) memcpy(to + i * d, from + i * ld, d * sizeof *to);
}
static void paw__finish_image(const paw__run *r, const paw__team *team, size_t image,
                              paw__activations *v)
{
    const size_t dim = (size_t)r->m->dim, d = paw__up16(dim);
    const paw_outputs *o = r->out;
    size_t i, t;
    if (!o->cls && !o->mean && !o->tokens) return;
    paw__norm_run(team, &r->m->norm, r->m->eps, v->x, r->tokens, dim, 0, v->a);
    if (o->cls) memcpy(o->cls + image * dim, v->a, dim * sizeof(float));
    if (o->tokens)
        paw__copy_rows(v->a, d, r->tokens, dim, o->tokens + image * r->tokens * dim);
    for (i = 0; o->mean && i < dim; ++i) {
        double sum = 0;
        for (t = 1; t < r->tokens; ++t) sum += (double)v->a[t * d + i];
        o->mean[image * dim + i] = (float)(sum / (double)(r->tokens - 1));
    }
}
static void paw__encode_image(const paw__run *r, const paw__team *team, size_t image)
{
    const paw_model *m = r->m;
    const paw_outputs *o = r->out;
    const size_t dim = (size_t)m->dim, d = paw__up16(dim), t = r->tokens;
    const int map_block = o->attention_block < 0 ? m->depth - 1 : o->attention_block;
    paw__activations v;
    int b, k;
    (void)paw__activations_of(r, r->slots + (size_t)team->slot * r->slot_count, &v);
    paw__embed_tokens(r, team, r->chw + image * 3 * (size_t)r->h * (size_t)r->w, &v);
    for (b = 0; b < m->depth; ++b) {
        float *map = NULL;
        if (o->attention && b == map_block)
            map = o->attention + image * (size_t)m->heads * t * t;
        paw__block_run(r, team, &m->blocks[b], map, &v);
        for (k = 0; o->block_outputs && k < o->block_count; ++k)
            if (o->blocks[k] == b)
                paw__copy_rows(v.x, d, t, dim,
                               o->block_outputs + ((size_t)k * r->n + image) * t * dim);
    }
    paw__finish_image(r, team, image, &v);
}
static void paw__encode_item(void *arg, size_t item, int slot)
{
    const paw__run *r = (const paw__run *)arg;
    paw__team team;
    team.c = r->c;
    team.ops = r->ops;
    team.slot = slot;
    team.wide = 0;
    paw__encode_image(r, &team, item);
}
/* At least count floats that stay until the next call; the old content is lost. */
static float *paw__scratch(paw_ctx *c, size_t count)
{
    if (count <= c->scratch_count) return c->scratch;
    paw__free(c->scratch);
    c->scratch_count = 0;
    /* Zeros: what pads a panel is multiplied as it lies there, and used nowhere. */
    c->scratch = (float *)paw__calloc(c, count, sizeof *c->scratch);
    if (c->scratch) c->scratch_count = count;
    return c->scratch;
}
/* Tables for this grid; *owned is to be freed. */
static paw_err paw__run_positions(paw__run *r, float **owned)
{
    const paw_model *m = r->m;
    const size_t dim = (size_t)m->dim, n = r->tokens - 1, heads = (size_t)m->heads;
    const size_t count = (2 * (size_t)r->gh - 1) * (2 * (size_t)r->gw - 1);
    const int same = r->gh == m->grid && r->gw == m->grid;
    paw_err e = PAW_OK;
    *owned = NULL;
    r->pos = m->pos;
    r->rel = NULL;
    if (m->pos && same) return PAW_OK;
    if (!m->pos && !m->rel) return PAW_OK;
    *owned = (float *)paw__alloc(r->c, m->pos ? n * dim : 2 * (count + 3) * heads, sizeof(float));
    if (!*owned) return PAW_E_OOM;
    if (m->pos) {
        paw__position_resize(m->pos, m->grid, m->dim, r->gh, r->gw, m->position, *owned);
        r->pos = *owned;
    } else {
        float *table = *owned + (count + 3) * heads;
        if (same) memcpy(table, m->rel, (count + 3) * heads * sizeof *table);
        else e = paw__beit_resize(r->c, m->rel, m->grid, m->heads, r->gh, r->gw, table);
        if (e == PAW_OK) paw__beit_reverse(table, count, heads, *owned);
        r->rel = *owned;
    }
    return e;
}
static paw_err paw__encode_check(const paw__run *r)
{
    const paw_outputs *o = r->out;
    const int patch = r->m->patch;
    size_t all;
    int i;
    if (!o->cls && !o->mean && !o->tokens && !o->block_outputs && !o->attention)
        return paw__fail(r->c, PAW_E_ARG, "paw_encode: no output asked for");
    if (r->h < patch || r->w < patch || r->h % patch || r->w % patch)
        return paw__fail(r->c, PAW_E_SHAPE, "input of %d x %d pixels is no multiple of the patch "
                         "of %d", r->h, r->w, patch);
    if (r->h / patch > 512 || r->w / patch > 512)
        return paw__fail(r->c, PAW_E_LIMIT, "input of %d x %d pixels: more than 512 patches a side",
                         r->h, r->w);
    if (!paw__mul(r->n, 12 * (size_t)r->h * (size_t)r->w, &all))
        return paw__fail(r->c, PAW_E_LIMIT, "%zu images do not fit the address space", r->n);
    if (o->attention && (o->attention_block < -1 || o->attention_block >= r->m->depth))
        return paw__fail(r->c, PAW_E_ARG, "attention of block %d asked for: the model has 0 to %d",
                         o->attention_block, r->m->depth - 1);
    if (o->block_count < 0 || (o->block_count && (!o->blocks || !o->block_outputs)))
        return paw__fail(r->c, PAW_E_ARG, "block outputs asked for without blocks or room");
    for (i = 0; i < o->block_count; ++i)
        if (o->blocks[i] < 0 || o->blocks[i] >= r->m->depth)
            return paw__fail(r->c, PAW_E_ARG, "output of block %d asked for: the model has 0 to %d",
                             o->blocks[i], r->m->depth - 1);
    return PAW_OK;
}
/* Images side by side while there are as many as threads; what is left over is split within. */
static void paw__run_images(paw__run *r)
{
    const size_t threads = (size_t)r->c->threads, whole = r->n - r->n % threads;
    paw__team team;
    size_t i;
    if (threads > 1 && whole) paw__for(r->c, whole, paw__encode_item, r);
    team.c = r->c;
    team.ops = r->ops;
    team.slot = 0;
    team.wide = threads > 1;
    for (i = threads > 1 ? whole : 0; i < r->n; ++i) paw__encode_image(r, &team, i);
}
PAW_DEF paw_err paw_encode(const paw_model *m, paw_ctx *c, const float *chw, size_t n, int h, int w,
                           const paw_outputs *out)
{
    paw__activations unused;
    paw__run r;
    float *owned;
    size_t per_slot, slots, wide;
    paw_err e;
    PAW__ENTER(c);
    if (!m || !out || (!chw && n)) return paw__fail(c, PAW_E_ARG, "paw_encode: NULL argument");
    memset(&r, 0, sizeof r);
    r.c = c;
    r.m = m;
    r.ops = paw__ops_now();
    r.out = out;
    r.chw = chw;
    r.n = n;
    r.h = h;
    r.w = w;
    r.gh = h / m->patch;
    r.gw = w / m->patch;
    e = paw__encode_check(&r);
    if (e != PAW_OK) return e;
    r.tokens = (size_t)r.gh * (size_t)r.gw + 1;
    r.padded = paw__up16(r.tokens);
    r.slot_count = paw__up16(paw__activations_of(&r, NULL, &unused));
    slots = n >= (size_t)c->threads ? (size_t)c->threads : 1;
    per_slot = paw__attention_scratch(r.padded);
    wide = m->dtype == PAW_BF16 && !r.ops->dots ? PAW__WIDE_COUNT : 0;
    r.slots = paw__scratch(c, slots * r.slot_count + (size_t)c->threads * (per_slot + wide));
    if (!r.slots) return PAW_E_OOM;
    r.scratch = r.slots + slots * r.slot_count;
    r.wide = wide ? r.scratch + (size_t)c->threads * per_slot : NULL;
    e = paw__run_positions(&r, &owned);
    if (e == PAW_OK) paw__run_images(&r);
    paw__free(owned);
    return e;
}

/* ---- projections ---- */

typedef struct {
    const paw_model *m;
    int which;
    float *a, *b, *wide, *partial;
} paw__projection;
static void paw__pack_rows(const paw__team *team, const float *x, size_t ld, size_t k, size_t rows,
                           float *a)
{
    const paw__panels panels = paw__panels_of(rows, team->ops->mr);
    paw__pack_a(x, ld, k, &panels, a);
}
/* One chunk x [rows, dim]; result in p->wide, returns its row length in floats. */
static size_t paw__project_chunk(const paw__team *team, const paw__projection *p, const float *x,
                                 size_t rows)
{
    const paw_model *m = p->m;
    const paw__mlp *first = p->which == PAW_LOGITS ? &m->scores : &m->projector;
    const paw__linear *last = &first->layer[first->count - 1], *tail = NULL;
    paw__mlp one;
    paw__pack_rows(team, x, (size_t)m->dim, (size_t)m->dim, rows, p->a);
    paw__mlp_run(team, first, rows, p->a, p->b, p->partial, p->wide);
    if (p->which == PAW_PREDICTED) {
        paw__pack_rows(team, p->wide, last->n_padded, last->n, rows, p->a);
        paw__mlp_run(team, &m->predictor, rows, p->a, p->b, p->partial, p->wide);
        return m->predictor.layer[m->predictor.count - 1].n_padded;
    }
    if (p->which == PAW_LOGITS || !m->prototypes.w) return last->n_padded;
    paw__unit_rows(team->ops, p->wide, rows, last->n_padded, last->n);
    if (p->which == PAW_PROJECTED) tail = &m->prototypes;
    if (p->which == PAW_PROJECTED_COSINE) tail = &m->gram;
    if (p->which == PAW_PROJECTED_PATCH) tail = &m->patch_prototypes;
    if (!tail) return last->n_padded;
    paw__pack_rows(team, p->wide, last->n_padded, last->n, rows, p->a);
    memset(&one, 0, sizeof one);
    one.layer[0] = *tail;
    one.count = 1;
    paw__mlp_run(team, &one, rows, p->a, p->b, p->partial, p->wide);
    return tail->n_padded;
}
PAW_DEF paw_err paw_project(const paw_model *m, paw_ctx *c, int which, const float *x, size_t n,
                            float *out)
{
    const size_t chunk = 128;
    paw__projection p;
    paw__team team;
    size_t i, ld, operand, wide, partial, dim;
    PAW__ENTER(c);
    if (!m || (n && (!x || !out))) return paw__fail(c, PAW_E_ARG, "paw_project: NULL argument");
    dim = (size_t)paw_project_dim(m, which);
    if (!dim)
        return paw__fail(c, PAW_E_UNSUP, "this %s checkpoint has no such head",
                         paw__recipes[m->recipe].name);
    team = paw__team_of(c);
    operand = paw__max(paw__mlp_width(&m->projector), paw__mlp_width(&m->predictor));
    operand = paw__max(operand, paw__up16((size_t)m->dim));
    wide = paw__max(operand, paw__max(m->prototypes.n_padded, paw__mlp_width(&m->scores)));
    wide = paw__max(wide, m->patch_prototypes.n_padded);
    partial = paw__max(paw__mlp_partial(&m->projector), paw__mlp_partial(&m->predictor));
    partial = paw__max(partial, paw__mlp_partial(&m->scores));
    partial = paw__max(partial, paw__linear_partial(&m->prototypes));
    partial = paw__max(partial, paw__linear_partial(&m->patch_prototypes));
    partial = paw__max(partial, paw__linear_partial(&m->gram));
    p.m = m;
    p.which = which;
    p.a = paw__scratch(c, chunk * (2 * operand + wide) + partial);
    if (!p.a) return PAW_E_OOM;
    p.b = p.a + chunk * operand;
    p.wide = p.b + chunk * operand;
    p.partial = p.wide + chunk * wide;
    for (i = 0; i < n; i += chunk) {
        const size_t rows = paw__min(chunk, n - i);
        ld = paw__project_chunk(&team, &p, x + i * (size_t)m->dim, rows);
        paw__copy_rows(p.wide, ld, rows, dim, out + i * dim);
    }
    return PAW_OK;
}
/* ==== >>load ==== torch .pth (zip, legacy), safetensors, .npy; every length checked ==== */

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "partaware.h reads tensors in place: little-endian hosts only"
#endif

#define PAW__MAX_TENSORS 65536u
#define PAW__MAX_KEY 512u                  /* bytes of a name */
#define PAW__MAX_HEADER 100000000u         /* safetensors: the reference's own limit */
#define PAW__MAX_OPS 50000000u             /* pickle opcodes in a file */
#define PAW__MAX_DEPTH 256                 /* nested containers and marks of a pickle */
#define PAW__MAX_NODES 8000000u            /* values of a pickle, 24 bytes each */
#define PAW__MAX_VISITS 16u /* of a value on average: shared containers multiply paths */

/* Records that live as long as their owner: names, directory entries. */
typedef struct paw__chunk {
    struct paw__chunk *next;
    size_t used, cap;
} paw__chunk;
typedef struct {
    paw__chunk *head;
} paw__arena;

static void *paw__arena_get(paw_ctx *c, paw__arena *a, size_t bytes) /* zeroed, 16-aligned */
{
    const size_t head = paw__up16(sizeof(paw__chunk));
    paw__chunk *k = a->head;
    size_t need, cap;
    uint8_t *p;
    if (!paw__add(bytes, 15u, &need)) need = (size_t)-1;
    need &= ~(size_t)15u;
    if (!k || need > k->cap - k->used) {
        cap = paw__max(need, 16384u);
        k = (paw__chunk *)paw__alloc(c, 1, cap > (size_t)-1 - head ? cap : cap + head);
        if (!k) return NULL;
        k->used = 0;
        k->cap = cap;
        k->next = a->head;
        a->head = k;
    }
    p = (uint8_t *)k + head + k->used;
    k->used += need;
    memset(p, 0, bytes);
    return p;
}
static const char *paw__arena_text(paw_ctx *c, paw__arena *a, const char *s, size_t n)
{
    char *p = n < (size_t)-1 ? (char *)paw__arena_get(c, a, n + 1) : NULL;
    if (p) memcpy(p, s, n);
    return p;
}
static void paw__arena_free(paw__arena *a)
{
    while (a->head) {
        paw__chunk *next = a->head->next;
        paw__free(a->head);
        a->head = next;
    }
}

/* Quicksort, and heap sort of what is short or goes too deep: no allocation, and no input makes it
   slow. */
typedef int paw__less(const void *a, const void *b);
static void paw__sift(void **a, size_t i, size_t n, paw__less *less)
{
    for (;;) {
        size_t k = 2 * i + 1;
        void *x;
        if (k >= n) return;
        if (k + 1 < n && less(a[k], a[k + 1])) ++k;
        if (!less(a[i], a[k])) return;
        x = a[i];
        a[i] = a[k];
        a[k] = x;
        i = k;
    }
}
static void paw__sort_deep(void **a, size_t n, paw__less *less, int deep)
{
    size_t i, j;
    while (n > 16 && deep-- > 0) {
        void *x, *p;
        size_t k;
        for (k = 0; k < 3; ++k) { /* the median of three to the middle */
            i = k == 1 ? n / 2 : 0;
            j = k == 1 ? n - 1 : n / 2;
            if (!less(a[j], a[i])) continue;
            x = a[i];
            a[i] = a[j];
            a[j] = x;
        }
        p = a[n / 2];
        for (i = 0, j = n - 1;; ++i, --j) {
            while (less(a[i], p)) ++i;
            while (less(p, a[j])) --j;
            if (i >= j) break;
            x = a[i];
            a[i] = a[j];
            a[j] = x;
        }
        k = j + 1; /* up to j none is above p, behind it none below */
        if (k < n - k) {
            paw__sort_deep(a, k, less, deep);
            a += k;
            n -= k;
        } else {
            paw__sort_deep(a + k, n - k, less, deep);
            n = k;
        }
    }
    for (i = n / 2; i > 0; --i) paw__sift(a, i - 1, n, less);
    for (i = n; i > 1;) {
        void *x = a[0];
        a[0] = a[--i];
        a[i] = x;
        paw__sift(a, 0, i, less);
    }
}
static void paw__sort(void **a, size_t n, paw__less *less)
{
    size_t k;
    int deep = 0;
    for (k = n; k > 1; k /= 2) deep += 2;
    paw__sort_deep(a, n, less, deep);
}
/* Records that begin with their name can be sorted and found by it. */
static const char *paw__name_of(const void *record)
{
    const char *s;
    memcpy(&s, record, sizeof s);
    return s;
}
static int paw__less_name(const void *a, const void *b)
{
    return strcmp(paw__name_of(a), paw__name_of(b)) < 0;
}
static size_t paw__lower_bound(void *const *sorted, size_t n, const char *name)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(paw__name_of(sorted[mid]), name) < 0) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}
static void *paw__find_name(void *const *sorted, size_t n, const char *name)
{
    size_t i = paw__lower_bound(sorted, n, name);
    return i < n && !strcmp(paw__name_of(sorted[i]), name) ? sorted[i] : NULL;
}
static const char *paw__sorted_twice(void *const *sorted, size_t n) /* a name met twice, or NULL */
{
    size_t i;
    for (i = 1; i < n; ++i)
        if (!strcmp(paw__name_of(sorted[i - 1]), paw__name_of(sorted[i])))
            return paw__name_of(sorted[i]);
    return NULL;
}

static int paw__utf8_all(const char *s, size_t n)
{
    const uint8_t *p = (const uint8_t *)s;
    size_t i = 0, k;
    for (; i < n; i += k)
        if (!(k = paw__utf8(p + i, n - i)) || !p[i]) return 0;
    return 1;
}

/* ---- numbers as text, whatever the locale ---- */

#define PAW__BIG 192    /* limbs: 800 digits, or 2^4000 while dividing */
#define PAW__DIGITS 800 /* halfway points between doubles have at most 767 */
typedef struct {
    uint32_t limb[PAW__BIG]; /* lowest first */
    int n;
} paw__big;

static void paw__big_mul_add(paw__big *b, uint32_t m, uint32_t a)
{
    uint64_t carry = a;
    int i;
    for (i = 0; i < b->n; ++i) {
        carry += (uint64_t)b->limb[i] * m;
        b->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) b->limb[b->n++] = (uint32_t)carry;
}
static uint32_t paw__big_div(paw__big *b, uint32_t d) /* returns the remainder */
{
    uint64_t rem = 0;
    int i;
    for (i = b->n; i-- > 0;) {
        rem = rem << 32 | b->limb[i];
        b->limb[i] = (uint32_t)(rem / d);
        rem %= d;
    }
    while (b->n && !b->limb[b->n - 1]) --b->n;
    return (uint32_t)rem;
}
static int paw__big_bits(const paw__big *b)
{
    uint32_t top = b->n ? b->limb[b->n - 1] : 0;
    int bits = 32 * b->n;
    if (!top) return 0;
    for (; !(top >> 31); top <<= 1) --bits;
    return bits;
}
static int paw__big_bit(const paw__big *b, int i)
{
    return i >= 0 && i < 32 * b->n && (b->limb[i / 32] >> (i % 32) & 1u);
}
/* b * 2^-scale, rounded to nearest even; sticky: more follows below b. */
static double paw__big_round(const paw__big *b, int scale, int sticky)
{
    int bits = paw__big_bits(b), cut = bits - 53, i;
    uint64_t m = 0;
    if (cut < scale - 1074) cut = scale - 1074;
    for (i = bits - 1; i >= cut; --i) m = m << 1 | (uint64_t)paw__big_bit(b, i);
    for (i = 0; i < cut - 1 && i < bits && !sticky; ++i) sticky = paw__big_bit(b, i);
    if (paw__big_bit(b, cut - 1) && (sticky || (m & 1))) ++m;
    return ldexp((double)m, cut - scale);
}
/* digits * 10^e, digits of at most PAW__DIGITS characters without the point */
static double paw__decimal(const char *s, size_t n, int digits, int e, int sticky)
{
    paw__big b;
    int i, limbs = 0, left = -e;
    b.n = 0;
    if (digits + e > 310) return HUGE_VAL;
    if (digits + e < -330) return 0.0;
    for (; n && digits; ++s, --n)
        if (*s != '.') {
            paw__big_mul_add(&b, 10, (uint32_t)(*s - '0'));
            --digits;
        }
    for (i = 0; i < e; ++i) paw__big_mul_add(&b, 10, 0);
    if (e < 0 && (i = 67 + left * 3322 / 1000 - paw__big_bits(&b)) > 0) limbs = (i + 31) / 32;
    if (b.n) {
        memmove(b.limb + limbs, b.limb, sizeof b.limb[0] * (size_t)b.n);
        memset(b.limb, 0, sizeof b.limb[0] * (size_t)limbs);
        b.n += limbs;
    }
    for (; left >= 9; left -= 9) sticky |= paw__big_div(&b, 1000000000u) != 0;
    for (; left > 0; --left) sticky |= paw__big_div(&b, 10) != 0;
    return paw__big_round(&b, 32 * limbs, sticky);
}
static size_t paw__digits(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n && s[i] >= '0' && s[i] <= '9') ++i;
    return i;
}
/* Exponent of a number, "e-7", at s: bytes used, 0 where there is none. */
static size_t paw__exponent(const char *s, size_t n, int *out)
{
    size_t i = 1, k;
    int x = 0, down;
    if (n < 2 || (*s != 'e' && *s != 'E')) return 0;
    down = s[1] == '-';
    if (s[1] == '-' || s[1] == '+') i = 2;
    if (!(k = paw__digits(s + i, n - i))) return 0;
    for (; k; --k, ++i)
        if (x < 100000000) x = x * 10 + (s[i] - '0');
    *out = down ? -x : x;
    return i;
}
/* s[0..n): digits and perhaps a point; times 10^e */
static double paw__mantissa(const char *s, size_t n, int e)
{
    static const double p10[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    int digits = 0, sticky = 0, point = 0;
    size_t i, first = 0;
    uint64_t m = 0;
    for (i = 0; i < n; ++i) {
        if (s[i] == '.') {
            point = 1;
        } else if (digits < PAW__DIGITS) {
            if (!digits && s[i] == '0') first = i + 1;
            else if (++digits <= 19) m = m * 10 + (uint64_t)(s[i] - '0');
            e -= point;
        } else {
            sticky |= s[i] != '0';
            e += !point;
        }
    }
    if (!digits) return 0.0;
    if (digits <= 19 && m <= (uint64_t)1 << 53 && e >= -22 && e <= 22) /* both exact in a double */
        return e < 0 ? (double)m / p10[-e] : (double)m * p10[e];
    return paw__decimal(s + first, n - first, digits, e, sticky);
}
/* Reads a JSON number at s to the nearest double: bytes used, 0 where there is none. Too large
   becomes infinite. */
static size_t paw__number(const char *s, size_t n, double *out)
{
    size_t sign = n && *s == '-', i = sign, k;
    int e = 0;
    double v;
    if (!(k = paw__digits(s + i, n - i)) || (k > 1 && s[i] == '0')) return 0;
    i += k;
    if (i < n && s[i] == '.' && (k = paw__digits(s + i + 1, n - i - 1)) > 0) i += 1 + k;
    k = paw__exponent(s + i, n - i, &e);
    v = paw__mantissa(s + sign, i - sign, e);
    *out = sign ? -v : v;
    return i + k;
}

/* ---- JSON: a strict pull parser over text in memory, or over a file through a window ----
   Use: begin; then kind, and enter / next / key / string / number / skip as the kind says; end.
   The first failure stays in e, which the functions return; after it nothing is next. */
#define PAW__JSON_DEPTH 64
#define PAW__JSON_WINDOW 65536
#define PAW__JSON_NUMBER 1024 /* characters of a number that crosses the window's end, at least */
typedef struct {
    paw_ctx *c;
    const char *name; /* file, for messages */
    const uint8_t *text;
    size_t n, at;
    uint64_t base; /* offset of the text in the file, for messages */
    const paw_io *io; /* what follows the text; NULL: nothing */
    uint8_t *window;  /* [PAW__JSON_WINDOW], the text where there is io; the caller's */
    int unread;       /* the file could not be read to its end */
    paw_err e;
    int depth, max_depth;
    int fresh;     /* just entered: the first item has no comma */
    int python;    /* 1: NaN, Infinity and -Infinity are numbers, as Python's json writes them */
    uint8_t closer[PAW__JSON_DEPTH];
} paw__json;

static paw_err paw__json_fail(paw__json *j, paw_err e, const char *what)
{
    if (!j->e)
        j->e = paw__fail(j->c, j->unread ? PAW_E_IO : e, "%s: JSON at byte %llu: %s", j->name,
                         (unsigned long long)(j->base + j->at),
                         j->unread ? "cannot be read" : what);
    return j->e;
}
static void paw__json_begin(paw__json *j, paw_ctx *c, const char *name, const void *text, size_t n)
{
    memset(j, 0, sizeof *j);
    j->c = c;
    j->name = name;
    j->text = (const uint8_t *)text;
    j->n = n;
    j->max_depth = PAW__JSON_DEPTH;
}
/* Moves the window to the present place and fills it. */
static __attribute__((noinline)) void paw__json_refill(paw__json *j)
{
    const size_t left = j->n - j->at;
    uint64_t next = j->base + j->n;
    size_t room;
    memmove(j->window, j->text + j->at, left);
    j->base += j->at;
    j->text = j->window;
    j->at = 0;
    j->n = left;
    room = (size_t)(j->io->bytes - next < PAW__JSON_WINDOW - left ? j->io->bytes - next
                                                                  : PAW__JSON_WINDOW - left);
    if (j->io->read(j->io->user, next, j->window + left, room) == room) j->n += room;
    else j->unread = 1;
    if (j->unread || j->base + j->n == j->io->bytes) j->io = NULL;
}
/* 1: k bytes are in the text from here; 0: the input ends before. */
PAW__INLINE int paw__json_have(paw__json *j, size_t k)
{
    if (j->n - j->at < k && j->io) paw__json_refill(j);
    return j->n - j->at >= k;
}
/* A file, [io->bytes], through a window of PAW__JSON_WINDOW bytes; a byte order mark is passed. */
static void paw__json_begin_io(paw__json *j, paw_ctx *c, const char *name, const paw_io *io,
                               uint8_t *window)
{
    paw__json_begin(j, c, name, window, 0);
    j->io = io;
    j->window = window;
    if (paw__json_have(j, 3) && !memcmp(window, "\xef\xbb\xbf", 3)) j->at = 3;
}
static void paw__json_space(paw__json *j)
{
    while (paw__json_have(j, 1) && (j->text[j->at] == ' ' || j->text[j->at] == '\n' ||
                                    j->text[j->at] == '\r' || j->text[j->at] == '\t'))
        ++j->at;
}
/* What comes next: '{' '[' '"' 't' 'f' 'n', '0' for a number, '?' for anything else. */
static int paw__json_kind(paw__json *j)
{
    int ch;
    paw__json_space(j);
    ch = j->at < j->n ? j->text[j->at] : '?';
    if ((ch >= '0' && ch <= '9') || ch == '-' || ch == 'N' || ch == 'I') return '0';
    return ch && strchr("{[\"tfn", ch) ? ch : '?';
}
static paw_err paw__json_enter(paw__json *j, int open) /* '{' or '[' */
{
    if (paw__json_kind(j) != open)
        return paw__json_fail(j, PAW_E_FORMAT, open == '{' ? "expected {" : "expected [");
    if (j->depth >= j->max_depth) return paw__json_fail(j, PAW_E_LIMIT, "nested too deep");
    j->closer[j->depth++] = open == '{' ? '}' : ']';
    j->fresh = 1;
    ++j->at;
    return j->e;
}
/* 0: the container ended and is left. Before the value of an object comes its key. */
static int paw__json_next(paw__json *j)
{
    paw__json_space(j);
    if (j->e) return 0;
    if (j->at < j->n && j->text[j->at] == j->closer[j->depth - 1]) {
        ++j->at;
        --j->depth;
        j->fresh = 0;
        return 0;
    }
    if (!j->fresh && (j->at >= j->n || j->text[j->at] != ',')) {
        paw__json_fail(j, PAW_E_FORMAT, "expected a comma or the end of a container");
        return 0;
    }
    j->at += !j->fresh;
    j->fresh = 0;
    return 1;
}
static int paw__json_hex4(paw__json *j, uint32_t *out)
{
    uint32_t v = 0;
    size_t i;
    if (!paw__json_have(j, 4)) return 0;
    for (i = j->at; i < j->at + 4; ++i) {
        int ch = j->text[i];
        int d = ch >= '0' && ch <= '9' ? ch - '0' : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
            : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10 : -1;
        if (d < 0) return 0;
        v = v << 4 | (uint32_t)d;
    }
    *out = v;
    return 1;
}
/* At the character after a backslash: UTF-8 of the escape to u, its bytes; 0: not an escape. */
static size_t paw__json_escape(paw__json *j, uint8_t *u)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int ch = paw__json_have(j, 1) ? j->text[j->at++] : 0;
    const char *p = ch ? strchr(from, ch) : NULL;
    uint32_t v, low;
    if (p) {
        u[0] = (uint8_t)to[p - from];
        return 1;
    }
    if (ch != 'u' || !paw__json_hex4(j, &v)) return 0;
    j->at += 4;
    if (v >= 0xd800 && v < 0xdc00) { /* the second half must follow */
        if (!paw__json_have(j, 6) || j->text[j->at] != '\\' || j->text[j->at + 1] != 'u') return 0;
        j->at += 2;
        if (!paw__json_hex4(j, &low) || low < 0xdc00 || low > 0xdfff) return 0;
        j->at += 4;
        v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
    } else if (!v || (v >= 0xd800 && v < 0xe000)) {
        return 0;
    }
    u[0] = (uint8_t)v;
    if (v < 0x80) return 1;
    u[0] = (uint8_t)(0xc0 | v >> 6);
    u[1] = (uint8_t)(0x80 | (v & 63));
    if (v < 0x800) return 2;
    u[0] = (uint8_t)(0xe0 | v >> 12);
    u[1] = (uint8_t)(0x80 | (v >> 6 & 63));
    u[2] = (uint8_t)(0x80 | (v & 63));
    if (v < 0x10000) return 3;
    u[0] = (uint8_t)(0xf0 | v >> 18);
    u[1] = (uint8_t)(0x80 | (v >> 12 & 63));
    u[2] = (uint8_t)(0x80 | (v >> 6 & 63));
    u[3] = (uint8_t)(0x80 | (v & 63));
    return 4;
}
/* Decodes a string to dst[cap], NUL-terminated; dst NULL: only checked and measured. len, not
   counting the NUL, may be NULL. A string of cap bytes or more is E_LIMIT. */
static paw_err paw__json_string(paw__json *j, char *dst, size_t cap, size_t *len)
{
    uint8_t u[4];
    const uint8_t *from;
    size_t n = 0, k;
    if (paw__json_kind(j) != '"') return paw__json_fail(j, PAW_E_FORMAT, "expected a string");
    for (++j->at;;) {
        if (!paw__json_have(j, 4) && j->at >= j->n)
            return paw__json_fail(j, PAW_E_FORMAT, "string without end");
        from = j->text + j->at;
        if (*from == '"') break;
        if (*from < 0x20) return paw__json_fail(j, PAW_E_FORMAT, "control character in a string");
        if (*from == '\\') {
            ++j->at;
            if (!(k = paw__json_escape(j, u))) return paw__json_fail(j, PAW_E_FORMAT, "bad escape");
            from = u;
        } else {
            if (!(k = paw__utf8(from, j->n - j->at)))
                return paw__json_fail(j, PAW_E_FORMAT, "not UTF-8");
            j->at += k;
        }
        if (dst && k >= cap - n) return paw__json_fail(j, PAW_E_LIMIT, "string too long");
        if (dst) memcpy(dst + n, from, k);
        n += k;
    }
    ++j->at;
    if (dst) dst[n] = 0;
    if (len) *len = n;
    return j->e;
}
static paw_err paw__json_key(paw__json *j, char *dst, size_t cap)
{
    if (paw__json_string(j, dst, cap, NULL)) return j->e;
    paw__json_space(j);
    if (j->at >= j->n || j->text[j->at] != ':')
        return paw__json_fail(j, PAW_E_FORMAT, "expected a colon");
    ++j->at;
    return PAW_OK;
}
static int paw__json_word(paw__json *j, const char *word)
{
    size_t n = strlen(word);
    paw__json_space(j);
    if (!paw__json_have(j, n) || memcmp(j->text + j->at, word, n)) return 0;
    j->at += n;
    return 1;
}
/* A number too large for a double is E_FORMAT; NaN and infinities only where python is set. */
static paw_err paw__json_double(paw__json *j, double *out)
{
    double v = 0.0;
    size_t k;
    paw__json_space(j);
    paw__json_have(j, PAW__JSON_NUMBER);
    k = paw__number((const char *)j->text + j->at, j->n - j->at, &v);
    if (k + 3 > j->n - j->at && j->io) /* 3: "e-7" may lie behind the window's end */
        return paw__json_fail(j, PAW_E_LIMIT, "number too long");
    if (v > DBL_MAX || v < -DBL_MAX) return paw__json_fail(j, PAW_E_FORMAT, "number too large");
    j->at += k;
    if (k) *out = v;
    else if (j->python && paw__json_word(j, "NaN")) *out = (double)NAN;
    else if (j->python && paw__json_word(j, "Infinity")) *out = HUGE_VAL;
    else if (j->python && paw__json_word(j, "-Infinity")) *out = -HUGE_VAL;
    else return paw__json_fail(j, PAW_E_FORMAT, "expected a number");
    return j->e;
}
/* Digits only: a sign, a fraction or an exponent is E_FORMAT. */
static paw_err paw__json_u64(paw__json *j, uint64_t *out)
{
    const char *s;
    uint64_t v = 0;
    size_t k, i;
    paw__json_space(j);
    paw__json_have(j, PAW__JSON_NUMBER);
    s = (const char *)j->text + j->at;
    k = paw__digits(s, j->n - j->at);
    if (k == j->n - j->at && j->io) return paw__json_fail(j, PAW_E_LIMIT, "number too long");
    if (!k || (k > 1 && *s == '0')) return paw__json_fail(j, PAW_E_FORMAT, "expected a count");
    if (k < j->n - j->at && (s[k] == '.' || s[k] == 'e' || s[k] == 'E'))
        return paw__json_fail(j, PAW_E_FORMAT, "expected a whole number");
    for (i = 0; i < k; ++i) {
        uint64_t d = (uint64_t)(s[i] - '0');
        if (v > (UINT64_MAX - d) / 10)
            return paw__json_fail(j, PAW_E_FORMAT, "overflow: above 2^64 - 1");
        v = v * 10 + d;
    }
    j->at += k;
    *out = v;
    return j->e;
}
static paw_err paw__json_plain(paw__json *j) /* checks and passes a string, number or word */
{
    double v;
    int kind = paw__json_kind(j);
    if (kind == '"') return paw__json_string(j, NULL, 0, NULL);
    if (kind == '0') return paw__json_double(j, &v);
    if (paw__json_word(j, "true") || paw__json_word(j, "false") || paw__json_word(j, "null"))
        return j->e;
    return paw__json_fail(j, PAW_E_FORMAT, "expected a value");
}
static paw_err paw__json_skip(paw__json *j) /* any value, checked as strictly as if it were used */
{
    const int base = j->depth;
    int kind;
    do {
        if (j->depth > base) {
            if (!paw__json_next(j)) continue;
            if (j->closer[j->depth - 1] == '}') paw__json_key(j, NULL, 0);
        }
        kind = paw__json_kind(j);
        if (kind == '{' || kind == '[') paw__json_enter(j, kind);
        else paw__json_plain(j);
    } while (!j->e && j->depth > base);
    return j->e;
}
/* Steps to the next of the named fields of an object and passes the others; -1: it has ended. */
static int paw__json_field(paw__json *j, const char *const *names, int count, unsigned *seen)
{
    char key[PAW__MAX_KEY + 1];
    int i;
    while (paw__json_next(j) && !paw__json_key(j, key, sizeof key)) {
        for (i = 0; i < count && strcmp(key, names[i]); ++i) continue;
        if (i == count) {
            paw__json_skip(j);
            continue;
        }
        if (*seen >> i & 1u) paw__json_fail(j, PAW_E_FORMAT, "duplicate field");
        *seen |= 1u << i;
        return j->e ? -1 : i;
    }
    return -1;
}
static paw_err paw__json_end(paw__json *j) /* only white space may follow the root value */
{
    paw__json_space(j);
    return j->at == j->n && !j->unread ? j->e
                                       : paw__json_fail(j, PAW_E_FORMAT, "text after the end");
}

/* ---- files ---- */

static const char *paw__open_reason(int number) /* of an errno; strerror has a static buffer */
{
    return number == ENOENT ? "no such file" : number == EACCES ? "no permission"
         : number == ELOOP ? "links that go in a circle"
         : number == ENAMETOOLONG ? "the name is too long" : "cannot be opened";
}
/* Regular files only: a FIFO would block, a device would never end. */
static FILE *paw__file_open(paw_ctx *c, const char *path, uint64_t *bytes)
{
    struct stat st;
    FILE *f;
    errno = 0;
    if (stat(path, &st)) {
        paw__fail(c, PAW_E_IO, "%s: %s", path, paw__open_reason(errno));
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        paw__fail(c, PAW_E_IO, "%s: %s", path,
                  S_ISDIR(st.st_mode) ? "is a folder, not a file" : "not a regular file");
        return NULL;
    }
    f = fopen(path, "rb");
    if (!f) {
        paw__fail(c, PAW_E_IO, "%s: %s", path, paw__open_reason(errno));
        return NULL;
    }
    setvbuf(f, NULL, _IONBF, 0); /* large reads go straight to their destination */
    *bytes = (uint64_t)st.st_size;
    return f;
}
static size_t paw__file_io(void *user, uint64_t offset, void *dst, size_t bytes)
{
    FILE *f = (FILE *)user;
    if (offset > (uint64_t)LONG_MAX || fseek(f, (long)offset, SEEK_SET)) return 0;
    return fread(dst, 1, bytes, f);
}
static paw_err paw__read_at(paw_ctx *c, const paw_io *io, const char *name, uint64_t offset,
                            void *dst, size_t n)
{
    if (n > io->bytes || offset > io->bytes - n)
        return paw__fail(c, PAW_E_FORMAT, "%s: truncated: %zu bytes wanted at %llu of %llu", name,
                         n, (unsigned long long)offset, (unsigned long long)io->bytes);
    if (n && io->read(io->user, offset, dst, n) != n)
        return paw__fail(c, PAW_E_IO, "%s: cannot read %zu bytes at %llu", name, n,
                         (unsigned long long)offset);
    return PAW_OK;
}

/* Forward reader over one range of a file. The first failure stays in e; what is read after it is
   zero. */
typedef struct {
    paw_ctx *c;
    const paw_io *io;
    const char *name;
    uint64_t at, end; /* file offset behind the buffer; end of the range */
    size_t pos, len;
    paw_err e;
    uint8_t buf[4096];
} paw__in;

static void paw__in_begin(paw__in *in, paw_ctx *c, const paw_io *io, const char *name,
                          uint64_t from, uint64_t end)
{
    in->c = c;
    in->io = io;
    in->name = name;
    in->at = from;
    in->end = end;
    in->pos = in->len = 0;
    in->e = PAW_OK;
}
static uint64_t paw__in_tell(const paw__in *in) { return in->at - (in->len - in->pos); }
static uint64_t paw__in_left(const paw__in *in) { return in->end - paw__in_tell(in); }
static paw_err paw__in_need(paw__in *in, uint64_t n)
{
    if (!in->e && n > paw__in_left(in))
        in->e = paw__fail(in->c, PAW_E_FORMAT, "%s: truncated: %llu bytes wanted at %llu, %llu "
                          "left", in->name, (unsigned long long)n,
                          (unsigned long long)paw__in_tell(in),
                          (unsigned long long)paw__in_left(in));
    return in->e;
}
static paw_err paw__in_get(paw__in *in, void *dst, size_t n)
{
    uint8_t *d = (uint8_t *)dst;
    paw__in_need(in, n);
    while (!in->e && n) {
        size_t k = paw__min(n, in->len - in->pos);
        if (!k) {
            in->len = in->end - in->at < sizeof in->buf ? (size_t)(in->end - in->at)
                                                        : sizeof in->buf;
            in->pos = 0;
            in->e = paw__read_at(in->c, in->io, in->name, in->at, in->buf, in->len);
            in->at += in->len;
            continue;
        }
        memcpy(d, in->buf + in->pos, k);
        in->pos += k;
        d += k;
        n -= k;
    }
    if (in->e) memset(d, 0, n);
    return in->e;
}
static uint64_t paw__in_number(paw__in *in, size_t bytes) /* little-endian, of 8 bytes at most */
{
    uint8_t b[8];
    memset(b, 0, sizeof b);
    paw__in_get(in, b, bytes);
    return paw__le64(b);
}
static paw_err paw__in_skip(paw__in *in, uint64_t n)
{
    if (paw__in_need(in, n)) return in->e;
    if (n <= in->len - in->pos) {
        in->pos += (size_t)n;
        return PAW_OK;
    }
    in->at = paw__in_tell(in) + n;
    in->pos = in->len = 0;
    return PAW_OK;
}

/* ---- the directory of tensors ---- */

typedef struct {
    const char *name; /* first, for sorting */
    size_t index;
    int dtype, ndim;
    int strided; /* 0: C order without gaps */
    size_t shape[PAW_MAX_DIMS];
    size_t stride[PAW_MAX_DIMS]; /* elements; where strided */
    size_t count;
    uint64_t offset; /* in the file, of element 0, ..., 0 */
    uint64_t end;    /* in the file, behind the last element used */
    float *data;     /* tensors in memory */
} paw__tensor;
typedef struct {
    const char *name, *value;
} paw__meta;
struct paw_tensors {
    paw_io io;
    FILE *file; /* NULL: the caller's io, or memory */
    const char *source;
    paw__arena arena;
    void **items;  /* paw__tensor, in file order */
    void **sorted; /* the same by name */
    size_t count, cap;
    void **metas; /* paw__meta, by key */
    size_t meta_count, meta_cap;
};

static const char *const paw__dtype_names[PAW_DTYPE_OTHER] = {
    "F32", "F64", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL", "U16", "U32", "U64"
};
static size_t paw__dtype_bytes(int dtype) /* 0: unknown */
{
    static const uint8_t bytes[] = { 4, 8, 2, 2, 8, 4, 2, 1, 1, 1, 2, 4, 8, 0 };
    return dtype >= 0 && dtype < (int)PAW__COUNT(bytes) ? bytes[dtype] : 0;
}
static const char *paw__shape_text(char dst[192], const size_t *shape, int ndim)
{
    size_t n = 0;
    int i;
    dst[n++] = '[';
    for (i = 0; i < ndim; ++i)
        n += (size_t)snprintf(dst + n, 192 - n, i ? ", %zu" : "%zu", shape[i]);
    dst[n] = ']';
    dst[n + 1] = 0;
    return dst;
}
/* Product of the shape; the bytes of any type we hold must fit a size_t too. */
static int paw__shape_count(const size_t *shape, int ndim, size_t *out)
{
    size_t n = 1, bytes;
    int i;
    for (i = 0; i < ndim; ++i)
        if (!paw__mul(n, shape[i], &n)) return 0;
    if (!paw__mul(n, 16, &bytes)) return 0;
    *out = n;
    return 1;
}

static paw_err paw__tensors_new(paw_ctx *c, const char *name, paw_tensors **out)
{
    paw_tensors *t = (paw_tensors *)paw__calloc(c, 1, sizeof *t);
    if (!t) return PAW_E_OOM;
    t->source = paw__arena_text(c, &t->arena, name, strlen(name));
    if (!t->source) {
        paw__free(t);
        return PAW_E_OOM;
    }
    *out = t;
    return PAW_OK;
}
/* A new record with the name copied; the rest zero. */
static paw_err paw__tensors_push(paw_ctx *c, paw_tensors *t, const char *name, paw__tensor **out)
{
    paw__tensor *x;
    void *items = t->items;
    paw_err e;
    if (t->count >= PAW__MAX_TENSORS)
        return paw__fail(c, PAW_E_LIMIT, "%s: more than %u tensors", t->source, PAW__MAX_TENSORS);
    e = paw__grow(c, &items, &t->cap, t->count + 1, sizeof *t->items);
    if (e) return e;
    t->items = (void **)items;
    x = (paw__tensor *)paw__arena_get(c, &t->arena, sizeof *x);
    if (!x || !(x->name = paw__arena_text(c, &t->arena, name, strlen(name)))) return PAW_E_OOM;
    x->index = t->count;
    t->items[t->count++] = x;
    *out = x;
    return PAW_OK;
}
static paw_err paw__meta_push(paw_ctx *c, paw_tensors *t, const char *key, size_t value_bytes,
                              char **value)
{
    paw__meta *m;
    void *metas = t->metas;
    paw_err e;
    if (t->meta_count >= PAW__MAX_TENSORS)
        return paw__fail(c, PAW_E_LIMIT, "%s: more than %u metadata keys", t->source,
                         PAW__MAX_TENSORS);
    e = paw__grow(c, &metas, &t->meta_cap, t->meta_count + 1, sizeof *t->metas);
    if (e) return e;
    t->metas = (void **)metas;
    m = (paw__meta *)paw__arena_get(c, &t->arena, sizeof *m);
    if (!m || !(m->name = paw__arena_text(c, &t->arena, key, strlen(key)))) return PAW_E_OOM;
    *value = (char *)paw__arena_get(c, &t->arena, value_bytes);
    if (!*value) return PAW_E_OOM;
    m->value = *value;
    t->metas[t->meta_count++] = m;
    return PAW_OK;
}
/* Sorts what was pushed; a name met twice is E_FORMAT. */
static paw_err paw__tensors_index(paw_ctx *c, paw_tensors *t)
{
    const char *twice;
    paw__free(t->sorted);
    t->sorted = (void **)paw__alloc(c, t->count + 1, sizeof *t->sorted);
    if (!t->sorted) return PAW_E_OOM;
    if (t->count) memcpy(t->sorted, t->items, t->count * sizeof *t->items);
    paw__sort(t->sorted, t->count, paw__less_name);
    twice = paw__sorted_twice(t->sorted, t->count);
    if (twice)
        return paw__fail(c, PAW_E_FORMAT, "%s: duplicate tensor name '%s'", t->source, twice);
    if (!t->meta_count) return PAW_OK;
    paw__sort(t->metas, t->meta_count, paw__less_name);
    twice = paw__sorted_twice(t->metas, t->meta_count);
    if (twice)
        return paw__fail(c, PAW_E_FORMAT, "%s: duplicate metadata key '%s'", t->source, twice);
    return PAW_OK;
}

/* Tensors in memory, filled by the caller: paw__tensors_memory, then _add and _set_meta. */
static PAW__UNUSED paw_err paw__tensors_memory(paw_ctx *c, const char *name, paw_tensors **out)
{
    paw_tensors *t;
    paw_err e = paw__tensors_new(c, name, &t);
    if (e) return e;
    e = paw__tensors_index(c, t);
    if (e) paw_tensors_close(t);
    else *out = t;
    return e;
}
/* *data: F32, zeroed, owned by t, to be filled. */
static PAW__UNUSED paw_err paw__tensors_add(paw_ctx *c, paw_tensors *t, const char *name, int ndim,
                                            const size_t *shape, float **data)
{
    paw__tensor *x;
    size_t count;
    float *p;
    paw_err e;
    if (ndim < 0 || ndim > PAW_MAX_DIMS || !paw__shape_count(shape, ndim, &count))
        return paw__fail(c, PAW_E_ARG, "%s: tensor '%s': bad shape", t->source, name);
    if (paw__find_name(t->sorted, t->count, name))
        return paw__fail(c, PAW_E_ARG, "%s: tensor '%s' added twice", t->source, name);
    p = (float *)paw__calloc(c, count + 1, sizeof *p);
    if (!p) return PAW_E_OOM;
    e = paw__tensors_push(c, t, name, &x);
    if (e) {
        paw__free(p);
        return e;
    }
    x->data = p;
    x->ndim = ndim;
    x->count = count;
    x->end = count * sizeof *p;
    if (ndim) memcpy(x->shape, shape, (size_t)ndim * sizeof *shape);
    e = paw__tensors_index(c, t);
    if (!e) *data = p;
    return e;
}
static PAW__UNUSED paw_err paw__tensors_set_meta(paw_ctx *c, paw_tensors *t, const char *key,
                                                 const char *value)
{
    size_t n = strlen(value) + 1;
    char *p;
    paw_err e = paw__meta_push(c, t, key, n, &p);
    if (e) return e;
    memcpy(p, value, n);
    return paw__tensors_index(c, t);
}

PAW_DEF void paw_tensors_close(paw_tensors *t)
{
    size_t i;
    if (!t) return;
    for (i = 0; i < t->count; ++i) paw__free(((paw__tensor *)t->items[i])->data);
    if (t->file) fclose(t->file);
    paw__free(t->items);
    paw__free(t->sorted);
    paw__free(t->metas);
    paw__arena_free(&t->arena);
    paw__free(t);
}
PAW_DEF size_t paw_tensors_count(const paw_tensors *t) { return t ? t->count : 0; }
PAW_DEF paw_err paw_tensors_info(const paw_tensors *t, size_t i, paw_tensor_info *out)
{
    const paw__tensor *x;
    if (!t || !out || i >= t->count) return PAW_E_ARG;
    x = (const paw__tensor *)t->items[i];
    memset(out, 0, sizeof *out);
    out->name = x->name;
    out->dtype = x->dtype;
    out->ndim = x->ndim;
    memcpy(out->shape, x->shape, sizeof x->shape);
    out->count = x->count;
    return PAW_OK;
}
PAW_DEF paw_err paw_tensors_find(const paw_tensors *t, const char *name, size_t *out)
{
    const void *x;
    if (!t || !name || !out) return PAW_E_ARG;
    x = paw__find_name(t->sorted, t->count, name);
    if (!x) return PAW_E_KEY;
    *out = ((const paw__tensor *)x)->index;
    return PAW_OK;
}
PAW_DEF const char *paw_tensors_meta(const paw_tensors *t, const char *key)
{
    const void *m;
    if (!t || !key || !t->meta_count) return NULL;
    m = paw__find_name(t->metas, t->meta_count, key);
    return m ? ((const paw__meta *)m)->value : NULL;
}

/* ---- values: any stored type to the four that are asked for ---- */

static double paw__bits_f32(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return (double)f;
}
static double paw__bits_f64(uint64_t u)
{
    double f;
    memcpy(&f, &u, sizeof f);
    return f;
}
static int64_t paw__signed(uint64_t u, int bits) /* two's complement */
{
    const uint64_t top = (uint64_t)1 << (bits - 1);
    return u < top ? (int64_t)u : (int64_t)(u - top) - (int64_t)(top - 1) - 1;
}

/* One loop per stored type: p walks the source, d[0], d[step], ... the destination. */
#define PAW__EACH(bytes, value)                                                                    \
    for (i = 0; i < n; ++i, p += (bytes), d += step) *d = (PAW__T)(value);                         \
    return
#define PAW__CASES                                                                                 \
    switch (from) {                                                                                \
    case PAW_F32: PAW__EACH(4, paw__bits_f32(paw__le32(p)));                                       \
    case PAW_F64: PAW__EACH(8, paw__bits_f64(paw__le64(p)));                                       \
    case PAW_F16: PAW__EACH(2, paw__half(paw__le16(p)));                                           \
    case PAW_BF16: PAW__EACH(2, paw__bits_f32(paw__le16(p) << 16));                                \
    case PAW_I64: PAW__EACH(8, paw__signed(paw__le64(p), 64));                                     \
    case PAW_I32: PAW__EACH(4, paw__signed(paw__le32(p), 32));                                     \
    case PAW_I16: PAW__EACH(2, paw__signed(paw__le16(p), 16));                                     \
    case PAW_I8: PAW__EACH(1, paw__signed(p[0], 8));                                               \
    case PAW_U8: PAW__EACH(1, p[0]);                                                               \
    case PAW_BOOL: PAW__EACH(1, p[0] != 0);                                                        \
    case PAW_U16: PAW__EACH(2, paw__le16(p));                                                      \
    case PAW_U32: PAW__EACH(4, paw__le32(p));                                                      \
    case PAW_U64: PAW__EACH(8, paw__le64(p));                                                      \
    default: return;                                                                               \
    }
#define PAW__T float
static void paw__to_f32(int from, const uint8_t *p, size_t n, float *d, size_t step)
{
    size_t i;
    PAW__CASES
}
#undef PAW__T
#define PAW__T double
static void paw__to_f64(int from, const uint8_t *p, size_t n, double *d, size_t step)
{
    size_t i;
    PAW__CASES
}
#undef PAW__T
#undef PAW__CASES
#undef PAW__EACH

/* The value at p as an integer; 0 where it has a fraction or does not fit. */
static int paw__to_int(int from, const uint8_t *p, int64_t *out)
{
    double v;
    switch (from) {
    case PAW_I64: *out = paw__signed(paw__le64(p), 64); return 1;
    case PAW_I32: *out = paw__signed(paw__le32(p), 32); return 1;
    case PAW_U32: *out = (int64_t)paw__le32(p); return 1;
    case PAW_U64:
        *out = (int64_t)(paw__le64(p) & INT64_MAX);
        return paw__le64(p) <= (uint64_t)INT64_MAX;
    default: /* every other type is exact in a double */
        paw__to_f64(from, p, 1, &v, 1);
        if (!(v >= -9223372036854775808.0 && v < 9223372036854775808.0)) return 0;
        *out = (int64_t)v;
        return (double)*out == v;
    }
}
typedef struct {
    paw_ctx *c;
    const paw_tensors *t;
    const paw__tensor *x;
    int as;
    void *dst;
    uint64_t at; /* file offset of buf, len bytes */
    size_t len;
    uint8_t buf[16384];
} paw__reader;

static paw_err paw__reader_store(paw__reader *r, const uint8_t *p, size_t n, size_t first,
                                 size_t step)
{
    const size_t size = paw__dtype_bytes(r->x->dtype);
    int64_t v;
    size_t i;
    if (r->as == PAW_F32) {
        paw__to_f32(r->x->dtype, p, n, (float *)r->dst + first, step);
        return PAW_OK;
    }
    if (r->as == PAW_F64) {
        paw__to_f64(r->x->dtype, p, n, (double *)r->dst + first, step);
        return PAW_OK;
    }
    for (i = 0; i < n; ++i, p += size, first += step) {
        if (!paw__to_int(r->x->dtype, p, &v) || (r->as == PAW_U8 && (v < 0 || v > 255)))
            return paw__fail(r->c, PAW_E_NUM, "%s: tensor '%s': element %zu does not fit %s",
                             r->t->source, r->x->name, first, paw__dtype_names[r->as]);
        if (r->as == PAW_U8) ((uint8_t *)r->dst)[first] = (uint8_t)v;
        else ((int64_t *)r->dst)[first] = v;
    }
    return PAW_OK;
}
/* n bytes at offset, from the buffer where they are in it. */
static paw_err paw__reader_get(paw__reader *r, uint64_t offset, size_t n, const uint8_t **out)
{
    paw_err e;
    if (r->x->data) {
        *out = (const uint8_t *)r->x->data + offset;
        return PAW_OK;
    }
    if (offset < r->at || offset + n > r->at + r->len) {
        const uint64_t left = r->x->end - offset;
        const size_t want = left < sizeof r->buf ? (size_t)left : sizeof r->buf;
        r->len = 0;
        e = paw__read_at(r->c, &r->t->io, r->t->source, offset, r->buf, want);
        if (e) return e;
        r->at = offset;
        r->len = want;
    }
    *out = r->buf + (size_t)(offset - r->at);
    return PAW_OK;
}
/* Dimensions in the order of the file, so that it is read forwards; from, to: element strides. */
typedef struct {
    int n;
    size_t len[PAW_MAX_DIMS], from[PAW_MAX_DIMS], to[PAW_MAX_DIMS];
} paw__order;
static void paw__order_set(const paw__tensor *x, paw__order *o)
{
    size_t to = 1;
    int i, k;
    o->n = 0;
    for (i = x->strided ? x->ndim : 0; i-- > 0; to *= x->shape[i]) {
        if (x->shape[i] == 1) continue;
        for (k = o->n++; k > 0 && o->from[k - 1] < x->stride[i]; --k) {
            o->len[k] = o->len[k - 1];
            o->from[k] = o->from[k - 1];
            o->to[k] = o->to[k - 1];
        }
        o->len[k] = x->shape[i];
        o->from[k] = x->stride[i];
        o->to[k] = to;
    }
    if (o->n) return;
    o->n = 1;
    o->len[0] = x->count;
    o->from[0] = o->to[0] = 1;
}
/* Dimensions k and on, from file offset `from` to element `to`; runs without gaps in pieces. */
static paw_err paw__reader_dims(paw__reader *r, const paw__order *o, int k, uint64_t from,
                                size_t to)
{
    const size_t size = paw__dtype_bytes(r->x->dtype), most = sizeof r->buf / size;
    const uint8_t *p;
    size_t i, n = 1;
    paw_err e = PAW_OK;
    for (i = 0; !e && i < o->len[k]; i += n) {
        const uint64_t at = from + i * o->from[k] * size;
        if (k + 1 < o->n) {
            e = paw__reader_dims(r, o, k + 1, at, to + i * o->to[k]);
            continue;
        }
        if (o->from[k] == 1) n = paw__min(o->len[k] - i, most);
        e = paw__reader_get(r, at, n * size, &p);
        if (!e) e = paw__reader_store(r, p, n, to + i * o->to[k], o->to[k]);
    }
    return e;
}
static paw_err paw__tensor_read(paw_ctx *c, const paw_tensors *t, const paw__tensor *x, int as,
                                void *dst)
{
    paw__order o;
    paw__reader r;
    if (x->dtype == PAW_DTYPE_OTHER)
        return paw__fail(c, PAW_E_UNSUP, "%s: tensor '%s' has a type that is not supported",
                         t->source, x->name);
    if (!x->count) return PAW_OK;
    if (as == x->dtype && !x->strided && !x->data)
        return paw__read_at(c, &t->io, t->source, x->offset, dst,
                            x->count * paw__dtype_bytes(as));
    r.c = c;
    r.t = t;
    r.x = x;
    r.as = as;
    r.dst = dst;
    r.at = 0;
    r.len = 0;
    paw__order_set(x, &o);
    return paw__reader_dims(&r, &o, 0, x->offset, 0);
}
PAW_DEF paw_err paw_tensors_read(paw_ctx *c, const paw_tensors *t, size_t i, int as, void *dst,
                                 size_t count)
{
    char shape[192];
    const paw__tensor *x;
    PAW__ENTER(c);
    if (!t || i >= t->count || (!dst && count) ||
        (as != PAW_F32 && as != PAW_F64 && as != PAW_I64 && as != PAW_U8))
        return paw__fail(c, PAW_E_ARG, "paw_tensors_read: NULL, tensor %zu, or type %d", i, as);
    x = (const paw__tensor *)t->items[i];
    if (count != x->count)
        return paw__fail(c, PAW_E_SHAPE, "%s: tensor '%s' %s has %zu elements, not %zu", t->source,
                         x->name, paw__shape_text(shape, x->shape, x->ndim), x->count, count);
    return paw__tensor_read(c, t, x, as, dst);
}
/* Strides of 0 make a tensor of any size out of one number: such are no weights. */
static paw_err paw__tensors_back(paw_ctx *c, const paw_tensors *t, const char *name, size_t count)
{
    if (!t->io.read || count <= t->io.bytes) return PAW_OK;
    return paw__fail(c, PAW_E_LIMIT, "%s: tensor '%s': more weights than the file has bytes",
                     t->source, name);
}

/* ---- safetensors ---- */

static paw_err paw__st_meta(paw__json *j, paw_tensors *t)
{
    char key[PAW__MAX_KEY + 1], *value = NULL;
    paw__json again; /* the value is measured, then read */
    size_t n = 0;
    paw__json_enter(j, '{');
    while (paw__json_next(j) && !paw__json_key(j, key, sizeof key)) {
        if (paw__json_kind(j) != '"')
            return paw__json_fail(j, PAW_E_FORMAT, "metadata that is not a string");
        again = *j;
        if (paw__json_string(j, NULL, 0, &n)) break;
        j->e = paw__meta_push(j->c, t, key, n + 1, &value);
        if (!j->e) paw__json_string(&again, value, n + 1, NULL);
    }
    return j->e;
}
static void paw__st_dtype(paw__json *j, paw__tensor *x)
{
    char s[32];
    if (paw__json_string(j, s, sizeof s, NULL)) return;
    for (x->dtype = 0; x->dtype < PAW_DTYPE_OTHER; ++x->dtype)
        if (!strcmp(s, paw__dtype_names[x->dtype])) break;
}
/* An array of counts, most of them; returns how many there were. */
static int paw__st_counts(paw__json *j, uint64_t *dst, int most)
{
    int n = 0;
    paw__json_enter(j, '[');
    while (paw__json_next(j)) {
        if (n < most) paw__json_u64(j, &dst[n++]);
        else paw__json_fail(j, most == 2 ? PAW_E_FORMAT : PAW_E_LIMIT,
                            "too many numbers in an array");
    }
    return n;
}
static void paw__st_shape(paw__json *j, paw__tensor *x)
{
    uint64_t dim[PAW_MAX_DIMS];
    int i;
    x->ndim = paw__st_counts(j, dim, PAW_MAX_DIMS);
    for (i = 0; i < x->ndim && !j->e; ++i) {
        x->shape[i] = (size_t)dim[i];
        if (x->shape[i] != dim[i]) paw__json_fail(j, PAW_E_FORMAT, "overflow in a shape");
    }
    if (!j->e && !paw__shape_count(x->shape, x->ndim, &x->count))
        paw__json_fail(j, PAW_E_FORMAT, "overflow: product of a shape");
}
/* The fields of one tensor. Unknown ones are passed over, as the reference does. */
static paw_err paw__st_fields(paw__json *j, paw__tensor *x, uint64_t data, uint64_t bytes)
{
    static const char *const names[] = { "dtype", "shape", "data_offsets" };
    uint64_t range[2] = { 0, 0 };
    unsigned seen = 0;
    int field, n = 0;
    paw__json_enter(j, '{');
    while ((field = paw__json_field(j, names, 3, &seen)) >= 0) {
        if (field == 0) paw__st_dtype(j, x);
        else if (field == 1) paw__st_shape(j, x);
        else n = paw__st_counts(j, range, 2);
    }
    if (j->e) return j->e;
    if (seen != 7) return paw__json_fail(j, PAW_E_FORMAT, "dtype, shape or data_offsets missing");
    if (n != 2 || range[0] > range[1] || range[1] > bytes)
        return j->e = paw__fail(j->c, PAW_E_FORMAT, "%s: tensor '%s': data_offsets outside %llu "
                                "bytes", j->name, x->name, (unsigned long long)bytes);
    x->offset = data + range[0];
    x->end = data + range[1];
    return PAW_OK;
}
static paw_err paw__st_size(paw_ctx *c, const paw_tensors *t, const paw__tensor *x)
{
    const size_t size = x->count * paw__dtype_bytes(x->dtype);
    char shape[192];
    if (x->dtype == PAW_DTYPE_OTHER || size == x->end - x->offset) return PAW_OK;
    return paw__fail(c, PAW_E_SHAPE, "%s: tensor '%s' %s of %s needs %zu bytes, has %llu at byte "
                     "%llu", t->source, x->name, paw__shape_text(shape, x->shape, x->ndim),
                     paw__dtype_names[x->dtype], size, (unsigned long long)(x->end - x->offset),
                     (unsigned long long)x->offset);
}
static paw_err paw__st_entries(paw__json *j, paw_tensors *t, uint64_t data, uint64_t bytes)
{
    char key[PAW__MAX_KEY + 1];
    paw__tensor *x;
    int meta = 0;
    paw__json_enter(j, '{');
    while (paw__json_next(j) && !paw__json_key(j, key, sizeof key)) {
        if (!strcmp(key, "__metadata__")) {
            if (meta++) return paw__json_fail(j, PAW_E_FORMAT, "duplicate __metadata__");
            paw__st_meta(j, t);
            continue;
        }
        j->e = paw__tensors_push(j->c, t, key, &x);
        if (!j->e && !paw__st_fields(j, x, data, bytes)) j->e = paw__st_size(j->c, t, x);
    }
    return j->e ? j->e : paw__json_end(j);
}
static int paw__less_offset(const void *a, const void *b)
{
    const paw__tensor *x = (const paw__tensor *)a, *y = (const paw__tensor *)b;
    return x->offset != y->offset ? x->offset < y->offset : x->end < y->end;
}
/* Every byte of the data belongs to one tensor: no hole, no overlap, nothing behind. */
static paw_err paw__st_cover(paw_ctx *c, paw_tensors *t, uint64_t data)
{
    size_t i;
    paw_err e = paw__tensors_index(c, t);
    if (e) return e;
    paw__sort(t->sorted, t->count, paw__less_offset);
    for (i = 0; i < t->count; ++i) {
        const paw__tensor *x = (const paw__tensor *)t->sorted[i];
        if (x->offset != data)
            return paw__fail(c, PAW_E_FORMAT, "%s: tensor '%s' at byte %llu: %s before it",
                             t->source, x->name, (unsigned long long)x->offset,
                             x->offset < data ? "overlap with the one" : "hole");
        data = x->end;
    }
    if (data != t->io.bytes)
        return paw__fail(c, PAW_E_FORMAT, "%s: %llu bytes of data belong to no tensor", t->source,
                         (unsigned long long)(t->io.bytes - data));
    paw__sort(t->sorted, t->count, paw__less_name);
    return PAW_OK;
}
static paw_err paw__st_open(paw_ctx *c, paw_tensors *t)
{
    uint8_t head[8], *text;
    paw__json j;
    uint64_t n;
    paw_err e;
    e = paw__read_at(c, &t->io, t->source, 0, head, 8);
    if (e) return e;
    n = paw__le64(head);
    if (n > PAW__MAX_HEADER || n > t->io.bytes - 8)
        return paw__fail(c, PAW_E_LIMIT, "%s: header of %llu bytes in a file of %llu (at most %u)",
                         t->source, (unsigned long long)n, (unsigned long long)t->io.bytes,
                         PAW__MAX_HEADER);
    text = (uint8_t *)paw__alloc(c, (size_t)n + 1, 1);
    if (!text) return PAW_E_OOM;
    e = paw__read_at(c, &t->io, t->source, 8, text, (size_t)n);
    paw__json_begin(&j, c, t->source, text, (size_t)n);
    j.base = 8;
    j.max_depth = 16;
    if (!e && (!n || text[0] != '{'))
        e = paw__json_fail(&j, PAW_E_FORMAT, "the header does not begin with {");
    if (!e) e = paw__st_entries(&j, t, 8 + n, t->io.bytes - 8 - n);
    paw__free(text);
    return e ? e : paw__st_cover(c, t, 8 + n);
}

/* ---- .npy ---- */

/* The header is a Python dict literal; this reads the one form NumPy writes, in any key order. */
typedef struct {
    const char *s; /* NUL-terminated */
    size_t i;
} paw__npy;
static int paw__npy_ch(paw__npy *p, char ch)
{
    while (p->s[p->i] == ' ') ++p->i;
    if (p->s[p->i] != ch) return 0;
    ++p->i;
    return 1;
}
static int paw__npy_string(paw__npy *p, char *dst, size_t cap)
{
    size_t n = 0;
    char quote;
    if (paw__npy_ch(p, '\'')) quote = '\'';
    else if (paw__npy_ch(p, '"')) quote = '"';
    else return 0;
    for (; p->s[p->i] != quote; ++p->i) {
        if (!p->s[p->i] || p->s[p->i] == '\\' || n + 1 >= cap) return 0;
        dst[n++] = p->s[p->i];
    }
    dst[n] = 0;
    ++p->i;
    return 1;
}
static int paw__npy_bool(paw__npy *p, int *out)
{
    while (p->s[p->i] == ' ') ++p->i;
    *out = !strncmp(p->s + p->i, "True", 4);
    if (!*out && strncmp(p->s + p->i, "False", 5)) return 0;
    p->i += *out ? 4 : 5;
    return 1;
}
static int paw__npy_shape(paw__npy *p, paw__tensor *x)
{
    int comma = 1;
    if (!paw__npy_ch(p, '(')) return 0;
    while (!paw__npy_ch(p, ')')) {
        size_t v = 0, k;
        if (!comma || x->ndim == PAW_MAX_DIMS) return 0;
        while (p->s[p->i] == ' ') ++p->i;
        k = paw__digits(p->s + p->i, strlen(p->s + p->i));
        if (!k) return 0;
        for (; k; --k, ++p->i)
            if (!paw__mul(v, 10, &v) || !paw__add(v, (size_t)(p->s[p->i] - '0'), &v)) return 0;
        if (p->s[p->i] == 'L') ++p->i; /* Python 2 */
        x->shape[x->ndim++] = v;
        comma = paw__npy_ch(p, ',');
    }
    return x->ndim != 1 || comma; /* (3) is a number, (3,) a shape */
}
static int paw__npy_dict(paw__npy *p, char descr[16], int *fortran, paw__tensor *x)
{
    char key[16];
    int seen = 0, bit, ok;
    if (!paw__npy_ch(p, '{')) return 0;
    while (!paw__npy_ch(p, '}')) {
        if (!paw__npy_string(p, key, sizeof key) || !paw__npy_ch(p, ':')) return 0;
        bit = !strcmp(key, "descr") ? 1 : !strcmp(key, "fortran_order") ? 2
            : !strcmp(key, "shape") ? 4 : 0;
        if (!bit || (seen & bit)) return 0;
        seen |= bit;
        if (bit == 1 && paw__npy_ch(p, '[')) { /* a structured type: named, then refused */
            memcpy(descr, "[...]", 6);
            return 1;
        }
        ok = bit == 1 ? paw__npy_string(p, descr, 16)
            : bit == 2 ? paw__npy_bool(p, fortran) : paw__npy_shape(p, x);
        if (!ok || (!paw__npy_ch(p, ',') && p->s[p->i] != '}')) return 0;
    }
    while (p->s[p->i] == ' ' || p->s[p->i] == '\n') ++p->i;
    return seen == 7 && !p->s[p->i];
}
static int paw__npy_dtype(const char *s)
{
    static const char *const codes[] = { "f4", "f8", "f2", "", "i8", "i4", "i2", "i1", "u1", "b1",
                                         "u2", "u4", "u8" };
    int i;
    if (*s != '<' && *s != '|' && *s != '=') return PAW_DTYPE_OTHER;
    for (i = 0; i < PAW_DTYPE_OTHER; ++i)
        if (!strcmp(s + 1, codes[i])) return codes[i][0] ? i : PAW_DTYPE_OTHER;
    return PAW_DTYPE_OTHER;
}
static paw_err paw__npy_layout(paw_ctx *c, paw_tensors *t, paw__tensor *x, uint64_t data,
                               int fortran)
{
    char shape[192];
    size_t step = 1, bytes;
    int i;
    paw__shape_text(shape, x->shape, x->ndim);
    if (!paw__shape_count(x->shape, x->ndim, &x->count))
        return paw__fail(c, PAW_E_FORMAT, "%s: overflow: shape %s", t->source, shape);
    bytes = x->count * paw__dtype_bytes(x->dtype);
    if (bytes != t->io.bytes - data)
        return paw__fail(c, PAW_E_FORMAT,
                         "%s: shape %s of %s needs %zu bytes, %llu follow byte %llu", t->source,
                         shape, paw__dtype_names[x->dtype], bytes,
                         (unsigned long long)(t->io.bytes - data), (unsigned long long)data);
    x->offset = data;
    x->end = t->io.bytes;
    x->strided = fortran && x->count > 1 && x->ndim > 1;
    for (i = 0; x->strided && i < x->ndim; step *= x->shape[i++]) x->stride[i] = step;
    return PAW_OK;
}
/* Reads and parses the header of wide length bytes; *data: where the values begin. */
static paw_err paw__npy_head(paw_ctx *c, paw_tensors *t, size_t wide, paw__tensor *x,
                             char descr[16], int *fortran, uint64_t *data)
{
    uint8_t head[4];
    paw__npy p;
    size_t n;
    char *text;
    int ok;
    paw_err e = paw__read_at(c, &t->io, t->source, 8, head, wide);
    if (e) return e;
    n = wide == 2 ? paw__le16(head) : paw__le32(head);
    if (n > 65535) return paw__fail(c, PAW_E_LIMIT, "%s: .npy header of %zu bytes", t->source, n);
    text = (char *)paw__calloc(c, n + 1, 1);
    if (!text) return PAW_E_OOM;
    *data = 8 + wide + n;
    e = paw__read_at(c, &t->io, t->source, 8 + wide, text, n);
    p.s = text;
    p.i = 0;
    ok = !e && !memchr(text, 0, n) && paw__npy_dict(&p, descr, fortran, x);
    paw__free(text);
    if (e || ok) return e;
    return paw__fail(c, PAW_E_FORMAT, "%s: malformed .npy header at byte %zu", t->source,
                     8 + wide + p.i);
}
static paw_err paw__npy_open(paw_ctx *c, paw_tensors *t)
{
    uint8_t head[8];
    char descr[16] = "";
    paw__tensor *x;
    uint64_t data = 0;
    int fortran = 0;
    paw_err e = paw__read_at(c, &t->io, t->source, 0, head, 8);
    if (e) return e;
    if (head[6] < 1 || head[6] > 3 || head[7])
        return paw__fail(c, PAW_E_UNSUP, "%s: .npy version %d.%d", t->source, head[6], head[7]);
    e = paw__tensors_push(c, t, "", &x);
    if (!e) e = paw__npy_head(c, t, head[6] == 1 ? 2 : 4, x, descr, &fortran, &data);
    if (e) return e;
    x->dtype = paw__npy_dtype(descr);
    if (x->dtype == PAW_DTYPE_OTHER)
        return paw__fail(c, PAW_E_UNSUP, "%s: .npy type '%s'", t->source, descr);
    e = paw__npy_layout(c, t, x, data, fortran);
    return e ? e : paw__tensors_index(c, t);
}

/* ---- zip: the directory of a torch archive; only stored entries are read ---- */

typedef struct {
    const char *name; /* first, for sorting */
    uint64_t header, data, bytes;
    int method; /* 0: stored */
} paw__entry;
typedef struct {
    paw_ctx *c;
    const paw_io *io;
    const char *name;
    uint64_t dir, dir_bytes, dir_end, entries;
    paw__arena arena;
    void **items; /* paw__entry, by name once open */
    size_t count, cap;
    const char *root; /* "archive/": all before data.pkl */
    size_t root_len;
} paw__zip;

static paw_err paw__zip_fail(const paw__zip *z, uint64_t at, const char *what)
{
    return paw__fail(z->c, PAW_E_FORMAT, "%s: zip at byte %llu: %s", z->name,
                     (unsigned long long)at, what);
}
/* The end record must reach the end of the file, and only one may. */
static paw_err paw__zip_tail(paw__zip *z, uint8_t rec[22], uint64_t *at)
{
    const size_t n = z->io->bytes < 65557u ? (size_t)z->io->bytes : 65557u;
    const uint64_t from = z->io->bytes - n;
    size_t i, found = 0;
    uint8_t *tail = (uint8_t *)paw__alloc(z->c, n + 1, 1);
    paw_err e;
    if (!tail) return PAW_E_OOM;
    memset(rec, 0, 22);
    e = paw__read_at(z->c, z->io, z->name, from, tail, n);
    for (i = 0; !e && i + 22 <= n; ++i) {
        if (paw__le32(tail + i) != 0x06054b50u || paw__le16(tail + i + 20) != n - i - 22) continue;
        if (found++) e = paw__zip_fail(z, from + i, "two end records");
        memcpy(rec, tail + i, 22);
        *at = from + i;
    }
    paw__free(tail);
    if (!e && !found) e = paw__zip_fail(z, from, "no end record: truncated");
    return e;
}
/* The zip64 record, where a locator stands before the end record: it must agree with it. */
static paw_err paw__zip_tail64(paw__zip *z, uint64_t eocd)
{
    uint8_t loc[20], rec[56];
    uint64_t at;
    paw_err e;
    if (eocd < 76) return PAW_OK;
    e = paw__read_at(z->c, z->io, z->name, eocd - 20, loc, 20);
    if (e || paw__le32(loc) != 0x07064b50u) return e;
    at = paw__le64(loc + 8);
    if (paw__le32(loc + 4) || paw__le32(loc + 16) != 1 || at != eocd - 76)
        return paw__zip_fail(z, eocd - 20, "bad zip64 locator");
    e = paw__read_at(z->c, z->io, z->name, at, rec, 56);
    if (e) return e;
    if (paw__le32(rec) != 0x06064b50u || paw__le64(rec + 4) != 44 || paw__le32(rec + 16) ||
        paw__le32(rec + 20) || paw__le64(rec + 24) != paw__le64(rec + 32))
        return paw__zip_fail(z, at, "bad zip64 record");
    if ((z->entries != 0xffff && z->entries != paw__le64(rec + 32)) ||
        (z->dir_bytes != 0xffffffffu && z->dir_bytes != paw__le64(rec + 40)) ||
        (z->dir != 0xffffffffu && z->dir != paw__le64(rec + 48)))
        return paw__zip_fail(z, at, "zip64 record and end record differ");
    z->entries = paw__le64(rec + 32);
    z->dir_bytes = paw__le64(rec + 40);
    z->dir = paw__le64(rec + 48);
    z->dir_end = at;
    return PAW_OK;
}
static paw_err paw__zip_ends(paw__zip *z)
{
    uint8_t rec[22];
    uint64_t at = 0;
    paw_err e = paw__zip_tail(z, rec, &at);
    if (e) return e;
    if (paw__le32(rec + 4) || paw__le16(rec + 8) != paw__le16(rec + 10))
        return paw__zip_fail(z, at, "an archive in parts");
    z->entries = paw__le16(rec + 10);
    z->dir_bytes = paw__le32(rec + 12);
    z->dir = paw__le32(rec + 16);
    z->dir_end = at;
    e = paw__zip_tail64(z, at);
    if (e) return e;
    if (z->dir > z->dir_end || z->dir_bytes != z->dir_end - z->dir)
        return paw__zip_fail(z, at, "the directory does not end where the end record begins");
    if (z->entries > PAW__MAX_TENSORS - 1)
        return paw__fail(z->c, PAW_E_LIMIT, "%s: %llu zip entries (at most %u)", z->name,
                         (unsigned long long)z->entries, PAW__MAX_TENSORS - 1);
    if (z->entries > z->dir_bytes / 46)
        return paw__zip_fail(z, at, "more entries than the directory can hold");
    return PAW_OK;
}
/* Replaces the saturated fields of v (size, packed size, offset) by those of the extra field. */
static paw_err paw__zip_extra(paw__zip *z, paw__in *in, size_t n, uint64_t v[3])
{
    while (n >= 4) {
        const uint64_t id = paw__in_number(in, 2);
        size_t k = (size_t)paw__in_number(in, 2), i;
        n -= 4;
        if (k > n) return paw__zip_fail(z, paw__in_tell(in) - 2, "bad extra field");
        n -= k;
        for (i = 0; i < 3 && id == 1 && k >= 8; ++i)
            if (v[i] == 0xffffffffu) {
                v[i] = paw__in_number(in, 8);
                k -= 8;
            }
        paw__in_skip(in, k);
    }
    return paw__in_skip(in, n);
}
/* The header before the data must tell the same as the directory. */
static paw_err paw__zip_local(paw__zip *z, paw__entry *x, const uint8_t *dir)
{
    uint8_t h[30];
    char name[PAW__MAX_KEY];
    const size_t n = strlen(x->name);
    paw_err e = paw__read_at(z->c, z->io, z->name, x->header, h, 30);
    if (e) return e;
    if (paw__le32(h) != 0x04034b50u || paw__le16(h + 26) != n)
        return paw__zip_fail(z, x->header, "header and directory differ");
    e = paw__read_at(z->c, z->io, z->name, x->header + 30, name, n);
    if (e) return e;
    if (memcmp(name, x->name, n) || paw__le16(h + 8) != (uint32_t)x->method ||
        ((paw__le16(h + 6) ^ paw__le16(dir + 8)) & 1u))
        return paw__zip_fail(z, x->header, "header and directory differ");
    if (!(h[6] & 8) && (memcmp(h + 14, dir + 16, 4) ||
                        (paw__le32(h + 18) != 0xffffffffu && memcmp(h + 18, dir + 20, 8))))
        return paw__zip_fail(z, x->header, "header and directory differ in size or sum");
    x->data = x->header + 30 + n + paw__le16(h + 28);
    if (x->data > z->dir || x->bytes > z->dir - x->data)
        return paw__zip_fail(z, x->header, "data runs into the directory");
    return PAW_OK;
}
static paw_err paw__zip_entry(paw__zip *z, paw__in *in)
{
    const uint64_t at = paw__in_tell(in);
    uint8_t d[46];
    char name[PAW__MAX_KEY + 1];
    uint64_t v[3];
    size_t n;
    paw__entry *x;
    paw_err e;
    if (paw__in_get(in, d, 46)) return in->e;
    n = paw__le16(d + 28);
    if (paw__le32(d) != 0x02014b50u) return paw__zip_fail(z, at, "bad directory entry");
    if (n > PAW__MAX_KEY)
        return paw__fail(z->c, PAW_E_LIMIT, "%s: zip at byte %llu: name of %zu bytes", z->name,
                         (unsigned long long)at, n);
    if (paw__le16(d + 8) & 1)
        return paw__fail(z->c, PAW_E_UNSUP, "%s: encrypted zip entry", z->name);
    if (paw__in_get(in, name, n)) return in->e;
    if (!n || memchr(name, 0, n)) return paw__zip_fail(z, at, "bad name");
    v[0] = paw__le32(d + 24);
    v[1] = paw__le32(d + 20);
    v[2] = paw__le32(d + 42);
    e = paw__zip_extra(z, in, paw__le16(d + 30), v);
    if (!e) e = paw__in_skip(in, paw__le16(d + 32));
    if (e) return e;
    x = (paw__entry *)paw__arena_get(z->c, &z->arena, sizeof *x);
    if (!x || !(x->name = paw__arena_text(z->c, &z->arena, name, n))) return PAW_E_OOM;
    x->method = (int)paw__le16(d + 10);
    x->bytes = v[1];
    x->header = v[2];
    if (paw__le16(d + 34) || (!x->method && v[0] != v[1]) || x->header >= z->dir)
        return paw__zip_fail(z, at, "bad directory entry");
    z->items[z->count++] = x;
    return paw__zip_local(z, x, d);
}
static int paw__less_header(const void *a, const void *b)
{
    return ((const paw__entry *)a)->header < ((const paw__entry *)b)->header;
}
static paw_err paw__zip_check(paw__zip *z)
{
    const char *twice;
    size_t i;
    paw__sort(z->items, z->count, paw__less_header);
    for (i = 1; i < z->count; ++i) {
        const paw__entry *a = (const paw__entry *)z->items[i - 1];
        const paw__entry *b = (const paw__entry *)z->items[i];
        if (b->header < a->data + a->bytes)
            return paw__zip_fail(z, b->header, "entries overlap");
    }
    paw__sort(z->items, z->count, paw__less_name);
    twice = paw__sorted_twice(z->items, z->count);
    if (twice)
        return paw__fail(z->c, PAW_E_FORMAT, "%s: zip: duplicate entry '%s'", z->name, twice);
    return PAW_OK;
}
/* Finds the one data.pkl at the root or one folder down; *out stays NULL without. */
static paw_err paw__zip_root(paw__zip *z, const paw__entry **out)
{
    size_t i, n;
    for (i = 0; i < z->count; ++i) {
        const paw__entry *x = (const paw__entry *)z->items[i];
        const char *slash = strchr(x->name, '/');
        n = slash ? (size_t)(slash - x->name) + 1 : 0;
        if (strcmp(x->name + n, "data.pkl")) continue;
        if (*out) return paw__fail(z->c, PAW_E_FORMAT, "%s: two data.pkl", z->name);
        *out = x;
        z->root = x->name;
        z->root_len = n;
    }
    return PAW_OK;
}
/* An entry below the root by prefix and name; NULL: not there. */
static const paw__entry *paw__zip_find(const paw__zip *z, const char *prefix, const char *name)
{
    char full[2 * PAW__MAX_KEY + 16];
    if (strlen(name) > PAW__MAX_KEY) return NULL;
    snprintf(full, sizeof full, "%.*s%s%s", (int)z->root_len, z->root, prefix, name);
    return (const paw__entry *)paw__find_name(z->items, z->count, full);
}
static paw_err paw__zip_stored(const paw__zip *z, const paw__entry *x)
{
    if (!x->method) return PAW_OK;
    return paw__fail(z->c, PAW_E_UNSUP, "%s: '%s' is compressed (method %d), not stored", z->name,
                     x->name, x->method);
}
static paw_err paw__zip_open(paw__zip *z)
{
    paw__in in;
    uint64_t i;
    paw_err e = paw__zip_ends(z);
    if (e) return e;
    z->items = (void **)paw__alloc(z->c, (size_t)z->entries + 1, sizeof *z->items);
    if (!z->items) return PAW_E_OOM;
    paw__in_begin(&in, z->c, z->io, z->name, z->dir, z->dir_end);
    for (i = 0; !e && i < z->entries; ++i) e = paw__zip_entry(z, &in);
    if (!e && paw__in_left(&in)) e = paw__zip_fail(z, paw__in_tell(&in), "unlisted entries");
    return e ? e : paw__zip_check(z);
}

/* ---- pickle: a stack machine that builds inert values and calls nothing ----
   Its first failure stays in in.e. What follows it before the opcode ends works on node 0, which is
   of no kind, and has no effect. */

enum {
    PAW__V_NONE = 1, PAW__V_BOOL, PAW__V_INT, PAW__V_FLOAT, PAW__V_STR, PAW__V_BYTES, PAW__V_TUPLE,
    PAW__V_LIST, PAW__V_DICT, PAW__V_GLOBAL, PAW__V_TENSOR, PAW__V_STORAGE, PAW__V_OBJECT,
    PAW__V_CELL
};
typedef struct {
    union {
        int64_t i;     /* int; row of paw__globals; key node of a dict's cell */
        const char *s; /* text; NULL: too long to be a name, passed over */
        void *p;       /* paw__storage, paw__view */
    } u;
    uint32_t first, last; /* containers: cells. Cells: value, next cell */
    int kind;
} paw__node;
typedef struct {
    const char *name; /* key, first for sorting */
    int dtype;
    uint64_t count; /* elements of the whole storage */
    uint64_t from, part; /* the view: its first element, how many */
    uint64_t data;  /* offset in the file */
    int placed;     /* data is known */
} paw__storage;
typedef struct {
    paw__storage *storage;
    paw__tensor x; /* offset and end: elements of the storage's view */
} paw__view;

#define PAW__NODES 2048u /* nodes in a chunk; they never move */
typedef struct {
    uint32_t *v;
    size_t n, cap;
} paw__stack;
typedef struct {
    paw_ctx *c;
    paw_tensors *t;
    const paw__zip *zip; /* NULL: legacy stream */
    paw__in in;
    paw__arena arena;
    void **chunks;
    size_t chunk_cap;
    uint32_t nodes;  /* in the chunks, numbered from 1 */
    paw__node none;  /* node 0 */
    paw__stack stack, marks, memo;
    size_t memo_used;
    void **storages; /* paw__storage: one for each mention */
    size_t storages_n, storages_cap;
    size_t tensors;
    uint32_t ops, visits;
    int done;
    char path[PAW__MAX_KEY + 1];
} paw__pickle;

static PAW__PRINTF(3, 4) paw_err paw__torch_fail(paw__pickle *p, paw_err e, const char *format, ...)
{
    va_list args;
    if (p->in.e) return p->in.e;
    va_start(args, format);
    vsnprintf(p->c->message, sizeof p->c->message, format, args);
    va_end(args);
    return p->in.e = paw__fail_in(p->c, e, p->t->source);
}
static paw_err paw__pickle_fail(paw__pickle *p, paw_err e, const char *what)
{
    return paw__torch_fail(p, e, "pickle at byte %llu: %s",
                           (unsigned long long)paw__in_tell(&p->in), what);
}
static void *paw__pickle_get(paw__pickle *p, size_t bytes) /* zeroed; NULL after a failure */
{
    void *q = p->in.e ? NULL : paw__arena_get(p->c, &p->arena, bytes);
    if (!q && !p->in.e) p->in.e = PAW_E_OOM;
    return q;
}
static paw__node *paw__node_at(paw__pickle *p, uint32_t i)
{
    return i ? (paw__node *)p->chunks[i / PAW__NODES] + i % PAW__NODES : &p->none;
}
static int paw__kind_at(paw__pickle *p, uint32_t i) { return paw__node_at(p, i)->kind; }
static const char *paw__text_at(paw__pickle *p, uint32_t i) /* NULL: no text that may be a name */
{
    const paw__node *x = paw__node_at(p, i);
    return x->kind == PAW__V_STR ? x->u.s : NULL;
}
static int paw__count_at(paw__pickle *p, uint32_t i, uint64_t *out) /* 0: not a count */
{
    const paw__node *x = paw__node_at(p, i);
    *out = (uint64_t)x->u.i;
    return x->kind == PAW__V_INT && x->u.i >= 0;
}
static uint32_t paw__node_new(paw__pickle *p, int kind)
{
    const uint32_t i = p->nodes + 1, chunk = i / PAW__NODES;
    void *chunks = p->chunks;
    if (i > PAW__MAX_NODES) paw__pickle_fail(p, PAW_E_LIMIT, "too many values");
    if (!p->in.e && (!p->nodes || !(i % PAW__NODES))) {
        p->in.e = paw__grow(p->c, &chunks, &p->chunk_cap, chunk + 1, sizeof *p->chunks);
        p->chunks = (void **)chunks;
        if (!p->in.e) p->chunks[chunk] = paw__pickle_get(p, PAW__NODES * sizeof(paw__node));
    }
    if (p->in.e) return 0;
    p->nodes = i;
    paw__node_at(p, i)->kind = kind;
    return i;
}
static paw_err paw__stack_push(paw__pickle *p, paw__stack *s, uint32_t v)
{
    void *q = s->v;
    if (!p->in.e) p->in.e = paw__grow(p->c, &q, &s->cap, s->n + 1, sizeof *s->v);
    s->v = (uint32_t *)q;
    if (!p->in.e) s->v[s->n++] = v;
    return p->in.e;
}
static paw_err paw__push(paw__pickle *p, uint32_t v) { return paw__stack_push(p, &p->stack, v); }
static paw__node *paw__push_new(paw__pickle *p, int kind)
{
    const uint32_t i = paw__node_new(p, kind);
    paw__push(p, i);
    return paw__node_at(p, i);
}
static paw_err paw__push_kind(paw__pickle *p, int kind)
{
    paw__push_new(p, kind);
    return p->in.e;
}
static paw_err paw__push_int(paw__pickle *p, int kind, int64_t v)
{
    paw__push_new(p, kind)->u.i = v;
    return p->in.e;
}
/* Where the n topmost values begin. Those under the last mark are out of reach until the mark is
   taken. */
static size_t paw__topmost(paw__pickle *p, size_t n)
{
    const size_t floor_n = p->marks.n ? p->marks.v[p->marks.n - 1] : 0;
    if (p->stack.n - floor_n >= n) return p->stack.n - n;
    paw__pickle_fail(p, PAW_E_FORMAT, "stack underflow");
    return p->stack.n;
}
static uint32_t paw__top(paw__pickle *p)
{
    const size_t i = paw__topmost(p, 1);
    return i < p->stack.n ? p->stack.v[i] : 0;
}
static uint32_t paw__pop(paw__pickle *p)
{
    const uint32_t v = paw__top(p);
    p->stack.n -= v != 0;
    return v;
}
static paw_err paw__mark(paw__pickle *p)
{
    if (p->marks.n >= PAW__MAX_DEPTH)
        return paw__pickle_fail(p, PAW_E_LIMIT, "nested too deep");
    return paw__stack_push(p, &p->marks, (uint32_t)p->stack.n);
}
static size_t paw__pop_mark(paw__pickle *p) /* where the values above it begin */
{
    if (p->marks.n) return p->marks.v[--p->marks.n];
    paw__pickle_fail(p, PAW_E_FORMAT, "no mark");
    return p->stack.n;
}
static void paw__cell_add(paw__pickle *p, uint32_t container, uint32_t key, uint32_t value)
{
    const uint32_t i = paw__node_new(p, PAW__V_CELL);
    paw__node *to = paw__node_at(p, container);
    if (!i) return;
    paw__node_at(p, i)->first = value;
    paw__node_at(p, i)->u.i = (int64_t)key;
    if (to->last) paw__node_at(p, to->last)->last = i;
    else to->first = i;
    to->last = i;
}
/* The first most items of a list or tuple; returns how many there are, at most most + 1. */
static size_t paw__items(paw__pickle *p, uint32_t container, uint32_t *dst, size_t most)
{
    uint32_t i = paw__node_at(p, container)->first;
    size_t n = 0;
    for (; i && n <= most; i = paw__node_at(p, i)->last) {
        if (n < most) dst[n] = paw__node_at(p, i)->first;
        ++n;
    }
    return n;
}

/* ---- pickle: names that may appear; none is ever looked up anywhere else ---- */

enum { PAW__G_INERT, PAW__G_DICT, PAW__G_FIRST, PAW__G_TENSOR, PAW__G_TENSOR3, PAW__G_STORAGE,
       PAW__G_DTYPE };
typedef struct {
    const char *modules, *names; /* between blanks */
    int kind, dtype;
} paw__global;
static const paw__global paw__globals[] = {
    { "collections", "OrderedDict defaultdict Counter", PAW__G_DICT, 0 },
    { "torch._utils", "_rebuild_tensor _rebuild_tensor_v2", PAW__G_TENSOR, 0 },
    { "torch._utils", "_rebuild_tensor_v3", PAW__G_TENSOR3, 0 },
    { "torch._utils", "_rebuild_parameter _rebuild_parameter_with_state", PAW__G_FIRST, 0 },
    { "torch.nn.parameter", "Parameter", PAW__G_FIRST, 0 },
    { "torch", "Size", PAW__G_FIRST, 0 },
    { "torch", "device", PAW__G_INERT, 0 },
    { "torch", "FloatStorage", PAW__G_STORAGE, PAW_F32 },
    { "torch", "DoubleStorage", PAW__G_STORAGE, PAW_F64 },
    { "torch", "HalfStorage", PAW__G_STORAGE, PAW_F16 },
    { "torch", "BFloat16Storage", PAW__G_STORAGE, PAW_BF16 },
    { "torch", "LongStorage", PAW__G_STORAGE, PAW_I64 },
    { "torch", "IntStorage", PAW__G_STORAGE, PAW_I32 },
    { "torch", "ShortStorage", PAW__G_STORAGE, PAW_I16 },
    { "torch", "CharStorage", PAW__G_STORAGE, PAW_I8 },
    { "torch", "ByteStorage", PAW__G_STORAGE, PAW_U8 },
    { "torch", "BoolStorage", PAW__G_STORAGE, PAW_BOOL },
    { "torch.storage", "UntypedStorage", PAW__G_STORAGE, PAW_U8 },
    { "torch.storage", "TypedStorage", PAW__G_INERT, 0 },
    { "torch", "float32 float", PAW__G_DTYPE, PAW_F32 },
    { "torch", "float64 double", PAW__G_DTYPE, PAW_F64 },
    { "torch", "float16 half", PAW__G_DTYPE, PAW_F16 },
    { "torch", "bfloat16", PAW__G_DTYPE, PAW_BF16 },
    { "torch", "int64 long", PAW__G_DTYPE, PAW_I64 },
    { "torch", "int32 int", PAW__G_DTYPE, PAW_I32 },
    { "torch", "int16 short", PAW__G_DTYPE, PAW_I16 },
    { "torch", "int8", PAW__G_DTYPE, PAW_I8 },
    { "torch", "uint8", PAW__G_DTYPE, PAW_U8 },
    { "torch", "bool", PAW__G_DTYPE, PAW_BOOL },
    { "torch", "uint16", PAW__G_DTYPE, PAW_U16 },
    { "torch", "uint32", PAW__G_DTYPE, PAW_U32 },
    { "torch", "uint64", PAW__G_DTYPE, PAW_U64 },
    { "torch", "complex64 complex128 float8_e4m3fn float8_e5m2", PAW__G_DTYPE, PAW_DTYPE_OTHER },
    { "argparse", "Namespace", PAW__G_INERT, 0 },
    { "pathlib pathlib._local",
      "Path PurePath PosixPath PurePosixPath WindowsPath PureWindowsPath", PAW__G_INERT, 0 },
    { "numpy.core.multiarray numpy._core.multiarray", "scalar _reconstruct", PAW__G_INERT, 0 },
    { "numpy.core.numeric numpy._core.numeric", "_frombuffer", PAW__G_INERT, 0 },
    { "numpy", "ndarray dtype", PAW__G_INERT, 0 },
    { "_codecs", "encode", PAW__G_INERT, 0 },
    { "builtins", "set frozenset bytearray complex slice range int float str list dict tuple object"
                  " bool bytes", PAW__G_INERT, 0 },
    { "__builtin__", "set frozenset bytearray complex slice xrange int long float str unicode list"
                     " dict tuple object bool", PAW__G_INERT, 0 },
};
static int paw__has_word(const char *words, const char *word)
{
    const size_t n = strlen(word);
    while (n && !strchr(word, ' ')) {
        if (!strncmp(words, word, n) && (words[n] == ' ' || !words[n])) return 1;
        words = strchr(words, ' ');
        if (!words) break;
        ++words;
    }
    return 0;
}
static paw_err paw__push_global(paw__pickle *p, const char *module, const char *name)
{
    size_t i;
    for (i = 0; i < PAW__COUNT(paw__globals); ++i)
        if (paw__has_word(paw__globals[i].modules, module) &&
            paw__has_word(paw__globals[i].names, name))
            return paw__push_int(p, PAW__V_GLOBAL, (int64_t)i);
    return paw__torch_fail(p, PAW_E_UNSUP, "refuses pickled global %.200s.%.200s (pickle at byte "
                           "%llu)", module, name, (unsigned long long)paw__in_tell(&p->in));
}
static const paw__global *paw__global_at(paw__pickle *p, uint32_t i) /* NULL: not a global */
{
    const paw__node *x = paw__node_at(p, i);
    return x->kind == PAW__V_GLOBAL ? &paw__globals[x->u.i] : NULL;
}

/* ---- pickle: storages and tensors ---- */

/* A tuple of counts, such as a size; torch allows nothing negative in a stride. */
static paw_err paw__counts(paw__pickle *p, uint32_t tuple, size_t *dst, int *n)
{
    uint32_t v[PAW_MAX_DIMS];
    const int kind = paw__kind_at(p, tuple);
    size_t k, i;
    if (kind != PAW__V_TUPLE && kind != PAW__V_LIST)
        return paw__pickle_fail(p, PAW_E_FORMAT, "a size or stride that is not a tuple");
    k = paw__items(p, tuple, v, PAW_MAX_DIMS);
    if (k > PAW_MAX_DIMS)
        return paw__pickle_fail(p, PAW_E_SHAPE, "a tensor of more than 8 dimensions");
    for (i = 0; i < k; ++i) {
        uint64_t count;
        if (paw__kind_at(p, v[i]) != PAW__V_INT)
            return paw__pickle_fail(p, PAW_E_FORMAT, "a size or stride that is not an integer");
        if (!paw__count_at(p, v[i], &count) || count > (size_t)-1)
            return paw__pickle_fail(p, PAW_E_SHAPE, "a negative size or stride");
        dst[i] = (size_t)count;
    }
    *n = (int)k;
    return PAW_OK;
}
/* Every element must lie inside the storage: the sums that would wrap are found before they do. */
static paw_err paw__view_check(paw__pickle *p, paw__view *v)
{
    char shape[192], stride[192];
    paw__tensor *x = &v->x;
    uint64_t room = v->storage->part;
    size_t step, last = 0, dense = 1;
    int i, ok;
    if (x->dtype != v->storage->dtype && paw__dtype_bytes(x->dtype))
        room /= paw__dtype_bytes(x->dtype); /* untyped storages count bytes */
    ok = paw__shape_count(x->shape, x->ndim, &x->count) && x->offset <= room;
    for (i = x->ndim; ok && x->count && i-- > 0; dense *= x->shape[i]) {
        ok = paw__mul(x->shape[i] - 1, x->stride[i], &step) && paw__add(last, step, &last);
        x->strided |= x->shape[i] != 1 && x->stride[i] != dense;
    }
    if (ok && x->count) ok = last < room - x->offset;
    x->end = x->count ? x->offset + last + 1 : x->offset;
    if (ok) return PAW_OK;
    return paw__torch_fail(p, PAW_E_SHAPE, "pickle at byte %llu: tensor %s, stride %s, offset %llu "
                           "leaves its storage of %llu elements",
                           (unsigned long long)paw__in_tell(&p->in),
                           paw__shape_text(shape, x->shape, x->ndim),
                           paw__shape_text(stride, x->stride, x->ndim),
                           (unsigned long long)x->offset, (unsigned long long)room);
}
/* args: storage, offset, size, stride, ...; with dtype: ..., requires_grad, hooks, dtype */
static paw_err paw__push_tensor(paw__pickle *p, uint32_t args, int with_dtype)
{
    uint32_t a[7];
    const size_t n = paw__items(p, args, a, 7);
    const paw__global *type = with_dtype && n >= 7 ? paw__global_at(p, a[6]) : NULL;
    paw__view *v;
    int strides;
    if (n < (with_dtype ? 7u : 4u) || paw__kind_at(p, a[0]) != PAW__V_STORAGE ||
        paw__kind_at(p, a[1]) != PAW__V_INT || (type ? type->kind != PAW__G_DTYPE : with_dtype))
        return paw__pickle_fail(p, PAW_E_FORMAT, "bad arguments of a tensor");
    if (++p->tensors > PAW__MAX_TENSORS)
        return paw__torch_fail(p, PAW_E_LIMIT, "more than %u tensors", PAW__MAX_TENSORS);
    v = (paw__view *)paw__pickle_get(p, sizeof *v);
    if (!v) return p->in.e;
    v->storage = (paw__storage *)paw__node_at(p, a[0])->u.p;
    v->x.dtype = type ? type->dtype : v->storage->dtype;
    if (type && v->storage->dtype != PAW_U8)
        return paw__pickle_fail(p, PAW_E_FORMAT, "bad arguments of a tensor");
    if (!paw__count_at(p, a[1], &v->x.offset))
        return paw__pickle_fail(p, PAW_E_SHAPE, "a tensor with a negative offset");
    if (paw__counts(p, a[2], v->x.shape, &v->x.ndim) || paw__counts(p, a[3], v->x.stride, &strides))
        return p->in.e;
    if (v->x.ndim != strides)
        return paw__pickle_fail(p, PAW_E_SHAPE, "size and stride differ in length");
    if (!paw__view_check(p, v)) paw__push_new(p, PAW__V_TENSOR)->u.p = v;
    return p->in.e;
}
/* Where the bytes are, in a zip: the entry must have the very size that the pickle claims. */
static paw_err paw__storage_place(paw__pickle *p, paw__storage *s)
{
    const paw__entry *x = paw__zip_find(p->zip, "data/", s->name);
    const size_t size = paw__dtype_bytes(s->dtype);
    if (!x)
        return paw__torch_fail(p, PAW_E_FORMAT, "storage '%s' is not in the archive", s->name);
    if ((p->in.e = paw__zip_stored(p->zip, x)) != PAW_OK) return p->in.e;
    if (x->bytes / size != s->count || x->bytes % size)
        return paw__torch_fail(p, PAW_E_FORMAT,
                               "storage '%s': %llu elements of %s, but %llu bytes at byte %llu",
                               s->name, (unsigned long long)s->count, paw__dtype_names[s->dtype],
                               (unsigned long long)x->bytes, (unsigned long long)x->data);
    s->data = x->data;
    s->placed = 1;
    return PAW_OK;
}
/* The view of a legacy storage: None or (key, first, count). */
static int paw__storage_view(paw__pickle *p, uint32_t view, paw__storage *s)
{
    uint32_t a[3];
    if (paw__kind_at(p, view) == PAW__V_NONE) return 1;
    return paw__kind_at(p, view) == PAW__V_TUPLE && paw__items(p, view, a, 3) == 3 &&
           paw__count_at(p, a[1], &s->from) && paw__count_at(p, a[2], &s->part) &&
           s->from <= s->count && s->part <= s->count - s->from;
}
/* id: ("storage", class, key, device, count), and in legacy streams the view */
static paw_err paw__push_storage(paw__pickle *p, uint32_t id)
{
    uint32_t a[6];
    const size_t n = paw__kind_at(p, id) == PAW__V_TUPLE ? paw__items(p, id, a, 6) : 0;
    const char *what = n ? paw__text_at(p, a[0]) : NULL, *key;
    const paw__global *g;
    paw__storage *s;
    void *q = p->storages;
    if (n < 5 || n > 6 || !what || strcmp(what, "storage"))
        return paw__pickle_fail(p, PAW_E_UNSUP, "a persistent id that is not a storage");
    g = paw__global_at(p, a[1]);
    key = paw__text_at(p, a[2]);
    if (!g || g->kind != PAW__G_STORAGE || !key)
        return paw__pickle_fail(p, PAW_E_FORMAT, "bad storage");
    s = (paw__storage *)paw__pickle_get(p, sizeof *s);
    if (!s) return p->in.e;
    s->name = key;
    s->dtype = g->dtype;
    if (!paw__count_at(p, a[4], &s->count))
        return paw__pickle_fail(p, PAW_E_FORMAT, "bad storage size");
    s->part = s->count;
    if (n == 6 && !paw__storage_view(p, a[5], s))
        return paw__pickle_fail(p, PAW_E_FORMAT, "bad storage view");
    p->in.e = paw__grow(p->c, &q, &p->storages_cap, p->storages_n + 1, sizeof *p->storages);
    p->storages = (void **)q;
    if (p->in.e) return p->in.e;
    p->storages[p->storages_n++] = s;
    if (!p->zip || !paw__storage_place(p, s)) paw__push_new(p, PAW__V_STORAGE)->u.p = s;
    return p->in.e;
}

/* ---- pickle: containers and objects ---- */

/* Moves stack[from..] to a container: items, or keys and values; objects swallow them. */
static paw_err paw__fill(paw__pickle *p, int kind, uint32_t to, size_t from)
{
    const size_t step = kind == PAW__V_DICT ? 2 : 1;
    size_t k;
    if ((p->stack.n - from) % step)
        return paw__pickle_fail(p, PAW_E_FORMAT, "a key without value");
    if (paw__kind_at(p, to) != PAW__V_OBJECT) {
        if (paw__kind_at(p, to) != kind)
            return paw__pickle_fail(p, PAW_E_FORMAT, "items for what is no container");
        for (k = from; k < p->stack.n; k += step)
            paw__cell_add(p, to, step == 2 ? p->stack.v[k] : 0, p->stack.v[k + step - 1]);
    }
    p->stack.n = from;
    return p->in.e;
}
static paw_err paw__make(paw__pickle *p, int kind, size_t from) /* a container of stack[from..] */
{
    const uint32_t to = paw__node_new(p, kind);
    paw__fill(p, kind, to, from);
    return paw__push(p, to);
}
static paw_err paw__append(paw__pickle *p, int kind, size_t from) /* to the container below */
{
    const size_t n = p->stack.n;
    uint32_t to;
    p->stack.n = from;
    to = paw__top(p);
    p->stack.n = n;
    return paw__fill(p, kind, to, from);
}
/* OrderedDict(pairs), as Python 2 wrote it: the list becomes the dict, so that one list cannot be
   copied many times. */
static paw_err paw__dict_from_pairs(paw__pickle *p, uint32_t args)
{
    uint32_t list, i, pair[2];
    paw__node *n;
    int kind;
    if (paw__items(p, args, &list, 1) != 1 || paw__kind_at(p, list) != PAW__V_LIST)
        return paw__push_kind(p, PAW__V_DICT); /* defaultdict(list) and the like: empty */
    for (i = paw__node_at(p, list)->first; i; i = n->last) {
        n = paw__node_at(p, i);
        kind = paw__kind_at(p, n->first);
        if ((kind != PAW__V_LIST && kind != PAW__V_TUPLE) ||
            paw__items(p, n->first, pair, 2) != 2)
            return paw__pickle_fail(p, PAW_E_FORMAT, "OrderedDict of what is not pairs");
        n->first = pair[1];
        n->u.i = (int64_t)pair[0];
    }
    paw__node_at(p, list)->kind = PAW__V_DICT;
    return paw__push(p, list);
}
static paw_err paw__call(paw__pickle *p, int fresh) /* REDUCE; NEWOBJ and NEWOBJ_EX: fresh */
{
    const uint32_t args = paw__pop(p), f = paw__pop(p);
    const paw__global *g = paw__global_at(p, f);
    uint32_t first;
    if (!g || paw__kind_at(p, args) != PAW__V_TUPLE)
        return paw__pickle_fail(p, PAW_E_FORMAT, "a call of no known name, or without a tuple");
    switch (g->kind) {
    case PAW__G_INERT: return paw__push_kind(p, PAW__V_OBJECT);
    case PAW__G_DICT: return paw__dict_from_pairs(p, args);
    case PAW__G_FIRST:
        if (paw__items(p, args, &first, 1) > 0) return paw__push(p, first);
        return paw__pickle_fail(p, PAW_E_FORMAT, "a call without arguments");
    case PAW__G_TENSOR:
    case PAW__G_TENSOR3:
        if (!fresh) return paw__push_tensor(p, args, g->kind == PAW__G_TENSOR3);
    }
    return paw__pickle_fail(p, PAW_E_UNSUP, "a call of a storage or type");
}
/* State goes to inert objects and to dicts (torch keeps _metadata there); all of it is dropped. */
static paw_err paw__build(paw__pickle *p)
{
    int kind;
    paw__pop(p);
    kind = paw__kind_at(p, paw__top(p));
    if (kind != PAW__V_OBJECT && kind != PAW__V_DICT)
        return paw__pickle_fail(p, PAW_E_UNSUP, "state for what is no plain object");
    return p->in.e;
}

/* ---- pickle: operands ---- */

static paw_err paw__line(paw__pickle *p, char dst[PAW__MAX_KEY + 1])
{
    size_t n = 0;
    while (!paw__in_get(&p->in, dst + n, 1) && dst[n] != '\n') {
        if (!dst[n]) paw__pickle_fail(p, PAW_E_FORMAT, "NUL in a line");
        else if (n == PAW__MAX_KEY) paw__pickle_fail(p, PAW_E_LIMIT, "line too long");
        else ++n;
    }
    if (n && dst[n - 1] == '\r') --n;
    dst[n] = 0;
    return p->in.e;
}
static paw_err paw__push_text(paw__pickle *p, int kind, const void *s, size_t n)
{
    paw__node *x = paw__push_new(p, kind);
    char *text = (char *)paw__pickle_get(p, n + 1);
    if (text) x->u.s = (const char *)memcpy(text, s, n);
    return p->in.e;
}
/* Text or bytes after a length; what is too long for a name is passed over, not kept. */
static paw_err paw__push_sized(paw__pickle *p, size_t width, int kind)
{
    const uint64_t n = paw__in_number(&p->in, width);
    char text[PAW__MAX_KEY];
    if (kind != PAW__V_STR || n > PAW__MAX_KEY) paw__in_skip(&p->in, n);
    else if (!paw__in_get(&p->in, text, (size_t)n) && !memchr(text, 0, (size_t)n))
        return paw__push_text(p, kind, text, (size_t)n);
    return paw__push_kind(p, kind);
}
/* LONG1, LONG4: above 64 bits only torch's magic number is known; others are kept as text of their
   bytes, which is no name. */
static paw_err paw__push_long(paw__pickle *p, size_t width)
{
    const uint64_t n = paw__in_number(&p->in, width);
    uint8_t b[16];
    if (n > sizeof b) return paw__pickle_fail(p, PAW_E_LIMIT, "integer of more than 128 bits");
    memset(b, 0, sizeof b);
    paw__in_get(&p->in, b, (size_t)n);
    if (n > 8) return paw__push_text(p, PAW__V_BYTES, b, sizeof b);
    return paw__push_int(p, PAW__V_INT, n ? paw__signed(paw__le64(b), (int)n * 8) : 0);
}
static paw_err paw__push_int_line(paw__pickle *p) /* INT and LONG: "12", "-3L", "01" for True */
{
    char s[PAW__MAX_KEY + 1];
    size_t i, k;
    int64_t v = 0;
    paw__line(p, s);
    i = *s == '-';
    k = paw__digits(s + i, strlen(s + i));
    if (!k || k > 18 || (s[i + k] && strcmp(s + i + k, "L")))
        return paw__pickle_fail(p, PAW_E_FORMAT, "bad integer");
    for (; k; --k, ++i) v = v * 10 + (s[i] - '0');
    return paw__push_int(p, !strcmp(s, "00") || !strcmp(s, "01") ? PAW__V_BOOL : PAW__V_INT,
                         *s == '-' ? -v : v);
}
static paw_err paw__push_line(paw__pickle *p, int quoted) /* STRING, UNICODE */
{
    char s[PAW__MAX_KEY + 1];
    size_t n;
    paw__line(p, s);
    n = strlen(s);
    if (strchr(s, '\\')) return paw__push_kind(p, PAW__V_STR); /* escapes: never a name */
    if (!quoted) return paw__push_text(p, PAW__V_STR, s, n);
    if (n < 2 || s[0] != s[n - 1] || (*s != '\'' && *s != '"'))
        return paw__pickle_fail(p, PAW_E_FORMAT, "bad quotes");
    return paw__push_text(p, PAW__V_STR, s + 1, n - 2);
}
static paw_err paw__push_float_line(paw__pickle *p)
{
    char s[PAW__MAX_KEY + 1];
    paw__line(p, s);
    return paw__push_kind(p, PAW__V_FLOAT);
}
static paw_err paw__global_lines(paw__pickle *p)
{
    char module[PAW__MAX_KEY + 1], name[PAW__MAX_KEY + 1];
    paw__line(p, module);
    paw__line(p, name);
    return paw__push_global(p, module, name);
}
static paw_err paw__stack_global(paw__pickle *p)
{
    const char *name = paw__text_at(p, paw__pop(p)), *module = paw__text_at(p, paw__pop(p));
    if (!module || !name)
        return paw__pickle_fail(p, PAW_E_FORMAT, "a global whose name is no text");
    return paw__push_global(p, module, name);
}
static uint64_t paw__memo_line(paw__pickle *p) /* the index in a line of digits */
{
    char s[PAW__MAX_KEY + 1];
    uint64_t i = 0;
    size_t k;
    paw__line(p, s);
    if (!*s || strlen(s) > 9 || s[paw__digits(s, strlen(s))])
        paw__pickle_fail(p, PAW_E_FORMAT, "bad memo index");
    for (k = 0; !p->in.e && s[k]; ++k) i = i * 10 + (uint64_t)(s[k] - '0');
    return i;
}
static paw_err paw__memo_put(paw__pickle *p, uint64_t i)
{
    const uint32_t v = paw__top(p);
    if (i >= p->ops) /* Python counts up; a far index would be memory that the file does not have */
        return paw__pickle_fail(p, PAW_E_LIMIT, "memo too large");
    while (!p->in.e && p->memo.n <= i) paw__stack_push(p, &p->memo, 0);
    if (p->in.e) return p->in.e;
    p->memo_used += !p->memo.v[i];
    p->memo.v[i] = v;
    return PAW_OK;
}
static paw_err paw__memo_get(paw__pickle *p, uint64_t i)
{
    if (i >= p->memo.n || !p->memo.v[i])
        return paw__pickle_fail(p, PAW_E_FORMAT, "memo entry that was never put");
    return paw__push(p, p->memo.v[i]);
}

/* ---- pickle: the opcodes, named as in Python's pickle module ---- */

static paw_err paw__pop_any(paw__pickle *p) /* POP: a value, or the mark where none is above it */
{
    if (p->marks.n && p->stack.n == p->marks.v[p->marks.n - 1]) --p->marks.n;
    else paw__pop(p);
    return p->in.e;
}
static paw_err paw__protocol(paw__pickle *p)
{
    if (paw__in_number(&p->in, 1) > 5) paw__pickle_fail(p, PAW_E_UNSUP, "a protocol above 5");
    return p->in.e;
}
static paw_err paw__op_unknown(paw__pickle *p, int op)
{
    static const char refused[] = "io\x82\x83\x84P\x97\x98"; /* INST OBJ EXT1..4 PERSID buffers */
    const int known = op && strchr(refused, op) != NULL;
    return paw__torch_fail(p, known ? PAW_E_UNSUP : PAW_E_FORMAT, "pickle at byte %llu: %s 0x%02x",
                           (unsigned long long)paw__in_tell(&p->in) - 1,
                           known ? "refuses opcode" : "not an opcode:", (unsigned)op);
}
static paw_err paw__op(paw__pickle *p, int op)
{
    paw__in *in = &p->in;
    switch (op) {
    case '(': return paw__mark(p);                                     /* MARK */
    case '0': return paw__pop_any(p);                                  /* POP */
    case '1': p->stack.n = paw__pop_mark(p); return in->e;             /* POP_MARK */
    case '2': return paw__push(p, paw__top(p));                        /* DUP */
    case 'p': return paw__memo_put(p, paw__memo_line(p));              /* PUT */
    case 'q': return paw__memo_put(p, paw__in_number(in, 1));          /* BINPUT */
    case 'r': return paw__memo_put(p, paw__in_number(in, 4));          /* LONG_BINPUT */
    case 0x94: return paw__memo_put(p, p->memo_used);                  /* MEMOIZE */
    case 'g': return paw__memo_get(p, paw__memo_line(p));              /* GET */
    case 'h': return paw__memo_get(p, paw__in_number(in, 1));          /* BINGET */
    case 'j': return paw__memo_get(p, paw__in_number(in, 4));          /* LONG_BINGET */
    case 'N': return paw__push_kind(p, PAW__V_NONE);                   /* NONE */
    case 0x88: return paw__push_int(p, PAW__V_BOOL, 1);                /* NEWTRUE */
    case 0x89: return paw__push_int(p, PAW__V_BOOL, 0);                /* NEWFALSE */
    case 'I': case 'L': return paw__push_int_line(p);                  /* INT LONG */
    case 'J': return paw__push_int(p, PAW__V_INT, paw__signed(paw__in_number(in, 4), 32));
    case 'K': return paw__push_int(p, PAW__V_INT, (int64_t)paw__in_number(in, 1)); /* BININT1 */
    case 'M': return paw__push_int(p, PAW__V_INT, (int64_t)paw__in_number(in, 2)); /* BININT2 */
    case 0x8a: return paw__push_long(p, 1);                            /* LONG1 */
    case 0x8b: return paw__push_long(p, 4);                            /* LONG4 */
    case 'F': return paw__push_float_line(p);                          /* FLOAT */
    case 'G': paw__in_skip(in, 8); return paw__push_kind(p, PAW__V_FLOAT); /* BINFLOAT */
    case 'S': case 'V': return paw__push_line(p, op == 'S');           /* STRING UNICODE */
    case 'U': case 0x8c: return paw__push_sized(p, 1, PAW__V_STR);     /* SHORT_BIN.. */
    case 'T': case 'X': return paw__push_sized(p, 4, PAW__V_STR);      /* BINSTRING BINUNICODE */
    case 0x8d: return paw__push_sized(p, 8, PAW__V_STR);               /* BINUNICODE8 */
    case 'C': return paw__push_sized(p, 1, PAW__V_BYTES);              /* SHORT_BINBYTES */
    case 'B': return paw__push_sized(p, 4, PAW__V_BYTES);              /* BINBYTES */
    case 0x8e: case 0x96: return paw__push_sized(p, 8, PAW__V_BYTES);  /* BINBYTES8 BYTEARRAY8 */
    case '}': return paw__push_kind(p, PAW__V_DICT);                   /* EMPTY_DICT */
    case ']': return paw__push_kind(p, PAW__V_LIST);                   /* EMPTY_LIST */
    case ')': return paw__push_kind(p, PAW__V_TUPLE);                  /* EMPTY_TUPLE */
    case 0x8f: return paw__push_kind(p, PAW__V_OBJECT);                /* EMPTY_SET */
    case 't': return paw__make(p, PAW__V_TUPLE, paw__pop_mark(p));     /* TUPLE */
    case 'l': return paw__make(p, PAW__V_LIST, paw__pop_mark(p));      /* LIST */
    case 'd': return paw__make(p, PAW__V_DICT, paw__pop_mark(p));      /* DICT */
    case 0x91: return paw__make(p, PAW__V_OBJECT, paw__pop_mark(p));   /* FROZENSET */
    case 0x85: return paw__make(p, PAW__V_TUPLE, paw__topmost(p, 1));  /* TUPLE1 */
    case 0x86: return paw__make(p, PAW__V_TUPLE, paw__topmost(p, 2));  /* TUPLE2 */
    case 0x87: return paw__make(p, PAW__V_TUPLE, paw__topmost(p, 3));  /* TUPLE3 */
    case 'a': return paw__append(p, PAW__V_LIST, paw__topmost(p, 1));  /* APPEND */
    case 'e': return paw__append(p, PAW__V_LIST, paw__pop_mark(p));    /* APPENDS */
    case 's': return paw__append(p, PAW__V_DICT, paw__topmost(p, 2));  /* SETITEM */
    case 'u': return paw__append(p, PAW__V_DICT, paw__pop_mark(p));    /* SETITEMS */
    case 0x90: return paw__append(p, PAW__V_OBJECT, paw__pop_mark(p)); /* ADDITEMS */
    case 'c': return paw__global_lines(p);                             /* GLOBAL */
    case 0x93: return paw__stack_global(p);                            /* STACK_GLOBAL */
    case 'R': return paw__call(p, 0);                                  /* REDUCE */
    case 0x81: return paw__call(p, 1);                                 /* NEWOBJ */
    case 0x92: paw__pop(p); return paw__call(p, 1);                    /* NEWOBJ_EX: no keywords */
    case 'b': return paw__build(p);                                    /* BUILD */
    case 'Q': return paw__push_storage(p, paw__pop(p));                /* BINPERSID */
    case 0x80: return paw__protocol(p);                                /* PROTO */
    case 0x95: return paw__in_need(in, paw__in_number(in, 8));         /* FRAME */
    case '.': p->done = 1; return PAW_OK;                              /* STOP */
    default: return paw__op_unknown(p, op);
    }
}
static uint32_t paw__pickle_run(paw__pickle *p) /* one pickle up to its STOP: the value */
{
    uint8_t op;
    p->stack.n = p->marks.n = p->memo.n = p->memo_used = 0;
    for (p->done = 0; !p->done && !paw__in_get(&p->in, &op, 1);) {
        if (++p->ops > PAW__MAX_OPS) paw__pickle_fail(p, PAW_E_LIMIT, "too many opcodes");
        else paw__op(p, op);
    }
    return paw__pop(p);
}
static void paw__pickle_begin(paw__pickle *p, paw_ctx *c, paw_tensors *t, uint64_t from,
                              uint64_t end)
{
    memset(p, 0, sizeof *p);
    p->c = c;
    p->t = t;
    paw__in_begin(&p->in, c, &t->io, t->source, from, end);
}
static paw_err paw__pickle_end(paw__pickle *p)
{
    paw__free(p->stack.v);
    paw__free(p->marks.v);
    paw__free(p->memo.v);
    paw__free(p->storages);
    paw__free(p->chunks);
    paw__arena_free(&p->arena);
    return p->in.e;
}

/* ---- pickle: from nested values to named tensors ---- */

static paw_err paw__emit(paw__pickle *p, const paw__view *v)
{
    const paw__storage *s = v->storage;
    const size_t size = paw__dtype_bytes(v->x.dtype);
    const uint64_t data = s->data + s->from * paw__dtype_bytes(s->dtype);
    paw__tensor *to, row = v->x;
    p->in.e = paw__tensors_push(p->c, p->t, p->path, &to);
    if (p->in.e) return p->in.e;
    row.name = to->name;
    row.index = to->index;
    row.offset = data + v->x.offset * size;
    row.end = data + v->x.end * size;
    *to = row;
    return PAW_OK;
}
/* Appends a step to the path of length n: its new length. */
static size_t paw__path_add(paw__pickle *p, uint32_t key, size_t index, size_t n)
{
    const paw__node *k = paw__node_at(p, key);
    char number[24];
    const char *s = k->kind == PAW__V_STR ? k->u.s : number;
    snprintf(number, sizeof number, "%lld", key ? (long long)k->u.i : (long long)index);
    if (!s || strlen(s) + n + 1 > PAW__MAX_KEY) {
        paw__torch_fail(p, PAW_E_LIMIT, "a name is over %u bytes or holds a NUL, below '%.60s'",
                        PAW__MAX_KEY, p->path);
        return n;
    }
    if (!paw__utf8_all(s, strlen(s)))
        paw__torch_fail(p, PAW_E_FORMAT, "a name below '%.60s' is not UTF-8", p->path);
    if (n) p->path[n++] = '.';
    memcpy(p->path + n, s, strlen(s) + 1);
    return n + strlen(s);
}
static int paw__holds(int kind) /* tensors, or what may contain them */
{
    return kind == PAW__V_TENSOR || kind == PAW__V_DICT || kind == PAW__V_LIST ||
           kind == PAW__V_TUPLE;
}
/* Walks dicts, lists and tuples; a container inside itself ends at the depth limit. */
static paw_err paw__walk(paw__pickle *p, uint32_t v, size_t len, int depth)
{
    const paw__node *x = paw__node_at(p, v), *cell;
    const int dict = x->kind == PAW__V_DICT;
    uint32_t i, key;
    size_t index = 0;
    if (p->in.e) return p->in.e;
    if (x->kind == PAW__V_TENSOR) return paw__emit(p, (const paw__view *)x->u.p);
    if (depth >= PAW__MAX_DEPTH)
        return paw__torch_fail(p, PAW_E_LIMIT, "nested deeper than %d at '%.60s'", PAW__MAX_DEPTH,
                               p->path);
    for (i = x->first; i && !p->in.e; i = cell->last, ++index) {
        cell = paw__node_at(p, i);
        if (++p->visits / PAW__MAX_VISITS > p->nodes + 64)
            return paw__torch_fail(p, PAW_E_LIMIT, "too many values at '%.60s'", p->path);
        key = dict ? (uint32_t)cell->u.i : 0;
        if (!paw__holds(paw__kind_at(p, cell->first)) ||
            (dict && paw__kind_at(p, key) != PAW__V_STR && paw__kind_at(p, key) != PAW__V_INT))
            continue;
        paw__walk(p, cell->first, paw__path_add(p, key, index, len), depth + 1);
        p->path[len] = 0;
    }
    return p->in.e;
}
static paw_err paw__name_tensors(paw__pickle *p, uint32_t root)
{
    if (!paw__holds(paw__kind_at(p, root)))
        return paw__torch_fail(p, PAW_E_UNSUP, "the pickled object is no dict of tensors");
    if (!paw__walk(p, root, 0, 0)) p->in.e = paw__tensors_index(p->c, p->t);
    return p->in.e;
}

/* ---- torch archives ---- */

static paw_err paw__zip_byteorder(const paw__zip *z)
{
    const paw__entry *x = paw__zip_find(z, "byteorder", "");
    char s[6];
    paw_err e = PAW_OK;
    if (!x) return PAW_OK;
    memset(s, 0, sizeof s);
    if (!x->method && x->bytes <= sizeof s)
        e = paw__read_at(z->c, z->io, z->name, x->data, s, (size_t)x->bytes);
    if (!e && memcmp(s, "little", 6))
        e = paw__fail(z->c, PAW_E_UNSUP, "%s: byte order is not little-endian", z->name);
    return e;
}
static paw_err paw__torch_zip(paw__zip *z, paw_tensors *t)
{
    const paw__entry *x = NULL;
    paw__pickle p;
    paw_err e = paw__zip_root(z, &x);
    if (!e && !x)
        e = paw__fail(z->c, PAW_E_UNSUP, "%s: zip without data.pkl: not a torch file", z->name);
    if (!e) e = paw__zip_stored(z, x);
    if (!e) e = paw__zip_byteorder(z);
    if (e) return e;
    paw__pickle_begin(&p, z->c, t, x->data, x->data + x->bytes);
    p.zip = z;
    paw__name_tensors(&p, paw__pickle_run(&p));
    return paw__pickle_end(&p);
}
static paw_err paw__zip_tensors(paw_ctx *c, paw_tensors *t)
{
    paw__zip z;
    paw_err e;
    memset(&z, 0, sizeof z);
    z.c = c;
    z.io = &t->io;
    z.name = t->source;
    e = paw__zip_open(&z);
    if (!e) e = paw__torch_zip(&z, t);
    paw__free(z.items);
    paw__arena_free(&z.arena);
    return e;
}

/* ---- torch before 1.6: five pickles, then the storages one after the other ---- */

static paw_err paw__legacy_magic(paw__pickle *p)
{
    static const uint8_t magic[16] = { 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19 };
    const paw__node *x = paw__node_at(p, paw__pickle_run(p));
    if (x->kind != PAW__V_BYTES || !x->u.s || memcmp(x->u.s, magic, sizeof magic))
        return paw__torch_fail(p, PAW_E_FORMAT, "a pickle, but not one that torch.save wrote");
    x = paw__node_at(p, paw__pickle_run(p));
    if (x->kind != PAW__V_INT || x->u.i != 1001)
        return paw__torch_fail(p, PAW_E_UNSUP, "torch stream of an unknown protocol");
    return p->in.e;
}
/* sys_info: a dict; its little_endian must be True. */
static paw_err paw__legacy_system(paw__pickle *p)
{
    const paw__node *x = paw__node_at(p, paw__pickle_run(p)), *cell, *value;
    uint32_t i;
    if (x->kind != PAW__V_DICT) return paw__pickle_fail(p, PAW_E_FORMAT, "no system information");
    for (i = x->first; i; i = cell->last) {
        const char *key;
        cell = paw__node_at(p, i);
        key = paw__text_at(p, (uint32_t)cell->u.i);
        value = paw__node_at(p, cell->first);
        if (key && !strcmp(key, "little_endian") && (value->kind != PAW__V_BOOL || !value->u.i))
            return paw__torch_fail(p, PAW_E_UNSUP, "byte order is not little-endian");
    }
    return p->in.e;
}
/* One storage at the reader's place: count, then bytes. All its mentions must agree. */
static paw_err paw__legacy_storage(paw__pickle *p, const char *key)
{
    const uint64_t at = paw__in_tell(&p->in), count = paw__in_number(&p->in, 8);
    size_t i = paw__lower_bound(p->storages, p->storages_n, key);
    const paw__storage *first = NULL;
    for (; !p->in.e && i < p->storages_n; ++i) {
        paw__storage *s = (paw__storage *)p->storages[i];
        if (strcmp(s->name, key)) break;
        if (s->placed || s->count != count || (first && s->dtype != first->dtype))
            return paw__torch_fail(p, PAW_E_FORMAT,
                                   "storage '%s' at byte %llu: %llu elements, the pickle has %llu",
                                   key, (unsigned long long)at, (unsigned long long)count,
                                   (unsigned long long)s->count);
        s->data = at + 8;
        s->placed = 1;
        first = s;
    }
    if (!first)
        return paw__torch_fail(p, PAW_E_FORMAT, "storage '%s' belongs to no tensor", key);
    if (count > UINT64_MAX / 8)
        return paw__torch_fail(p, PAW_E_FORMAT, "storage '%s': overflow", key);
    return paw__in_skip(&p->in, count * paw__dtype_bytes(first->dtype));
}
static paw_err paw__legacy_storages(paw__pickle *p, uint32_t keys)
{
    const paw__node *cell;
    uint32_t i;
    size_t k;
    if (paw__kind_at(p, keys) != PAW__V_LIST)
        return paw__pickle_fail(p, PAW_E_FORMAT, "no list of storages");
    paw__sort(p->storages, p->storages_n, paw__less_name);
    for (i = paw__node_at(p, keys)->first; i && !p->in.e; i = cell->last) {
        const char *key;
        cell = paw__node_at(p, i);
        key = paw__text_at(p, cell->first);
        if (!key) return paw__pickle_fail(p, PAW_E_FORMAT, "bad list of storages");
        paw__legacy_storage(p, key);
    }
    for (k = 0; k < p->storages_n; ++k)
        if (!((const paw__storage *)p->storages[k])->placed)
            return paw__torch_fail(p, PAW_E_FORMAT, "storage '%s' is not in the file",
                                   paw__name_of(p->storages[k]));
    return p->in.e;
}
static paw_err paw__legacy_open(paw_ctx *c, paw_tensors *t)
{
    paw__pickle p;
    uint32_t root;
    paw__pickle_begin(&p, c, t, 0, t->io.bytes);
    paw__legacy_magic(&p);
    paw__legacy_system(&p);
    root = paw__pickle_run(&p);
    paw__legacy_storages(&p, paw__pickle_run(&p));
    paw__name_tensors(&p, root);
    return paw__pickle_end(&p);
}

/* ---- opening: by content, never by file name ---- */

static paw_err paw__tensors_sniff(paw_ctx *c, paw_tensors *t)
{
    uint8_t b[264];
    const size_t n = t->io.bytes < sizeof b ? (size_t)t->io.bytes : sizeof b;
    paw_err e;
    memset(b, 0, sizeof b);
    e = paw__read_at(c, &t->io, t->source, 0, b, n);
    if (e) return e;
    if (n > 8 && b[8] == '{' && !(b[5] | b[6] | b[7])) return paw__st_open(c, t);
    if (!memcmp(b, "PK\3\4", 4) || !memcmp(b, "PK\5\6", 4)) return paw__zip_tensors(c, t);
    if (!memcmp(b, "\x93NUMPY", 6)) return paw__npy_open(c, t);
    if (b[0] == 0x80 && b[1] && b[1] < 6) return paw__legacy_open(c, t);
    if (!memcmp(b + 257, "ustar", 5))
        return paw__fail(c, PAW_E_UNSUP, "%s: a tar, the form of torch before 0.1.10: load it with "
                         "torch and torch.save it again", t->source);
    if (n < 8 || (n > 8 && b[8] != '{'))
        return paw__fail(c, PAW_E_FORMAT, "%s: not a torch, safetensors or .npy file%s", t->source,
                         n < 8 ? ": shorter than the header length field" : "");
    return paw__st_open(c, t);
}
PAW_DEF paw_err paw_tensors_open_io(paw_ctx *c, const paw_io *io, const char *name,
                                    paw_tensors **out)
{
    paw_tensors *t;
    paw_err e;
    PAW__ENTER(c);
    if (!io || !io->read || !out)
        return paw__fail(c, PAW_E_ARG, "paw_tensors_open_io: NULL argument");
    e = paw__tensors_new(c, name ? name : "(memory)", &t);
    if (e) return e;
    t->io = *io;
    e = paw__tensors_sniff(c, t);
    if (e) paw_tensors_close(t);
    else *out = t;
    return e;
}
PAW_DEF paw_err paw_tensors_open(paw_ctx *c, const char *path, paw_tensors **out)
{
    paw_tensors *t;
    paw_io io;
    FILE *f;
    paw_err e;
    if (!c) return PAW_E_ARG;
    if (!path || !out) return paw__fail(c, PAW_E_ARG, "paw_tensors_open: NULL argument");
    f = paw__file_open(c, path, &io.bytes);
    if (!f) return PAW_E_IO;
    io.read = paw__file_io;
    io.user = f;
    e = paw_tensors_open_io(c, &io, path, &t);
    if (e) {
        fclose(f);
        return e;
    }
    t->file = f;
    *out = t;
    return PAW_OK;
}

/* ---- writing: a temporary file beside the target, renamed when it is whole and on the disk ----
   Its name is unique to the process and, by O_EXCL, to the call: two writers do not mix. */

typedef struct {
    paw_ctx *c;
    const char *path;
    char *temp;
    int fd;
    size_t n;  /* bytes in buf */
    paw_err e; /* the first failure; later writes do nothing */
    uint8_t buf[8192];
} paw__out;

static paw_err paw__out_fail(paw__out *o, const char *what)
{
    return o->e = paw__fail(o->c, PAW_E_IO, "%s: %s%s", o->path, what,
                            errno == ENOSPC ? ": the disk is full" : "");
}
static paw_err paw__out_open(paw__out *o, paw_ctx *c, const char *path)
{
    const size_t room = strlen(path) + 64;
    struct stat st;
    int tries;
    o->c = c;
    o->path = path;
    o->e = PAW_OK;
    o->n = 0;
    if (!stat(path, &st) && !S_ISREG(st.st_mode)) /* a device must not be renamed away */
        return paw__fail(c, PAW_E_IO, "%s: is there and not a regular file", path);
    o->temp = (char *)paw__alloc(c, room, 1);
    if (!o->temp) return PAW_E_OOM;
    for (o->fd = -1, errno = EEXIST, tries = 0; o->fd < 0 && errno == EEXIST && tries < 100;) {
        snprintf(o->temp, room, "%s.%ld-%d.tmp", path, (long)getpid(), tries++);
        o->fd = open(o->temp, O_WRONLY | O_CREAT | O_EXCL | PAW__BINARY, 0666);
    }
    if (o->fd >= 0) return PAW_OK;
    paw__free(o->temp);
    return paw__out_fail(o, "cannot be created");
}
static void paw__out_push(paw__out *o, const uint8_t *p, size_t n)
{
    while (!o->e && n) {
        const ssize_t k = write(o->fd, p, paw__min(n, (size_t)1 << 30));
        if (k <= 0 && (k == 0 || errno != EINTR)) paw__out_fail(o, "cannot write");
        if (k <= 0) continue;
        p += k;
        n -= (size_t)k;
    }
}
static void paw__out_write(paw__out *o, const void *p, size_t n)
{
    if (n > sizeof o->buf - o->n) {
        paw__out_push(o, o->buf, o->n);
        o->n = 0;
    }
    if (n > sizeof o->buf) {
        paw__out_push(o, (const uint8_t *)p, n);
    } else if (n) {
        memcpy(o->buf + o->n, p, n);
        o->n += n;
    }
}
static paw_err paw__out_close(paw__out *o) /* after a failure nothing is left behind */
{
    paw__out_push(o, o->buf, o->n);
    if (!o->e && paw__sync(o->fd)) paw__out_fail(o, "cannot write");
    if (close(o->fd) && !o->e) paw__out_fail(o, "cannot close");
    if (!o->e && paw__rename(o->temp, o->path))
        paw__out_fail(o, "cannot rename the new file to it");
    if (o->e) (void)remove(o->temp);
    paw__free(o->temp);
    return o->e;
}
static paw_err paw__out_all(paw_ctx *c, const char *path, const void *bytes, size_t n)
{
    paw__out o;
    const paw_err e = paw__out_open(&o, c, path);
    if (e) return e;
    paw__out_write(&o, bytes, n);
    return paw__out_close(&o);
}

typedef struct {
    paw_ctx *c;
    char *s;
    size_t n, cap;
    paw_err e;
} paw__text;
static void paw__text_add(paw__text *t, const char *s, size_t n)
{
    void *q = t->s;
    size_t need = 0;
    if (t->e) return;
    if (!paw__add(t->n, n, &need)) t->e = paw__fail(t->c, PAW_E_LIMIT, "text too long");
    if (!t->e) t->e = paw__grow(t->c, &q, &t->cap, need, 1);
    if (t->e) return;
    t->s = (char *)q;
    if (n) memcpy(t->s + t->n, s, n);
    t->n = need;
}
static void paw__text_put(paw__text *t, const char *s) { paw__text_add(t, s, strlen(s)); }
static void paw__text_count(paw__text *t, uint64_t v)
{
    char s[24];
    snprintf(s, sizeof s, "%llu", (unsigned long long)v);
    paw__text_put(t, s);
}
/* Quoted and escaped; a byte that is no UTF-8, as file names may have, becomes U+FFFD. */
static void paw__text_json(paw__text *t, const char *s)
{
    char esc[8];
    size_t n = strlen(s), k;
    paw__text_put(t, "\"");
    for (; n; s += k ? k : 1, n -= k ? k : 1) {
        k = paw__utf8((const uint8_t *)s, n);
        if (*s == '"' || *s == '\\') paw__text_put(t, "\\");
        if (!k) {
            paw__text_put(t, "\\ufffd");
        } else if ((unsigned char)*s < 0x20) {
            snprintf(esc, sizeof esc, "\\u%04x", (unsigned)(unsigned char)*s);
            paw__text_put(t, esc);
        } else {
            paw__text_add(t, s, k);
        }
    }
    paw__text_put(t, "\"");
}
static paw_err paw__st_view(paw_ctx *c, const paw_tensor_view *v, size_t *count)
{
    if (!v->name || strlen(v->name) > PAW__MAX_KEY || !paw__utf8_all(v->name, strlen(v->name)) ||
        !strcmp(v->name, "__metadata__"))
        return paw__fail(c, PAW_E_ARG, "a tensor to save has a bad name");
    if (v->ndim < 0 || v->ndim > PAW_MAX_DIMS || (v->ndim && !v->shape) ||
        !paw__shape_count(v->shape, v->ndim, count) || (*count && !v->data))
        return paw__fail(c, PAW_E_ARG, "tensor '%s' to save has a bad shape or no data", v->name);
    return PAW_OK;
}
static paw_err paw__st_unique(paw_ctx *c, const paw_tensor_view *views, size_t count)
{
    void **sorted = (void **)paw__alloc(c, count + 1, sizeof *sorted);
    const char *twice;
    size_t i;
    if (!sorted) return PAW_E_OOM;
    for (i = 0; i < count; ++i) sorted[i] = (void *)(uintptr_t)&views[i]; /* their names first */
    paw__sort(sorted, count, paw__less_name);
    twice = paw__sorted_twice(sorted, count);
    paw__free(sorted);
    return twice ? paw__fail(c, PAW_E_ARG, "tensor '%s' to save is given twice", twice) : PAW_OK;
}
static void paw__st_meta_text(paw__text *t, const char *const *meta)
{
    paw__text_put(t, "\"__metadata__\":{");
    for (; *meta && meta[1] && !t->e; meta += 2) {
        if (!paw__utf8_all(meta[0], strlen(meta[0])) || !paw__utf8_all(meta[1], strlen(meta[1])) ||
            strlen(meta[0]) > PAW__MAX_KEY)
            t->e = paw__fail(t->c, PAW_E_ARG, "metadata to save is not UTF-8 or its key too long");
        paw__text_json(t, meta[0]);
        paw__text_put(t, ":");
        paw__text_json(t, meta[1]);
        if (meta[2]) paw__text_put(t, ",");
    }
    paw__text_put(t, "},");
}
static paw_err paw__st_header(paw__text *t, const paw_tensor_view *views, size_t count,
                              const char *const *meta)
{
    uint64_t at = 0;
    size_t i, n = 0;
    int k;
    paw__text_put(t, "{");
    if (meta && *meta) paw__st_meta_text(t, meta);
    for (i = 0; i < count && !t->e; ++i) {
        t->e = paw__st_view(t->c, &views[i], &n);
        if (t->e) break;
        paw__text_json(t, views[i].name);
        paw__text_put(t, ":{\"dtype\":\"F32\",\"shape\":[");
        for (k = 0; k < views[i].ndim; ++k) {
            if (k) paw__text_put(t, ",");
            paw__text_count(t, views[i].shape[k]);
        }
        paw__text_put(t, "],\"data_offsets\":[");
        paw__text_count(t, at);
        paw__text_put(t, ",");
        at += n * sizeof(float);
        paw__text_count(t, at);
        paw__text_put(t, "]},");
    }
    if (!t->e && t->s[t->n - 1] == ',') --t->n;
    paw__text_put(t, "}");
    while (!t->e && t->n % 8) paw__text_put(t, " ");
    return t->e;
}
PAW_DEF paw_err paw_safetensors_save(paw_ctx *c, const char *path, const paw_tensor_view *views,
                                     size_t count, const char *const *meta)
{
    uint8_t head[8];
    paw__text t;
    paw__out o;
    size_t i, n = 0;
    paw_err e;
    if (!c) return PAW_E_ARG;
    if (!path || (count && !views))
        return paw__fail(c, PAW_E_ARG, "paw_safetensors_save: NULL argument");
    memset(&t, 0, sizeof t);
    t.c = c;
    e = paw__st_header(&t, views, count, meta);
    if (!e) e = paw__st_unique(c, views, count);
    if (!e && (count > PAW__MAX_TENSORS || t.n > PAW__MAX_HEADER))
        e = paw__fail(c, PAW_E_LIMIT, "%s: %zu tensors, header of %zu bytes", path, count, t.n);
    if (!e) e = paw__out_open(&o, c, path);
    if (!e) {
        for (i = 0; i < 8; ++i) head[i] = (uint8_t)((uint64_t)t.n >> (8 * i));
        paw__out_write(&o, head, 8);
        paw__out_write(&o, t.s, t.n);
        for (i = 0; i < count; ++i) {
            paw__shape_count(views[i].shape, views[i].ndim, &n);
            paw__out_write(&o, views[i].data, n * sizeof(float));
        }
        e = paw__out_close(&o);
    }
    paw__free(t.s);
    return e;
}
PAW_DEF size_t paw_npy_header(const char *descr, int ndim, const size_t *shape, char *dst)
{
    char text[256];
    size_t n, total, count;
    int i;
    if (!descr || !dst || ndim < 0 || ndim > PAW_MAX_DIMS || (ndim && !shape) ||
        strlen(descr) > 15 || strpbrk(descr, "'\"\\") || !paw__shape_count(shape, ndim, &count))
        return 0;
    n = (size_t)snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                         descr);
    for (i = 0; i < ndim; ++i)
        n += (size_t)snprintf(text + n, sizeof text - n, i ? " %zu," : "%zu,", shape[i]);
    if (ndim > 1) --n; /* only a single number needs its comma */
    n += (size_t)snprintf(text + n, sizeof text - n, "), }");
    total = (10 + n + 1 + 63) / 64 * 64;
    if (total > 256) return 0;
    memset(dst, ' ', total);
    memcpy(dst, "\x93NUMPY\1\0", 8);
    dst[8] = (char)((total - 10) & 255);
    dst[9] = (char)((total - 10) >> 8);
    memcpy(dst + 10, text, n);
    dst[total - 1] = '\n';
    return total;
}
PAW_DEF paw_err paw_npy_save(paw_ctx *c, const char *path, const float *data, int ndim,
                             const size_t *shape)
{
    char head[256];
    size_t n, count = 0;
    paw__out o;
    paw_err e;
    if (!c) return PAW_E_ARG;
    n = path ? paw_npy_header("<f4", ndim, shape, head) : 0;
    if (!n || !paw__shape_count(shape, ndim, &count) || (count && !data))
        return paw__fail(c, PAW_E_ARG, "paw_npy_save: NULL, or %d dimensions", ndim);
    e = paw__out_open(&o, c, path);
    if (e) return e;
    paw__out_write(&o, head, n);
    paw__out_write(&o, data, count * sizeof *data);
    return paw__out_close(&o);
}

/* ---- slots: every tensor a model is made of, with the shape it must have ---- */

enum { /* sizes that shapes are written in */
    PAW__1, PAW__D, PAW__3D, PAW__F, PAW__T, PAW__P, PAW__R, PAW__H, PAW__3, PAW__END_
};
enum { PAW__VECTOR, PAW__POS_TABLE, PAW__WEIGHT, PAW__BIAS, PAW__Q_BIAS, PAW__V_BIAS };
typedef struct {
    int kind, per_block;
    size_t at; /* offset in the model or block: of a float * or, for weights and biases, a layer */
    int needs; /* flags of the recipe, all of them */
    const char *name;
    int dims[5];
} paw__slot;
#define PAW__OF_MODEL(field) 0, offsetof(paw_model, field)
#define PAW__OF_BLOCK(field) 1, offsetof(paw__vit_block, field)
static const paw__slot paw__slots[] = { /* in this order random weights are drawn */
    {PAW__VECTOR, PAW__OF_MODEL(cls), 0, "cls_token", {PAW__1, PAW__1, PAW__D, PAW__END_, 0}},
    {PAW__POS_TABLE, PAW__OF_MODEL(pos), PAW__POSITIONS, "pos_embed",
     {PAW__1, PAW__T, PAW__D, PAW__END_, 0}},
    {PAW__WEIGHT, PAW__OF_MODEL(patches), 0, "patch_embed.proj.weight",
     {PAW__D, PAW__3, PAW__P, PAW__P, PAW__END_}},
    {PAW__BIAS, PAW__OF_MODEL(patches), 0, "patch_embed.proj.bias", {PAW__D, PAW__END_, 0, 0, 0}},
    {PAW__VECTOR, PAW__OF_MODEL(rel), PAW__RELATIVE, "rel_pos_bias.relative_position_bias_table",
     {PAW__R, PAW__H, PAW__END_, 0, 0}},
    {PAW__VECTOR, PAW__OF_BLOCK(gamma1), PAW__SCALES, "gamma_1", {PAW__D, PAW__END_, 0, 0, 0}},
    {PAW__VECTOR, PAW__OF_BLOCK(gamma2), PAW__SCALES, "gamma_2", {PAW__D, PAW__END_, 0, 0, 0}},
    {PAW__VECTOR, PAW__OF_BLOCK(norm1.w), 0, "norm1.weight", {PAW__D, PAW__END_, 0, 0, 0}},
    {PAW__VECTOR, PAW__OF_BLOCK(norm1.b), 0, "norm1.bias", {PAW__D, PAW__END_, 0, 0, 0}},
    {PAW__Q_BIAS, PAW__OF_BLOCK(qkv), PAW__QV_BIAS, "attn.q_bias", {PAW__D, PAW__END_, 0, 0, 0}},
    {PAW__V_BIAS, PAW__OF_BLOCK(qkv), PAW__QV_BIAS, "attn.v_bias", {PAW__D, PAW__END_, 0, 0, 0}},
    {PAW__WEIGHT, PAW__OF_BLOCK(qkv), 0, "attn.qkv.weight", {PAW__3D, PAW__D, PAW__END_, 0, 0}},
    {PAW__BIAS, PAW__OF_BLOCK(qkv), PAW__QKV_BIAS, "attn.qkv.bias",
     {PAW__3D, PAW__END_, 0, 0, 0}},
    {PAW__WEIGHT, PAW__OF_BLOCK(proj), 0, "attn.proj.weight", {PAW__D, PAW__D, PAW__END_, 0, 0}},
    {PAW__BIAS, PAW__OF_BLOCK(proj), 0, "attn.proj.bias", {PAW__D, PAW__END_, 0, 0, 0}},
    {PAW__VECTOR, PAW__OF_BLOCK(norm2.w), 0, "norm2.weight", {PAW__D, PAW__END_, 0, 0, 0}},
    {PAW__VECTOR, PAW__OF_BLOCK(norm2.b), 0, "norm2.bias", {PAW__D, PAW__END_, 0, 0, 0}},
    {PAW__WEIGHT, PAW__OF_BLOCK(fc1), 0, "mlp.fc1.weight", {PAW__F, PAW__D, PAW__END_, 0, 0}},
    {PAW__BIAS, PAW__OF_BLOCK(fc1), 0, "mlp.fc1.bias", {PAW__F, PAW__END_, 0, 0, 0}},
    {PAW__WEIGHT, PAW__OF_BLOCK(fc2), 0, "mlp.fc2.weight", {PAW__D, PAW__F, PAW__END_, 0, 0}},
    {PAW__BIAS, PAW__OF_BLOCK(fc2), 0, "mlp.fc2.bias", {PAW__D, PAW__END_, 0, 0, 0}},
    {PAW__VECTOR, PAW__OF_MODEL(norm.w), 0, "norm.weight", {PAW__D, PAW__END_, 0, 0, 0}},
    {PAW__VECTOR, PAW__OF_MODEL(norm.b), 0, "norm.bias", {PAW__D, PAW__END_, 0, 0, 0}},
};
static size_t paw__model_size(const paw_model *m, int what)
{
    switch (what) {
    case PAW__1: return 1;
    case PAW__3: return 3;
    case PAW__D: return (size_t)m->dim;
    case PAW__3D: return 3 * (size_t)m->dim;
    case PAW__F: return (size_t)m->hidden;
    case PAW__T: return (size_t)m->grid * (size_t)m->grid + 1;
    case PAW__P: return (size_t)m->patch;
    case PAW__R: return (size_t)m->table_rows;
    default: return (size_t)m->heads;
    }
}
static int paw__slot_shape(const paw_model *m, const paw__slot *s, size_t shape[PAW_MAX_DIMS])
{
    int n = 0;
    for (; s->dims[n] != PAW__END_; ++n) shape[n] = paw__model_size(m, s->dims[n]);
    return n;
}
static int paw__slot_blocks(const paw_model *m, const paw__slot *s) /* how many it stands in */
{
    if (s->needs & ~paw__recipes[m->recipe].has) return 0;
    return s->per_block ? m->depth : 1;
}
/* Heads that a slot's rows and columns are padded by. */
static size_t paw__slot_row_heads(const paw_model *m, const paw__slot *s)
{
    return s->per_block && s->at == offsetof(paw__vit_block, qkv) ? 3 * (size_t)m->heads : 1;
}
static size_t paw__slot_column_heads(const paw_model *m, const paw__slot *s)
{
    return s->per_block && s->at == offsetof(paw__vit_block, proj) ? (size_t)m->heads : 1;
}
static void paw__slot_name(const paw__slot *s, int block, char *out, size_t bytes)
{
    if (s->per_block) snprintf(out, bytes, "blocks.%d.%s", block, s->name);
    else snprintf(out, bytes, "%s", s->name);
}

/* ---- reading a checkpoint ---- */

#define PAW__NAME_BYTES 640
typedef struct {
    paw_ctx *c;
    const paw_tensors *t;
    paw_model *m;
    int allow_nonfinite;
    char prefix[64], head[64], predictor[64]; /* of the encoder, its head, MoCo's predictor */
    char name[PAW__NAME_BYTES];               /* of the tensor in hand */
    const paw__tensor *x;                     /* the tensor in hand; NULL: no such name */
    float *data;                              /* what it holds, grown as needed */
    size_t data_count;
} paw__builder;

static PAW__PRINTF(2, 3) int paw__take(paw__builder *r, const char *format, ...) /* 0: not there */
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->name, sizeof r->name, format, args);
    va_end(args);
    r->x = (const paw__tensor *)paw__find_name(r->t->sorted, r->t->count, r->name);
    return r->x != NULL;
}
/* The tensor whose name shares most of its beginning and end with that wanted. */
static const char *paw__nearest_name(const paw__builder *r)
{
    const size_t n = strlen(r->name);
    const char *best = "none";
    size_t i, most = 0;
    for (i = 0; i < r->t->count; ++i) {
        const char *name = paw__name_of(r->t->items[i]);
        const size_t k = strlen(name);
        size_t a = 0, b = 0;
        while (a < k && name[a] == r->name[a]) ++a;
        while (a + b < paw__min(n, k) && name[k - 1 - b] == r->name[n - 1 - b]) ++b;
        if (a + b <= most) continue;
        most = a + b;
        best = name;
    }
    return best;
}
/* Names the tensor wanted, what comes nearest, and up to nine more that are missing. */
static paw_err paw__take_failed(paw__builder *r)
{
    char more[384] = "", name[128], full[PAW__NAME_BYTES];
    size_t i, n = 0, at = 0;
    int b;
    for (i = 0; i < PAW__COUNT(paw__slots); ++i)
        for (b = 0; b < paw__slot_blocks(r->m, &paw__slots[i]); ++b) {
            paw__slot_name(&paw__slots[i], b, name, sizeof name);
            snprintf(full, sizeof full, "%s%s", r->prefix, name);
            if (!strcmp(full, r->name) || paw__find_name(r->t->sorted, r->t->count, full)) continue;
            if (++n <= 9 && at < sizeof more)
                at += (size_t)snprintf(more + at, sizeof more - at, ", %s", name);
        }
    snprintf(name, sizeof name, "; %zu more are missing: ", n);
    return paw__fail(r->c, PAW_E_KEY, "%s: %s checkpoint without tensor '%s'; nearest is '%s'%s%s",
                     r->t->source, paw__recipes[r->m->recipe].name, r->name, paw__nearest_name(r),
                     n ? name : "", n ? more + 2 : "");
}
static paw_err paw__take_bad(paw__builder *r, const char *want)
{
    char got[192];
    return paw__fail(r->c, PAW_E_SHAPE, "%s: tensor '%s' has shape %s; %s", r->t->source, r->name,
                     paw__shape_text(got, r->x->shape, r->x->ndim), want);
}
/* The tensor in hand must be there and have the given shape. */
static paw_err paw__take_shape(paw__builder *r, int ndim, const size_t *shape)
{
    char want[192], got[192];
    const paw__tensor *x = r->x;
    if (!x) return paw__take_failed(r);
    if (x->ndim == ndim && !memcmp(x->shape, shape, (size_t)ndim * sizeof *shape)) return PAW_OK;
    return paw__fail(r->c, PAW_E_SHAPE, "%s: tensor '%s' has shape %s, not %s", r->t->source,
                     r->name, paw__shape_text(got, x->shape, x->ndim),
                     paw__shape_text(want, shape, ndim));
}
static paw_err paw__take_matrix(paw__builder *r, size_t k) /* [n, k], n as it is */
{
    if (!r->x) return paw__take_failed(r);
    if (r->x->ndim == 2 && r->x->shape[1] == k && r->x->shape[0] >= 1 && r->x->shape[0] <= 1048576)
        return PAW_OK;
    return paw__take_bad(r, "its input does not fit the layer before");
}
/* Counts the weights of the tensor in hand and makes room for some of them in r->data. */
static paw_err paw__builder_room(paw__builder *r, size_t room)
{
    paw_err e;
    r->m->parameters += r->x->count;
    r->m->rounded += r->x->dtype == PAW_F64;
    e = paw__tensors_back(r->c, r->t, r->name, r->m->parameters);
    if (e || room <= r->data_count) return e;
    paw__free(r->data);
    r->data_count = 0;
    r->data = (float *)paw__alloc(r->c, room, sizeof *r->data);
    if (!r->data) return PAW_E_OOM;
    r->data_count = room;
    return PAW_OK;
}
/* Reads n values from the first-th on into r->data; of a tensor with strides all. */
static paw_err paw__builder_part(paw__builder *r, size_t first, size_t n)
{
    paw__tensor part = *r->x;
    part.offset += first * paw__dtype_bytes(part.dtype);
    part.count = n;
    return paw__tensor_read(r->c, r->t, &part, PAW_F32, r->data);
}
/* E_NUM at the first of n values in r->data that is not finite; they are the first-th and on. */
static paw_err paw__builder_finite(paw__builder *r, size_t first, size_t n)
{
    size_t i;
    for (i = 0; i < n && !r->allow_nonfinite; ++i)
        if (!(fabsf(r->data[i]) <= FLT_MAX))
            return paw__fail(r->c, PAW_E_NUM, "%s: tensor '%s' holds a value that is not finite "
                             "at index %zu", r->t->source, r->name, first + i);
    return PAW_OK;
}
static paw_err paw__builder_values(paw__builder *r) /* the tensor in hand to r->data */
{
    const size_t n = r->x->count;
    paw_err e = paw__builder_room(r, n);
    if (!e) e = paw__builder_part(r, 0, n);
    return e ? e : paw__builder_finite(r, 0, n);
}
static paw_err paw__builder_read(paw__builder *r, int ndim, const size_t *shape)
{
    const paw_err e = paw__take_shape(r, ndim, shape);
    return e ? e : paw__builder_values(r);
}

/* ---- from tensor to packed weights ---- */

/* Makes room for a layer of w [n, k]; bias zero until it is read. */
static paw_err paw__model_linear(paw__builder *r, paw__linear *l, size_t n, size_t k,
                                 size_t n_heads, size_t k_heads, int bf16)
{
    size_t count;
    void *w;
    l->n = n;
    l->k = k;
    l->n_padded = paw__spread_size(n, n_heads);
    l->k_padded = paw__spread_size(k, k_heads);
    if (!paw__mul(l->n_padded, l->k_padded, &count)) return PAW_E_OOM;
    w = paw__model_alloc(r->c, r->m, count, bf16 ? sizeof *l->w16 : sizeof *l->w);
    if (bf16) l->w16 = (uint16_t *)w;
    else l->w = (float *)w;
    l->bias = (float *)paw__model_calloc(r->c, r->m, l->n_padded, sizeof *l->bias);
    return w && l->bias ? PAW_OK : PAW_E_OOM;
}
/* The same, packed from a matrix in memory. */
static paw_err paw__model_pack(paw__builder *r, const float *w, size_t n, size_t k, paw__linear *l)
{
    const paw_err e = paw__model_linear(r, l, n, k, 1, 1, 0);
    if (!e) paw__pack_b(w, n, k, 1, 1, l->w);
    return e;
}
#define PAW__READ_COUNT 16384 /* floats read at a time: they are packed from the cache */
/* The same, from the tensor in hand, n rows, which is never in memory as a whole. */
static paw_err paw__builder_linear(paw__builder *r, size_t n, size_t n_heads, size_t k_heads,
                                   int bf16, paw__linear *l)
{
    const size_t k = r->x->count / n;
    const size_t most = r->x->strided ? n : paw__min(n, paw__max(16, PAW__READ_COUNT / k));
    size_t p, first, base = 0, held = 0; /* r->data has rows base to base + held */
    float *panel = NULL;                 /* on its way to bf16 */
    paw_err e = paw__builder_room(r, most * k);
    if (!e) e = paw__model_linear(r, l, n, k, n_heads, k_heads, bf16);
    if (!e && bf16 && !(panel = (float *)paw__alloc(r->c, 16 * l->k_padded, sizeof *panel)))
        e = PAW_E_OOM;
    for (p = 0; !e && p < l->n_padded / 16; ++p) {
        const size_t rows = paw__panel_source(n, n_heads, p, &first);
        if (first + rows > base + held) {
            base = first;
            held = paw__min(most, n - first);
            e = paw__builder_part(r, base * k, held * k);
        }
        if (!e && !paw__pack_panel(r->data + (first - base) * k, rows, k, k_heads,
                                   bf16 ? panel : l->w + p * 16 * l->k_padded))
            e = paw__builder_finite(r, base * k, held * k);
        if (!e && bf16) paw__narrow_panel(panel, l->k_padded, l->w16 + p * 16 * l->k_padded);
    }
    paw__free(panel);
    return e;
}
static void paw__model_bias(paw__builder *r, paw__linear *l, size_t from, size_t n, size_t heads)
{
    size_t i;
    for (i = 0; i < n; ++i) l->bias[paw__spread(from + i, l->n, heads)] = r->data[i];
}
/* The first row of the position table is the class token's. */
static paw_err paw__model_positions(paw__builder *r)
{
    paw_model *m = r->m;
    const size_t d = (size_t)m->dim, n = (size_t)m->grid * (size_t)m->grid * d;
    size_t i;
    m->pos = (float *)paw__model_alloc(r->c, m, n, sizeof *m->pos);
    if (!m->pos) return PAW_E_OOM;
    for (i = 0; i < d; ++i) m->cls[i] += r->data[i];
    memcpy(m->pos, r->data + d, n * sizeof *m->pos);
    return PAW_OK;
}
static paw_err paw__model_vector(paw__builder *r, float **out)
{
    const size_t n = r->x->count;
    *out = (float *)paw__model_calloc(r->c, r->m, paw__up16(n), sizeof **out);
    if (*out) memcpy(*out, r->data, n * sizeof **out);
    return *out ? PAW_OK : PAW_E_OOM;
}
static paw_err paw__builder_slot(paw__builder *r, const paw__slot *s, int block)
{
    paw_model *m = r->m;
    void *base = s->per_block ? (void *)(m->blocks + block) : (void *)m;
    void *field = (char *)base + s->at;
    const size_t heads = paw__slot_row_heads(m, s);
    size_t shape[PAW_MAX_DIMS];
    char name[128];
    const int n = paw__slot_shape(m, s, shape);
    paw_err e;
    paw__slot_name(s, block, name, sizeof name);
    paw__take(r, "%s%s", r->prefix, name);
    e = paw__take_shape(r, n, shape);
    if (!e && s->kind == PAW__WEIGHT)
        return paw__builder_linear(r, shape[0], heads, paw__slot_column_heads(m, s),
                                   block && m->dtype == PAW_BF16, (paw__linear *)field);
    if (!e) e = paw__builder_values(r);
    if (e) return e;
    if (s->kind == PAW__POS_TABLE) return paw__model_positions(r);
    if (s->kind == PAW__VECTOR) return paw__model_vector(r, (float **)field);
    paw__model_bias(r, (paw__linear *)field, s->kind == PAW__V_BIAS ? 2 * shape[0] : 0, shape[0],
                    heads);
    return PAW_OK;
}
/* A block tensor that no slot names would change the result: layer scale or query norms of another
   family, blocks beyond a gap. The index of relative positions is derived from the grid. */
static paw_err paw__builder_strangers(paw__builder *r)
{
    const size_t n = strlen(r->prefix);
    size_t i, k;
    for (i = 0; i < r->t->count; ++i) {
        const char *full = paw__name_of(r->t->items[i]), *name;
        int block = 0, known = 0;
        if (strncmp(full, r->prefix, n) || strncmp(full + n, "blocks.", 7)) continue;
        for (name = full + n + 7; *name >= '0' && *name <= '9' && block < 65536; ++name)
            block = block * 10 + (*name - '0');
        name += *name == '.';
        for (k = 0; k < PAW__COUNT(paw__slots) && block < r->m->depth; ++k)
            known |= paw__slots[k].per_block && paw__slot_blocks(r->m, &paw__slots[k]) &&
                     !strcmp(name, paw__slots[k].name);
        if (!known && strcmp(name, "attn.relative_position_index"))
            return paw__fail(r->c, PAW_E_UNSUP, "%s: tensor '%s' is no part of a %s encoder of %d "
                             "blocks", r->t->source, full, paw__recipes[r->m->recipe].name,
                             r->m->depth);
    }
    if (paw__take(r, "%sregister_tokens", r->prefix))
        return paw__fail(r->c, PAW_E_UNSUP, "%s: register tokens ('%s') are not supported",
                         r->t->source, r->name);
    return PAW_OK;
}
/* One allocation for what the slots hold, so that it fills whole huge pages. No more than the
   file can back: its shapes are not checked yet. */
static paw_err paw__builder_reserve(paw__builder *r)
{
    paw_model *m = r->m;
    size_t shape[PAW_MAX_DIMS], i, bytes = 0;
    for (i = 0; i < PAW__COUNT(paw__slots); ++i) {
        const paw__slot *s = &paw__slots[i];
        size_t count = 1, rows = 0;
        int n;
        for (n = paw__slot_shape(m, s, shape); n-- > 0;) count *= shape[n];
        if (s->kind == PAW__WEIGHT) {
            rows = paw__spread_size(shape[0], paw__slot_row_heads(m, s));
            count = rows * paw__spread_size(count / shape[0], paw__slot_column_heads(m, s));
        }
        bytes += (paw__up16(count) + rows) * sizeof(float) * (size_t)paw__slot_blocks(m, s);
    }
    if (r->t->io.read && bytes / 4 > r->t->io.bytes) bytes = 4 * (size_t)r->t->io.bytes;
    m->room = (uint8_t *)paw__model_own(r->c, m, bytes);
    m->room_bytes = m->room ? bytes : 0;
    return m->room ? PAW_OK : PAW_E_OOM;
}
/* Slots of the model, or of a block: q_bias and v_bias last, as their weights stand after them. */
static paw_err paw__builder_slots(paw__builder *r, int per_block, int block)
{
    paw_err e = PAW_OK;
    size_t i;
    int late;
    for (late = 0; late < 2; ++late)
        for (i = 0; !e && i < PAW__COUNT(paw__slots); ++i) {
            const paw__slot *s = &paw__slots[i];
            if (s->per_block == per_block && paw__slot_blocks(r->m, s) &&
                late == (s->kind == PAW__Q_BIAS || s->kind == PAW__V_BIAS))
                e = paw__builder_slot(r, s, block);
        }
    return e;
}
static paw_err paw__builder_encoder(paw__builder *r)
{
    int b;
    paw_err e = paw__builder_reserve(r);
    if (!e) e = paw__builder_slots(r, 0, 0);
    for (b = 0; !e && b < r->m->depth; ++b) e = paw__builder_slots(r, 1, b);
    return e;
}

/* ---- what is in the file: prefix, family, sizes ---- */

typedef struct {
    const char *prefix;
    int student, recipe; /* recipe: PAW_RECIPE_AUTO where the names must decide */
} paw__container;
static const paw__container paw__containers[] = { /* protocol 1.2; first match counts */
    {"state_dict.module.base_encoder.", 0, PAW_MOCOV3},
    {"module.base_encoder.", 0, PAW_MOCOV3},
    {"student.module.backbone.", 1, PAW_DINO},
    {"student.backbone.", 1, PAW_DINO},
    {"teacher.backbone.", 0, PAW_DINO},
    {"teacher.module.backbone.", 0, PAW_DINO},
    {"model.encoder.", 0, PAW_CAE},
    {"model.", 0, PAW_RECIPE_AUTO},
    {"state_dict.", 0, PAW_IBOT},
    {"", 0, PAW_DINO},
};
static const paw__container *paw__builder_container(paw__builder *r, int student)
{
    const paw__container *box = paw__containers, *end = box + PAW__COUNT(paw__containers);
    for (; box < end; ++box)
        if (box->student == student && paw__take(r, "%spatch_embed.proj.weight", box->prefix))
            return box;
    return NULL;
}
static void paw__swap_tail(const char *prefix, const char *tail, const char *by, char *out,
                           size_t bytes)
{
    const size_t n = strlen(prefix), k = strlen(tail);
    if (n >= k && !strcmp(prefix + n - k, tail))
        snprintf(out, bytes, "%.*s%s", (int)(n - k), prefix, by);
    else
        snprintf(out, bytes, "%s%s", prefix, by);
}
static int paw__recipe_find(const char *name)
{
    int i;
    for (i = 1; name && i < PAW_RECIPES; ++i)
        if (!strcmp(name, paw__recipes[i].name)) return i;
    return PAW_RECIPE_AUTO;
}
static int paw__has_layer(paw__builder *r, const char *name)
{
    return paw__take(r, "%s%s.weight", r->head, name) ||
           paw__take(r, "%s%s.weight_v", r->head, name);
}
static int paw__builder_recipe(paw__builder *r, const paw__container *box)
{
    const int stored = paw__recipe_find(paw_tensors_meta(r->t, "partaware.recipe"));
    if (stored) return stored;
    if (paw__take(r, "%srel_pos_bias.relative_position_bias_table", r->prefix)) return PAW_BEIT;
    if (paw__take(r, "%sblocks.0.attn.q_bias", r->prefix))
        return paw__take(r, "%spos_embed", r->prefix) ? PAW_CAE : PAW_BEIT;
    if (paw__take(r, "%shead.weight", r->prefix)) return PAW_DEIT;
    if (box->recipe == PAW_RECIPE_AUTO) return PAW_MAE;
    if (box->recipe == PAW_DINO && (paw__has_layer(r, "last_layer2") ||
                                    paw__take(r, "%smasked_embed", r->prefix)))
        return PAW_IBOT;
    return box->recipe;
}
/* Fills prefix, head, predictor and the family (recipe, or found when that is 0). */
static paw_err paw__builder_open(paw__builder *r, int student, int recipe)
{
    const char *source = r->t->source;
    const paw__container *box = paw__builder_container(r, student);
    if (!box && student)
        return paw__fail(r->c, PAW_E_KEY, "%s: holds no student network", source);
    if (!box)
        return paw__fail(r->c, PAW_E_KEY, "%s: no encoder in it: 'patch_embed.proj.weight' under "
                         "none of the known prefixes", source);
    snprintf(r->prefix, sizeof r->prefix, "%s", box->prefix);
    paw__swap_tail(r->prefix, "backbone.", "head.", r->head, sizeof r->head);
    paw__swap_tail(r->prefix, "base_encoder.", "predictor.", r->predictor, sizeof r->predictor);
    r->m->recipe = recipe ? recipe : paw__builder_recipe(r, box);
    if (paw__take(r, "%sdist_token", r->prefix))
        return paw__fail(r->c, PAW_E_UNSUP, "%s: a distilled DeiT (tensor '%s'), which the paper's "
                         "pipeline cannot use; take the plain checkpoint", source, r->name);
    if (paw__take(r, "%sblocks.0.attn.relative_position_bias_table", r->prefix))
        return paw__fail(r->c, PAW_E_UNSUP, "%s: a relative bias per layer (tensor '%s'): a "
                         "fine-tuned BEiT, not the pretrained one", source, r->name);
    return PAW_OK;
}
static int paw__square_root(size_t n) /* -1 where n is no square */
{
    size_t s = 0;
    while (s * s < n && s < 4096) ++s;
    return s * s == n ? (int)s : -1;
}
/* The grid of the stored table: pos_embed, or BEiT's relative table of (2 g - 1)^2 + 3 rows. */
static paw_err paw__builder_grid(paw__builder *r)
{
    paw_model *m = r->m;
    int side;
    if (paw__recipes[m->recipe].has & PAW__POSITIONS) {
        if (!paw__take(r, "%spos_embed", r->prefix)) return paw__take_failed(r);
        side = r->x->ndim == 3 && r->x->shape[1] > 1 ? paw__square_root(r->x->shape[1] - 1) : -1;
        if (side < 1) return paw__take_bad(r, "[1, 1 + g * g, width] was expected");
        m->grid = side;
        return PAW_OK;
    }
    if (!paw__take(r, "%srel_pos_bias.relative_position_bias_table", r->prefix))
        return paw__take_failed(r);
    side = r->x->ndim == 2 && r->x->shape[0] > 3 ? paw__square_root(r->x->shape[0] - 3) : -1;
    if (side < 3 || side % 2 == 0)
        return paw__take_bad(r, "[(2 g - 1)^2 + 3, heads] was expected");
    m->table_rows = (int)r->x->shape[0];
    m->grid = (side + 1) / 2;
    m->heads = m->heads ? m->heads : (int)r->x->shape[1];
    return PAW_OK;
}
static int paw__default_heads(int recipe, int dim)
{
    return dim == 384 ? paw__recipes[recipe].narrow_heads : dim / 64;
}
#define PAW__MAX_BLOCKS 512
static paw_err paw__builder_sizes(paw__builder *r, const paw_model_opts *o)
{
    paw_model *m = r->m;
    const char *stored = paw_tensors_meta(r->t, "partaware.heads");
    const size_t *shape;
    paw_err e;
    if (!paw__take(r, "%spatch_embed.proj.weight", r->prefix)) return paw__take_failed(r);
    shape = r->x->shape;
    if (r->x->ndim != 4 || shape[1] != 3 || shape[2] != shape[3] || shape[2] < 1 ||
        shape[2] > 128 || shape[0] < 1 || shape[0] > 16384)
        return paw__take_bad(r, "[width, 3, patch, patch] was expected");
    m->dim = (int)shape[0];
    m->patch = (int)shape[2];
    m->heads = o->heads;
    for (; stored && !o->heads && *stored >= '0' && *stored <= '9' && m->heads < 1000; ++stored)
        m->heads = m->heads * 10 + (*stored - '0');
    e = paw__builder_grid(r);
    if (e) return e;
    while (m->depth < PAW__MAX_BLOCKS &&
           paw__take(r, "%sblocks.%d.norm1.weight", r->prefix, m->depth))
        ++m->depth;
    if (!m->depth || !paw__take(r, "%sblocks.0.mlp.fc1.weight", r->prefix))
        return paw__take_failed(r);
    if (r->x->ndim != 2 || r->x->shape[0] < 1 || r->x->shape[0] > 65536)
        return paw__take_bad(r, "[hidden, width] was expected");
    m->hidden = (int)r->x->shape[0];
    if (!m->heads) m->heads = paw__default_heads(m->recipe, m->dim);
    if (m->heads < 1 || m->dim % m->heads)
        return paw__fail(r->c, PAW_E_SHAPE, "%s: width %d does not divide into %d heads; give the "
                         "number of heads", r->t->source, m->dim, m->heads);
    return PAW_OK;
}

/* ---- heads in the file: projectors (protocol 2) and class scores ---- */

/* Linear name.weight (+ .bias) with k inputs. */
static paw_err paw__builder_layer(paw__builder *r, const char *name, size_t k, paw__linear *l)
{
    paw_err e;
    paw__take(r, "%s.weight", name);
    e = paw__take_matrix(r, k);
    if (!e) e = paw__builder_linear(r, r->x->shape[0], 1, 1, 0, l);
    if (e || !paw__take(r, "%s.bias", name)) return e;
    e = paw__builder_read(r, 1, &l->n);
    if (!e) paw__model_bias(r, l, 0, l->n, 1);
    return e;
}
/* Batch norm in evaluation, folded: y = x * s + (b - mean * s), s = w / sqrt(var + 1e-5). */
static paw_err paw__builder_batch_norm(paw__builder *r, const char *prefix, int index,
                                       paw__linear *l)
{
    static const char *const names[] = {"running_var", "weight", "running_mean", "bias"};
    double *v = (double *)paw__alloc(r->c, 4 * l->n, sizeof *v);
    paw_err e = v ? PAW_OK : PAW_E_OOM;
    size_t i;
    int k;
    for (k = 0; !e && k < 4; ++k) {
        const int affine = k % 2, there = paw__take(r, "%s%d.%s", prefix, index, names[k]);
        for (i = 0; i < l->n; ++i) v[(size_t)k * l->n + i] = k == 1 ? 1.0 : 0.0;
        if (affine && !there) continue;
        e = paw__builder_read(r, 1, &l->n);
        for (i = 0; !e && i < l->n; ++i) v[(size_t)k * l->n + i] = (double)r->data[i];
    }
    if (!e && !(l->scale = (float *)paw__model_calloc(r->c, r->m, l->n_padded, sizeof(float))))
        e = PAW_E_OOM;
    for (i = 0; !e && i < l->n; ++i) {
        const double s = v[l->n + i] / sqrt(v[i] + 1e-5);
        l->scale[i] = (float)s;
        l->bias[i] = (float)paw__mul_add(-v[2 * l->n + i], s, v[3 * l->n + i]);
        if (r->allow_nonfinite ||
            (fabsf(l->scale[i]) <= FLT_MAX && fabsf(l->bias[i]) <= FLT_MAX))
            continue;
        e = paw__fail(r->c, PAW_E_NUM, "%s: batch norm '%s%d' is not finite for channel %zu",
                      r->t->source, prefix, index, i);
    }
    paw__free(v);
    return e;
}
/* MoCo v3: Linear, BN, ReLU, ..., Linear, BN (protocol 2): layers at 0, 3, 6. */
static paw_err paw__builder_moco(paw__builder *r, const char *prefix, size_t k, paw__mlp *p)
{
    char name[96];
    paw_err e = PAW_OK;
    p->act = PAW__RELU;
    for (; !e && p->count < PAW__MAX_LAYERS; ++p->count) {
        paw__linear *l = &p->layer[p->count];
        const int index = 3 * p->count;
        if (!paw__take(r, "%s%d.weight", prefix, index)) break;
        snprintf(name, sizeof name, "%s%d", prefix, index);
        e = paw__builder_layer(r, name, k, l);
        if (!e) e = paw__builder_batch_norm(r, prefix, index + 1, l);
        k = l->n;
    }
    return e;
}
/* Layer `name` of k inputs as stored, or weight-normalised: row o of W = g_o v_o / |v_o|. The rows
   stay in r->data. */
static paw_err paw__builder_prototypes(paw__builder *r, const char *name, size_t k, paw__linear *l)
{
    const int stored = paw__take(r, "%s%s.weight", r->head, name);
    float *g = NULL;
    size_t shape[2], i, o;
    paw_err e;
    if (!stored) paw__take(r, "%s%s.weight_v", r->head, name);
    e = paw__take_matrix(r, k);
    if (e) return e;
    shape[0] = r->x->shape[0];
    shape[1] = 1;
    if (!stored) {
        paw__take(r, "%s%s.weight_g", r->head, name);
        e = paw__builder_read(r, 2, shape);
        if (e) return e;
        g = (float *)paw__alloc(r->c, shape[0], sizeof *g);
        if (!g) return PAW_E_OOM;
        memcpy(g, r->data, shape[0] * sizeof *g);
        paw__take(r, "%s%s.weight_v", r->head, name);
    }
    e = paw__builder_values(r);
    for (o = 0; !e && g && o < shape[0]; ++o) {
        float *row = r->data + o * k;
        double sum = 0, f;
        for (i = 0; i < k; ++i) sum = paw__mul_add((double)row[i], (double)row[i], sum);
        f = sum > 0 ? (double)g[o] / sqrt(sum) : 0.0;
        for (i = 0; i < k; ++i) row[i] = (float)((double)row[i] * f);
    }
    paw__free(g);
    return e ? e : paw__model_pack(r, r->data, shape[0], k, l);
}
#define PAW__MAX_BOTTLENECK 1024 /* officially 256; bounds the time of the Gram matrix */
static paw_err paw__builder_gram(paw__builder *r, size_t k)
{
    float *lt;
    paw__team team;
    paw_err e;
    if (k > PAW__MAX_BOTTLENECK)
        return paw__fail(r->c, PAW_E_LIMIT, "%s: a projector's bottleneck of %zu: more than %d",
                         r->t->source, k, PAW__MAX_BOTTLENECK);
    lt = (float *)paw__alloc(r->c, k * k, sizeof *lt);
    if (!lt) return PAW_E_OOM;
    team = paw__team_of(r->c);
    e = paw__gram(&team, r->data, r->m->prototypes.n, k, lt);
    if (!e) e = paw__model_pack(r, lt, k, k, &r->m->gram);
    paw__free(lt);
    return e;
}
/* DINO and iBOT: Linear, GELU, Linear, GELU, Linear, unit length, prototypes. */
static paw_err paw__builder_dino(paw__builder *r)
{
    paw__mlp *p = &r->m->projector;
    size_t k = (size_t)r->m->dim;
    char name[96];
    paw_err e = PAW_OK;
    p->act = PAW__GELU;
    for (; !e && p->count < PAW__MAX_LAYERS; ++p->count) {
        snprintf(name, sizeof name, "%smlp.%d", r->head, 2 * p->count);
        if (!paw__take(r, "%s.weight", name)) break;
        e = paw__builder_layer(r, name, k, &p->layer[p->count]);
        k = p->layer[p->count].n;
    }
    if (!e) e = paw__builder_prototypes(r, "last_layer", k, &r->m->prototypes);
    if (!e) e = paw__builder_gram(r, k);
    if (!e && paw__has_layer(r, "last_layer2"))
        e = paw__builder_prototypes(r, "last_layer2", k, &r->m->patch_prototypes);
    return e;
}
static paw_err paw__builder_heads(paw__builder *r)
{
    char name[sizeof r->head];
    paw_model *m = r->m;
    paw_err e;
    if (m->recipe == PAW_MOCOV3 && paw__take(r, "%s0.weight", r->head)) {
        e = paw__builder_moco(r, r->head, (size_t)m->dim, &m->projector);
        if (e || !paw__take(r, "%s0.weight", r->predictor)) return e;
        return paw__builder_moco(r, r->predictor, m->projector.layer[m->projector.count - 1].n,
                                 &m->predictor);
    }
    if ((m->recipe == PAW_DINO || m->recipe == PAW_IBOT) &&
        paw__take(r, "%smlp.0.weight", r->head))
        return paw__builder_dino(r);
    if (!paw__take(r, "%sweight", r->head)) return PAW_OK;
    m->scores.count = 1;
    snprintf(name, sizeof name, "%.*s", (int)strlen(r->head) - 1, r->head); /* no dot */
    return paw__builder_layer(r, name, (size_t)m->dim, &m->scores.layer[0]);
}

static paw_err paw__builder_model(paw__builder *r, const paw_model_opts *o)
{
    paw_model *m = r->m;
    paw_err e = paw__builder_open(r, o->network == PAW_STUDENT, o->recipe);
    if (!e) e = paw__builder_sizes(r, o);
    if (e) return e;
    m->position = o->position ? o->position : paw__recipes[m->recipe].position;
    m->blocks = (paw__vit_block *)paw__model_calloc(r->c, m, (size_t)m->depth, sizeof *m->blocks);
    if (!m->blocks) return PAW_E_OOM;
    e = paw__builder_strangers(r);
    if (!e) e = paw__builder_encoder(r);
    return e ? e : paw__builder_heads(r);
}
PAW_DEF paw_err paw_model_from_tensors(paw_ctx *c, const paw_tensors *t, const paw_model_opts *opts,
                                       paw_model **out)
{
    paw_model_opts o;
    paw__builder r;
    paw_err e;
    PAW__ENTER(c);
    memset(&o, 0, sizeof o);
    if (opts) o = *opts;
    if (!t || !out || o.recipe < 0 || o.recipe >= PAW_RECIPES || o.heads < 0 || o.heads > 1024 ||
        !(o.norm_eps >= 0.0f && o.norm_eps < 1.0f) ||
        (o.network != PAW_TEACHER && o.network != PAW_STUDENT) || o.position < 0 ||
        o.position > PAW_POS_SCALE || (o.dtype != PAW_F32 && o.dtype != PAW_BF16))
        return paw__fail(c, PAW_E_ARG, "model: NULL, recipe, heads, eps, network, position, dtype");
    memset(&r, 0, sizeof r);
    r.c = c;
    r.t = t;
    r.allow_nonfinite = o.allow_nonfinite;
    r.m = (paw_model *)paw__calloc(c, 1, sizeof *r.m);
    if (!r.m) return PAW_E_OOM;
    r.m->dtype = o.dtype;
    r.m->eps = o.norm_eps > 0.0f ? o.norm_eps : 1e-6f;
    e = paw__builder_model(&r, &o);
    paw__free(r.data);
    if (e) paw_model_free(r.m);
    else *out = r.m;
    return e;
}
PAW_DEF paw_err paw_model_load(paw_ctx *c, const char *path, const paw_model_opts *opts,
                               paw_model **out)
{
    paw_tensors *t;
    paw_err e = paw_tensors_open(c, path, &t);
    if (e) return e;
    e = paw_model_from_tensors(c, t, opts, out);
    paw_tensors_close(t);
    return e;
}

/* ---- seeded random models ---- */

typedef struct {
    paw_ctx *c;
    paw_tensors *t;
    uint64_t state;
    paw_err e; /* the first failure; nothing is added after it */
} paw__random;

/* Deviation 1, within 3.5, by sums of four 16-bit numbers: integers only until the last product. */
static float paw__random_normal(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    int32_t sum;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    sum = (int32_t)(z & 0xffff) + (int32_t)(z >> 16 & 0xffff) + (int32_t)(z >> 32 & 0xffff) +
          (int32_t)(z >> 48) - 2 * 65535;
    return (float)sum * 2.642972e-05f;
}
/* Adds a tensor with values base + 0.02 * normal. */
static PAW__PRINTF(5, 6) void paw__random_add(paw__random *r, int ndim, const size_t *shape,
                                              float base, const char *format, ...)
{
    char name[PAW__NAME_BYTES];
    size_t i, n = 0;
    float *data;
    va_list args;
    if (r->e) return;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    r->e = paw__tensors_add(r->c, r->t, name, ndim, shape, &data);
    if (r->e) return;
    paw__shape_count(shape, ndim, &n);
    for (i = 0; i < n; ++i) {
        float x = 0.02f * paw__random_normal(&r->state);
        PAW__KEEP(x);
        data[i] = base + x;
    }
}
static void paw__random_linear(paw__random *r, const char *prefix, const char *name, size_t n,
                               size_t k, int bias)
{
    const size_t shape[2] = {n, k};
    paw__random_add(r, 2, shape, 0.0f, "%s%s.weight", prefix, name);
    if (bias) paw__random_add(r, 1, shape, 0.0f, "%s%s.bias", prefix, name);
}
static void paw__random_moco(paw__random *r, const char *prefix, int layers, size_t k,
                             size_t hidden, size_t n)
{
    static const char *const names[] = {"running_var", "running_mean", "weight", "bias"};
    int i, j;
    for (i = 0; i < layers; ++i) {
        const int last = i + 1 == layers;
        const size_t width = last ? n : hidden;
        char name[32];
        snprintf(name, sizeof name, "%d", 3 * i);
        paw__random_linear(r, prefix, name, width, i ? hidden : k, 0);
        for (j = 0; j < (last ? 2 : 4); ++j)
            paw__random_add(r, 1, &width, j % 2 ? 0.0f : 1.0f, "%s%d.%s", prefix, 3 * i + 1,
                            names[j]);
    }
}
/* Projector of the family, narrower than the official one. */
static void paw__random_heads(paw__random *r, const paw__container *box, const paw_random_spec *s)
{
    const size_t dim = (size_t)s->dim, hidden = 2 * dim, out = (size_t)s->projected;
    const size_t bottleneck = paw__min(256, dim);
    char head[64], predictor[64];
    paw__swap_tail(box->prefix, "backbone.", "head.", head, sizeof head);
    paw__swap_tail(box->prefix, "base_encoder.", "predictor.", predictor, sizeof predictor);
    if (s->classes) paw__random_linear(r, box->prefix, "head", (size_t)s->classes, dim, 1);
    if (!out) return;
    if (s->recipe == PAW_MOCOV3) {
        paw__random_moco(r, head, 3, dim, hidden, out);
        paw__random_moco(r, predictor, 2, out, hidden, out);
        return;
    }
    paw__random_linear(r, head, "mlp.0", hidden, dim, 1);
    paw__random_linear(r, head, "mlp.2", hidden, hidden, 1);
    paw__random_linear(r, head, "mlp.4", bottleneck, hidden, 1);
    paw__random_linear(r, head, "last_layer", out, bottleneck, 0);
    if (s->recipe == PAW_IBOT) paw__random_linear(r, head, "last_layer2", out, bottleneck, 0);
}
static const paw__container *paw__recipe_container(int recipe)
{
    size_t i;
    for (i = 0; i < PAW__COUNT(paw__containers); ++i)
        if (paw__containers[i].recipe == recipe && !paw__containers[i].student &&
            recipe != PAW_IBOT)
            return &paw__containers[i];
    return recipe == PAW_IBOT ? paw__recipe_container(PAW_DINO)
                              : paw__recipe_container(PAW_RECIPE_AUTO);
}
static paw_err paw__random_fill(paw__random *r, const paw_random_spec *s, const paw_model *m)
{
    const paw__container *box = paw__recipe_container(s->recipe);
    const paw__slot *slot = paw__slots, *end = slot + PAW__COUNT(paw__slots);
    char name[128], heads[16];
    int b;
    snprintf(heads, sizeof heads, "%d", m->heads);
    r->e = paw__tensors_set_meta(r->c, r->t, "partaware.recipe", paw__recipes[s->recipe].name);
    if (!r->e) r->e = paw__tensors_set_meta(r->c, r->t, "partaware.heads", heads);
    for (; slot < end; ++slot) {
        size_t shape[PAW_MAX_DIMS];
        const int n = paw__slot_shape(m, slot, shape), unit = strstr(slot->name, "norm") &&
                      strstr(slot->name, "weight");
        const float base = unit ? 1.0f : strstr(slot->name, "gamma") ? 0.1f : 0.0f;
        for (b = 0; b < paw__slot_blocks(m, slot); ++b) {
            paw__slot_name(slot, b, name, sizeof name);
            paw__random_add(r, n, shape, base, "%s%s", box->prefix, name);
        }
    }
    paw__random_heads(r, box, s);
    return r->e;
}
PAW_DEF paw_err paw_tensors_random(paw_ctx *c, const paw_random_spec *s, paw_tensors **out)
{
    const int projector = s && (s->recipe == PAW_MOCOV3 || s->recipe == PAW_DINO ||
                                s->recipe == PAW_IBOT);
    paw__random r;
    paw_model m;
    paw_err e;
    PAW__ENTER(c);
    if (!s || !out || s->recipe <= 0 || s->recipe >= PAW_RECIPES || s->dim < 1 || s->dim > 4096 ||
        s->depth < 1 || s->depth > 128 || s->patch_px < 1 || s->patch_px > 64 ||
        s->image_px < s->patch_px || s->image_px > 4096 || s->image_px % s->patch_px ||
        s->heads < 0 || s->classes < 0 || s->projected < 0 || (s->classes && projector) ||
        (s->projected && !projector))
        return paw__fail(c, PAW_E_ARG, "random: NULL, a size, or what the recipe does not have");
    memset(&m, 0, sizeof m);
    m.recipe = s->recipe;
    m.dim = s->dim;
    m.depth = s->depth;
    m.patch = s->patch_px;
    m.grid = s->image_px / s->patch_px;
    m.hidden = 4 * s->dim;
    m.table_rows = (2 * m.grid - 1) * (2 * m.grid - 1) + 3;
    m.heads = s->heads ? s->heads : paw__default_heads(s->recipe, s->dim);
    if (m.heads < 1 || m.dim % m.heads)
        return paw__fail(c, PAW_E_ARG, "width %d does not divide into %d heads", m.dim, m.heads);
    r.c = c;
    r.state = s->seed;
    e = paw__tensors_memory(c, "random weights", &r.t);
    if (e) return e;
    e = paw__random_fill(&r, s, &m);
    if (e) paw_tensors_close(r.t);
    else *out = r.t;
    return e;
}

/* ---- conversion ---- */

/* Copies the tensor in hand under a new name. */
static paw_err paw__convert_one(paw__builder *r, const char *name, paw_tensors *to)
{
    float *data;
    const paw_err e = paw__tensors_add(r->c, to, name, r->x->ndim, r->x->shape, &data);
    return e ? e : paw__tensor_read(r->c, r->t, r->x, PAW_F32, data);
}
/* What of a name follows the prefix; NULL where it begins otherwise. */
static const char *paw__after(const char *name, const char *prefix)
{
    const size_t n = strlen(prefix);
    return n && !strncmp(name, prefix, n) ? name + n : NULL;
}
/* Integers and what the encoder does not use stay behind. */
static paw_err paw__convert_heads(paw__builder *r, paw_tensors *to)
{
    char name[PAW__NAME_BYTES];
    size_t i;
    paw_err e = PAW_OK;
    for (i = 0; !e && i < r->t->count; ++i) {
        const char *head, *predictor;
        r->x = (const paw__tensor *)r->t->items[i];
        head = paw__after(r->x->name, r->head);
        predictor = paw__after(r->x->name, r->predictor);
        if (r->x->dtype == PAW_I64 || (!head && !predictor)) continue;
        snprintf(name, sizeof name, "%s%s", head ? "head." : "predictor.", head ? head : predictor);
        e = paw__convert_one(r, name, to);
    }
    return e;
}
static paw_err paw__convert_encoder(paw__builder *r, paw_tensors *to)
{
    const paw__slot *s = paw__slots, *end = s + PAW__COUNT(paw__slots);
    char name[128];
    int b;
    paw_err e = PAW_OK;
    for (; s < end; ++s)
        for (b = 0; !e && b < paw__slot_blocks(r->m, s); ++b) {
            paw__slot_name(s, b, name, sizeof name);
            if (!paw__take(r, "%s%s", r->prefix, name)) return paw__take_failed(r);
            e = paw__convert_one(r, name, to);
        }
    return e;
}
static paw_err paw__tensors_write(paw_ctx *c, const paw_tensors *t, const char *path,
                                  const char *const *meta)
{
    paw_tensor_view *v = (paw_tensor_view *)paw__calloc(c, t->count + 1, sizeof *v);
    size_t i;
    paw_err e;
    if (!v) return PAW_E_OOM;
    for (i = 0; i < t->count; ++i) {
        const paw__tensor *x = (const paw__tensor *)t->items[i];
        v[i].name = x->name;
        v[i].ndim = x->ndim;
        v[i].shape = x->shape;
        v[i].data = x->data;
    }
    e = paw_safetensors_save(c, path, v, t->count, meta);
    paw__free(v);
    return e;
}
PAW_DEF paw_err paw_model_convert(paw_ctx *c, const paw_tensors *t, const paw_model_opts *opts,
                                  const char *path)
{
    PAW__MODE;
    const char *meta[7] = {"partaware.recipe", NULL, "partaware.heads", NULL, "partaware.source",
                           NULL, NULL};
    paw_tensors *to = NULL;
    paw__builder r;
    char heads[16];
    paw_err e;
    memset(&r, 0, sizeof r);
    e = paw_model_from_tensors(c, t, opts, &r.m); /* what loads, and only that, is converted */
    if (e) return e;
    snprintf(heads, sizeof heads, "%d", r.m->heads);
    meta[1] = paw__recipes[r.m->recipe].name;
    meta[3] = heads;
    meta[5] = t->source;
    r.c = c;
    r.t = t;
    e = paw__builder_open(&r, opts && opts->network == PAW_STUDENT, r.m->recipe);
    if (!e) e = paw__tensors_memory(c, path, &to);
    if (!e) e = paw__convert_encoder(&r, to);
    if (!e) e = paw__convert_heads(&r, to);
    if (!e) e = paw__tensors_write(c, to, path, meta);
    paw_tensors_close(to);
    paw_model_free(r.m);
    return e;
}
/* ==== >>image ==== decode (stb_image), Pillow-exact resize and crop, index PNG ==== */

#define PAW__MAX_FILE 1073741824u /* bytes of one input file */
#define PAW__MAX_SIDE 1048576     /* pixels: bounds the filter tables of a resize */

PAW_DEF paw_err paw_file_read(paw_ctx *c, const char *path, uint8_t **bytes, size_t *size)
{
    uint64_t n = 0;
    uint8_t *p;
    FILE *f;
    if (!c) return PAW_E_ARG;
    if (!path || !bytes || !size) return paw__fail(c, PAW_E_ARG, "paw_file_read: NULL argument");
    f = paw__file_open(c, path, &n);
    if (!f) return PAW_E_IO;
    if (n > PAW__MAX_FILE) {
        fclose(f);
        return paw__fail(c, PAW_E_LIMIT, "%s: %llu bytes, at most %u are read", path,
                         (unsigned long long)n, PAW__MAX_FILE);
    }
    p = (uint8_t *)paw__alloc(c, n ? (size_t)n : 1, 1);
    if (p && fread(p, 1, (size_t)n, f) != n) {
        paw__free(p);
        fclose(f);
        return paw__fail(c, PAW_E_IO, "%s: cannot read its %llu bytes", path,
                         (unsigned long long)n);
    }
    fclose(f);
    if (!p) return PAW_E_OOM;
    *bytes = p;
    *size = (size_t)n;
    return PAW_OK;
}
PAW_DEF void paw_file_free(paw_ctx *c, uint8_t *bytes)
{
    (void)c;
    paw__free(bytes);
}

PAW_DEF void paw_image_free(paw_ctx *c, paw_image *img)
{
    (void)c;
    if (!img) return;
    paw__free(img->px);
    memset(img, 0, sizeof *img);
}
PAW_DEF void paw_mask_free(paw_ctx *c, paw_mask *mask)
{
    (void)c;
    if (!mask) return;
    paw__free(mask->px);
    memset(mask, 0, sizeof *mask);
}
static paw_err paw__pixels_check(paw_ctx *c, const char *name, uint64_t w, uint64_t h)
{
    if (w > PAW__MAX_SIDE || h > PAW__MAX_SIDE)
        return paw__fail(c, PAW_E_LIMIT, "%s: %llu x %llu pixels, a side may have %d", name,
                         (unsigned long long)w, (unsigned long long)h, PAW__MAX_SIDE);
    if (w * h > c->max_pixels || w * h > (size_t)-1 / 16)
        return paw__fail(c, PAW_E_LIMIT, "%s: %llu x %llu pixels, over max_pixels %llu", name,
                         (unsigned long long)w, (unsigned long long)h,
                         (unsigned long long)c->max_pixels);
    return PAW_OK;
}
static paw_err paw__image_new(paw_ctx *c, int w, int h, paw_image *out)
{
    out->px = (uint8_t *)paw__alloc(c, (size_t)w * (size_t)h, 3);
    out->w = w;
    out->h = h;
    return out->px ? PAW_OK : PAW_E_OOM;
}
static paw_err paw__image_check(paw_ctx *c, const char *who, const paw_image *in,
                                const paw_image *out)
{
    if (!in || !in->px || in->w < 1 || in->h < 1)
        return paw__fail(c, PAW_E_ARG, "%s: no input image", who);
    if (!out || in == out) return paw__fail(c, PAW_E_ARG, "%s: output is NULL or the input", who);
    return PAW_OK;
}

#if !defined(PAW_NO_STB)

/* ---- stb_image: JPEG and inflate ----
   A private copy, unless this source file has included stb_image.h before: then that copy serves,
   and must offer both. Memory it takes is zeroed, so that what a damaged file leaves unset is the
   same everywhere; its assertions are reachable from files, so they are off, and
   paw__jpeg_check refuses the tables that they would catch. It passes no user pointer: the
   allocator is that of the context that this thread decodes with. */
static __thread struct {
    const paw_allocator *mem;
    int failed;        /* stb_image forgets it when it goes on to the next format */
    size_t state_size; /* of a JPEG in decoding; state: the last allocation of this size */
    const void *state;
} paw__stb;
#if !defined(STBI_INCLUDE_STB_IMAGE_H)
#if !defined(PAW_STB_IMAGE_H)
#define PAW_STB_IMAGE_H <stb/stb_image.h>
#endif
#pragma GCC diagnostic push
#define PAW__QUIET(warning) _Pragma(PAW__STR(GCC diagnostic ignored warning))
PAW__QUIET("-Wpragmas")
#if defined(__clang__)
PAW__QUIET("-Wunknown-warning-option")
#endif
PAW__QUIET("-Wpedantic") PAW__QUIET("-Wunused-function") PAW__QUIET("-Wunused-parameter")
PAW__QUIET("-Wunused-but-set-variable") PAW__QUIET("-Wunused-value") PAW__QUIET("-Wsign-compare")
PAW__QUIET("-Wmissing-field-initializers") PAW__QUIET("-Wimplicit-fallthrough")
PAW__QUIET("-Wmisleading-indentation") PAW__QUIET("-Wtype-limits") PAW__QUIET("-Wshadow")
PAW__QUIET("-Wundef") PAW__QUIET("-Wconversion") PAW__QUIET("-Wsign-conversion")
PAW__QUIET("-Wcast-align") PAW__QUIET("-Wcast-qual") PAW__QUIET("-Wdouble-promotion")
PAW__QUIET("-Wpointer-arith")
#if !defined(__cplusplus)
PAW__QUIET("-Wc++-compat") PAW__QUIET("-Wmissing-prototypes") PAW__QUIET("-Wstrict-prototypes")
#endif
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG /* never called: gcc tells of static functions declared but not defined */
#define STBI_NO_GIF
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
/* Version 2.27 declares the one and defines the other. */
#define stbi__unpremultiply_on_load_thread stbi_set_unpremultiply_on_load_thread
#if !defined(STBI_ASSERT)
#define STBI_ASSERT(x) ((void)0)
#endif
#if !defined(STBI_MALLOC)
static void *paw__stb_alloc(void *old, size_t n)
{
    static const paw_allocator usual = { paw__default_alloc, paw__default_free, NULL };
    uint8_t *p = (uint8_t *)paw__mem_alloc(paw__stb.mem ? paw__stb.mem : &usual, n, 1);
    size_t kept = 0;
    paw__block blk;
    if (!p) {
        paw__stb.failed = 1;
        return NULL;
    }
    if (old) {
        memcpy(&blk, (uint8_t *)old - sizeof blk, sizeof blk);
        kept = paw__min(n, blk.bytes - sizeof blk - 2 * PAW__ALIGN);
        memcpy(p, old, kept);
    }
    memset(p + kept, 0, n - kept);
    paw__free(old);
    if (n == paw__stb.state_size) paw__stb.state = p;
    return p;
}
#define STBI_MALLOC(n) paw__stb_alloc(NULL, n)
#define STBI_REALLOC(p, n) paw__stb_alloc(p, n)
#define STBI_FREE(p) paw__free(p)
#endif
#include PAW_STB_IMAGE_H
#undef STB_IMAGE_STATIC
#undef STB_IMAGE_IMPLEMENTATION
#undef STBI_ONLY_JPEG
#undef STBI_ONLY_PNG
#undef STBI_NO_GIF
#undef STBI_NO_STDIO
#undef STBI_NO_HDR
#undef STBI_NO_LINEAR
#undef stbi__unpremultiply_on_load_thread
#undef STBI_ASSERT
#undef STBI_MALLOC
#undef STBI_REALLOC
#undef STBI_FREE
#pragma GCC diagnostic pop
#define PAW__STB_STATE sizeof(stbi__jpeg)
#define PAW__STB_BITS ((const stbi__jpeg *)paw__stb.state)->code_bits
#else
#define PAW__STB_STATE 0
#define PAW__STB_BITS 32
#endif

static const char *paw__stb_reason(void)
{
    const char *s = stbi_failure_reason();
    return s ? s : "damaged";
}

/* ---- JPEG ---- */

typedef struct {
    size_t end;   /* bytes up to and with the end marker; what follows is not the image's */
    size_t scans;
    int frame;    /* SOF marker */
    int precision;
} paw__jpeg;

/* Offset after the next marker from i on, 0 where the data ends first. Stuffed bytes, fill bytes
   and restart markers are passed over. */
static size_t paw__jpeg_marker(const uint8_t *p, size_t n, size_t i, int *marker)
{
    while (i < n) {
        const uint8_t *q = (const uint8_t *)memchr(p + i, 0xff, n - i);
        if (!q) return 0;
        i = (size_t)(q - p) + 1;
        while (i < n && p[i] == 0xff) ++i;
        if (i >= n) return 0;
        *marker = p[i++];
        if (*marker && (*marker < 0xd0 || *marker > 0xd7)) return i;
    }
    return 0;
}
/* s: the body of a DHT segment. stb_image trusts that a table has at most 256 codes. */
static int paw__jpeg_huffman_ok(const uint8_t *s, size_t n)
{
    while (n) {
        size_t codes = 0, i;
        if (n < 17) return 0;
        for (i = 1; i <= 16; ++i) codes += s[i];
        if (codes > 256 || codes > n - 17) return 0;
        s += 17 + codes;
        n -= 17 + codes;
    }
    return 1;
}
/* Walks the segments: stb_image reads zeros behind the end of a truncated file, and a scan costs
   it a pass over the whole image whatever the scan's size. */
static paw_err paw__jpeg_check(paw_ctx *c, const uint8_t *p, size_t n, const char *name,
                               paw__jpeg *out)
{
    size_t i = 2, len;
    int m = 0;
    memset(out, 0, sizeof *out);
    while ((i = paw__jpeg_marker(p, n, i, &m)) > 0) {
        out->end = i;
        if (m == 0xd9) return PAW_OK;
        if (m == 0xd8 || m == 0x01) continue;
        if (n - i < 2) break;
        len = (size_t)p[i] << 8 | p[i + 1];
        if (len > n - i) break;
        if (len < 2 || (m == 0xc4 && !paw__jpeg_huffman_ok(p + i + 2, len - 2)))
            return paw__fail(c, PAW_E_FORMAT, "%s: damaged JPEG segment %02x at byte %zu", name,
                             (unsigned)m, i - 2);
        if (m == 0xda) ++out->scans;
        if (m >= 0xc0 && m <= 0xcf && m != 0xc4 && m != 0xc8 && m != 0xcc && !out->frame) {
            out->frame = m;
            out->precision = len > 2 ? p[i + 2] : 0;
        }
        i += len;
    }
    return paw__fail(c, PAW_E_FORMAT, "%s: truncated JPEG: no end marker in %zu bytes", name, n);
}
/* stb_image's source of bytes. It loads bits up to 25 or a marker; where the number that it reads
   next has more, 2.27 shifts by over 31 and later versions have rules of their own. So zeros stand
   before such a marker, as behind the end of data, and no version comes to its own rule. */
typedef struct {
    const uint8_t *p;
    size_t at, end, coded; /* coded: where the numbers of this or the next scan begin */
    int zeros;
} paw__jpeg_in;
/* Offset behind the header of the next scan from i on, or n. */
static size_t paw__jpeg_scan(const uint8_t *p, size_t n, size_t i)
{
    int m = 0;
    while (m != 0xda && (i = paw__jpeg_marker(p, n, i, &m)) > 0 && n - i > 1)
        if (m != 0xd8 && m != 0x01) i += (size_t)p[i] << 8 | p[i + 1];
    return i && i < n ? i : n;
}
static int paw__jpeg_read(void *user, char *dst, int size)
{
    paw__jpeg_in *s = (paw__jpeg_in *)user;
    size_t n = paw__min((size_t)size, (s->at < s->coded ? s->coded : s->end) - s->at);
    const uint8_t *q = s->p + s->at, *ff = (const uint8_t *)memchr(q, 0xff, n);
    if (n && s->at >= s->coded && ff == q) {
        while (q[1] == 0xff) ++q; /* the last byte is that of the end marker */
        s->at = (size_t)(q - s->p);
        if (q[1] && PAW__STB_BITS <= 16 && s->zeros++ < 4) {
            *dst = 0;
            return 1;
        }
        n = 2;
        if (q[1]) s->zeros = 0;
        if (q[1] && (q[1] < 0xd0 || q[1] > 0xd7)) s->coded = paw__jpeg_scan(s->p, s->end, s->at);
    } else if (s->at >= s->coded && ff) {
        n = (size_t)(ff - q);
    }
    memcpy(dst, q, n);
    s->at += n;
    return (int)n;
}
static void paw__jpeg_skip(void *user, int n)
{
    paw__jpeg_in *s = (paw__jpeg_in *)user;
    s->at += paw__min((size_t)n, s->end - s->at);
}
static int paw__jpeg_eof(void *user)
{
    const paw__jpeg_in *s = (const paw__jpeg_in *)user;
    return s->at >= s->end;
}
static paw_err paw__jpeg_fail(paw_ctx *c, const char *name)
{
    const char *why = paw__stb_reason();
    if (paw__stb.failed || !strcmp(why, "outofmem"))
        return paw__fail(c, PAW_E_OOM, "%s: out of memory", name);
    return paw__fail(c, PAW_E_FORMAT, "%s: damaged JPEG: %s", name, why);
}
static paw_err paw__jpeg_decode(paw_ctx *c, const uint8_t *p, size_t n, const char *name,
                                paw_image *out)
{
    static const stbi_io_callbacks io = { paw__jpeg_read, paw__jpeg_skip, paw__jpeg_eof };
    int w = 0, h = 0, channels = 0, w2 = 0, h2 = 0;
    paw__jpeg_in in = { NULL, 0, 0, 0, 0 };
    paw__jpeg j;
    paw_image img;
    uint8_t *px;
    paw_err e = paw__jpeg_check(c, p, n, name, &j);
    if (e) return e;
    in.p = p;
    in.end = j.end;
    in.coded = paw__jpeg_scan(p, j.end, 0);
    if (j.frame > 0xc2 || (j.frame && j.precision != 8))
        return paw__fail(c, PAW_E_UNSUP, "%s: JPEG kind SOF%d with %d bits: only 8-bit Huffman "
                         "baseline and progressive", name, j.frame - 0xc0, j.precision);
    if (j.end > INT_MAX) return paw__fail(c, PAW_E_LIMIT, "%s: over 2 GiB", name);
    if (!stbi_info_from_memory(p, (int)j.end, &w, &h, &channels) || w < 1 || h < 1)
        return paw__jpeg_fail(c, name);
    if ((e = paw__pixels_check(c, name, (uint64_t)w, (uint64_t)h)) != PAW_OK) return e;
    if (j.scans > 16 && (uint64_t)w * (uint64_t)h > c->max_pixels / (j.scans / 16))
        return paw__fail(c, PAW_E_LIMIT, "%s: %zu scans over %d x %d pixels", name, j.scans, w, h);
    px = stbi_load_from_callbacks(&io, &in, &w2, &h2, &channels, 3);
    if (!px || w2 != w || h2 != h) {
        if (px) stbi_image_free(px);
        return paw__jpeg_fail(c, name);
    }
    e = paw__image_new(c, w, h, &img);
    if (!e) {
        memcpy(img.px, px, (size_t)w * (size_t)h * 3);
        *out = img;
    }
    stbi_image_free(px);
    return e;
}

/* ---- PNG: own reader, for stb_image inflates without a bound and loses palette indices ---- */

enum { PAW__PNG_GREY = 0, PAW__PNG_RGB = 2, PAW__PNG_PALETTE = 3, PAW__PNG_GREY_A = 4,
       PAW__PNG_RGB_A = 6 };
typedef struct {
    paw_ctx *c;
    const char *name;
    const uint8_t *bytes;
    size_t size, w, h;
    int depth, type, interlaced;
    size_t channels;
    int strict;             /* masks: every checksum counts */
    const uint8_t *palette; /* [colours, 3] */
    size_t colours;
    size_t data_first, data_chunks, data_bytes; /* IDAT: offset of the first, count, sum */
    uint8_t *raw;           /* inflated: filter byte and samples of each row of each pass */
    size_t raw_bytes;
} paw__png;
static const uint8_t paw__png_signature[8] = { 137, 'P', 'N', 'G', 13, 10, 26, 10 };

static uint32_t paw__crc32(const uint8_t *p, size_t n)
{
    static const uint32_t nibble[16] = {
        0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u,
        0x4db26158u, 0x5005713cu, 0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu,
        0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu
    };
    uint32_t x = 0xffffffffu;
    for (; n; --n, ++p) {
        x ^= *p;
        x = nibble[x & 15] ^ x >> 4;
        x = nibble[x & 15] ^ x >> 4;
    }
    return ~x;
}
static paw_err paw__png_fail(const paw__png *g, paw_err e, const char *what, size_t at)
{
    return paw__fail(g->c, e, "%s: PNG: %s at byte %zu", g->name, what, at);
}
static paw_err paw__png_header(paw__png *g, const uint8_t *d)
{
    static const uint8_t channels[7] = { 1, 0, 3, 1, 2, 0, 4 };
    const uint32_t w = paw__be32(d), h = paw__be32(d + 4);
    int fits;
    g->depth = d[8];
    g->type = d[9];
    g->interlaced = d[12];
    fits = g->depth == 8 || (g->depth == 16 && g->type != PAW__PNG_PALETTE) ||
           ((g->depth == 1 || g->depth == 2 || g->depth == 4) &&
            (g->type == PAW__PNG_GREY || g->type == PAW__PNG_PALETTE));
    if (g->type > 6 || !channels[g->type] || !fits || d[10] || d[11] || d[12] > 1)
        return paw__fail(g->c, PAW_E_FORMAT, "%s: PNG: no such kind: depth %d, colour type %d",
                         g->name, g->depth, g->type);
    if (!w || !h || w > 0x7fffffffu || h > 0x7fffffffu)
        return paw__fail(g->c, PAW_E_FORMAT, "%s: PNG: %lu x %lu pixels", g->name,
                         (unsigned long)w, (unsigned long)h);
    g->w = w;
    g->h = h;
    g->channels = channels[g->type];
    return paw__pixels_check(g->c, g->name, w, h);
}
/* One chunk at offset `at` with len bytes of data; *last: it was the end. */
static paw_err paw__png_chunk(paw__png *g, size_t at, size_t len, int *last)
{
    const uint8_t *type = g->bytes + at + 4, *d = type + 4;
    const int header = memcmp(type, "IHDR", 4) == 0;
    if (header != (at == 8) || (header && len != 13))
        return paw__png_fail(g, PAW_E_FORMAT, "misplaced header", at);
    if (header) return paw__png_header(g, d);
    if (!memcmp(type, "IDAT", 4)) {
        if (!g->data_chunks++) g->data_first = at;
        g->data_bytes += len;
    } else if (!memcmp(type, "PLTE", 4)) {
        if (!len || len % 3 || len > 768 || g->palette || g->data_chunks)
            return paw__png_fail(g, PAW_E_FORMAT, "damaged palette", at);
        g->palette = d;
        g->colours = len / 3;
    } else if (!memcmp(type, "IEND", 4)) {
        if (!g->data_chunks) return paw__png_fail(g, PAW_E_FORMAT, "end without image data", at);
        if (g->type == PAW__PNG_PALETTE && !g->palette)
            return paw__png_fail(g, PAW_E_FORMAT, "end without a palette", at);
        *last = 1;
    } else if (!(type[0] & 32)) {
        return paw__png_fail(g, PAW_E_UNSUP, "unknown critical chunk", at);
    }
    return PAW_OK;
}
static paw_err paw__png_chunks(paw__png *g)
{
    size_t at = 8, len;
    int last = 0;
    while (!last) {
        const uint8_t *k = g->bytes + at;
        paw_err e;
        if (g->size - at < 12 || paw__be32(k) > g->size - at - 12)
            return paw__png_fail(g, PAW_E_FORMAT, "truncated", at);
        len = paw__be32(k);
        if (g->strict && paw__crc32(k + 4, len + 4) != paw__be32(k + 8 + len))
            return paw__png_fail(g, PAW_E_FORMAT, "wrong checksum", at);
        if ((e = paw__png_chunk(g, at, len, &last)) != PAW_OK) return e;
        at += 12 + len;
    }
    return PAW_OK;
}

/* Pass 0: a plain file; 1 to 7: Adam7. x0, y0, dx, dy */
static const uint8_t paw__png_passes[8][4] = {
    { 0, 0, 1, 1 }, { 0, 0, 8, 8 }, { 4, 0, 8, 8 }, { 0, 4, 4, 8 },
    { 2, 0, 4, 4 }, { 0, 2, 2, 4 }, { 1, 0, 2, 2 }, { 0, 1, 1, 2 }
};
typedef struct {
    size_t x0, y0, dx, dy, w, h;
    size_t stride; /* bytes of a row without its filter byte */
} paw__png_pass;
static paw__png_pass paw__png_pass_of(const paw__png *g, int i)
{
    const uint8_t *t = paw__png_passes[i];
    paw__png_pass p;
    p.x0 = t[0];
    p.y0 = t[1];
    p.dx = t[2];
    p.dy = t[3];
    p.w = g->w > p.x0 ? (g->w - p.x0 + p.dx - 1) / p.dx : 0;
    p.h = g->h > p.y0 && p.w ? (g->h - p.y0 + p.dy - 1) / p.dy : 0;
    p.stride = (p.w * g->channels * (size_t)g->depth + 7) / 8;
    return p;
}
static const uint8_t *paw__png_gather(const paw__png *g, uint8_t *dst)
{
    size_t at = g->data_first, i = 0;
    const uint8_t *p = dst;
    if (!dst) return g->bytes + g->data_first + 8;
    while (i < g->data_chunks) {
        const uint8_t *k = g->bytes + at;
        const size_t len = paw__be32(k);
        if (!memcmp(k + 4, "IDAT", 4)) {
            memcpy(dst, k + 8, len);
            dst += len;
            ++i;
        }
        at += 12 + len;
    }
    return p;
}
static paw_err paw__png_inflate(paw__png *g)
{
    uint8_t *copy = NULL;
    int i, got;
    g->raw_bytes = 0;
    for (i = g->interlaced; i <= g->interlaced * 7; ++i) {
        const paw__png_pass p = paw__png_pass_of(g, i);
        g->raw_bytes += p.h * (p.stride + 1);
    }
    if (g->raw_bytes > INT_MAX || g->data_bytes > INT_MAX)
        return paw__fail(g->c, PAW_E_LIMIT, "%s: PNG: over 2 GiB of samples", g->name);
    if (g->raw_bytes / 1032 > g->data_bytes) /* deflate's highest ratio */
        return paw__fail(g->c, PAW_E_FORMAT, "%s: PNG: %zu bytes of image data for %zu x %zu",
                         g->name, g->data_bytes, g->w, g->h);
    if (g->data_chunks > 1 && !(copy = (uint8_t *)paw__alloc(g->c, g->data_bytes + 1, 1)))
        return PAW_E_OOM;
    g->raw = (uint8_t *)paw__calloc(g->c, g->raw_bytes, 1);
    if (!g->raw) {
        paw__free(copy);
        return PAW_E_OOM;
    }
    got = stbi_zlib_decode_buffer((char *)g->raw, (int)g->raw_bytes,
                                  (const char *)paw__png_gather(g, copy), (int)g->data_bytes);
    paw__free(copy);
    if (got >= 0 && (size_t)got == g->raw_bytes) return PAW_OK;
    return paw__fail(g->c, PAW_E_FORMAT, "%s: PNG: damaged image data: %s", g->name,
                     got < 0 ? paw__stb_reason() : "too short");
}
static uint8_t paw__png_paeth(int a, int b, int c)
{
    const int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    return (uint8_t)(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
}
/* row: after its filter byte; up: the row before, unfiltered, or NULL; bpp: bytes per pixel */
static int paw__png_unfilter(uint8_t *row, const uint8_t *up, size_t n, size_t bpp)
{
    const size_t head = paw__min(bpp, n);
    size_t i;
    switch (row[-1]) {
    case 0: return 1;
    case 1:
        for (i = bpp; i < n; ++i) row[i] = (uint8_t)(row[i] + row[i - bpp]);
        return 1;
    case 2:
        for (i = 0; up && i < n; ++i) row[i] = (uint8_t)(row[i] + up[i]);
        return 1;
    case 3:
        for (i = 0; up && i < head; ++i) row[i] = (uint8_t)(row[i] + up[i] / 2);
        for (i = bpp; i < n; ++i)
            row[i] = (uint8_t)(row[i] + (row[i - bpp] + (up ? up[i] : 0)) / 2);
        return 1;
    case 4:
        for (i = 0; up && i < head; ++i) row[i] = (uint8_t)(row[i] + up[i]);
        for (i = bpp; i < n; ++i)
            row[i] = (uint8_t)(row[i] + paw__png_paeth(row[i - bpp], up ? up[i] : 0,
                                                       up ? up[i - bpp] : 0));
        return 1;
    default: return 0;
    }
}
/* Sample i of a row of one channel with at most 8 bits */
static unsigned paw__png_bits(const uint8_t *row, size_t i, int depth)
{
    const size_t bit = i * (size_t)depth;
    return (unsigned)row[bit / 8] >> (8 - depth - (int)(bit % 8)) & ((1u << depth) - 1);
}
/* Pillow's rules for 16 bits: colours and grey with alpha keep the high byte; plain grey is
   clipped at 255, not scaled. Returns 0 for an index beyond the palette. */
static int paw__png_to_rgb(const paw__png *g, const uint8_t *row, size_t n, uint8_t *dst,
                           size_t step)
{
    const size_t bytes = g->depth == 16 ? 2 : 1, px = g->channels * bytes;
    const unsigned top = g->depth < 8 ? (1u << g->depth) - 1 : 255;
    size_t i;
    if (g->type == PAW__PNG_RGB && bytes == 1 && step == 3) {
        memcpy(dst, row, n * 3);
        return 1;
    }
    for (i = 0; i < n; ++i, dst += step) {
        unsigned v;
        if (g->type == PAW__PNG_RGB || g->type == PAW__PNG_RGB_A) {
            dst[0] = row[i * px];
            dst[1] = row[i * px + bytes];
            dst[2] = row[i * px + 2 * bytes];
            continue;
        }
        if (g->type == PAW__PNG_GREY_A) v = row[i * px];
        else if (bytes == 2) v = row[i * 2] ? 255 : row[i * 2 + 1];
        else v = paw__png_bits(row, i, g->depth);
        if (g->type == PAW__PNG_PALETTE) {
            if (v >= g->colours) return 0;
            memcpy(dst, g->palette + 3 * v, 3);
        } else {
            dst[0] = dst[1] = dst[2] = (uint8_t)(v * 255 / top);
        }
    }
    return 1;
}
static int paw__png_to_labels(const paw__png *g, const uint8_t *row, size_t n, uint16_t *dst,
                              size_t step)
{
    size_t i;
    for (i = 0; i < n; ++i, dst += step) {
        const unsigned v = g->depth == 16 ? (unsigned)row[2 * i] << 8 | row[2 * i + 1]
                                          : paw__png_bits(row, i, g->depth);
        if (g->type == PAW__PNG_PALETTE && v >= g->colours) return 0;
        *dst = (uint16_t)v;
    }
    return 1;
}
/* Rows of all passes into rgb [h, w, 3] or labels [h, w], whichever is not NULL. */
static paw_err paw__png_rows(paw__png *g, uint8_t *rgb, uint16_t *labels)
{
    const size_t bpp = paw__max(1, g->channels * (size_t)g->depth / 8);
    uint8_t *row = g->raw;
    int i, ok;
    for (i = g->interlaced; i <= g->interlaced * 7; ++i) {
        const paw__png_pass p = paw__png_pass_of(g, i);
        const uint8_t *up = NULL;
        size_t y;
        for (y = 0; y < p.h; ++y, row += p.stride + 1) {
            const size_t at = (p.y0 + y * p.dy) * g->w + p.x0;
            if (!paw__png_unfilter(row + 1, up, p.stride, bpp))
                return paw__fail(g->c, PAW_E_FORMAT, "%s: PNG: no row filter %d", g->name, row[0]);
            up = row + 1;
            ok = rgb ? paw__png_to_rgb(g, up, p.w, rgb + at * 3, p.dx * 3)
                     : paw__png_to_labels(g, up, p.w, labels + at, p.dx);
            if (!ok)
                return paw__fail(g->c, PAW_E_FORMAT, "%s: PNG: an index beyond the %zu colours of "
                                 "the palette in row %zu", g->name, g->colours, p.y0 + y * p.dy);
        }
    }
    return PAW_OK;
}
static paw_err paw__png_open(paw__png *g, paw_ctx *c, const void *bytes, size_t size,
                             const char *name, int strict)
{
    memset(g, 0, sizeof *g);
    g->c = c;
    g->name = name;
    g->bytes = (const uint8_t *)bytes;
    g->size = size;
    g->strict = strict;
    return paw__png_chunks(g);
}
static paw_err paw__png_decode(paw_ctx *c, const void *bytes, size_t size, const char *name,
                               paw_image *out)
{
    paw__png g;
    paw_image img;
    paw_err e = paw__png_open(&g, c, bytes, size, name, 0);
    img.px = NULL;
    if (!e) e = paw__png_inflate(&g);
    if (!e) e = paw__image_new(c, (int)g.w, (int)g.h, &img);
    if (!e) e = paw__png_rows(&g, img.px, NULL);
    paw__free(g.raw);
    if (e) paw__free(img.px);
    else *out = img;
    return e;
}
static int paw__is_png(const void *bytes, size_t size)
{
    return size >= 8 && !memcmp(bytes, paw__png_signature, 8);
}

PAW_DEF paw_err paw_image_decode(paw_ctx *c, const void *bytes, size_t size, const char *name,
                                 paw_image *out)
{
    const uint8_t *p = (const uint8_t *)bytes;
    paw_err e;
    if (!c) return PAW_E_ARG;
    if (!name) name = "image";
    if (!bytes || !out) return paw__fail(c, PAW_E_ARG, "%s: NULL argument", name);
    if (paw__is_png(bytes, size)) return paw__png_decode(c, bytes, size, name, out);
    if (size >= 3 && p[0] == 0xff && p[1] == 0xd8 && p[2] == 0xff) {
        paw__stb.mem = &c->mem;
        paw__stb.failed = 0;
        paw__stb.state_size = PAW__STB_STATE;
        e = paw__jpeg_decode(c, p, size, name, out);
        paw__stb.mem = NULL;
        paw__stb.state_size = 0;
        return e;
    }
    return paw__fail(c, PAW_E_FORMAT, "%s: not a JPEG or PNG image (%zu bytes)", name, size);
}
PAW_DEF paw_err paw_mask_decode(paw_ctx *c, const void *bytes, size_t size, const char *name,
                                paw_mask *out)
{
    paw__png g;
    uint16_t *px = NULL;
    paw_err e;
    if (!c) return PAW_E_ARG;
    if (!name) name = "mask";
    if (!bytes || !out) return paw__fail(c, PAW_E_ARG, "%s: NULL argument", name);
    if (!paw__is_png(bytes, size))
        return paw__fail(c, PAW_E_FORMAT, "%s: not a PNG file (%zu bytes)", name, size);
    e = paw__png_open(&g, c, bytes, size, name, 1);
    if (!e && g.type != PAW__PNG_GREY && g.type != PAW__PNG_PALETTE)
        return paw__fail(c, PAW_E_SHAPE, "%s: PNG of %zu channels; a mask has one: the label index",
                         name, g.channels);
    if (!e) e = paw__png_inflate(&g);
    if (!e && !(px = (uint16_t *)paw__alloc(c, g.w * g.h, sizeof *px))) e = PAW_E_OOM;
    if (!e) e = paw__png_rows(&g, NULL, px);
    paw__free(g.raw);
    if (e) {
        paw__free(px);
        return e;
    }
    out->px = px;
    out->w = (int)g.w;
    out->h = (int)g.h;
    return PAW_OK;
}

#else /* PAW_NO_STB */

static paw_err paw__no_decoder(paw_ctx *c, const char *name)
{
    return c ? paw__fail(c, PAW_E_UNSUP, "%s: built without image decoding", name) : PAW_E_ARG;
}
PAW_DEF paw_err paw_image_decode(paw_ctx *c, const void *bytes, size_t size, const char *name,
                                 paw_image *out)
{
    (void)bytes, (void)size, (void)out;
    return paw__no_decoder(c, name ? name : "image");
}
PAW_DEF paw_err paw_mask_decode(paw_ctx *c, const void *bytes, size_t size, const char *name,
                                paw_mask *out)
{
    (void)bytes, (void)size, (void)out;
    return paw__no_decoder(c, name ? name : "mask");
}

#endif /* PAW_NO_STB */

PAW_DEF paw_err paw_image_load(paw_ctx *c, const char *path, paw_image *out)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    paw_err e = paw_file_read(c, path, &bytes, &size);
    if (e) return e;
    e = paw_image_decode(c, bytes, size, path, out);
    paw_file_free(c, bytes);
    return e;
}
PAW_DEF paw_err paw_mask_load(paw_ctx *c, const char *path, paw_mask *out)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    paw_err e = paw_file_read(c, path, &bytes, &size);
    if (e) return e;
    e = paw_mask_decode(c, bytes, size, path, out);
    paw_file_free(c, bytes);
    return e;
}

/* ---- resize: Pillow's libImaging/Resample.c, 8 bits per channel ---- */

#define PAW__TAP_BITS 22
typedef struct {
    int taps;   /* inputs of every output; zero weights fill up, so that loops have one length */
    int *first; /* [out] first input */
    int32_t *w; /* [out, taps] weights times 2^22 */
} paw__taps;
typedef struct {
    int in, filter;
    double scale, wide, support;
} paw__tap_rule;

/* Products are kept apart from the sums that follow, as on the machines that Pillow's own results
   come from: a fused multiply-add would move some weights by one unit. */
static double paw__tap_weight(int filter, double x)
{
    double t;
    if (x < 0) x = -x;
    PAW__KEEP(x);
    if (filter == PAW_BILINEAR) return x < 1 ? 1 - x : 0;
    if (x < 1) {
        t = 1.5 * x;
        PAW__KEEP(t);
        t = (t - 2.5) * x * x;
        PAW__KEEP(t);
        return t + 1;
    }
    if (x >= 2) return 0;
    t = (x - 5) * x;
    PAW__KEEP(t);
    t = (t + 8) * x;
    PAW__KEEP(t);
    return (t - 4) * -0.5;
}
/* Inputs lo to hi of output i; returns the output's centre in the input. */
static double paw__tap_range(const paw__tap_rule *r, int i, int *lo, int *hi)
{
    double centre = (i + 0.5) * r->scale;
    PAW__KEEP(centre);
    *lo = (int)(centre - r->support + 0.5);
    *hi = (int)(centre + r->support + 0.5);
    if (*lo < 0) *lo = 0;
    if (*hi > r->in) *hi = r->in;
    return centre;
}
/* raw: room for t->taps; t->w is zeroed before */
static void paw__taps_of(paw__taps *t, const paw__tap_rule *r, int i, double *raw)
{
    int lo, hi, j;
    const double centre = paw__tap_range(r, i, &lo, &hi), inverse = 1 / r->wide;
    const int first = lo < r->in - t->taps ? lo : r->in - t->taps;
    int32_t *to = t->w + (size_t)i * (size_t)t->taps + (lo - first);
    double sum = 0;
    for (j = 0; j < hi - lo; ++j) {
        raw[j] = paw__tap_weight(r->filter, (j + lo - centre + 0.5) * inverse);
        sum += raw[j];
    }
    for (j = 0; j < hi - lo; ++j) {
        const double w = (sum != 0 ? raw[j] / sum : raw[j]) * (1 << PAW__TAP_BITS);
        to[j] = (int32_t)(w < 0 ? w - 0.5 : w + 0.5);
    }
    t->first[i] = first;
}
static void paw__taps_free(paw__taps *t)
{
    paw__free(t->first);
    paw__free(t->w);
}
static paw_err paw__taps_new(paw_ctx *c, int in, int out, int filter, paw__taps *t)
{
    paw__tap_rule r;
    double *raw;
    int i, lo, hi;
    r.in = in;
    r.filter = filter;
    r.scale = (double)in / out;
    r.wide = r.scale < 1 ? 1 : r.scale;
    r.support = (filter == PAW_BILINEAR ? 1 : 2) * r.wide;
    for (i = t->taps = 0; i < out; ++i) {
        paw__tap_range(&r, i, &lo, &hi);
        if (hi - lo > t->taps) t->taps = hi - lo;
    }
    raw = (double *)paw__alloc(c, (size_t)t->taps, sizeof *raw);
    t->first = (int *)paw__alloc(c, (size_t)out, sizeof *t->first);
    t->w = (int32_t *)paw__calloc(c, (size_t)out * (size_t)t->taps, sizeof *t->w);
    if (!raw || !t->first || !t->w) {
        paw__free(raw);
        paw__taps_free(t);
        return PAW_E_OOM;
    }
    for (i = 0; i < out; ++i) paw__taps_of(t, &r, i, raw);
    paw__free(raw);
    return PAW_OK;
}

#define PAW__RESIZE_ROWS 8 /* rows of one work item */
#define PAW__RESIZE_RUN 64 /* bytes whose sums are held at once */
typedef struct {
    const paw__taps *taps;
    const paw_image *in;
    paw_image *out;
} paw__resize;

static uint8_t paw__clip8(int32_t x) /* the sum's fixed point back to a byte */
{
    x >>= PAW__TAP_BITS;
    return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
}
static void paw__resize_across(void *arg, size_t item, int slot)
{
    const paw__resize *r = (const paw__resize *)arg;
    const size_t first = item * PAW__RESIZE_ROWS, w = (size_t)r->out->w;
    const size_t last = paw__min(first + PAW__RESIZE_ROWS, (size_t)r->out->h);
    const int n = r->taps->taps;
    size_t y, x;
    (void)slot;
    for (y = first; y < last; ++y) {
        const uint8_t *row = r->in->px + y * (size_t)r->in->w * 3;
        uint8_t *to = r->out->px + y * w * 3;
        for (x = 0; x < w; ++x, to += 3) {
            const int32_t *k = r->taps->w + x * (size_t)n;
            const uint8_t *p = row + 3 * (size_t)r->taps->first[x];
            int32_t s0 = 1 << (PAW__TAP_BITS - 1), s1 = s0, s2 = s0;
            int j;
            for (j = 0; j < n; ++j, p += 3) {
                s0 += p[0] * k[j];
                s1 += p[1] * k[j];
                s2 += p[2] * k[j];
            }
            to[0] = paw__clip8(s0);
            to[1] = paw__clip8(s1);
            to[2] = paw__clip8(s2);
        }
    }
}
/* m <= PAW__RESIZE_RUN bytes of one output row from n input rows ld bytes apart */
static void paw__resize_run(const uint8_t *p, size_t ld, const int32_t *k, int n, size_t m,
                            uint8_t *to)
{
    int32_t s[PAW__RESIZE_RUN];
    size_t i;
    int j;
    for (i = 0; i < PAW__RESIZE_RUN; ++i) s[i] = 1 << (PAW__TAP_BITS - 1);
    for (j = 0; j < n; ++j, p += ld) {
        const int32_t w = k[j];
        if (m == PAW__RESIZE_RUN)
            for (i = 0; i < PAW__RESIZE_RUN; ++i) s[i] += p[i] * w;
        else
            for (i = 0; i < m; ++i) s[i] += p[i] * w;
    }
    for (i = 0; i < m; ++i) to[i] = paw__clip8(s[i]);
}
static void paw__resize_down(void *arg, size_t item, int slot)
{
    const paw__resize *r = (const paw__resize *)arg;
    const size_t first = item * PAW__RESIZE_ROWS, ld = (size_t)r->out->w * 3;
    const size_t last = paw__min(first + PAW__RESIZE_ROWS, (size_t)r->out->h);
    const int n = r->taps->taps;
    size_t y, x;
    (void)slot;
    for (y = first; y < last; ++y) {
        const uint8_t *p = r->in->px + (size_t)r->taps->first[y] * ld;
        for (x = 0; x < ld; x += PAW__RESIZE_RUN)
            paw__resize_run(p + x, ld, r->taps->w + y * (size_t)n, n,
                            paw__min(PAW__RESIZE_RUN, ld - x), r->out->px + y * ld + x);
    }
}
/* One pass: across to w columns, or down to h rows; the other side is the input's. Every input row
   is needed: with no source box the outermost taps reach the first and the last row. */
static paw_err paw__resize_pass(paw_ctx *c, const paw_image *in, int w, int h, int filter,
                                paw_image *out)
{
    const int across = w != in->w;
    paw__taps taps;
    paw__resize r;
    paw_err e = paw__taps_new(c, across ? in->w : in->h, across ? w : h, filter, &taps);
    if (e) return e;
    e = paw__image_new(c, w, h, out);
    if (!e) {
        r.taps = &taps;
        r.in = in;
        r.out = out;
        paw__for(c, ((size_t)h + PAW__RESIZE_ROWS - 1) / PAW__RESIZE_ROWS,
                 across ? paw__resize_across : paw__resize_down, &r);
    }
    paw__taps_free(&taps);
    return e;
}
PAW_DEF paw_err paw_image_resize(paw_ctx *c, const paw_image *in, int w, int h, int filter,
                                 paw_image *out)
{
    paw_image wide, img;
    paw_err e;
    PAW__ENTER(c);
    if ((e = paw__image_check(c, "paw_image_resize", in, out)) != PAW_OK) return e;
    if (w < 1 || h < 1 || (filter != PAW_BILINEAR && filter != PAW_BICUBIC))
        return paw__fail(c, PAW_E_ARG, "paw_image_resize: %d x %d, filter %d", w, h, filter);
    if ((e = paw__pixels_check(c, "resize", (uint64_t)w, (uint64_t)h)) != PAW_OK ||
        (e = paw__pixels_check(c, "resize", (uint64_t)w, (uint64_t)in->h)) != PAW_OK ||
        (e = paw__pixels_check(c, "resize", (uint64_t)in->w, 1)) != PAW_OK)
        return e;
    wide.px = NULL;
    if (w != in->w) e = paw__resize_pass(c, in, w, in->h, filter, &wide);
    if (!e && h != in->h) {
        e = paw__resize_pass(c, wide.px ? &wide : in, w, h, filter, &img);
        paw__free(wide.px);
    } else if (!e && wide.px) {
        img = wide;
    } else if (!e) {
        e = paw__image_new(c, w, h, &img);
        if (!e) memcpy(img.px, in->px, (size_t)w * (size_t)h * 3);
    }
    if (!e) *out = img;
    return e;
}
PAW_DEF paw_err paw_image_resize_short(paw_ctx *c, const paw_image *in, int px, paw_image *out)
{
    double side;
    paw_err e;
    int shorter, longer;
    PAW__ENTER(c);
    if ((e = paw__image_check(c, "paw_image_resize_short", in, out)) != PAW_OK) return e;
    if (px < 1) return paw__fail(c, PAW_E_ARG, "paw_image_resize_short: %d pixels", px);
    shorter = in->w < in->h ? in->w : in->h;
    longer = in->w < in->h ? in->h : in->w;
    if (shorter == px) return paw_image_resize(c, in, in->w, in->h, PAW_BICUBIC, out);
    side = (double)px * longer / shorter; /* Python's int(px * longer / shorter) */
    if (side > PAW__MAX_SIDE)
        return paw__fail(c, PAW_E_LIMIT, "resize: %d x %d to short side %d: long side %.0f, at "
                         "most %d", in->w, in->h, px, side, PAW__MAX_SIDE);
    longer = (int)side;
    return in->w < in->h ? paw_image_resize(c, in, px, longer, PAW_BICUBIC, out)
                         : paw_image_resize(c, in, longer, px, PAW_BICUBIC, out);
}

/* ---- crop ---- */

/* Half to even, whatever rounding mode the caller has set. */
static double paw__round_even(double x)
{
    const double lo = floor(x), rest = x - lo;
    return rest > 0.5 || (rest == 0.5 && fmod(lo, 2) != 0) ? lo + 1 : lo;
}
static paw_err paw__crop(paw_ctx *c, const paw_image *in, const int64_t box[4], paw_image *out)
{
    const int64_t w = box[2] - box[0], h = box[3] - box[1];
    const int64_t left = box[0] < 0 ? -box[0] : 0; /* black columns before the image */
    const int64_t from = box[0] < 0 ? 0 : box[0], to = box[2] < in->w ? box[2] : in->w;
    paw_image img;
    int64_t y;
    paw_err e;
    if (w < 1 || h < 1)
        return paw__fail(c, PAW_E_ARG, "crop: %lld x %lld pixels", (long long)w, (long long)h);
    if ((e = paw__pixels_check(c, "crop", (uint64_t)w, (uint64_t)h)) != PAW_OK) return e;
    if ((e = paw__image_new(c, (int)w, (int)h, &img)) != PAW_OK) return e;
    memset(img.px, 0, (size_t)w * (size_t)h * 3);
    for (y = box[1] < 0 ? 0 : box[1]; y < box[3] && y < in->h && from < to; ++y)
        memcpy(img.px + ((y - box[1]) * w + left) * 3, in->px + (y * in->w + from) * 3,
               (size_t)(to - from) * 3);
    *out = img;
    return PAW_OK;
}
PAW_DEF paw_err paw_image_crop(paw_ctx *c, const paw_image *in, const double box[4],
                               paw_image *out)
{
    int64_t corner[4];
    paw_err e;
    int i;
    PAW__ENTER(c);
    if ((e = paw__image_check(c, "paw_image_crop", in, out)) != PAW_OK) return e;
    if (!box) return paw__fail(c, PAW_E_ARG, "paw_image_crop: NULL argument");
    for (i = 0; i < 4; ++i) {
        if (!(fabs(box[i]) <= 1e9)) /* NaN too */
            return paw__fail(c, PAW_E_ARG, "crop: box %g, %g, %g, %g", box[0], box[1], box[2],
                             box[3]);
        corner[i] = (int64_t)paw__round_even(box[i]);
    }
    return paw__crop(c, in, corner, out);
}
PAW_DEF paw_err paw_image_center_crop(paw_ctx *c, const paw_image *in, int w, int h, paw_image *out)
{
    int64_t corner[4];
    paw_err e;
    PAW__ENTER(c);
    if ((e = paw__image_check(c, "paw_image_center_crop", in, out)) != PAW_OK) return e;
    if (w < 1 || h < 1)
        return paw__fail(c, PAW_E_ARG, "paw_image_center_crop: %d x %d pixels", w, h);
    corner[0] = (int64_t)paw__round_even(((double)in->w - w) / 2);
    corner[1] = (int64_t)paw__round_even(((double)in->h - h) / 2);
    corner[2] = corner[0] + w;
    corner[3] = corner[1] + h;
    return paw__crop(c, in, corner, out);
}

/* ---- normalise ---- */

PAW_DEF const paw_stats *paw_stats_find(const char *name)
{
    static const paw_stats imagenet = { { 0.485f, 0.456f, 0.406f }, { 0.229f, 0.224f, 0.225f } };
    static const paw_stats half = { { 0.5f, 0.5f, 0.5f }, { 0.5f, 0.5f, 0.5f } };
    if (name && !strcmp(name, "imagenet")) return &imagenet;
    return name && !strcmp(name, "half") ? &half : NULL;
}
/* Two divisions, as torchvision does them, for 256 values; then a look-up per pixel. */
PAW_DEF void paw_normalize(const paw_image *img, const paw_stats *s, float *chw)
{
    PAW__MODE;
    size_t count, i;
    float table[256];
    int k, v;
    if (!img || !img->px || !s || !chw) return;
    count = (size_t)img->w * (size_t)img->h;
    for (k = 0; k < 3; ++k, chw += count) {
        for (v = 0; v < 256; ++v) table[v] = ((float)v / 255.0f - s->mean[k]) / s->std[k];
        for (i = 0; i < count; ++i) chw[i] = table[img->px[i * 3 + (size_t)k]];
    }
}

/* Resize(px * 8 / 7) bicubic, CenterCrop(px) */
static paw_err paw__central(paw_ctx *c, const paw_image *in, int px, paw_image *out)
{
    paw_image resized;
    paw_err e = paw_image_resize_short(c, in, (int)(((int64_t)px * 8 + 3) / 7), &resized);
    if (e) return e;
    e = paw_image_center_crop(c, &resized, px, px, out);
    paw_image_free(c, &resized);
    return e;
}
PAW_DEF paw_err paw_embed(const paw_model *m, paw_ctx *c, const paw_image *img,
                          const paw_stats *stats, float *cls)
{
    paw_image crop;
    paw_outputs o;
    float *chw;
    paw_err e;
    int px;
    PAW__ENTER(c);
    if (!m || !img || !cls) return paw__fail(c, PAW_E_ARG, "paw_embed: NULL argument");
    px = m->grid * m->patch;
    if ((e = paw__central(c, img, px, &crop)) != PAW_OK) return e;
    chw = (float *)paw__alloc(c, 3 * (size_t)px * (size_t)px, sizeof *chw);
    memset(&o, 0, sizeof o);
    o.cls = cls;
    if (chw) paw_normalize(&crop, stats ? stats : paw_stats_find("imagenet"), chw);
    e = chw ? paw_encode(m, c, chw, 1, px, px, &o) : PAW_E_OOM;
    paw__free(chw);
    paw_image_free(c, &crop);
    return e;
}
/* ==== >>data ==== data set indexes: CUB, COCO, CIFAR-10, folders, lists; item to pixels ==== */

static char *paw__path_join(paw_ctx *c, const char *folder, const char *name)
{
    const size_t n = strlen(folder), m = strlen(name);
    char *p = (char *)paw__alloc(c, n + m + 2, 1);
    if (!p) return NULL;
    memcpy(p, folder, n);
    if (n && folder[n - 1] != '/') p[n] = '/';
    else p[n] = 0;
    memcpy(p + n + (p[n] == '/'), name, m + 1);
    return p;
}

/* ---- folders ---- */

static int paw__image_name(const char *name)
{
    static const char *const ends[] = { ".jpg", ".jpeg", ".png" };
    const size_t n = strlen(name);
    size_t i, k;
    for (i = 0; i < PAW__COUNT(ends); ++i) {
        const size_t m = strlen(ends[i]);
        if (n <= m) continue;
        for (k = 0; k < m; ++k) {
            const int ch = name[n - m + k];
            if ((ch >= 'A' && ch <= 'Z' ? ch + 32 : ch) != ends[i][k]) break;
        }
        if (k == m) return 1;
    }
    return 0;
}
static int paw__less_text(const void *a, const void *b)
{
    return strcmp((const char *)a, (const char *)b) < 0;
}
typedef struct {
    void **items; /* char * */
    size_t count, cap;
} paw__names;
static paw_err paw__names_add(paw_ctx *c, paw__names *n, char *owned)
{
    void *items = n->items;
    paw_err e = owned ? paw__grow(c, &items, &n->cap, n->count + 1, sizeof *n->items) : PAW_E_OOM;
    n->items = (void **)items;
    if (e) paw__free(owned);
    else n->items[n->count++] = owned;
    return e;
}
/* What a path leads to: 'f' a regular file, 'd' a folder, 0 anything else or nothing. E_IO where
   that cannot be told: a disk that fails may not make a data set smaller. */
static paw_err paw__path_kind(paw_ctx *c, const char *path, int *kind)
{
    struct stat st;
    *kind = 0;
    errno = 0;
    if (!stat(path, &st)) *kind = S_ISREG(st.st_mode) ? 'f' : S_ISDIR(st.st_mode) ? 'd' : 0;
    else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
        return paw__fail(c, PAW_E_IO, "%s: %s", path,
                         errno == EACCES ? "no permission" : "cannot be looked at");
    return PAW_OK;
}
/* Images of the folder; *others: how many other names there are, hidden ones apart. */
static paw_err paw__folder_read(paw_ctx *c, const char *path, DIR *dir, paw__names *names,
                                size_t *others)
{
    for (;;) {
        const struct dirent *d;
        char *full;
        int kind;
        paw_err e;
        errno = 0;
        d = readdir(dir);
        if (!d && errno) return paw__fail(c, PAW_E_IO, "%s: cannot be listed", path);
        if (!d) return PAW_OK;
        if (!paw__image_name(d->d_name)) {
            *others += d->d_name[0] != '.';
            continue;
        }
        full = paw__path_join(c, path, d->d_name);
        if (!full) return PAW_E_OOM;
        e = paw__path_kind(c, full, &kind);
        if (e || kind != 'f') {
            paw__free(full);
            if (e) return e;
            ++*others;
            continue;
        }
        if ((e = paw__names_add(c, names, full)) != PAW_OK) return e;
    }
}
static paw_err paw__files_find(paw_ctx *c, const char *path, paw__names *names)
{
    size_t others = 0;
    struct stat st;
    DIR *dir;
    paw_err e;
    errno = 0;
    if (stat(path, &st))
        return paw__fail(c, PAW_E_IO, "%s: %s", path,
                         errno == ENOENT ? "no such file or folder" : paw__open_reason(errno));
    if (S_ISREG(st.st_mode)) return paw__names_add(c, names, paw__strdup(c, path));
    if (!S_ISDIR(st.st_mode))
        return paw__fail(c, PAW_E_IO, "%s: neither a file nor a folder", path);
    dir = opendir(path);
    if (!dir) return paw__fail(c, PAW_E_IO, "%s: the folder cannot be opened", path);
    e = paw__folder_read(c, path, dir, names, &others);
    closedir(dir);
    if (!e && !names->count)
        return paw__fail(c, PAW_E_IO, "%s: no .jpg, .jpeg or .png file in this folder", path);
    return e;
}
PAW_DEF void paw_files_free(paw_ctx *c, paw_files *f)
{
    size_t i;
    (void)c;
    if (!f) return;
    for (i = 0; f->paths && i < f->count; ++i) paw__free(f->paths[i]);
    paw__free(f->paths);
    memset(f, 0, sizeof *f);
}
PAW_DEF paw_err paw_files_list(paw_ctx *c, const char *path, paw_files *out)
{
    paw__names names;
    char **paths = NULL;
    size_t i;
    paw_err e;
    if (!c) return PAW_E_ARG;
    if (!path || !out) return paw__fail(c, PAW_E_ARG, "paw_files_list: NULL argument");
    memset(&names, 0, sizeof names);
    e = paw__files_find(c, path, &names);
    if (!e && !(paths = (char **)paw__alloc(c, names.count, sizeof *paths))) e = PAW_E_OOM;
    if (!e) paw__sort(names.items, names.count, paw__less_text);
    for (i = 0; i < names.count; ++i) {
        if (e) paw__free(names.items[i]);
        else paths[i] = (char *)names.items[i];
    }
    paw__free(names.items);
    if (e) return e;
    out->paths = paths;
    out->count = names.count;
    return PAW_OK;
}

/* ---- text tables ----
   Rows of fields between blanks. CR LF, blank rows and a missing last newline pass. */

typedef struct {
    paw_ctx *c;
    char *path;
    uint8_t *bytes;
    const char *at, *end;   /* not yet read */
    const char *row, *stop; /* left of the present row */
    size_t line;            /* from 1 */
} paw__table;

static paw_err paw__table_open(paw__table *t, paw_ctx *c, const char *folder, const char *name)
{
    size_t size = 0;
    paw_err e;
    memset(t, 0, sizeof *t);
    t->c = c;
    if (!(t->path = paw__path_join(c, folder, name))) return PAW_E_OOM;
    e = paw_file_read(c, t->path, &t->bytes, &size);
    if (e) {
        paw__free(t->path);
        return e;
    }
    t->at = (const char *)t->bytes;
    t->end = t->at + size;
    if (size >= 3 && !memcmp(t->at, "\xef\xbb\xbf", 3)) t->at += 3;
    return PAW_OK;
}
static void paw__table_close(paw__table *t)
{
    paw__free(t->bytes);
    paw__free(t->path);
}
static paw_err paw__table_fail(const paw__table *t, paw_err e, const char *what)
{
    return paw__fail(t->c, e, "%s:%zu: %s", t->path, t->line, what);
}
static int paw__blank(char ch) { return ch == ' ' || ch == '\t' || ch == '\r'; }
static void paw__table_space(paw__table *t)
{
    while (t->row < t->stop && paw__blank(*t->row)) ++t->row;
}
static int paw__table_row(paw__table *t) /* 0: no more rows */
{
    while (t->at < t->end) {
        const char *nl = (const char *)memchr(t->at, '\n', (size_t)(t->end - t->at));
        t->row = t->at;
        t->stop = nl ? nl : t->end;
        t->at = nl ? nl + 1 : t->end;
        ++t->line;
        while (t->stop > t->row && paw__blank(t->stop[-1])) --t->stop;
        paw__table_space(t);
        if (t->row < t->stop) return 1;
    }
    return 0;
}
/* Returns the field's bytes, 0 where the row has ended. */
static size_t paw__table_field(paw__table *t, const char **field)
{
    const char *from;
    paw__table_space(t);
    from = t->row;
    while (t->row < t->stop && !paw__blank(*t->row)) ++t->row;
    *field = from;
    return (size_t)(t->row - from);
}
static paw_err paw__table_int(paw__table *t, int64_t *out)
{
    const char *s;
    size_t n = paw__table_field(t, &s), i = n && *s == '-';
    const int64_t sign = i ? -1 : 1;
    int64_t v = 0;
    if (!n) return paw__table_fail(t, PAW_E_FORMAT, "too few fields");
    if (i == n || n - i > 18 || paw__digits(s + i, n - i) != n - i)
        return paw__table_fail(t, PAW_E_FORMAT, "not an integer of at most 18 digits");
    for (; i < n; ++i) v = v * 10 + (s[i] - '0');
    *out = sign * v;
    return PAW_OK;
}
/* Python writes nan and inf, which are numbers here too. */
static paw_err paw__table_real(paw__table *t, double *out)
{
    const char *s;
    size_t n = paw__table_field(t, &s), minus = n && *s == '-';
    const size_t rest = n - minus;
    if (!n) return paw__table_fail(t, PAW_E_FORMAT, "too few fields");
    if (rest == 3 && (!memcmp(s + minus, "nan", 3) || !memcmp(s + minus, "NaN", 3)))
        *out = (double)NAN;
    else if (rest == 3 && !memcmp(s + minus, "inf", 3)) *out = minus ? -HUGE_VAL : HUGE_VAL;
    else if (paw__number(s, n, out) != n) return paw__table_fail(t, PAW_E_FORMAT, "not a number");
    return PAW_OK;
}
static size_t paw__table_rest(paw__table *t, const char **s) /* to the end of the row */
{
    paw__table_space(t);
    *s = t->row;
    t->row = t->stop;
    return (size_t)(t->stop - *s);
}
static paw_err paw__table_done(paw__table *t)
{
    paw__table_space(t);
    return t->row == t->stop ? PAW_OK : paw__table_fail(t, PAW_E_FORMAT, "too many fields");
}

/* ---- indexes: what the data sets share ---- */

#define PAW__MAX_PARTS 1024        /* of one data set */
#define PAW__MAX_IMAGE_POINTS 4096 /* key points of one image: each is compared with each */
#define PAW__ALONE 999999.0        /* distance of a point without neighbours, as in the code */
typedef struct {
    int64_t id;
    size_t line;
    const char *path;
    int split; /* -1: not yet known; 1: training */
} paw__set_image;
typedef struct {
    const paw__set_image *image;
    int64_t image_id, entry, part;
    size_t line;
    int label;
    double x, y;
} paw__point;
typedef struct {
    paw_ctx *c;
    const char *root;
    char *folder; /* of the images */
    paw_index_opts o;
    int split; /* wanted: 1 training, 0 the other, -1 both */
    paw__arena owned;
    paw__set_image *images;
    void **by_id; /* paw__set_image * */
    size_t image_count, image_cap;
    int64_t part_ids[PAW__MAX_PARTS];
    int labels[PAW__MAX_PARTS]; /* -1: not wanted */
    const char *part_names[PAW__MAX_PARTS];
    int part_count;
    paw__point *points;
    void **order; /* paw__point *, image then entry then part */
    size_t point_count, point_cap, item_cap;
    paw_index x;
} paw__set;

PAW_DEF const char *paw_skip_text(int reason)
{
#define PAW__SKIP_TEXT(name, text) if (reason == name) return text;
    PAW_SKIPS_LIST(PAW__SKIP_TEXT)
#undef PAW__SKIP_TEXT
    return NULL;
}
PAW_DEF void paw_index_free(paw_ctx *c, paw_index *x)
{
    paw__arena owned;
    int i;
    (void)c;
    if (!x) return;
    owned.head = (paw__chunk *)x->owned_;
    for (i = 0; x->class_names && i < x->classes; ++i) paw__free(x->class_names[i]);
    paw__free(x->class_names);
    paw__free(x->items);
    paw__arena_free(&owned);
    memset(x, 0, sizeof *x);
}
PAW_DEF size_t paw_index_drop_missing(paw_index *x, const char **first)
{
    const char *path = NULL, *missing = NULL;
    size_t i, kept = 0, files = 0;
    int there = 0;
    for (i = 0; x && i < x->count; ++i) {
        struct stat st;
        if (!path || (x->items[i].path != path && strcmp(x->items[i].path, path))) {
            path = x->items[i].path;
            there = !stat(path, &st) && S_ISREG(st.st_mode);
            files += !there;
            if (!there && !missing) missing = path;
        }
        if (there) x->items[kept++] = x->items[i];
        else ++x->skipped[PAW_SKIP_MISSING];
    }
    if (x) x->count = kept;
    if (first) *first = missing;
    return files;
}
static int paw__set_opts_ok(const paw_index_opts *o)
{
    return (o->protocol == PAW_PROTOCOL_CODE || o->protocol == PAW_PROTOCOL_PAPER) &&
           (o->parts ? o->part_count > 0 : o->part_count == 0 || o->part_count == -1) &&
           o->max_ratio >= 0 && o->min_side >= 0; /* NaN is neither */
}
/* Begins an index; NULL: the error code is in *e, and nothing is held. */
static paw__set *paw__set_begin(paw_ctx *c, const char *who, const char *root,
                                const paw_index_opts *opts, const paw_index *out, paw_err *e)
{
    paw__set *u;
    *e = PAW_E_ARG;
    if (!c) return NULL;
    if (!root || !out || (opts && !paw__set_opts_ok(opts))) {
        paw__fail(c, PAW_E_ARG, "%s: NULL, or unknown protocol, part count, ratio or side", who);
        return NULL;
    }
    *e = PAW_E_OOM;
    if (!(u = (paw__set *)paw__calloc(c, 1, sizeof *u))) return NULL;
    *e = PAW_OK;
    u->c = c;
    u->root = root;
    u->split = -1;
    if (opts) u->o = *opts;
    return u;
}
static paw_err paw__set_end(paw__set *u, paw_err e, paw_index *out)
{
    u->x.images = u->image_count;
    u->x.owned_ = u->owned.head;
    if (e) paw_index_free(u->c, &u->x);
    else *out = u->x;
    paw__free(u->folder);
    paw__free(u->images);
    paw__free(u->by_id);
    paw__free(u->points);
    paw__free(u->order);
    paw__free(u);
    return e;
}
static paw_item *paw__set_item(paw__set *u) /* a new, empty item; NULL: out of memory */
{
    void *items = u->x.items;
    paw_item *item;
    const paw_err e = paw__grow(u->c, &items, &u->item_cap, u->x.count + 1, sizeof *item);
    u->x.items = (paw_item *)items;
    if (e) return NULL;
    item = &u->x.items[u->x.count++];
    memset(item, 0, sizeof *item);
    return item;
}
static void paw__set_skip(paw__set *u, int reason, size_t n)
{
    u->x.candidates += n;
    u->x.skipped[reason] += n;
}
/* A data set must not reach outside its folder. */
static int paw__path_inside(const char *s, size_t n)
{
    size_t i = 0, len;
    if (!n || s[0] == '/' || memchr(s, 0, n)) return 0;
    for (; i <= n; i += len + 1) {
        const char *slash = i < n ? (const char *)memchr(s + i, '/', n - i) : NULL;
        len = slash ? (size_t)(slash - s) - i : n - i;
        if (len == 2 && s[i] == '.' && s[i + 1] == '.') return 0;
    }
    return 1;
}
static const char *paw__set_path(paw__set *u, const char *rel, size_t n) /* below u->folder */
{
    const size_t m = strlen(u->folder), slash = m && u->folder[m - 1] != '/';
    char *p = (char *)paw__arena_get(u->c, &u->owned, m + slash + n + 1);
    if (!p) return NULL;
    memcpy(p, u->folder, m);
    if (slash) p[m] = '/';
    memcpy(p + m + slash, rel, n);
    return p;
}
static paw_err paw__set_image_add(paw__set *u, const paw__set_image *image)
{
    void *records = u->images;
    const paw_err e = paw__grow(u->c, &records, &u->image_cap, u->image_count + 1, sizeof *image);
    u->images = (paw__set_image *)records;
    if (!e) u->images[u->image_count++] = *image;
    return e;
}
static paw_err paw__set_point_add(paw__set *u, const paw__point *p)
{
    void *records = u->points;
    const paw_err e = paw__grow(u->c, &records, &u->point_cap, u->point_count + 1, sizeof *p);
    u->points = (paw__point *)records;
    if (!e) u->points[u->point_count++] = *p;
    return e;
}
static void **paw__pointers(paw_ctx *c, void *records, size_t n, size_t size)
{
    void **p = (void **)paw__alloc(c, n + 1, sizeof *p);
    size_t i;
    for (i = 0; p && i < n; ++i) p[i] = (uint8_t *)records + i * size;
    return p;
}
static int paw__less_set_image(const void *a, const void *b)
{
    return ((const paw__set_image *)a)->id < ((const paw__set_image *)b)->id;
}
/* Sorts the images by id; *twice: two of the same id, or NULLs. */
static paw_err paw__set_sort_images(paw__set *u, const paw__set_image *twice[2])
{
    size_t i;
    twice[0] = twice[1] = NULL;
    u->by_id = paw__pointers(u->c, u->images, u->image_count, sizeof *u->images);
    if (!u->by_id) return PAW_E_OOM;
    paw__sort(u->by_id, u->image_count, paw__less_set_image);
    for (i = 1; i < u->image_count && !twice[0]; ++i) {
        const paw__set_image *a = (const paw__set_image *)u->by_id[i - 1];
        const paw__set_image *b = (const paw__set_image *)u->by_id[i];
        if (a->id != b->id) continue;
        twice[0] = a->line < b->line ? a : b;
        twice[1] = a->line < b->line ? b : a;
    }
    return PAW_OK;
}
static paw__set_image *paw__set_image_of(const paw__set *u, int64_t id)
{
    size_t lo = 0, hi = u->image_count;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (((const paw__set_image *)u->by_id[mid])->id < id) lo = mid + 1;
        else hi = mid;
    }
    if (lo == u->image_count || ((const paw__set_image *)u->by_id[lo])->id != id) return NULL;
    return (paw__set_image *)u->by_id[lo];
}
static int paw__set_part_of(const paw__set *u, int64_t id)
{
    int i;
    for (i = 0; i < u->part_count; ++i)
        if (u->part_ids[i] == id) return i;
    return -1;
}
static paw_err paw__set_class_add(paw__set *u, const char *name) /* room for it is there */
{
    char *copy = paw__strdup(u->c, name);
    if (!copy) return PAW_E_OOM;
    u->x.class_names[u->x.classes++] = copy;
    return PAW_OK;
}
/* Labels of the wanted parts, in the caller's order; every part where want is NULL. file: where the
   parts come from. */
static paw_err paw__set_choose(paw__set *u, const char *file, const int *want, int n)
{
    const int classes = want ? n : u->part_count;
    int i, k;
    if (classes > u->part_count)
        return paw__fail(u->c, PAW_E_KEY, "%s: %d parts, %d wanted", file, u->part_count, n);
    u->x.class_names = (char **)paw__calloc(u->c, (size_t)classes + 1, sizeof(char *));
    if (!u->x.class_names) return PAW_E_OOM;
    for (i = 0; i < classes; ++i) {
        k = want ? paw__set_part_of(u, want[i]) : i;
        if (k < 0) return paw__fail(u->c, PAW_E_KEY, "%s: no part %d", file, want[i]);
        if (u->labels[k] >= 0)
            return paw__fail(u->c, PAW_E_ARG, "%s: part %d is given twice", file, want[i]);
        u->labels[k] = i;
        if (paw__set_class_add(u, u->part_names[k])) return PAW_E_OOM;
    }
    return PAW_OK;
}
/* paper: the paper's parts */
static paw_err paw__set_choose_opts(paw__set *u, const char *file, const int *paper, int n)
{
    if (u->o.parts) return paw__set_choose(u, file, u->o.parts, u->o.part_count);
    return paw__set_choose(u, file, u->o.part_count ? NULL : paper, n);
}
static paw_err paw__set_sort_points(paw__set *u, paw__less *less)
{
    paw__free(u->order);
    u->order = paw__pointers(u->c, u->points, u->point_count, sizeof *u->points);
    if (!u->order) return PAW_E_OOM;
    paw__sort(u->order, u->point_count, less);
    return PAW_OK;
}
static int paw__less_point(const void *a, const void *b)
{
    const paw__point *p = (const paw__point *)a, *q = (const paw__point *)b;
    if (p->image_id != q->image_id) return p->image_id < q->image_id;
    if (p->entry != q->entry) return p->entry < q->entry;
    return p->part < q->part;
}
/* The squares are rounded before they are added: fused, one of them would not be, and a point at
   the edge of the size filter could differ between compilers. */
static double paw__distance(double dx, double dy, double dz)
{
    double a = dx * dx, b = dy * dy, c = dz * dz;
    PAW__KEEP(a);
    PAW__KEEP(b);
    PAW__KEEP(c);
    return sqrt(a + b + c);
}
/* By the released code the annotation id is a third coordinate (protocol, section 9, item 7);
   where there are no annotations every entry is 0. */
static double paw__nearest(const paw__set *u, size_t first, size_t last, const paw__point *p)
{
    double nearest = PAW__ALONE;
    size_t j;
    for (j = first; j < last; ++j) {
        const paw__point *q = (const paw__point *)u->order[j];
        const int64_t dz = u->o.protocol == PAW_PROTOCOL_PAPER ? 0 : p->entry - q->entry;
        const double d = paw__distance(p->x - q->x, p->y - q->y, (double)dz);
        if (d > 0 && d < nearest) nearest = d; /* 0: itself, or a point at the same place */
    }
    return nearest;
}
/* Items of the points order[first..last) of one image (protocol 4.1, steps 3 and 4). */
static paw_err paw__set_image_items(paw__set *u, size_t first, size_t last)
{
    size_t i;
    if (last - first > PAW__MAX_IMAGE_POINTS)
        return paw__fail(u->c, PAW_E_LIMIT, "%s: %zu key points, at most %d are compared",
                         ((const paw__point *)u->order[first])->image->path, last - first,
                         PAW__MAX_IMAGE_POINTS);
    for (i = first; i < last; ++i) {
        const paw__point *p = (const paw__point *)u->order[i];
        const double nearest = paw__nearest(u, first, last, p), e = nearest / 2;
        const double half = paw__round_even(u->o.protocol == PAW_PROTOCOL_PAPER ? e : e / 2);
        paw_item *out;
        if (!(e > 20 && e < 1000)) {
            paw__set_skip(u, nearest >= PAW__ALONE ? PAW_SKIP_ALONE
                             : e > 20 ? PAW_SKIP_FAR : PAW_SKIP_NEAR, 1);
            continue;
        }
        if (!(out = paw__set_item(u))) return PAW_E_OOM;
        ++u->x.candidates;
        out->path = p->image->path;
        out->image_id = p->image_id;
        out->entry = p->entry;
        out->part_id = (int32_t)p->part;
        out->label = p->label;
        out->x = p->x;
        out->y = p->y;
        out->e = e;
        out->box[0] = p->x - half;
        out->box[1] = p->y - half;
        out->box[2] = p->x + half;
        out->box[3] = p->y + half;
        out->kind = PAW_ITEM_BOX;
        out->train = p->image->split;
    }
    return PAW_OK;
}
static paw_err paw__set_points_items(paw__set *u)
{
    size_t first, last;
    paw_err e = PAW_OK;
    u->item_cap = u->point_count + 1; /* no more items than points */
    u->x.items = (paw_item *)paw__alloc(u->c, u->item_cap, sizeof *u->x.items);
    if (!u->x.items) return PAW_E_OOM;
    for (first = 0; !e && first < u->point_count; first = last) {
        const paw__point *p = (const paw__point *)u->order[first];
        for (last = first + 1; last < u->point_count; ++last)
            if (((const paw__point *)u->order[last])->image != p->image) break;
        e = paw__set_image_items(u, first, last);
    }
    return e;
}

/* ---- CUB-200-2011 ---- */

static paw_err paw__cub_image_row(paw__set *u, paw__table *t)
{
    paw__set_image image;
    const char *rel;
    size_t n;
    paw_err e = paw__table_int(t, &image.id);
    if (e) return e;
    if (!(n = paw__table_rest(t, &rel))) return paw__table_fail(t, PAW_E_FORMAT, "too few fields");
    if (!paw__path_inside(rel, n))
        return paw__table_fail(t, PAW_E_FORMAT, "a path outside the data set");
    image.line = t->line;
    image.split = -1;
    if (!(image.path = paw__set_path(u, rel, n))) return PAW_E_OOM;
    return paw__set_image_add(u, &image);
}
static paw_err paw__cub_images(paw__set *u)
{
    const paw__set_image *twice[2] = { NULL, NULL };
    paw__table t;
    paw_err e = paw__table_open(&t, u->c, u->root, "images.txt");
    if (e) return e;
    if (!(u->folder = paw__path_join(u->c, u->root, "images"))) e = PAW_E_OOM;
    while (!e && paw__table_row(&t)) e = paw__cub_image_row(u, &t);
    if (!e && !u->image_count) e = paw__table_fail(&t, PAW_E_FORMAT, "no images");
    if (!e) e = paw__set_sort_images(u, twice);
    if (twice[0])
        e = paw__fail(u->c, PAW_E_FORMAT, "%s: lines %zu and %zu have the same image id %lld",
                      t.path, twice[0]->line, twice[1]->line, (long long)twice[0]->id);
    paw__table_close(&t);
    return e;
}
static paw_err paw__cub_part_row(paw__set *u, paw__table *t)
{
    const int i = u->part_count;
    const char *name;
    int64_t id = 0;
    size_t n;
    paw_err e = paw__table_int(t, &id);
    if (e) return e;
    if (!(n = paw__table_rest(t, &name))) return paw__table_fail(t, PAW_E_FORMAT, "too few fields");
    if (paw__set_part_of(u, id) >= 0)
        return paw__table_fail(t, PAW_E_FORMAT, "this part id was met before");
    if (id < INT32_MIN || id > INT32_MAX || i == PAW__MAX_PARTS)
        return paw__table_fail(t, PAW_E_LIMIT, "part id out of range, or over 1024 parts");
    u->part_ids[i] = id;
    u->labels[i] = -1;
    u->part_names[i] = paw__arena_text(u->c, &u->owned, name, n);
    if (!u->part_names[i]) return PAW_E_OOM;
    ++u->part_count;
    return PAW_OK;
}
static paw_err paw__cub_parts(paw__set *u)
{
    static const int paper[] = { 11, 12, 9, 14 };
    paw__table t;
    paw_err e = paw__table_open(&t, u->c, u->root, "parts/parts.txt");
    if (e) return e;
    while (!e && paw__table_row(&t)) e = paw__cub_part_row(u, &t);
    if (!e) e = paw__set_choose_opts(u, t.path, paper, (int)PAW__COUNT(paper));
    paw__table_close(&t);
    return e;
}
static paw_err paw__cub_split_row(paw__set *u, paw__table *t)
{
    paw__set_image *image;
    int64_t id = 0, train = 0;
    paw_err e = paw__table_int(t, &id);
    if (!e) e = paw__table_int(t, &train);
    if (!e) e = paw__table_done(t);
    if (e) return e;
    if (!(image = paw__set_image_of(u, id)))
        return paw__table_fail(t, PAW_E_KEY, "an image id that images.txt has not");
    if (image->split >= 0 || (train != 0 && train != 1))
        return paw__table_fail(t, PAW_E_FORMAT, "an image met before, or neither 0 nor 1");
    image->split = (int)train;
    return PAW_OK;
}
static paw_err paw__cub_splits(paw__set *u)
{
    paw__table t;
    size_t i;
    paw_err e = paw__table_open(&t, u->c, u->root, "train_test_split.txt");
    if (e) return e;
    while (!e && paw__table_row(&t)) e = paw__cub_split_row(u, &t);
    for (i = 0; !e && i < u->image_count; ++i)
        if (u->images[i].split < 0)
            e = paw__fail(u->c, PAW_E_KEY, "%s: no row for image id %lld", t.path,
                          (long long)u->images[i].id);
    paw__table_close(&t);
    return e;
}
static paw_err paw__cub_point_row(paw__set *u, paw__table *t)
{
    paw__point p;
    double visible = 0;
    int k, reason;
    paw_err e;
    memset(&p, 0, sizeof p);
    e = paw__table_int(t, &p.image_id);
    if (!e) e = paw__table_int(t, &p.part);
    if (!e) e = paw__table_real(t, &p.x);
    if (!e) e = paw__table_real(t, &p.y);
    if (!e) e = paw__table_real(t, &visible);
    if (!e) e = paw__table_done(t);
    if (e) return e;
    if (!(p.image = paw__set_image_of(u, p.image_id)))
        return paw__table_fail(t, PAW_E_KEY, "an image id that images.txt has not");
    if ((k = paw__set_part_of(u, p.part)) < 0)
        return paw__table_fail(t, PAW_E_KEY, "a part id that parts.txt has not");
    p.label = u->labels[k];
    p.line = t->line;
    if (p.label < 0) return PAW_OK;
    reason = u->split >= 0 && p.image->split != u->split ? PAW_SKIP_SPLIT
           : visible != 1 ? PAW_SKIP_INVISIBLE
           : !(fabs(p.x) <= 1e9 && fabs(p.y) <= 1e9) ? PAW_SKIP_POSITION : PAW_SKIPS; /* NaN too */
    if (reason == PAW_SKIPS) return paw__set_point_add(u, &p);
    paw__set_skip(u, reason, 1);
    return PAW_OK;
}
static paw_err paw__cub_points(paw__set *u)
{
    paw__table t;
    size_t i;
    paw_err e = paw__table_open(&t, u->c, u->root, "parts/part_locs.txt");
    if (e) return e;
    while (!e && paw__table_row(&t)) e = paw__cub_point_row(u, &t);
    if (!e) e = paw__set_sort_points(u, paw__less_point);
    for (i = 1; !e && i < u->point_count; ++i) {
        const paw__point *a = (const paw__point *)u->order[i - 1];
        const paw__point *b = (const paw__point *)u->order[i];
        if (a->image == b->image && a->part == b->part)
            e = paw__fail(u->c, PAW_E_FORMAT, "%s: lines %zu and %zu have the same image and part",
                          t.path, paw__min(a->line, b->line), paw__max(a->line, b->line));
    }
    paw__table_close(&t);
    return e;
}
/* "train" or `other`; NULL: the default */
static paw_err paw__set_split(paw__set *u, const char *who, const char *other)
{
    const char *s = u->o.split;
    if (!s) return PAW_OK;
    u->split = !strcmp(s, "train");
    if (u->split || !strcmp(s, other)) return PAW_OK;
    return paw__fail(u->c, PAW_E_ARG, "%s: split '%s' is neither train nor %s", who, s, other);
}
PAW_DEF paw_err paw_index_cub(paw_ctx *c, const char *root, const paw_index_opts *opts,
                              paw_index *out)
{
    PAW__MODE;
    paw_err e;
    paw__set *u = paw__set_begin(c, "paw_index_cub", root, opts, out, &e);
    if (!u) return e;
    e = paw__set_split(u, "paw_index_cub", "test");
    if (!e) e = paw__cub_images(u);
    if (!e) e = paw__cub_parts(u);
    if (!e) e = paw__cub_splits(u);
    if (!e) e = paw__cub_points(u);
    if (!e) e = paw__set_points_items(u);
    return paw__set_end(u, e, out);
}

/* ---- COCO (protocol 4.2 and 4.5) ----
   One pass over the file: of an annotation is kept what becomes an item, and joined with its image
   at the end, in whatever order the file has them. */

#define PAW__COCO_POINTS 17
#define PAW__MAX_ID 9007199254740992 /* 2^53: from here on readers disagree */
#define PAW__MAX_FILE_NAME 4096
typedef struct {
    paw__set *u;
    paw__json j;
    const char *path;
    int objects;       /* 0: key points */
    size_t at;         /* entry of the present array, from 0 */
    void **categories; /* paw__coco_category *, by id once sorted */
    size_t category_count, category_cap;
    paw_pose *poses; /* paw_poses_load */
    size_t pose_count, pose_cap;
} paw__coco;
typedef struct {
    int64_t id;
    const char *name;
} paw__coco_category;

/* "array 7: what": which entry of which array. */
static paw_err paw__coco_fail(const paw__coco *k, paw_err e, const char *array, const char *what)
{
    return paw__fail(k->u->c, e, "%s: %s %zu: %s", k->path, array, k->at, what);
}
static paw_err paw__coco_id(paw__coco *k, int64_t *out)
{
    const double most = (double)PAW__MAX_ID;
    double v = 0;
    paw_err e = paw__json_double(&k->j, &v);
    if (e) return e;
    if (!(v > -most && v < most) || v != floor(v))
        return paw__json_fail(&k->j, PAW_E_KEY, "an id that is no whole number below 2^53");
    *out = (int64_t)v;
    return PAW_OK;
}
/* Up to `most` numbers to v; *n counts all, and is most + 1 where there is no array. */
static paw_err paw__coco_numbers(paw__coco *k, double *v, size_t most, size_t *n)
{
    double x = 0;
    *n = most + 1;
    if (paw__json_kind(&k->j) != '[') return paw__json_skip(&k->j);
    paw__json_enter(&k->j, '[');
    for (*n = 0; paw__json_next(&k->j); ++*n) {
        paw__json_double(&k->j, &x);
        if (*n < most) v[*n] = x;
    }
    return k->j.e;
}
static paw_err paw__coco_image(paw__coco *k)
{
    static const char *const names[] = { "id", "file_name" };
    char file[PAW__MAX_FILE_NAME];
    paw__set_image image;
    unsigned seen = 0;
    size_t n = 0;
    int field;
    paw__json_enter(&k->j, '{');
    while ((field = paw__json_field(&k->j, names, 2, &seen)) >= 0) {
        if (field) paw__json_string(&k->j, file, sizeof file, &n);
        else paw__coco_id(k, &image.id);
    }
    if (k->j.e) return k->j.e;
    if (seen != 3) return paw__coco_fail(k, PAW_E_KEY, "image", "id or file_name missing");
    if (!paw__path_inside(file, n))
        return paw__coco_fail(k, PAW_E_FORMAT, "image", "a path outside the data set");
    image.line = k->at;
    image.split = k->u->split;
    if (!(image.path = paw__set_path(k->u, file, n))) return PAW_E_OOM;
    return paw__set_image_add(k->u, &image);
}
static paw_err paw__coco_category_of(paw__coco *k)
{
    static const char *const names[] = { "id", "name" };
    char text[PAW__MAX_KEY];
    paw__coco_category *x;
    int64_t id = 0;
    unsigned seen = 0;
    void *list = k->categories;
    size_t n = 0;
    int field;
    paw_err e;
    paw__json_enter(&k->j, '{');
    while ((field = paw__json_field(&k->j, names, 2, &seen)) >= 0) {
        if (field) paw__json_string(&k->j, text, sizeof text, &n);
        else paw__coco_id(k, &id);
    }
    if (k->j.e) return k->j.e;
    if (seen != 3 || id < INT32_MIN || id > INT32_MAX)
        return paw__coco_fail(k, PAW_E_KEY, "category", "id or name missing, or id over 2^31");
    e = paw__grow(k->u->c, &list, &k->category_cap, k->category_count + 1, sizeof(void *));
    k->categories = (void **)list;
    if (e) return e;
    x = (paw__coco_category *)paw__arena_get(k->u->c, &k->u->owned, sizeof *x);
    if (!x || !(x->name = paw__arena_text(k->u->c, &k->u->owned, text, n))) return PAW_E_OOM;
    x->id = id;
    k->categories[k->category_count++] = x;
    return PAW_OK;
}
/* The wanted points of one person: v holds x, y, visibility of every key point. */
static paw_err paw__coco_person(paw__coco *k, int64_t id, int64_t image_id, const double *v)
{
    paw__set *u = k->u;
    size_t visible = 0, usable = 0;
    int i, reason;
    paw_err e = PAW_OK;
    for (i = 0; i < PAW__COCO_POINTS; ++i) {
        const double *p = v + 3 * i;
        if (u->labels[i] < 0 || p[2] != 2) continue;
        ++visible;
        usable += fabs(p[0]) <= 1e9 && fabs(p[1]) <= 1e9 && (p[0] != 0 || p[1] != 0);
    }
    paw__set_skip(u, PAW_SKIP_INVISIBLE, (size_t)u->x.classes - visible);
    reason = usable < visible ? PAW_SKIP_POSITION : visible < 2 ? PAW_SKIP_PERSON : PAW_SKIPS;
    if (reason != PAW_SKIPS) paw__set_skip(u, reason, visible);
    for (i = 0; i < PAW__COCO_POINTS && reason == PAW_SKIPS && !e; ++i) {
        paw__point p;
        if (u->labels[i] < 0 || v[3 * i + 2] != 2) continue;
        memset(&p, 0, sizeof p);
        p.image_id = image_id;
        p.entry = id;
        p.part = i + 1;
        p.label = u->labels[i];
        p.x = v[3 * i];
        p.y = v[3 * i + 1];
        e = paw__set_point_add(u, &p);
    }
    return e;
}
/* box: x, y, w, h, or NULL */
static paw_err paw__coco_object(paw__coco *k, int64_t id, int64_t image_id, int64_t category,
                                int crowd, const double *box)
{
    const double ratio = k->u->o.max_ratio > 0 ? k->u->o.max_ratio : 1.25;
    const double side = k->u->o.min_side > 0 ? k->u->o.min_side : 40;
    double shorter, longer;
    paw_item t, *out;
    int i;
    if (crowd) {
        paw__set_skip(k->u, PAW_SKIP_CROWD, 1);
        return PAW_OK;
    }
    for (i = 0; box && i < 4; ++i)
        if (!(fabs(box[i]) <= 5e8) || (i > 1 && box[i] <= 0)) box = NULL; /* NaN too */
    if (!box) {
        paw__set_skip(k->u, PAW_SKIP_MALFORMED, 1);
        return PAW_OK;
    }
    memset(&t, 0, sizeof t);
    for (i = 0; i < 4; ++i) t.box[i] = i < 2 ? box[i] : box[i - 2] + box[i];
    shorter = box[2] < box[3] ? box[2] : box[3];
    longer = box[2] < box[3] ? box[3] : box[2];
    if (shorter < side || paw__round_even(t.box[2]) - paw__round_even(t.box[0]) < 1 ||
        paw__round_even(t.box[3]) - paw__round_even(t.box[1]) < 1) {
        paw__set_skip(k->u, PAW_SKIP_SMALL, 1);
        return PAW_OK;
    }
    if (longer / shorter > ratio) {
        paw__set_skip(k->u, PAW_SKIP_RATIO, 1);
        return PAW_OK;
    }
    if (category < INT32_MIN || category > INT32_MAX)
        return paw__coco_fail(k, PAW_E_KEY, "annotation", "no such category");
    ++k->u->x.candidates;
    t.image_id = image_id;
    t.entry = id;
    t.part_id = (int32_t)category;
    t.x = (t.box[0] + t.box[2]) / 2;
    t.y = (t.box[1] + t.box[3]) / 2;
    t.kind = PAW_ITEM_BOX;
    t.train = k->u->split;
    if (!(out = paw__set_item(k->u))) return PAW_E_OOM;
    *out = t;
    return PAW_OK;
}
static paw_err paw__coco_annotation(paw__coco *k)
{
    static const char *const names[] = { "id", "image_id", "category_id", "iscrowd", "bbox",
                                         "keypoints" };
    double box[4], v[3 * PAW__COCO_POINTS], crowd = 0;
    int64_t id[3] = { 0, 0, 0 };
    size_t box_n = 0, n = 0;
    unsigned seen = 0;
    const unsigned need = k->objects ? 7 : 3;
    int field;
    paw__json_enter(&k->j, '{');
    while ((field = paw__json_field(&k->j, names, (int)PAW__COUNT(names), &seen)) >= 0) {
        if (field < 3) paw__coco_id(k, &id[field]);
        else if (field == 3) paw__json_double(&k->j, &crowd);
        else if (field == 4) paw__coco_numbers(k, box, 4, &box_n);
        else paw__coco_numbers(k, v, PAW__COUNT(v), &n);
    }
    if (k->j.e) return k->j.e;
    if ((seen & need) != need)
        return paw__coco_fail(k, PAW_E_KEY, "annotation",
                              k->objects ? "id, image_id or category_id missing"
                                         : "id or image_id missing");
    if (k->objects)
        return paw__coco_object(k, id[0], id[1], id[2], crowd != 0, box_n == 4 ? box : NULL);
    if (n == PAW__COUNT(v)) return paw__coco_person(k, id[0], id[1], v);
    paw__set_skip(k->u, PAW_SKIP_MALFORMED, (size_t)k->u->x.classes);
    return PAW_OK;
}
static paw_err paw__coco_array(paw__coco *k, paw_err (*each)(paw__coco *k))
{
    paw__json_enter(&k->j, '[');
    for (k->at = 0; paw__json_next(&k->j); ++k->at) k->j.e = each(k);
    return k->j.e;
}
static paw_err paw__coco_parse(paw__coco *k)
{
    static const char *const names[] = { "images", "annotations", "categories" };
    const unsigned need = k->objects ? 7 : 3;
    unsigned seen = 0;
    int field;
    paw_err e;
    paw__json_enter(&k->j, '{');
    while ((field = paw__json_field(&k->j, names, k->objects ? 3 : 2, &seen)) >= 0)
        paw__coco_array(k, field == 0 ? paw__coco_image : field == 1 ? paw__coco_annotation
                                                                     : paw__coco_category_of);
    e = k->j.e ? k->j.e : paw__json_end(&k->j);
    if (!e && (seen & need) != need)
        e = paw__fail(k->u->c, PAW_E_KEY, "%s: no images, annotations%s", k->path,
                      k->objects ? " or categories" : "");
    return e;
}
static paw_err paw__coco_read(paw__coco *k, paw_err (*parse)(paw__coco *k))
{
    paw_io io;
    uint8_t *window;
    paw_err e;
    FILE *f = paw__file_open(k->u->c, k->path, &io.bytes);
    if (!f) return PAW_E_IO;
    io.read = paw__file_io;
    io.user = f;
    window = (uint8_t *)paw__alloc(k->u->c, PAW__JSON_WINDOW, 1);
    e = window ? PAW_OK : PAW_E_OOM;
    if (!e) {
        paw__json_begin_io(&k->j, k->u->c, k->path, &io, window);
        k->j.python = 1;
        e = parse(k);
    }
    paw__free(window);
    fclose(f);
    return e;
}
static paw_err paw__coco_join(paw__coco *k, int64_t annotation, int64_t id,
                              const paw__set_image **out)
{
    *out = paw__set_image_of(k->u, id);
    if (*out) return PAW_OK;
    return paw__fail(k->u->c, PAW_E_KEY, "%s: annotation %lld is of image %lld, which is not "
                     "listed", k->path, (long long)annotation, (long long)id);
}
static paw_err paw__coco_twice(paw__coco *k, const char *what, int64_t id)
{
    return paw__fail(k->u->c, PAW_E_FORMAT, "%s: two %s have the id %lld", k->path, what,
                     (long long)id);
}
static int paw__less_entry(const void *a, const void *b)
{
    const paw__point *p = (const paw__point *)a, *q = (const paw__point *)b;
    return p->entry != q->entry ? p->entry < q->entry : p->part < q->part;
}
static paw_err paw__coco_points(paw__coco *k)
{
    paw__set *u = k->u;
    size_t i;
    paw_err e = paw__set_sort_points(u, paw__less_entry);
    for (i = 0; !e && i < u->point_count; ++i) {
        paw__point *p = (paw__point *)u->order[i];
        const paw__point *before = i ? (const paw__point *)u->order[i - 1] : NULL;
        if (before && before->entry == p->entry &&
            (before->part == p->part || before->image_id != p->image_id))
            e = paw__coco_twice(k, "annotations", p->entry);
        else e = paw__coco_join(k, p->entry, p->image_id, &p->image);
    }
    if (!e) e = paw__set_sort_points(u, paw__less_point);
    return e ? e : paw__set_points_items(u);
}
static int paw__less_category(const void *a, const void *b)
{
    return ((const paw__coco_category *)a)->id < ((const paw__coco_category *)b)->id;
}
/* Labels are the ranks of the category ids. */
static paw_err paw__coco_classes(paw__coco *k)
{
    paw__set *u = k->u;
    size_t i;
    paw__sort(k->categories, k->category_count, paw__less_category);
    u->x.class_names = (char **)paw__calloc(u->c, k->category_count + 1, sizeof(char *));
    if (!u->x.class_names) return PAW_E_OOM;
    for (i = 0; i < k->category_count; ++i) {
        const paw__coco_category *x = (const paw__coco_category *)k->categories[i];
        if (i && ((const paw__coco_category *)k->categories[i - 1])->id == x->id)
            return paw__coco_twice(k, "categories", x->id);
        if (paw__set_class_add(u, x->name)) return PAW_E_OOM;
    }
    return PAW_OK;
}
static paw_err paw__coco_label(paw__coco *k, paw_item *t)
{
    size_t lo = 0, hi = k->category_count;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (((const paw__coco_category *)k->categories[mid])->id < t->part_id) lo = mid + 1;
        else hi = mid;
    }
    if (lo == k->category_count ||
        ((const paw__coco_category *)k->categories[lo])->id != t->part_id)
        return paw__fail(k->u->c, PAW_E_KEY,
                         "%s: annotation %lld is of category %d, which is not listed", k->path,
                         (long long)t->entry, (int)t->part_id);
    t->label = (int32_t)lo;
    return PAW_OK;
}
static int paw__less_item_entry(const void *a, const void *b)
{
    return ((const paw_item *)a)->entry < ((const paw_item *)b)->entry;
}
static int paw__less_item(const void *a, const void *b)
{
    const paw_item *p = (const paw_item *)a, *q = (const paw_item *)b;
    return p->image_id != q->image_id ? p->image_id < q->image_id : p->entry < q->entry;
}
/* Puts the items into the order of `order`, which is filled. */
static paw_err paw__set_reorder(paw__set *u, void **order)
{
    paw_item *items = (paw_item *)paw__alloc(u->c, u->x.count + 1, sizeof *items);
    size_t i;
    if (!items) return PAW_E_OOM;
    for (i = 0; i < u->x.count; ++i) items[i] = *(const paw_item *)order[i];
    paw__free(u->x.items);
    u->x.items = items;
    return PAW_OK;
}
static paw_err paw__coco_items(paw__coco *k)
{
    paw__set *u = k->u;
    const paw__set_image *image = NULL;
    size_t i;
    paw_err e = paw__coco_classes(k);
    if (e) return e;
    if (!(u->order = paw__pointers(u->c, u->x.items, u->x.count, sizeof *u->x.items)))
        return PAW_E_OOM;
    paw__sort(u->order, u->x.count, paw__less_item_entry);
    for (i = 0; !e && i < u->x.count; ++i) {
        paw_item *t = (paw_item *)u->order[i];
        if (i && ((const paw_item *)u->order[i - 1])->entry == t->entry)
            e = paw__coco_twice(k, "annotations", t->entry);
        if (!e) e = paw__coco_label(k, t);
        if (!e) e = paw__coco_join(k, t->entry, t->image_id, &image);
        if (!e) t->path = image->path;
    }
    if (e) return e;
    paw__sort(u->order, u->x.count, paw__less_item);
    return paw__set_reorder(u, u->order);
}
/* file: "person_keypoints" or "instances"; path: room for the annotation file's name */
static paw_err paw__coco_paths(paw__set *u, const char *who, const char *file, const char *split,
                               char **path)
{
    char name[160];
    const size_t n = strlen(split);
    paw_err e;
    int kind;
    if (!n || n > 64 || strchr(split, '/') || !strcmp(split, ".") || !strcmp(split, ".."))
        return paw__fail(u->c, PAW_E_ARG, "%s: split '%s' is no name", who, split);
    u->split = !strncmp(split, "train", 5);
    snprintf(name, sizeof name, "images/%s", split);
    if (!(u->folder = paw__path_join(u->c, u->root, name))) return PAW_E_OOM;
    if ((e = paw__path_kind(u->c, u->folder, &kind)) != PAW_OK) return e;
    if (kind != 'd') {
        paw__free(u->folder);
        if (!(u->folder = paw__path_join(u->c, u->root, split))) return PAW_E_OOM;
    }
    snprintf(name, sizeof name, "annotations/%s_%s.json", file, split);
    *path = paw__path_join(u->c, u->root, name);
    return *path ? PAW_OK : PAW_E_OOM;
}
static paw_err paw__coco_parts_named(paw__set *u)
{
    static const char *const names[PAW__COCO_POINTS] = {
        "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder",
        "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip",
        "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"
    };
    static const int paper[] = { 1, 11, 16 };
    int i;
    for (i = 0; i < PAW__COCO_POINTS; ++i) {
        u->part_ids[i] = i + 1;
        u->labels[i] = -1;
        u->part_names[i] = names[i];
    }
    u->part_count = PAW__COCO_POINTS;
    return paw__set_choose_opts(u, "COCO key points", paper, (int)PAW__COUNT(paper));
}
static paw_err paw__coco_run(paw_ctx *c, const char *who, int objects, const char *root,
                             const paw_index_opts *opts, paw_index *out)
{
    PAW__MODE;
    const paw__set_image *twice[2] = { NULL, NULL };
    char *path = NULL;
    const char *split;
    paw__coco *k;
    paw_err e;
    paw__set *u = paw__set_begin(c, who, root, opts, out, &e);
    if (!u) return e;
    if (!(k = (paw__coco *)paw__calloc(c, 1, sizeof *k))) return paw__set_end(u, PAW_E_OOM, out);
    k->u = u;
    k->objects = objects;
    split = u->o.split ? u->o.split : objects ? "val2017" : "train2017";
    e = paw__coco_paths(u, who, objects ? "instances" : "person_keypoints", split, &path);
    k->path = path;
    if (!e && !objects) e = paw__coco_parts_named(u);
    if (!e) e = paw__coco_read(k, paw__coco_parse);
    if (!e) e = paw__set_sort_images(u, twice);
    if (!e && twice[0]) e = paw__coco_twice(k, "images", twice[0]->id);
    if (!e) e = objects ? paw__coco_items(k) : paw__coco_points(k);
    paw__free(path);
    paw__free(k->categories);
    paw__free(k);
    return paw__set_end(u, e, out);
}
PAW_DEF paw_err paw_index_coco_parts(paw_ctx *c, const char *root, const paw_index_opts *opts,
                                     paw_index *out)
{
    return paw__coco_run(c, "paw_index_coco_parts", 0, root, opts, out);
}
PAW_DEF paw_err paw_index_coco_objects(paw_ctx *c, const char *root, const paw_index_opts *opts,
                                       paw_index *out)
{
    return paw__coco_run(c, "paw_index_coco_objects", 1, root, opts, out);
}

/* ---- CIFAR-10, binary version ---- */

#define PAW__CIFAR_SIDE 32
#define PAW__CIFAR_BYTES 3073 /* label, then red, green and blue planes row by row */
#define PAW__CIFAR_CLASSES 10

static paw_err paw__cifar_records(paw__set *u, FILE *f, uint64_t bytes, const char *path, int train)
{
    const uint64_t n = bytes / PAW__CIFAR_BYTES;
    uint8_t label;
    uint64_t i;
    paw_item *t;
    if (!n || bytes % PAW__CIFAR_BYTES)
        return paw__fail(u->c, PAW_E_FORMAT, "%s: %llu bytes are not records of %d", path,
                         (unsigned long long)bytes, PAW__CIFAR_BYTES);
    for (i = 0; i < n; ++i) {
        if (paw__file_io(f, i * PAW__CIFAR_BYTES, &label, 1) != 1)
            return paw__fail(u->c, PAW_E_IO, "%s: cannot read record %llu", path,
                             (unsigned long long)i);
        if (label >= PAW__CIFAR_CLASSES)
            return paw__fail(u->c, PAW_E_FORMAT, "%s: record %llu has label %d, at most %d", path,
                             (unsigned long long)i, label, PAW__CIFAR_CLASSES - 1);
        if (!(t = paw__set_item(u))) return PAW_E_OOM;
        t->path = path;
        t->image_id = (int64_t)u->x.candidates++;
        t->entry = (int64_t)i;
        t->label = label;
        t->kind = PAW_ITEM_RECORD;
        t->train = train;
    }
    return PAW_OK;
}
static paw_err paw__cifar_file(paw__set *u, const char *name, int train)
{
    uint64_t bytes = 0;
    FILE *f;
    paw_err e;
    const char *path = paw__set_path(u, name, strlen(name));
    if (!path) return PAW_E_OOM;
    if (!(f = paw__file_open(u->c, path, &bytes))) return PAW_E_IO;
    e = paw__cifar_records(u, f, bytes, path, train);
    fclose(f);
    return e;
}
/* data_batch_1.bin to data_batch_5.bin, of which the first must be there */
static paw_err paw__cifar_train(paw__set *u)
{
    char name[32];
    int i;
    paw_err e = paw__cifar_file(u, "data_batch_1.bin", 1);
    for (i = 2; !e && i <= 5; ++i) {
        struct stat st;
        char *path;
        snprintf(name, sizeof name, "data_batch_%d.bin", i);
        if (!(path = paw__path_join(u->c, u->folder, name))) return PAW_E_OOM;
        if (!stat(path, &st)) e = paw__cifar_file(u, name, 1);
        paw__free(path);
    }
    return e;
}
PAW_DEF paw_err paw_index_cifar10(paw_ctx *c, const char *root, const paw_index_opts *opts,
                                  paw_index *out)
{
    PAW__MODE;
    static const char *const names[PAW__CIFAR_CLASSES] = {
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"
    };
    const char *split = opts && opts->split ? opts->split : "test";
    int i, kind;
    paw_err e;
    paw__set *u = paw__set_begin(c, "paw_index_cifar10", root, opts, out, &e);
    if (!u) return e;
    u->x.class_names = (char **)paw__calloc(c, PAW__CIFAR_CLASSES, sizeof(char *));
    if (!u->x.class_names) e = PAW_E_OOM;
    for (i = 0; !e && i < PAW__CIFAR_CLASSES; ++i) e = paw__set_class_add(u, names[i]);
    if (!e && !(u->folder = paw__path_join(c, root, "cifar-10-batches-bin"))) e = PAW_E_OOM;
    if (!e) e = paw__path_kind(c, u->folder, &kind);
    if (!e && kind != 'd') {
        paw__free(u->folder);
        if (!(u->folder = paw__strdup(c, root))) e = PAW_E_OOM;
    }
    if (!e && strcmp(split, "train") && strcmp(split, "test") && strcmp(split, "all"))
        e = paw__fail(c, PAW_E_ARG, "paw_index_cifar10: split '%s' is not train, test or all",
                      split);
    if (!e && strcmp(split, "test")) e = paw__cifar_train(u);
    if (!e && strcmp(split, "train")) e = paw__cifar_file(u, "test_batch.bin", 0);
    if (!e) u->image_count = u->x.count;
    return paw__set_end(u, e, out);
}

/* ---- labelled folders: CLASS/IMAGE, or SPLIT/CLASS/IMAGE ---- */

typedef struct {
    paw__set *u;
    paw__names parents; /* folders of class folders */
    paw__names classes; /* names, sorted, each once */
} paw__folders;

/* Adds each sub-folder's name, hidden ones apart. */
static paw_err paw__subfolders(paw_ctx *c, const char *path, paw__names *names)
{
    DIR *dir = opendir(path);
    paw_err e = PAW_OK;
    if (!dir) return paw__fail(c, PAW_E_IO, "%s: the folder cannot be opened", path);
    while (!e) {
        const struct dirent *d;
        char *full;
        int kind;
        errno = 0;
        d = readdir(dir);
        if (!d && errno) e = paw__fail(c, PAW_E_IO, "%s: cannot be listed", path);
        if (!d) break;
        if (d->d_name[0] == '.') continue;
        full = paw__path_join(c, path, d->d_name);
        e = full ? paw__path_kind(c, full, &kind) : PAW_E_OOM;
        if (!e && kind == 'd') e = paw__names_add(c, names, paw__strdup(c, d->d_name));
        paw__free(full);
    }
    closedir(dir);
    return e;
}
static void paw__names_free(paw__names *n)
{
    size_t i;
    for (i = 0; i < n->count; ++i) paw__free(n->items[i]);
    paw__free(n->items);
    memset(n, 0, sizeof *n);
}
static void paw__names_unique(paw__names *n)
{
    size_t i, kept = 0;
    paw__sort(n->items, n->count, paw__less_text);
    for (i = 0; i < n->count; ++i) {
        if (kept && !strcmp((const char *)n->items[kept - 1], (const char *)n->items[i]))
            paw__free(n->items[i]);
        else n->items[kept++] = n->items[i];
    }
    n->count = kept;
}
static int paw__is_split(const char *name)
{
    return !strcmp(name, "train") || !strcmp(name, "val") || !strcmp(name, "test");
}
/* Names of the folders of class folders: splits, or "" for the root itself. */
static paw_err paw__folders_parents(paw__folders *f)
{
    paw__set *u = f->u;
    const char *split = u->o.split;
    paw__names found;
    size_t i;
    int splits = 1, met = 0;
    paw_err e;
    memset(&found, 0, sizeof found);
    e = paw__subfolders(u->c, u->root, &found);
    for (i = 0; i < found.count; ++i) {
        splits &= paw__is_split((const char *)found.items[i]);
        met |= split && !strcmp((const char *)found.items[i], split);
    }
    if (!e && split && !met)
        e = paw__fail(u->c, PAW_E_IO, "%s: no sub-folder '%s'", u->root, split);
    if (!e && !found.count)
        e = paw__fail(u->c, PAW_E_IO, "%s: no sub-folders to be classes", u->root);
    for (i = 0; !e && i < found.count && (split || splits); ++i) {
        const char *name = (const char *)found.items[i];
        if (paw__is_split(name) || (split && !strcmp(split, name)))
            e = paw__names_add(u->c, &f->parents, paw__strdup(u->c, name));
    }
    if (!e && !split && !splits) e = paw__names_add(u->c, &f->parents, paw__strdup(u->c, ""));
    paw__names_free(&found);
    paw__sort(f->parents.items, f->parents.count, paw__less_text);
    return e;
}
/* Classes of every split, so that a label means the same in all of them. */
static paw_err paw__folders_classes(paw__folders *f)
{
    paw__set *u = f->u;
    size_t i;
    paw_err e = PAW_OK;
    for (i = 0; !e && i < f->parents.count; ++i) {
        char *path = paw__path_join(u->c, u->root, (const char *)f->parents.items[i]);
        e = path ? paw__subfolders(u->c, path, &f->classes) : PAW_E_OOM;
        paw__free(path);
    }
    if (e) return e;
    paw__names_unique(&f->classes);
    if (!f->classes.count)
        return paw__fail(u->c, PAW_E_IO, "%s: no sub-folders to be classes", u->root);
    if (f->classes.count > INT32_MAX) return paw__fail(u->c, PAW_E_LIMIT, "%s: classes", u->root);
    u->x.class_names = (char **)paw__calloc(u->c, f->classes.count, sizeof(char *));
    if (!u->x.class_names) return PAW_E_OOM;
    for (i = 0; !e && i < f->classes.count; ++i)
        e = paw__set_class_add(u, (const char *)f->classes.items[i]);
    return e;
}
/* Images of u->folder. */
static paw_err paw__folders_images(paw__set *u, int label, int train)
{
    paw__names names;
    size_t i, others = 0;
    DIR *dir;
    int kind;
    paw_err e = paw__path_kind(u->c, u->folder, &kind);
    memset(&names, 0, sizeof names);
    if (e || kind != 'd') return e; /* a class of another split only */
    if (!(dir = opendir(u->folder)))
        return paw__fail(u->c, PAW_E_IO, "%s: the folder cannot be opened", u->folder);
    e = paw__folder_read(u->c, u->folder, dir, &names, &others);
    closedir(dir);
    paw__sort(names.items, names.count, paw__less_text);
    for (i = 0; !e && i < names.count; ++i) {
        const char *path = (const char *)names.items[i];
        paw_item *t = paw__set_item(u);
        if (!t || !(path = paw__arena_text(u->c, &u->owned, path, strlen(path)))) {
            e = PAW_E_OOM;
            break;
        }
        t->path = path;
        t->image_id = (int64_t)u->image_count++;
        t->label = label;
        t->train = train;
        ++u->x.candidates;
    }
    paw__set_skip(u, PAW_SKIP_NAME, others);
    paw__names_free(&names);
    return e;
}
static paw_err paw__folders_list(paw__folders *f)
{
    paw__set *u = f->u;
    size_t i, k;
    paw_err e = PAW_OK;
    for (i = 0; i < f->parents.count; ++i) {
        const char *name = (const char *)f->parents.items[i];
        if (u->o.split && strcmp(u->o.split, name)) continue;
        for (k = 0; !e && k < f->classes.count; ++k) {
            char *path = paw__path_join(u->c, u->root, name);
            u->folder = path ? paw__path_join(u->c, path, u->x.class_names[k]) : NULL;
            e = u->folder ? paw__folders_images(u, (int)k, !strcmp(name, "train")) : PAW_E_OOM;
            paw__free(path);
            paw__free(u->folder);
            u->folder = NULL;
        }
    }
    return e;
}
PAW_DEF paw_err paw_index_folders(paw_ctx *c, const char *root, const paw_index_opts *opts,
                                  paw_index *out)
{
    PAW__MODE;
    paw__folders f;
    paw_err e;
    memset(&f, 0, sizeof f);
    f.u = paw__set_begin(c, "paw_index_folders", root, opts, out, &e);
    if (!f.u) return e;
    e = paw__folders_parents(&f);
    if (!e) e = paw__folders_classes(&f);
    if (!e) e = paw__folders_list(&f);
    if (!e && !f.u->x.count)
        e = paw__fail(c, PAW_E_IO, "%s: no .jpg, .jpeg or .png file in its class folders", root);
    paw__names_free(&f.parents);
    paw__names_free(&f.classes);
    return paw__set_end(f.u, e, out);
}

/* ---- lists: CSV after RFC 4180, blanks around unquoted fields dropped ---- */

#define PAW__MAX_ROW 65536 /* bytes of one row */
#define PAW__MAX_FIELDS 256
typedef struct {
    paw_ctx *c;
    const char *path;
    FILE *file;
    paw_io io;
    paw__in in;
    int next;         /* the byte after the present one, -1 at the end */
    size_t line, row; /* of the next byte; where the present row began */
    char text[PAW__MAX_ROW];
    size_t n;
    const char *field[PAW__MAX_FIELDS];
    size_t fields;
} paw__csv;

static paw_err paw__csv_fail(const paw__csv *v, paw_err e, const char *what)
{
    return paw__fail(v->c, e, "%s:%zu: %s", v->path, v->row, what);
}
static paw_err paw__csv_step(paw__csv *v)
{
    uint8_t b = 0;
    paw_err e = PAW_OK;
    if (v->next == '\n') ++v->line;
    if (!paw__in_left(&v->in)) v->next = -1;
    else if ((e = paw__in_get(&v->in, &b, 1)) == PAW_OK) v->next = b;
    return e;
}
static paw_err paw__csv_open(paw__csv *v, paw_ctx *c, const char *path)
{
    paw_err e;
    v->c = c;
    v->path = path;
    v->line = 1;
    if (!(v->file = paw__file_open(c, path, &v->io.bytes))) return PAW_E_IO;
    v->io.read = paw__file_io;
    v->io.user = v->file;
    paw__in_begin(&v->in, c, &v->io, path, 0, v->io.bytes);
    if (v->io.bytes >= 3) {
        uint8_t mark[3];
        if ((e = paw__in_get(&v->in, mark, 3)) != PAW_OK) return e;
        if (memcmp(mark, "\xef\xbb\xbf", 3))
            paw__in_begin(&v->in, c, &v->io, path, 0, v->io.bytes);
    }
    return paw__csv_step(v);
}
static paw_err paw__csv_put(paw__csv *v, int ch)
{
    if (v->n + 1 >= PAW__MAX_ROW) return paw__csv_fail(v, PAW_E_LIMIT, "a row over 65535 bytes");
    if (!ch) return paw__csv_fail(v, PAW_E_FORMAT, "a NUL byte");
    v->text[v->n++] = (char)ch;
    return PAW_OK;
}
static int paw__csv_is_end(const paw__csv *v) /* of a field */
{
    return v->next == ',' || v->next == '\n' || v->next < 0;
}
static paw_err paw__csv_quoted(paw__csv *v)
{
    paw_err e = paw__csv_step(v);
    while (!e) {
        if (v->next < 0) return paw__csv_fail(v, PAW_E_FORMAT, "a quoted field without end");
        if (v->next == '"') {
            if ((e = paw__csv_step(v)) != PAW_OK) return e;
            if (v->next != '"') break;
        }
        if ((e = paw__csv_put(v, v->next)) == PAW_OK) e = paw__csv_step(v);
    }
    while (!e && paw__blank((char)v->next)) e = paw__csv_step(v);
    if (!e && !paw__csv_is_end(v))
        return paw__csv_fail(v, PAW_E_FORMAT, "text after a quoted field");
    return e;
}
static paw_err paw__csv_plain(paw__csv *v, size_t from)
{
    paw_err e = PAW_OK;
    while (!e && !paw__csv_is_end(v)) {
        if (v->next == '"') return paw__csv_fail(v, PAW_E_FORMAT, "a quote inside a field");
        if ((e = paw__csv_put(v, v->next)) == PAW_OK) e = paw__csv_step(v);
    }
    while (v->n > from && paw__blank(v->text[v->n - 1])) --v->n;
    return e;
}
/* Reads the next row that is not blank; *more 0: there is none. */
static paw_err paw__csv_row(paw__csv *v, int *more)
{
    paw_err e = PAW_OK;
    for (*more = 0; !e && v->next >= 0 && !*more;) {
        v->n = v->fields = 0;
        v->row = v->line;
        do {
            const size_t from = v->n;
            if (v->fields) e = paw__csv_step(v); /* the comma */
            while (!e && paw__blank((char)v->next)) e = paw__csv_step(v);
            if (!e && v->next == '"') *more = 1;
            if (!e) e = v->next == '"' ? paw__csv_quoted(v) : paw__csv_plain(v, from);
            if (!e && v->fields == PAW__MAX_FIELDS)
                e = paw__csv_fail(v, PAW_E_LIMIT, "over 256 fields");
            if (e) return e;
            *more |= v->n > from || v->fields;
            v->field[v->fields++] = v->text + from;
            v->text[v->n++] = 0;
            if (v->n >= PAW__MAX_ROW)
                return paw__csv_fail(v, PAW_E_LIMIT, "a row over 65535 bytes");
        } while (v->next == ',');
        if (v->next == '\n') e = paw__csv_step(v);
    }
    return e;
}

enum { PAW__LIST_PATH = 0, PAW__LIST_X, PAW__LIST_Y, PAW__LIST_SIDE, PAW__LIST_LABEL,
       PAW__LIST_COLUMNS };
typedef struct {
    const char *path, *label;
    size_t first; /* row where the path came first */
    double value; /* of the label, where all are integers */
    paw_item item;
} paw__list_row;
typedef struct {
    paw__set *u;
    paw__csv v;
    int column[PAW__LIST_COLUMNS]; /* -1: not there */
    size_t columns;
    paw__list_row *rows;
    size_t count, cap;
} paw__list;

/* Column names in any order and case. 0: a first row without "path", no header; -1: a name stands
   there twice. */
static int paw__list_header(paw__list *l)
{
    static const char *const names[PAW__LIST_COLUMNS] = { "path", "x", "y", "side", "label" };
    size_t i, k, n;
    int twice = 0;
    for (k = 0; k < PAW__LIST_COLUMNS; ++k) l->column[k] = -1;
    for (i = 0; i < l->v.fields; ++i)
        for (k = 0; k < PAW__LIST_COLUMNS; ++k) {
            const char *s = l->v.field[i];
            for (n = 0; s[n] && (s[n] >= 'A' && s[n] <= 'Z' ? s[n] + 32 : s[n]) == names[k][n];)
                ++n;
            if (s[n] || names[k][n]) continue;
            twice |= l->column[k] >= 0;
            l->column[k] = (int)i;
        }
    return l->column[PAW__LIST_PATH] < 0 ? 0 : twice ? -1 : 1;
}
static paw_err paw__list_columns(paw__list *l, int *header)
{
    size_t k;
    int *at = l->column;
    l->columns = l->v.fields;
    *header = paw__list_header(l);
    if (*header < 0)
        return paw__csv_fail(&l->v, PAW_E_KEY, "a header with path, x, y, side or label twice");
    if (*header && at[PAW__LIST_LABEL] < 0)
        return paw__csv_fail(&l->v, PAW_E_KEY, "a header without a column label");
    if (*header && ((at[PAW__LIST_X] < 0) != (at[PAW__LIST_Y] < 0) ||
                    (at[PAW__LIST_X] < 0) != (at[PAW__LIST_SIDE] < 0)))
        return paw__csv_fail(&l->v, PAW_E_KEY, "a header with some of x, y, side but not all");
    if (*header) return PAW_OK;
    for (k = 0; k < PAW__LIST_COLUMNS; ++k) at[k] = (int)k;
    if (l->columns == 2) {
        at[PAW__LIST_X] = at[PAW__LIST_Y] = at[PAW__LIST_SIDE] = -1;
        at[PAW__LIST_LABEL] = 1;
    } else if (l->columns != PAW__LIST_COLUMNS) {
        return paw__csv_fail(&l->v, PAW_E_FORMAT, "neither a header with path and label, nor the "
                             "fields path, x, y, side, label or path, label");
    }
    return PAW_OK;
}
/* Field of a column, "" where there is none. */
static const char *paw__list_text(const paw__list *l, int column)
{
    return l->column[column] < 0 ? "" : l->v.field[l->column[column]];
}
static paw_err paw__list_box(paw__list *l, paw_item *t)
{
    double v[3] = { 0, 0, 0 }, side;
    int i, given = 0;
    for (i = 0; i < 3; ++i) {
        const char *s = paw__list_text(l, PAW__LIST_X + i);
        if (!*s) continue;
        ++given;
        if (paw__number(s, strlen(s), &v[i]) != strlen(s) || !(fabs(v[i]) <= 1e8))
            return paw__csv_fail(&l->v, PAW_E_FORMAT,
                                 i < 2 ? "x or y is not a number of at most 1e8"
                                       : "side is not a number of at most 1e8");
    }
    if (!given) return PAW_OK;
    if (given < 3) return paw__csv_fail(&l->v, PAW_E_FORMAT, "some of x, y, side but not all");
    if ((side = paw__round_even(v[2])) < 1)
        return paw__csv_fail(&l->v, PAW_E_FORMAT, "side is under one pixel");
    t->kind = PAW_ITEM_BOX;
    t->x = v[0];
    t->y = v[1];
    for (i = 0; i < 2; ++i) { /* the corner is rounded first: the side must not depend on where */
        t->box[i] = paw__round_even(v[i] - v[2] / 2);
        t->box[i + 2] = t->box[i] + side;
    }
    return PAW_OK;
}
static paw_err paw__list_add(paw__list *l)
{
    const char *path = paw__list_text(l, PAW__LIST_PATH);
    const char *label = paw__list_text(l, PAW__LIST_LABEL);
    const paw__list_row *before = l->count ? &l->rows[l->count - 1] : NULL;
    paw__set *u = l->u;
    paw__list_row r;
    char *full;
    void *rows = l->rows;
    paw_err e;
    memset(&r, 0, sizeof r);
    if (l->v.fields != l->columns)
        return paw__fail(u->c, PAW_E_FORMAT, "%s:%zu: %zu fields, the first row has %zu", l->v.path,
                         l->v.row, l->v.fields, l->columns);
    if (!*path || !*label)
        return paw__csv_fail(&l->v, PAW_E_FORMAT, *path ? "no label" : "no path");
    if ((e = paw__list_box(l, &r.item)) != PAW_OK) return e;
    full = *path == '/' ? paw__strdup(u->c, path) : paw__path_join(u->c, u->folder, path);
    if (!full) return PAW_E_OOM;
    r.path = before && !strcmp(before->path, full)
                 ? before->path : paw__arena_text(u->c, &u->owned, full, strlen(full));
    paw__free(full);
    r.label = before && !strcmp(before->label, label)
                  ? before->label : paw__arena_text(u->c, &u->owned, label, strlen(label));
    if (!r.path || !r.label) return PAW_E_OOM;
    r.item.entry = (int64_t)l->v.row;
    e = paw__grow(u->c, &rows, &l->cap, l->count + 1, sizeof r);
    l->rows = (paw__list_row *)rows;
    if (!e) l->rows[l->count++] = r;
    return e;
}
static paw_err paw__list_read(paw__list *l)
{
    int more = 0, header = 0;
    paw_err e = paw__csv_row(&l->v, &more);
    if (!e && more) {
        e = paw__list_columns(l, &header);
        if (!e && !header) e = paw__list_add(l);
    }
    while (!e && more) {
        e = paw__csv_row(&l->v, &more);
        if (!e && more) e = paw__list_add(l);
    }
    if (!e && !l->count) e = paw__fail(l->u->c, PAW_E_FORMAT, "%s: no rows", l->v.path);
    return e;
}
static int paw__less_row_path(const void *a, const void *b)
{
    const paw__list_row *p = (const paw__list_row *)a, *q = (const paw__list_row *)b;
    const int order = p->path == q->path ? 0 : strcmp(p->path, q->path);
    return order ? order < 0 : p < q;
}
static int paw__less_row_first(const void *a, const void *b)
{
    const paw__list_row *p = (const paw__list_row *)a, *q = (const paw__list_row *)b;
    return p->first != q->first ? p->first < q->first : p < q;
}
static int paw__less_row_label(const void *a, const void *b)
{
    return strcmp(((const paw__list_row *)a)->label, ((const paw__list_row *)b)->label) < 0;
}
static int paw__less_row_number(const void *a, const void *b)
{
    const paw__list_row *p = (const paw__list_row *)a, *q = (const paw__list_row *)b;
    return p->value != q->value ? p->value < q->value : strcmp(p->label, q->label) < 0;
}
static int paw__list_all_integers(paw__list *l)
{
    size_t i, n, minus;
    for (i = 0; i < l->count; ++i) {
        n = strlen(l->rows[i].label);
        minus = l->rows[i].label[0] == '-';
        if (n == minus || n > 15 || paw__digits(l->rows[i].label + minus, n - minus) != n - minus)
            return 0;
        paw__number(l->rows[i].label, n, &l->rows[i].value);
    }
    return 1;
}
/* Labels are the ranks of the label texts: by value where all are integers, else by bytes. */
static paw_err paw__list_labels(paw__list *l, void **order)
{
    paw__set *u = l->u;
    size_t i, classes = 0;
    paw__sort(order, l->count,
              paw__list_all_integers(l) ? paw__less_row_number : paw__less_row_label);
    for (i = 0; i < l->count; ++i) {
        paw__list_row *r = (paw__list_row *)order[i];
        classes += !i || strcmp(((const paw__list_row *)order[i - 1])->label, r->label);
        if (classes > INT32_MAX) return paw__fail(u->c, PAW_E_LIMIT, "%s: labels", l->v.path);
        r->item.label = (int32_t)(classes - 1);
    }
    u->x.class_names = (char **)paw__calloc(u->c, classes, sizeof(char *));
    if (!u->x.class_names) return PAW_E_OOM;
    for (i = 0; i < l->count; ++i) {
        const paw__list_row *r = (const paw__list_row *)order[i];
        if (r->item.label < u->x.classes) continue;
        if (paw__set_class_add(u, r->label)) return PAW_E_OOM;
    }
    return PAW_OK;
}
/* Rows of one image side by side, images in the order in which they first came. */
static paw_err paw__list_items(paw__list *l)
{
    paw__set *u = l->u;
    void **order = u->order = paw__pointers(u->c, l->rows, l->count, sizeof *l->rows);
    paw__list_row *first = NULL;
    size_t i;
    paw_err e;
    if (!order) return PAW_E_OOM;
    if ((e = paw__list_labels(l, order)) != PAW_OK) return e;
    paw__sort(order, l->count, paw__less_row_path);
    for (i = 0; i < l->count; ++i) {
        paw__list_row *r = (paw__list_row *)order[i];
        if (!first || strcmp(first->path, r->path)) first = r;
        r->path = first->path;
        r->first = (size_t)(first - l->rows);
    }
    paw__sort(order, l->count, paw__less_row_first);
    for (i = 0; i < l->count; ++i) {
        const paw__list_row *r = (const paw__list_row *)order[i];
        paw_item *t;
        if (!i || ((const paw__list_row *)order[i - 1])->first != r->first) ++u->image_count;
        if (!(t = paw__set_item(u))) return PAW_E_OOM;
        *t = r->item;
        t->path = r->path;
        t->image_id = (int64_t)u->image_count - 1;
    }
    u->x.candidates = l->count;
    return PAW_OK;
}
PAW_DEF paw_err paw_index_list(paw_ctx *c, const char *root, const paw_index_opts *opts,
                               paw_index *out)
{
    PAW__MODE;
    const char *slash;
    paw__list *l;
    paw_err e;
    paw__set *u = paw__set_begin(c, "paw_index_list", root, opts, out, &e);
    if (!u) return e;
    if (!(l = (paw__list *)paw__calloc(c, 1, sizeof *l))) return paw__set_end(u, PAW_E_OOM, out);
    l->u = u;
    slash = strrchr(root, '/');
    u->folder = paw__strdup(c, slash ? root : "");
    if (!u->folder) e = PAW_E_OOM;
    if (!e && slash) u->folder[slash - root + 1] = 0;
    if (!e) e = paw__csv_open(&l->v, c, root);
    if (!e) e = paw__list_read(l);
    if (!e) e = paw__list_items(l);
    if (l->v.file) fclose(l->v.file);
    paw__free(l->rows);
    paw__free(l);
    return paw__set_end(u, e, out);
}

/* ---- from an item to pixels ---- */

static paw_err paw__box_cut(paw_ctx *c, const paw_item *t, const paw_image *in, paw_image *out)
{
    if (t->box[2] <= 0 || t->box[3] <= 0 || t->box[0] >= in->w || t->box[1] >= in->h)
        return paw__fail(c, PAW_E_SHAPE, "box %g, %g, %g, %g outside the %d x %d pixels",
                         t->box[0], t->box[1], t->box[2], t->box[3], in->w, in->h);
    return paw_image_crop(c, in, t->box, out);
}
PAW_DEF paw_err paw_item_image(paw_ctx *c, const paw_item *item, const paw_image *in, int px,
                               int frame, paw_image *out)
{
    paw_image part = { NULL, 0, 0 };
    paw_err e;
    PAW__ENTER(c);
    if (!item || px < 1 || px > PAW__MAX_SIDE || frame < 0 || frame > PAW_FRAME_CENTER ||
        item->kind < 0 || item->kind > PAW_ITEM_RECORD)
        return paw__fail(c, PAW_E_ARG, "item: NULL, its kind, %d pixels or frame %d", px, frame);
    if ((e = paw__image_check(c, "paw_item_image", in, out)) != PAW_OK) return e;
    if (frame == PAW_FRAME_AUTO)
        frame = item->kind == PAW_ITEM_IMAGE ? PAW_FRAME_CENTER : PAW_FRAME_FULL;
    if (item->kind == PAW_ITEM_BOX) {
        e = paw__box_cut(c, item, in, &part);
        in = &part;
    }
    if (!e && frame == PAW_FRAME_FULL) e = paw_image_resize(c, in, px, px, PAW_BICUBIC, out);
    else if (!e) e = paw__central(c, in, px, out);
    paw__free(part.px);
    return paw__fail_in(c, e, item->path);
}
PAW_DEF void paw_reader_free(paw_ctx *c, paw_reader *r)
{
    if (!r) return;
    paw_image_free(c, &r->image);
    paw__free(r->path);
    memset(r, 0, sizeof *r);
}
static paw_err paw__record_image(paw_ctx *c, const paw_item *t, paw_image *out)
{
    const size_t plane = PAW__CIFAR_SIDE * PAW__CIFAR_SIDE;
    uint8_t record[PAW__CIFAR_BYTES];
    uint64_t bytes = 0;
    paw_io io;
    size_t i;
    paw_err e;
    FILE *f = paw__file_open(c, t->path, &bytes);
    if (!f) return PAW_E_IO;
    io.read = paw__file_io;
    io.bytes = bytes;
    io.user = f;
    e = t->entry < 0 || (uint64_t)t->entry >= bytes / PAW__CIFAR_BYTES
            ? paw__fail(c, PAW_E_FORMAT, "%s: no record %lld", t->path, (long long)t->entry)
            : paw__read_at(c, &io, t->path, (uint64_t)t->entry * PAW__CIFAR_BYTES, record,
                           sizeof record);
    fclose(f);
    if (!e) e = paw__image_new(c, PAW__CIFAR_SIDE, PAW__CIFAR_SIDE, out);
    for (i = 0; !e && i < 3 * plane; ++i) out->px[i] = record[1 + i % 3 * plane + i / 3];
    return e;
}
/* Makes the item's image the reader's, unless it is. */
static paw_err paw__reader_open(paw_ctx *c, paw_reader *r, const paw_item *item)
{
    const int record = item->kind == PAW_ITEM_RECORD;
    paw_image img;
    char *path;
    paw_err e;
    if (!record && r->path && !strcmp(r->path, item->path)) return PAW_OK;
    if (!(path = paw__strdup(c, record ? "" : item->path))) return PAW_E_OOM;
    e = record ? paw__record_image(c, item, &img) : paw_image_load(c, path, &img);
    if (e) {
        paw__free(path);
        return e;
    }
    paw__free(r->path);
    paw_image_free(c, &r->image);
    r->path = path;
    r->image = img;
    ++r->decoded;
    return PAW_OK;
}
PAW_DEF paw_err paw_reader_item(paw_ctx *c, paw_reader *r, const paw_item *item, int px, int frame,
                                paw_image *out)
{
    paw_err e;
    PAW__ENTER(c);
    if (!r || !item || !item->path || !out)
        return paw__fail(c, PAW_E_ARG, "paw_reader_item: NULL argument");
    e = paw__reader_open(c, r, item);
    return e ? e : paw_item_image(c, item, &r->image, px, frame, out);
}
/* of >>heads */
static double paw__random_unit(uint64_t seed, uint32_t stream, uint64_t counter);
static size_t paw__random_below(uint64_t seed, uint32_t stream, uint64_t counter, size_t n);

/* CAE linear_util/crop.py */
PAW_DEF paw_err paw_reader_augment(paw_ctx *c, paw_reader *r, const paw_item *item, int px,
                                   uint64_t seed, int epoch, size_t number, paw_image *out)
{
    const uint32_t stream = 0x20000000u + (uint32_t)epoch;
    const uint64_t draw = 8 * (uint64_t)number;
    double area, ratio, w, h;
    size_t a, b, k;
    paw_item cut;
    paw_err e;
    PAW__ENTER(c);
    if (!r || !item || !item->path || !out || px < 1)
        return paw__fail(c, PAW_E_ARG, "paw_reader_augment: NULL argument or %d pixels", px);
    if ((e = paw__reader_open(c, r, item)) != PAW_OK) return e;
    area = paw__mul_add(paw__random_unit(seed, stream, draw), 0.92, 0.08) *
           ((double)r->image.w * (double)r->image.h);
    ratio = paw__exp(0.28768207245178093 * /* ln(4/3) */
                     (2 * paw__random_unit(seed, stream, draw + 1) - 1));
    w = paw__round_even(sqrt(area * ratio));
    h = paw__round_even(sqrt(area / ratio));
    w = w < 1 ? 1 : w > r->image.w ? r->image.w : w;
    h = h < 1 ? 1 : h > r->image.h ? r->image.h : h;
    cut = *item;
    cut.kind = PAW_ITEM_BOX;
    cut.box[0] = (double)paw__random_below(seed, stream, draw + 2,
                                           (size_t)(r->image.w - (int)w) + 1);
    cut.box[1] = (double)paw__random_below(seed, stream, draw + 3,
                                           (size_t)(r->image.h - (int)h) + 1);
    cut.box[2] = cut.box[0] + w;
    cut.box[3] = cut.box[1] + h;
    e = paw_item_image(c, &cut, &r->image, px, PAW_FRAME_FULL, out);
    if (e || paw__random_unit(seed, stream, draw + 4) < 0.5) return e;
    for (a = 0; a < (size_t)px; ++a)
        for (b = 0; b < (size_t)px / 2; ++b) {
            uint8_t *left = out->px + (a * (size_t)px + b) * 3;
            uint8_t *right = out->px + (a * (size_t)px + (size_t)px - 1 - b) * 3;
            for (k = 0; k < 3; ++k) {
                const uint8_t t = left[k];
                left[k] = right[k];
                right[k] = t;
            }
        }
    return PAW_OK;
}

/* ---- segmentation data ---- */

static const uint8_t paw__ade_objects[59] = { /* of the 150, in the released code's order */
    2, 3, 5, 8, 9, 11, 13, 15, 16, 18, 20, 21, 24, 25, 26, 31, 32, 33, 34, 36, 37, 38, 43, 45, 48,
    49, 51, 77, 54, 57, 60, 63, 64, 65, 66, 72, 75, 76, 81, 83, 84, 86, 91, 98, 99, 103, 108, 111,
    117, 119, 125, 130, 131, 134, 135, 137, 140, 148, 149
};
#define PAW__ADE_FOLDERS                                                                           \
    { { "images/training", "annotations/training" },                                               \
      { "images/validation", "annotations/validation" } }
#define PAW__SEG_FOLDERS { { "img/train", "ann/train" }, { "img/val", "ann/val" } }
static const paw_seg_preset paw__seg_presets[] = {
    { "ade20k", 150, 512, 341, { 2048, 512 }, { 2048, 512 }, PAW__ADE_FOLDERS, NULL },
    { "ade20k-object59", 59, 512, 341, { 2048, 512 }, { 2048, 512 }, PAW__ADE_FOLDERS,
      paw__ade_objects },
    { "ade20k-part209", 209, 512, 341, { 2048, 512 }, { 2048, 512 }, PAW__SEG_FOLDERS, NULL },
    { "pascal-part193", 193, 480, 161, { 520, 520 }, { 3840, 480 }, PAW__SEG_FOLDERS, NULL },
    { "pascal-object16", 16, 480, 161, { 520, 520 }, { 3840, 480 }, PAW__SEG_FOLDERS, NULL },
    { "lip19", 19, 320, 161, { 1024, 320 }, { 4096, 320 }, PAW__SEG_FOLDERS, NULL },
};
PAW_DEF const paw_seg_preset *paw_seg_preset_at(size_t i)
{
    return i < PAW__COUNT(paw__seg_presets) ? &paw__seg_presets[i] : NULL;
}
PAW_DEF const paw_seg_preset *paw_seg_preset_find(const char *name)
{
    size_t i;
    for (i = 0; name && i < PAW__COUNT(paw__seg_presets); ++i)
        if (!strcmp(paw__seg_presets[i].name, name)) return &paw__seg_presets[i];
    return NULL;
}

PAW_DEF void paw_seg_files_free(paw_ctx *c, paw_seg_files *f)
{
    size_t i;
    (void)c;
    if (!f) return;
    for (i = 0; i < f->count; ++i) {
        paw__free(f->images[i]);
        if (f->masks) paw__free(f->masks[i]);
    }
    paw__free(f->images);
    paw__free(f->masks);
    memset(f, 0, sizeof *f);
}
/* masks/a/b.png for images/a/b.jpg; under: bytes of "images" */
static char *paw__seg_mask_path(paw_ctx *c, const char *image, size_t under, const char *folder)
{
    const char *rel = image + under, *dot = strrchr(image, '.');
    char *name, *path;
    while (*rel == '/') ++rel;
    name = (char *)paw__alloc(c, (size_t)(dot - rel) + 5, 1);
    if (!name) return NULL;
    memcpy(name, rel, (size_t)(dot - rel));
    memcpy(name + (dot - rel), ".png", 5);
    path = paw__path_join(c, folder, name);
    paw__free(name);
    return path;
}
/* Images below a folder, `deep` levels of folders down */
static paw_err paw__tree_read(paw_ctx *c, const char *path, int deep, paw__names *names)
{
    size_t others = 0, i;
    DIR *dir = opendir(path);
    paw__names below;
    paw_err e;
    if (!dir) return paw__fail(c, PAW_E_IO, "%s: the folder cannot be opened", path);
    memset(&below, 0, sizeof below);
    e = paw__folder_read(c, path, dir, names, &others);
    closedir(dir);
    if (!e) e = paw__subfolders(c, path, &below);
    if (!e && below.count && !deep)
        e = paw__fail(c, PAW_E_FORMAT, "%s: folders over 16 deep; a link that leads back?", path);
    for (i = 0; !e && i < below.count; ++i) {
        char *full = paw__path_join(c, path, (const char *)below.items[i]);
        e = full ? paw__tree_read(c, full, deep - 1, names) : PAW_E_OOM;
        paw__free(full);
    }
    paw__names_free(&below);
    return e;
}
PAW_DEF paw_err paw_seg_files_list(paw_ctx *c, const char *image_folder, const char *mask_folder,
                                   paw_seg_files *out)
{
    paw_seg_files f;
    paw__names names;
    struct stat st;
    size_t i;
    paw_err e;
    if (!c) return PAW_E_ARG;
    if (!image_folder || !mask_folder || !out)
        return paw__fail(c, PAW_E_ARG, "paw_seg_files_list: NULL argument");
    memset(&names, 0, sizeof names);
    memset(&f, 0, sizeof f);
    e = paw__tree_read(c, image_folder, 16, &names);
    if (!e && !names.count)
        e = paw__fail(c, PAW_E_IO, "%s: no .jpg, .jpeg or .png file below it", image_folder);
    if (!e) paw__sort(names.items, names.count, paw__less_text);
    f.images = (char **)(void *)names.items;
    f.count = names.count;
    if (!e && !(f.masks = (char **)paw__calloc(c, f.count, sizeof *f.masks))) e = PAW_E_OOM;
    for (i = 0; !e && i < f.count; ++i) {
        f.masks[i] = paw__seg_mask_path(c, f.images[i], strlen(image_folder), mask_folder);
        if (!f.masks[i]) e = PAW_E_OOM;
        else if (stat(f.masks[i], &st) || !S_ISREG(st.st_mode))
            e = paw__fail(c, PAW_E_IO, "%s: its mask %s is not there", f.images[i], f.masks[i]);
    }
    if (e) paw_seg_files_free(c, &f);
    else *out = f;
    return e;
}

PAW_DEF void paw_label_map_offset(int classes, int offset, paw_label_map *out)
{
    int v;
    out->classes = classes;
    for (v = 0; v < 65536; ++v) {
        const int k = v - offset;
        out->class_of[v] = (uint16_t)(k >= 0 && k < classes ? k
                                      : k < 0 || v == 255 || v == 65535 ? PAW_IGNORED
                                                                        : PAW_UNKNOWN);
    }
}
PAW_DEF void paw_label_map_values(int classes, const uint8_t *values, paw_label_map *out)
{
    int v;
    out->classes = classes;
    for (v = 0; v < 65536; ++v)
        out->class_of[v] = (uint16_t)(v < 256 || v == 65535 ? PAW_IGNORED : PAW_UNKNOWN);
    for (v = 0; v < classes; ++v) out->class_of[values[v]] = (uint16_t)v;
}
/* Pixel at has no class: says so, with "VALUE x PIXELS, ..." of all such values. */
static paw_err paw__mask_unknown(paw_ctx *c, const paw_label_map *map, const char *name,
                                 const paw_mask *mask, size_t at)
{
    const size_t w = (size_t)mask->w, n = w * (size_t)mask->h;
    char text[160] = "";
    size_t i, count, used = 0;
    int v, last = -1;
    for (; used + 40 < sizeof text; last = v) {
        for (count = i = 0, v = 65536; i < n; ++i) {
            const int p = mask->px[i];
            if (p <= last || p > v || map->class_of[p] != PAW_UNKNOWN) continue;
            count = p == v ? count + 1 : 1;
            v = p;
        }
        if (!count) break;
        used += (size_t)snprintf(text + used, 40, "%s%d x %zu", used ? ", " : "", v, count);
    }
    return paw__fail(c, PAW_E_FORMAT, "%s: value %u at column %zu, row %zu is none of the %d "
                     "classes; values of none x pixels: %s%s", name ? name : "mask", mask->px[at],
                     at % w, at / w, map->classes, text, used + 40 < sizeof text ? "" : ", ...");
}
PAW_DEF paw_err paw_mask_classes(paw_ctx *c, const paw_label_map *map, int ignore_unknown,
                                 const char *name, paw_mask *mask)
{
    size_t i, n;
    if (!c) return PAW_E_ARG;
    if (!map || !mask || !mask->px)
        return paw__fail(c, PAW_E_ARG, "paw_mask_classes: NULL argument");
    n = (size_t)mask->w * (size_t)mask->h;
    for (i = 0; !ignore_unknown && i < n; ++i)
        if (map->class_of[mask->px[i]] == PAW_UNKNOWN)
            return paw__mask_unknown(c, map, name, mask, i);
    for (i = 0; i < n; ++i) {
        const uint16_t k = map->class_of[mask->px[i]];
        mask->px[i] = k == PAW_UNKNOWN ? PAW_IGNORED : k;
    }
    return PAW_OK;
}

PAW_DEF void paw_seg_size(int w, int h, int long_side, int short_side, int *out_w, int *out_h)
{
    PAW__MODE;
    const int longer = w > h ? w : h, shorter = w > h ? h : w;
    const double a = (double)long_side / longer, b = (double)short_side / shorter;
    const double factor = a < b ? a : b;
    *out_w = (int)paw__mul_add(w, factor, 0.5);
    *out_h = (int)paw__mul_add(h, factor, 0.5);
    if (*out_w < 1) *out_w = 1;
    if (*out_h < 1) *out_h = 1;
}

typedef struct { /* a window of the input resized to out_w x out_h */
    const paw_image *in;
    paw_image *out;
    int out_w, out_h, x0, y0;
    int *at;        /* [w] first column */
    int32_t *share; /* [w] weight of the second, of 2048 */
} paw__linear_resize;
/* First tap and the weight of the second, as cv::resize finds them. */
static int paw__linear_tap(int o, int in, int out, int32_t *share)
{
    const double scale = 1 / ((double)out / in);
    const float f = (float)paw__mul_add(o + 0.5, scale, -0.5);
    int i = (int)floorf(f);
    float t = f - (float)i;
    if (i < 0) i = 0, t = 0;
    if (i >= in - 1) i = in - 1, t = 0;
    *share = (int32_t)paw__round_even((double)t * 2048);
    return i;
}
static void paw__linear_row(void *arg, size_t item, int slot)
{
    const paw__linear_resize *r = (const paw__linear_resize *)arg;
    const int iw = r->in->w, ih = r->in->h, w = r->out->w;
    int32_t share;
    const int y = paw__linear_tap((int)item + r->y0, ih, r->out_h, &share);
    const uint8_t *p = r->in->px + (size_t)y * (size_t)iw * 3;
    const uint8_t *q = y + 1 < ih ? p + (size_t)iw * 3 : p;
    uint8_t *to = r->out->px + item * (size_t)w * 3;
    int x, k;
    (void)slot;
    for (x = 0; x < w; ++x) {
        const int step = r->at[x] + 1 < iw ? 3 : 0;
        const uint8_t *a = p + 3 * r->at[x], *b = q + 3 * r->at[x];
        const int32_t s = r->share[x], rest = 2048 - s;
        for (k = 0; k < 3; ++k) {
            const int32_t top = (a[k] * rest + a[k + step] * s) >> 4;
            const int32_t low = (b[k] * rest + b[k + step] * s) >> 4;
            to[3 * x + k] =
                (uint8_t)((((2048 - share) * top >> 16) + (share * low >> 16) + 2) >> 2);
        }
    }
}
static paw_err paw__linear_window(paw_ctx *c, const paw_image *in, int out_w, int out_h,
                                  const int box[4], paw_image *out) /* box: x, y, w, h */
{
    paw__linear_resize r;
    paw_image img;
    paw_err e;
    int x;
    r.at = (int *)paw__alloc(c, (size_t)box[2], sizeof *r.at);
    r.share = (int32_t *)paw__alloc(c, (size_t)box[2], sizeof *r.share);
    e = r.at && r.share ? paw__image_new(c, box[2], box[3], &img) : PAW_E_OOM;
    if (!e) {
        for (x = 0; x < box[2]; ++x)
            r.at[x] = paw__linear_tap(box[0] + x, in->w, out_w, &r.share[x]);
        r.in = in;
        r.out = &img;
        r.out_w = out_w;
        r.out_h = out_h;
        r.x0 = box[0];
        r.y0 = box[1];
        paw__for(c, (size_t)box[3], paw__linear_row, &r);
        *out = img;
    }
    paw__free(r.at);
    paw__free(r.share);
    return e;
}
PAW_DEF paw_err paw_image_resize_linear(paw_ctx *c, const paw_image *in, int w, int h,
                                        paw_image *out)
{
    int box[4] = { 0, 0, 0, 0 };
    paw_err e;
    PAW__ENTER(c);
    if ((e = paw__image_check(c, "paw_image_resize_linear", in, out)) != PAW_OK) return e;
    if (w < 1 || h < 1)
        return paw__fail(c, PAW_E_ARG, "paw_image_resize_linear: %d x %d pixels", w, h);
    if ((e = paw__pixels_check(c, "resize", (uint64_t)w, (uint64_t)h)) != PAW_OK) return e;
    box[2] = w;
    box[3] = h;
    return paw__linear_window(c, in, w, h, box, out);
}
static size_t paw__mask_source(size_t o, int in, int out, int centred)
{
    const double at = ((double)o + (centred ? 0.5 : 0)) * ((double)in / out);
    return paw__min((size_t)at, (size_t)in - 1);
}
PAW_DEF paw_err paw_mask_resize(paw_ctx *c, const paw_mask *in, int w, int h, int centred,
                                paw_mask *out)
{
    paw_mask m;
    size_t x, y;
    paw_err e;
    PAW__ENTER(c);
    if (!in || !in->px || !out || in == out || w < 1 || h < 1)
        return paw__fail(c, PAW_E_ARG, "paw_mask_resize: %d x %d, or no mask", w, h);
    if ((e = paw__pixels_check(c, "resize", (uint64_t)w, (uint64_t)h)) != PAW_OK) return e;
    m.w = w;
    m.h = h;
    m.px = (uint16_t *)paw__alloc(c, (size_t)w * (size_t)h, sizeof *m.px);
    if (!m.px) return PAW_E_OOM;
    for (y = 0; y < (size_t)h; ++y) {
        const uint16_t *row = in->px + paw__mask_source(y, in->h, h, centred) * (size_t)in->w;
        for (x = 0; x < (size_t)w; ++x)
            m.px[y * (size_t)w + x] = row[paw__mask_source(x, in->w, w, centred)];
    }
    *out = m;
    return PAW_OK;
}

/* ==== >>heads ==== frozen features: store, retrieval, neighbours, probes, dense heads ==== */

/* of >>metrics */
static size_t paw__labels_end(const int32_t *labels, size_t n, int classes);
static int paw__finite(float x);

static int paw__float_type(int dtype)
{
    return dtype == PAW_F32 || dtype == PAW_F16 || dtype == PAW_BF16;
}

/* ---- hashes ---- */

#define PAW__P1 0x9e3779b185ebca87u /* the primes of XXH64's specification */
#define PAW__P2 0xc2b2ae3d27d4eb4fu
#define PAW__P3 0x165667b19e3779f9u
#define PAW__P4 0x85ebca77c2b2ae63u
#define PAW__P5 0x27d4eb2f165667c5u
typedef struct {
    uint64_t v[4], seed, total;
    uint8_t held[32]; /* total % 32 bytes wait for a whole stripe */
} paw__hasher;

static uint64_t paw__rotate(uint64_t x, int by) { return x << by | x >> (64 - by); }
static uint64_t paw__hash_round(uint64_t acc, uint64_t lane)
{
    return paw__rotate(acc + lane * PAW__P2, 31) * PAW__P1;
}
static void paw__hash_begin(paw__hasher *h, uint64_t seed)
{
    memset(h, 0, sizeof *h);
    h->seed = seed;
    h->v[0] = seed + PAW__P1 + PAW__P2;
    h->v[1] = seed + PAW__P2;
    h->v[2] = seed;
    h->v[3] = seed - PAW__P1;
}
static void paw__hash_stripe(paw__hasher *h, const uint8_t *p)
{
    int k;
    for (k = 0; k < 4; ++k) h->v[k] = paw__hash_round(h->v[k], paw__le64(p + 8 * k));
}
static void paw__hash_add(paw__hasher *h, const void *bytes, size_t n)
{
    const uint8_t *p = (const uint8_t *)bytes;
    const size_t held = (size_t)(h->total % 32), room = 32 - held;
    h->total += n;
    if (held) {
        memcpy(h->held + held, p, paw__min(n, room));
        if (n < room) return;
        paw__hash_stripe(h, h->held);
        p += room;
        n -= room;
    }
    for (; n >= 32; n -= 32, p += 32) paw__hash_stripe(h, p);
    if (n) memcpy(h->held, p, n);
}
static uint64_t paw__hash_end(const paw__hasher *h)
{
    const uint8_t *p = h->held, *end = p + h->total % 32;
    uint64_t x = h->seed + PAW__P5;
    int k;
    if (h->total >= 32) {
        x = paw__rotate(h->v[0], 1) + paw__rotate(h->v[1], 7) + paw__rotate(h->v[2], 12) +
            paw__rotate(h->v[3], 18);
        for (k = 0; k < 4; ++k) x = (x ^ paw__hash_round(0, h->v[k])) * PAW__P1 + PAW__P4;
    }
    x += h->total;
    for (; end - p >= 8; p += 8)
        x = paw__rotate(x ^ paw__hash_round(0, paw__le64(p)), 27) * PAW__P1 + PAW__P4;
    for (; end - p >= 4; p += 4)
        x = paw__rotate(x ^ paw__le32(p) * PAW__P1, 23) * PAW__P2 + PAW__P3;
    for (; p < end; ++p) x = paw__rotate(x ^ *p * PAW__P5, 11) * PAW__P1;
    x = (x ^ x >> 33) * PAW__P2;
    x = (x ^ x >> 29) * PAW__P3;
    return x ^ x >> 32;
}
PAW_DEF uint64_t paw_hash(const void *bytes, size_t n, uint64_t seed)
{
    paw__hasher h;
    paw__hash_begin(&h, seed);
    if (bytes) paw__hash_add(&h, bytes, n);
    return paw__hash_end(&h);
}
PAW_DEF paw_err paw_file_hash(paw_ctx *c, const char *path, uint64_t seed, uint64_t *out)
{
    uint8_t buf[65536];
    uint64_t bytes = 0;
    paw__hasher h;
    size_t n;
    FILE *f;
    int bad;
    if (!c) return PAW_E_ARG;
    if (!path || !out) return paw__fail(c, PAW_E_ARG, "paw_file_hash: NULL argument");
    if (!(f = paw__file_open(c, path, &bytes))) return PAW_E_IO;
    paw__hash_begin(&h, seed);
    while ((n = fread(buf, 1, sizeof buf, f)) > 0) paw__hash_add(&h, buf, n);
    bad = ferror(f);
    fclose(f);
    if (bad) return paw__fail(c, PAW_E_IO, "%s: cannot be read", path);
    *out = paw__hash_end(&h);
    return PAW_OK;
}

PAW_DEF paw_err paw_index_hash(paw_ctx *c, const paw_index *x, uint64_t *hashes)
{
    const char *path = NULL;
    uint64_t file = 0, *all;
    size_t i;
    paw_err e = PAW_OK;
    if (!c) return PAW_E_ARG;
    if (!x || (x->count && !hashes))
        return paw__fail(c, PAW_E_ARG, "paw_index_hash: NULL argument");
    if (!(all = (uint64_t *)paw__alloc(c, x->count, sizeof *all))) return PAW_E_OOM;
    for (i = 0; !e && i < x->count; ++i) {
        const paw_item *t = &x->items[i];
        if (!path || (t->path != path && strcmp(t->path, path)))
            e = paw_file_hash(c, t->path, 0, &file);
        path = t->path;
        all[i] = t->kind == PAW_ITEM_BOX      ? paw_hash(t->box, sizeof t->box, file)
                 : t->kind == PAW_ITEM_RECORD ? paw_hash(&t->entry, sizeof t->entry, file)
                                              : file;
    }
    if (!e && x->count) memcpy(hashes, all, x->count * sizeof *all);
    paw__free(all);
    return e;
}

static void paw__hash_floats(paw__hasher *h, const float *p, size_t n) /* NULL counts as none */
{
    const uint64_t bytes = p ? n * sizeof *p : 0;
    paw__hash_add(h, &bytes, sizeof bytes);
    if (p) paw__hash_add(h, p, n * sizeof *p);
}
static void paw__hash_linear(paw__hasher *h, const paw__linear *l)
{
    const uint64_t size[2] = { l->n, l->k };
    paw__hash_add(h, size, sizeof size);
    if (l->w16) paw__hash_add(h, l->w16, l->n_padded * l->k_padded * sizeof *l->w16);
    else paw__hash_floats(h, l->w, l->n_padded * l->k_padded);
    paw__hash_floats(h, l->bias, l->n_padded);
    paw__hash_floats(h, l->scale, l->n_padded);
}
static void paw__hash_norm(paw__hasher *h, const paw__norm *n, size_t dim)
{
    paw__hash_floats(h, n->w, dim);
    paw__hash_floats(h, n->b, dim);
}
static void paw__hash_mlp(paw__hasher *h, const paw__mlp *p)
{
    const int about[2] = { p->count, p->act };
    int k;
    paw__hash_add(h, about, sizeof about);
    for (k = 0; k < p->count; ++k) paw__hash_linear(h, &p->layer[k]);
}
static void paw__hash_sizes(paw__hasher *h, const paw_model *m)
{
    const int own = m->dtype == PAW_BF16 && paw_bf16_native() ? 1 + paw_isa() : 0;
    const int about[] = {m->recipe, m->position, m->grid, m->patch, m->dim, m->depth,
                         m->heads, m->hidden, m->dtype, own};
    paw__hash_add(h, about, sizeof about);
    paw__hash_add(h, &m->eps, sizeof m->eps);
}
PAW_DEF uint64_t paw_model_hash(const paw_model *m)
{
    paw__hasher h;
    size_t d, grid;
    int k;
    if (!m) return 0;
    d = (size_t)m->dim;
    grid = (size_t)m->grid;
    paw__hash_begin(&h, 0);
    paw__hash_sizes(&h, m);
    paw__hash_floats(&h, m->cls, d);
    paw__hash_floats(&h, m->pos, grid * grid * d);
    paw__hash_floats(&h, m->rel, (size_t)m->table_rows * (size_t)m->heads);
    paw__hash_linear(&h, &m->patches);
    for (k = 0; k < m->depth; ++k) {
        const paw__vit_block *b = &m->blocks[k];
        paw__hash_norm(&h, &b->norm1, d);
        paw__hash_norm(&h, &b->norm2, d);
        paw__hash_linear(&h, &b->qkv);
        paw__hash_linear(&h, &b->proj);
        paw__hash_linear(&h, &b->fc1);
        paw__hash_linear(&h, &b->fc2);
        paw__hash_floats(&h, b->gamma1, d);
        paw__hash_floats(&h, b->gamma2, d);
    }
    paw__hash_norm(&h, &m->norm, d);
    paw__hash_mlp(&h, &m->projector);
    paw__hash_mlp(&h, &m->predictor);
    paw__hash_mlp(&h, &m->scores);
    paw__hash_linear(&h, &m->prototypes);
    paw__hash_linear(&h, &m->patch_prototypes);
    return paw__hash_end(&h); /* the Gram matrix follows from the prototypes */
}

/* ---- feature store ---- */

#define PAW__STORE_NAME "%06zu-%016llx-%016llx.npy" /* index, inputs, content */
#define PAW__STORE_STALE_TMP 3600.0 /* s: a temporary file that old has lost its process */
#define PAW__STORE_PATH 4096
#define PAW__STORE_PIECE 16384 /* bytes of a shard that are checked at a time */
typedef struct {
    uint64_t inputs, content;
    uint8_t *kept;     /* values in memory, or NULL */
    uint8_t has, torn; /* has: atomic */
} paw__shard;
struct paw_store {
    char *folder; /* "" in memory */
    uint64_t key;
    size_t rows, row_count, shards, shard_rows, shape[PAW_MAX_DIMS];
    int ndim, dtype, in_memory; /* ndim, shape: of a shard */
    paw__shard *shard;          /* [shards] */
    size_t ready, torn_files, stale_files;
};

static uint32_t paw__half_of(float x) /* nearest even; overflow becomes Inf */
{
    uint32_t u, sign;
    memcpy(&u, &x, sizeof u);
    sign = u >> 16 & 0x8000u;
    u &= 0x7fffffffu;
    if (u > 0x7f800000u) return sign | 0x7e00u;
    if (u >= 0x47800000u) return sign | 0x7c00u;
    if (u < 0x38800000u) { /* floats from 1/2 to 1 are as far apart as subnormal halves */
        float f = fabsf(x) + 0.5f;
        memcpy(&u, &f, sizeof u);
        return sign | (u - 0x3f000000u);
    }
    return sign | (u + 0xfffu + (u >> 13 & 1u) - 0x38000000u) >> 13;
}
static size_t paw__store_rows_of(const paw_store *s, size_t shard)
{
    return paw__min(s->shard_rows, s->rows - shard * s->shard_rows);
}
static size_t paw__store_row_bytes(const paw_store *s)
{
    return s->row_count * paw__dtype_bytes(s->dtype);
}
static size_t paw__store_header(const paw_store *s, size_t shard, char head[256])
{
    size_t shape[PAW_MAX_DIMS];
    memcpy(shape, s->shape, sizeof shape);
    shape[0] = paw__store_rows_of(s, shard);
    return paw_npy_header(s->dtype == PAW_F32 ? "<f4" : s->dtype == PAW_F16 ? "<f2" : "<u2",
                          s->ndim, shape, head);
}
static void paw__store_path(const paw_store *s, size_t shard, char *path, size_t size)
{
    snprintf(path, size, "%s/" PAW__STORE_NAME, s->folder, shard,
             (unsigned long long)s->shard[shard].inputs,
             (unsigned long long)s->shard[shard].content);
}
/* Of a file name its shard, inputs and content; 0 where it is none of this store's shards. */
static int paw__store_parse(const paw_store *s, const char *name, size_t *shard, uint64_t *inputs,
                            uint64_t *content)
{
    unsigned long long first, second;
    char again[80], *at;
    *shard = (size_t)strtoull(name, &at, 10);
    first = strtoull(at + (*at == '-'), &at, 16);
    second = strtoull(at + (*at == '-'), &at, 16);
    *inputs = first;
    *content = second;
    snprintf(again, sizeof again, PAW__STORE_NAME, *shard, first, second);
    return *shard < s->shards && !strcmp(name, again); /* in no other spelling */
}

/* ---- files of a store ---- */

static paw_err paw__store_folder(paw_ctx *c, const char *path)
{
    struct stat st;
    if (!paw__mkdir(path)) return PAW_OK;
    if (errno == EEXIST && !stat(path, &st) && S_ISDIR(st.st_mode)) return PAW_OK;
    return paw__fail(c, PAW_E_IO, "%s: cannot create the folder", path);
}
/* Whether the file holds what its name says. */
static int paw__store_sound(const paw_store *s, size_t shard, const char *path, uint64_t content)
{
    uint8_t piece[PAW__STORE_PIECE];
    char head[256];
    const size_t n = paw__store_header(s, shard, head);
    size_t left = paw__store_rows_of(s, shard) * paw__store_row_bytes(s), k;
    FILE *f = fopen(path, "rb");
    paw__hasher h;
    int ok;
    if (!f) return 0;
    setvbuf(f, NULL, _IONBF, 0);
    ok = fread(piece, 1, n, f) == n && !memcmp(piece, head, n);
    paw__hash_begin(&h, s->key ^ s->shard[shard].inputs);
    for (; ok && left; left -= k) {
        k = paw__min(left, PAW__STORE_PIECE);
        ok = fread(piece, 1, k, f) == k;
        if (ok) paw__hash_add(&h, piece, k);
    }
    ok = ok && !fread(piece, 1, 1, f) && paw__hash_end(&h) == content;
    fclose(f);
    return ok;
}
/* Goes through the folder: takes what is sound (take), or removes what a shard has left behind
   under another content (else). */
static paw_err paw__store_scan(paw_ctx *c, paw_store *s, int take, size_t only)
{
    char path[PAW__STORE_PATH + 256]; /* a name of the folder's has 255 bytes at most */
    const struct dirent *d;
    DIR *dir = opendir(s->folder);
    if (!dir) return paw__fail(c, PAW_E_IO, "%s: cannot be listed", s->folder);
    while ((d = readdir(dir)) != NULL) {
        const size_t n = strlen(d->d_name);
        uint64_t inputs, content;
        size_t shard;
        paw__shard *t;
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", s->folder, d->d_name);
        if (take && n > 4 && !strcmp(d->d_name + n - 4, ".tmp") && !stat(path, &st) &&
            difftime(time(NULL), st.st_mtime) > PAW__STORE_STALE_TMP)
            (void)remove(path);
        if (!paw__store_parse(s, d->d_name, &shard, &inputs, &content)) continue;
        t = &s->shard[shard];
        if (!take) {
            if (shard == only && inputs == t->inputs && content != t->content) (void)remove(path);
        } else if (inputs != t->inputs) {
            ++s->stale_files;
        } else if (!t->has && paw__store_sound(s, shard, path, content)) {
            t->has = 1;
            t->content = content;
            ++s->ready;
        } else {
            t->torn = 1;
            ++s->torn_files;
        }
    }
    closedir(dir);
    return PAW_OK;
}

/* ---- opening ---- */

static void paw__store_member(paw__text *t, const char *name, const char *value)
{
    paw__text_put(t, t->n > 1 ? ",\n  " : "\n  ");
    paw__text_json(t, name);
    paw__text_put(t, ": ");
    if (value) paw__text_json(t, value);
}
/* The manifest: what decides the numbers, and nothing that does not; its hash is the key. */
static paw_err paw__store_manifest(paw_ctx *c, const paw_store_spec *o, size_t shard_rows,
                                   paw__text *t)
{
    static const char *const types[] = { "float32", NULL, "float16", "bfloat16" };
    const char *const *about = o->about;
    char hex[20], math[32];
    int k;
    paw__text_put(t, "{");
    paw__store_member(t, "feature", o->name);
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)o->weights);
    paw__store_member(t, "weights", hex);
    for (; about && about[0] && about[1]; about += 2) {
        if (!paw__utf8_all(about[0], strlen(about[0])) ||
            !paw__utf8_all(about[1], strlen(about[1])))
            return paw__fail(c, PAW_E_ARG, "feature store: a setting is not UTF-8");
        paw__store_member(t, about[0], about[1]);
    }
    snprintf(math, sizeof math, "sleef %s", paw_isa_name(paw_isa())); /* its bits depend on it */
    paw__store_member(t, "math", c->math == PAW_MATH_SLEEF ? math : "builtin");
    paw__store_member(t, "numerics", NULL);
    paw__text_count(t, PAW_NUMERICS);
    paw__store_member(t, "dtype", types[o->dtype]);
    paw__store_member(t, "row_shape", NULL);
    for (k = 0; k < o->ndim; ++k) {
        paw__text_put(t, k ? ", " : "[");
        paw__text_count(t, o->shape[k]);
    }
    paw__text_put(t, "]");
    paw__store_member(t, "shard_rows", NULL);
    paw__text_count(t, shard_rows);
    paw__store_member(t, "shards", "INDEX-INPUTS-CONTENT.npy; the hashes are XXH64");
    paw__text_put(t, "\n}\n");
    return t->e;
}
/* Row numbers explained, once per list of items. */
static paw_err paw__store_names(paw_ctx *c, const paw_store *s, const paw_store_spec *o)
{
    char path[PAW__STORE_PATH], hex[40];
    paw__text t;
    struct stat st;
    size_t i;
    paw_err e;
    snprintf(path, sizeof path, "%s/rows-%016llx.json", s->folder,
             (unsigned long long)paw_hash(o->items, o->count * sizeof *o->items, s->key));
    if (!stat(path, &st)) return PAW_OK;
    memset(&t, 0, sizeof t);
    t.c = c;
    paw__text_put(&t, "[\n");
    for (i = 0; i < o->count && !t.e; ++i) {
        const char *name = o->names[i];
        snprintf(hex, sizeof hex, "[\"%016llx\", ", (unsigned long long)o->items[i]);
        paw__text_put(&t, hex);
        if (name && paw__utf8_all(name, strlen(name))) paw__text_json(&t, name);
        else paw__text_put(&t, "null");
        paw__text_put(&t, i + 1 < o->count ? "],\n" : "]\n");
    }
    paw__text_put(&t, "]\n");
    e = t.e ? t.e : paw__out_all(c, path, t.s, t.n);
    paw__free(t.s);
    return e;
}
static paw_err paw__store_files(paw_ctx *c, paw_store *s, const paw_store_spec *o,
                                const paw__text *manifest)
{
    char path[PAW__STORE_PATH];
    uint8_t *there = NULL;
    size_t n = 0;
    paw_err e = paw__store_folder(c, o->dir);
    if (!e) e = paw__store_folder(c, s->folder);
    if (e) return e;
    snprintf(path, sizeof path, "%s/manifest.json", s->folder);
    if (paw_file_read(c, path, &there, &n)) n = 0;
    if (!there || n != manifest->n || memcmp(there, manifest->s, n))
        e = paw__out_all(c, path, manifest->s, manifest->n);
    paw_file_free(c, there);
    if (!e && o->names && o->count) e = paw__store_names(c, s, o);
    return e || o->fresh ? e : paw__store_scan(c, s, 1, 0);
}
static paw_err paw__store_build(paw_ctx *c, paw_store *s, const paw_store_spec *o,
                                const paw__text *manifest)
{
    const size_t room = (o->dir ? strlen(o->dir) : 0) + strlen(o->name) + 32;
    size_t i;
    s->key = paw_hash(manifest->s, manifest->n, 0);
    s->folder = (char *)paw__calloc(c, room, 1);
    s->shard = (paw__shard *)paw__calloc(c, s->shards + 1, sizeof *s->shard);
    if (!s->folder || !s->shard) return PAW_E_OOM;
    for (i = 0; o->items && i < s->shards; ++i)
        s->shard[i].inputs = paw_hash(o->items + i * s->shard_rows,
                                      paw__store_rows_of(s, i) * sizeof *o->items, s->key + i);
    s->in_memory = !o->dir;
    if (s->in_memory) return PAW_OK;
    snprintf(s->folder, room, "%s/%s-%016llx", o->dir, o->name, (unsigned long long)s->key);
    return paw__store_files(c, s, o, manifest);
}
PAW_DEF void paw_store_close(paw_store *s)
{
    size_t i;
    if (!s) return;
    for (i = 0; s->shard && i < s->shards; ++i) paw__free(s->shard[i].kept);
    paw__free(s->shard);
    paw__free(s->folder);
    paw__free(s);
}
PAW_DEF paw_err paw_store_open(paw_ctx *c, const paw_store_spec *o, paw_store **out)
{
    size_t bytes, n;
    paw__text manifest;
    paw_store *s;
    paw_err e;
    if (!c) return PAW_E_ARG;
    if (!o || !out || !o->name || !*o->name || strlen(o->name) > 64 || o->ndim < 1 ||
        o->ndim >= PAW_MAX_DIMS || !paw__float_type(o->dtype) || (o->dir && ((o->count &&
        !o->items) || !*o->dir || strlen(o->dir) > PAW__STORE_PATH - 256)))
        return paw__fail(c, PAW_E_ARG, "paw_store_open: NULL, name or folder empty or too long, %d "
                         "dimensions of a row, or dtype %d", o ? o->ndim : 0, o ? o->dtype : 0);
    if (o->name[strspn(o->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-")])
        return paw__fail(c, PAW_E_ARG, "feature store: '%s' is no name for a folder", o->name);
    if (!(s = (paw_store *)paw__calloc(c, 1, sizeof *s))) return PAW_E_OOM;
    s->rows = o->count;
    s->dtype = o->dtype;
    s->shard_rows = o->shard_rows ? o->shard_rows : 64;
    s->shards = s->rows / s->shard_rows + (s->rows % s->shard_rows != 0);
    s->ndim = o->ndim + 1;
    memcpy(s->shape + 1, o->shape, (size_t)o->ndim * sizeof *o->shape);
    memset(&manifest, 0, sizeof manifest);
    manifest.c = c;
    if (!paw__shape_count(o->shape, o->ndim, &s->row_count) || !s->row_count ||
        !paw__mul(s->row_count, sizeof(float), &bytes) || !paw__mul(bytes, s->shard_rows, &n) ||
        n > (size_t)-1 / 4)
        e = paw__fail(c, PAW_E_LIMIT, "feature store: rows of no or too many numbers");
    else e = paw__store_manifest(c, o, s->shard_rows, &manifest);
    if (!e) e = paw__store_build(c, s, o, &manifest);
    paw__free(manifest.s);
    if (e) paw_store_close(s);
    else *out = s;
    return e;
}
PAW_DEF void paw_store_describe(const paw_store *s, paw_store_info *out)
{
    if (!out) return;
    memset(out, 0, sizeof *out);
    out->folder = "";
    if (!s) return;
    out->folder = s->folder;
    out->key = s->key;
    out->dtype = s->dtype;
    out->rows = s->rows;
    out->row_count = s->row_count;
    out->shards = s->shards;
    out->shard_rows = s->shard_rows;
    out->ready = __atomic_load_n(&s->ready, __ATOMIC_RELAXED);
    out->torn = s->torn_files;
    out->stale = s->stale_files;
}
PAW_DEF int paw_store_has(const paw_store *s, size_t shard)
{
    return s && shard < s->shards && __atomic_load_n(&s->shard[shard].has, __ATOMIC_ACQUIRE);
}

/* ---- rows in and out ---- */

static paw_err paw__store_round(paw_ctx *c, const paw_store *s, size_t shard, const float *rows,
                                uint8_t *to)
{
    const size_t n = paw__store_rows_of(s, shard) * s->row_count;
    const uint32_t inf = s->dtype == PAW_F16 ? 0x7c00u : 0x7f80u;
    size_t i;
    if (s->dtype == PAW_F32) {
        memcpy(to, rows, n * sizeof *rows);
        return PAW_OK;
    }
    for (i = 0; i < n; ++i) {
        const uint32_t u = s->dtype == PAW_F16 ? paw__half_of(rows[i]) : paw__bf16_of(rows[i]);
        if ((u & 0x7fffu) == inf && paw__finite(rows[i]))
            return paw__fail(c, PAW_E_NUM, "feature store: %g of row %zu is too large for %s",
                             (double)rows[i], shard * s->shard_rows + i / s->row_count,
                             paw__dtype_names[s->dtype]);
        to[2 * i] = (uint8_t)u;
        to[2 * i + 1] = (uint8_t)(u >> 8);
    }
    return PAW_OK;
}
PAW_DEF paw_err paw_store_write(paw_ctx *c, paw_store *s, size_t shard, const float *rows)
{
    char head[256], path[PAW__STORE_PATH];
    paw__shard *t;
    uint8_t *file;
    size_t n, bytes;
    paw_err e;
    PAW__ENTER(c);
    if (!s || !rows || shard >= s->shards)
        return paw__fail(c, PAW_E_ARG, "paw_store_write: NULL, or shard %zu of %zu", shard,
                         s ? s->shards : 0);
    t = &s->shard[shard];
    n = s->in_memory ? 0 : paw__store_header(s, shard, head);
    bytes = paw__store_rows_of(s, shard) * paw__store_row_bytes(s);
    file = (uint8_t *)paw__alloc(c, n + bytes, 1);
    e = file ? paw__store_round(c, s, shard, rows, file + n) : PAW_E_OOM;
    if (!e && s->in_memory) {
        paw__free(t->kept);
        t->kept = file;
        file = NULL;
    } else if (!e) {
        const uint64_t content = t->content;
        memcpy(file, head, n);
        t->content = paw_hash(file + n, bytes, s->key ^ t->inputs);
        paw__store_path(s, shard, path, sizeof path);
        e = paw__out_all(c, path, file, n + bytes);
        if (e) t->content = content;
        else if (t->torn || (t->has && content != t->content)) e = paw__store_scan(c, s, 0, shard);
    }
    paw__free(file);
    if (e) return e;
    t->torn = 0;
    if (!t->has) __atomic_add_fetch(&s->ready, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&t->has, 1, __ATOMIC_RELEASE); /* readers see what it stands for */
    return PAW_OK;
}

typedef struct {
    const paw_store *s;
    const size_t *rows;
    int dtype; /* of out */
    char *out;
    size_t n;
    size_t failed; /* atomic: a shard that cannot be read, or none */
} paw__store_job;

/* n rows from row on, all of one shard. Values of two bytes are read into the end of their floats
   and widened from the front: no float reaches what is not yet read. */
static int paw__store_get(const paw_store *s, size_t row, size_t n, int dtype, void *out)
{
    const size_t shard = row / s->shard_rows, count = n * s->row_count;
    const size_t bytes = n * paw__store_row_bytes(s), at = row % s->shard_rows;
    uint8_t *raw = (uint8_t *)out + (s->dtype == dtype ? 0 : count * sizeof(float) - bytes);
    char head[256], path[PAW__STORE_PATH];
    int ok = 1;
    if (s->in_memory) {
        memcpy(raw, s->shard[shard].kept + at * paw__store_row_bytes(s), bytes);
    } else {
        const size_t offset = paw__store_header(s, shard, head) + at * paw__store_row_bytes(s);
        FILE *f;
        paw__store_path(s, shard, path, sizeof path);
        if (!(f = fopen(path, "rb"))) return 0;
        setvbuf(f, NULL, _IONBF, 0);
        ok = paw__file_io(f, offset, raw, bytes) == bytes;
        fclose(f);
    }
    if (ok && s->dtype != dtype) paw__to_f32(s->dtype, raw, count, (float *)out, 1);
    return ok;
}
static void paw__store_run(void *arg, size_t i, int slot) /* the run of rows that begins at i */
{
    paw__store_job *j = (paw__store_job *)arg;
    const paw_store *s = j->s;
    const size_t row = j->rows[i], shard = row / s->shard_rows;
    size_t n = 1;
    (void)slot;
    if (i && j->rows[i - 1] + 1 == row && row % s->shard_rows) return;
    while (i + n < j->n && j->rows[i + n] == row + n && (row + n) % s->shard_rows) ++n;
    if (!paw__store_get(s, row, n, j->dtype,
                        j->out + i * s->row_count * paw__dtype_bytes(j->dtype)))
        __atomic_store_n(&j->failed, shard, __ATOMIC_RELAXED);
}
PAW_DEF paw_err paw_store_read(paw_ctx *c, const paw_store *s, const size_t *rows, size_t n,
                               int dtype, void *out)
{
    paw__store_job j = {s, rows, dtype, (char *)out, n, 0};
    size_t i;
    PAW__ENTER(c);
    if (!s || (n && (!rows || !out)) || (dtype != PAW_F32 && dtype != s->dtype))
        return paw__fail(c, PAW_E_ARG, "paw_store_read: NULL argument, or a type that is not kept");
    for (i = 0; i < n; ++i) {
        if (rows[i] >= s->rows)
            return paw__fail(c, PAW_E_ARG, "paw_store_read: row %zu of %zu", rows[i], s->rows);
        if (!paw_store_has(s, rows[i] / s->shard_rows))
            return paw__fail(c, PAW_E_KEY, "%s: shard %zu is missing", s->folder,
                             rows[i] / s->shard_rows);
    }
    j.failed = s->shards;
    paw__for(c, n, paw__store_run, &j);
    if (j.failed == s->shards) return PAW_OK;
    return paw__fail(c, PAW_E_IO, "%s: shard %zu cannot be read", s->folder, j.failed);
}

/* ---- average precision without sorting what is not relevant ----
   Only relevant scores are put in order; of the others it is counted how many lie between which.
   Buckets lead near the place and comparisons make it exact: the number of a bucket follows the
   order of the scores however it is rounded, so that the result depends on neither the range of
   the buckets nor the instruction set, and no input takes more than n log n. */
typedef struct {
    float *sorted;         /* [m + 1] highest first, then -INFINITY */
    uint32_t *count;       /* [m + 1] others that exactly so many of them are above */
    uint32_t *first;       /* [buckets + 1] how many of them lie in the buckets before */
    size_t m, buckets;
    float high, scale;
} paw__ranking;
typedef struct { /* where it is put in order, [m] each */
    float *scores;
    void **at;
} paw__ranking_spare;
#define PAW__RANK_BLOCK 256 /* scores between two kernels, a multiple of 16 */
#define PAW__RANK_HEAP 16   /* relevant scores of a bucket from which on they are heap-sorted */

static size_t paw__buckets(size_t m) { return paw__min(paw__max(2 * m, 64), (size_t)1 << 22); }
/* Three deviations around the mean of a sample; the outer buckets take what lies beyond. */
static void paw__ranking_range(paw__ranking *r)
{
    const double base = (double)r->sorted[0], limit = (double)FLT_MAX;
    double sum = 0, square = 0, n = 0;
    size_t i;
    for (i = 0; i < r->m; i += r->m / 512 + 1, ++n) {
        const double d = (double)r->sorted[i] - base;
        sum += d;
        square += d * d;
    }
    square = square / n - sum / n * (sum / n);
    square = square > 0 ? 3 * sqrt(square) : 0;
    sum = base + sum / n + square;
    r->high = (float)(sum < limit ? sum : limit);
    r->scale = (float)((double)r->buckets / (2 * square + 1e-30));
}
/* s [n] -> copy, bucket [n up to 16] */
static void paw__ranking_buckets(const paw__ops *ops, const paw__ranking *r, const float *s,
                                 size_t n, float *copy, float *bucket)
{
    memcpy(copy, s, n * sizeof *copy);
    for (; n % 16; ++n) copy[n] = 0.0f;
    ops->bucket(copy, n, r->high, r->scale, (float)(r->buckets - 1), bucket);
}
static size_t paw__bucket_number(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u & 0x7fffffu;
}
static int paw__higher(const void *a, const void *b)
{
    return *(const float *)a > *(const float *)b;
}
static void paw__ranking_heap(float *s, size_t n, const paw__ranking_spare *spare)
{
    size_t i;
    memcpy(spare->scores, s, n * sizeof *s);
    for (i = 0; i < n; ++i) spare->at[i] = spare->scores + i;
    paw__sort(spare->at, n, paw__higher);
    for (i = 0; i < n; ++i) s[i] = *(const float *)spare->at[i];
}
/* r->sorted: the m relevant scores in any order */
static void paw__ranking_open(const paw__ops *ops, paw__ranking *r, const paw__ranking_spare *spare)
{
    uint32_t *end = r->first + 1, sum = 0, most = 0;
    float copy[PAW__RANK_BLOCK], bucket[PAW__RANK_BLOCK];
    size_t i, j;
    r->buckets = paw__buckets(r->m);
    memset(r->first, 0, (r->buckets + 1) * sizeof *r->first);
    if (r->m) paw__ranking_range(r);
    memcpy(spare->scores, r->sorted, r->m * sizeof *r->sorted);
    for (i = 0; i < r->m; ++i) {
        j = i % PAW__RANK_BLOCK;
        if (!j) paw__ranking_buckets(ops, r, r->sorted + i, paw__min(PAW__RANK_BLOCK, r->m - i),
                                     copy, bucket);
        ++end[r->count[i] = (uint32_t)paw__bucket_number(bucket[j])];
    }
    for (i = 0; i < r->buckets; ++i) {
        const uint32_t k = end[i];
        end[i] = sum;
        sum += k;
        most = k > most ? k : most;
    }
    for (i = 0; i < r->m; ++i) r->sorted[end[r->count[i]]++] = spare->scores[i];
    for (i = 0; most > PAW__RANK_HEAP && i < r->buckets; ++i)
        if (end[i] - r->first[i] > PAW__RANK_HEAP)
            paw__ranking_heap(r->sorted + r->first[i], end[i] - r->first[i], spare);
    for (i = 1; i < r->m; ++i) { /* what is left to move stays in its bucket */
        const float x = r->sorted[i];
        for (j = i; j && r->sorted[j - 1] < x; --j) r->sorted[j] = r->sorted[j - 1];
        r->sorted[j] = x;
    }
    r->sorted[r->m] = -(float)INFINITY;
    memset(r->count, 0, (r->m + 1) * sizeof *r->count);
}
/* s: n scores of others */
static void paw__ranking_count(const paw__ops *ops, paw__ranking *r, const float *s, size_t n)
{
    const float *sorted = r->sorted;
    float copy[PAW__RANK_BLOCK], bucket[PAW__RANK_BLOCK];
    size_t i, j, len;
    for (i = 0; i < n; i += len) {
        len = paw__min(PAW__RANK_BLOCK, n - i);
        paw__ranking_buckets(ops, r, s + i, len, copy, bucket);
        for (j = 0; j < len; ++j) {
            const uint32_t *first = r->first + paw__bucket_number(bucket[j]);
            const float x = copy[j];
            size_t k = first[0], top = first[1];
            k += sorted[k] > x;
            k += sorted[k] > x;
            while (sorted[k] > x) { /* several in the bucket: up to the first one not above it */
                const size_t half = k + (top - k) / 2;
                if (sorted[half] > x) k = half + 1;
                else top = half;
            }
            ++r->count[k];
        }
    }
}
/* scikit-learn's: at each distinct score precision = hits / seen, weighed by the gain in recall. */
static double paw__ranking_ap(const paw__ranking *r)
{
    uint64_t others = 0, before = 0;
    double sum = 0;
    size_t i;
    for (i = 0; i < r->m; ++i) {
        const uint64_t hits = i + 1;
        double gain;
        others += r->count[i];
        if (r->sorted[i + 1] == r->sorted[i]) continue;
        gain = (double)(hits - before) * ((double)hits / (double)(hits + others));
        PAW__KEEP(gain);
        sum += gain;
        before = hits;
    }
    return r->m ? sum / (double)r->m : (double)NAN;
}

/* ---- cosines of tiles of queries with the rows of a gallery ----
   Contract: a cosine is the same to the bit for any tile, chunk and thread count; squared norms
   are summed as the products are, so that a row has cosine 1 with itself and with its twins. */
typedef struct {
    const char *name;      /* for messages */
    const float *x;        /* [n, dim] */
    const uint32_t *order; /* row i of what follows is row order[i] of x; NULL: row i */
    size_t n, dim;
    float *squares;        /* [n up to 16], the rest 0 */
} paw__rows;
typedef struct {
    size_t rows, columns; /* of a tile at most; columns a multiple of 16 */
    int whole;            /* the gallery is packed once, not chunk by chunk for every tile */
    int at_once;          /* a chunk is all columns: a query's own is of the thread at work */
} paw__plan;
typedef struct {
    paw_ctx *c;
    paw__team team;
    paw__rows query, gallery;
    paw__plan plan;
    size_t k, each;     /* dim up to 16; floats of scratch a thread has */
    float *memory;      /* one block for all that follows */
    float *packed;      /* B operand of the gallery, or of a chunk */
    float *a, *products, *partial, *zeros, *scratch;
    size_t first, rows; /* queries of the present tile */
    size_t p0, p1;      /* panels of 16 columns of the present chunk */
    int last;           /* 1: no chunk of the tile comes behind it */
    const paw__rows *squaring; /* while norms are computed */
} paw__tiles;

/* Working memory of a retrieval beside the features, as long as a query's own fits in. */
#define PAW__TILE_FLOATS ((size_t)56 << 20)

static size_t paw__tiles_floats(const paw__plan *p, size_t n, size_t k, size_t own)
{
    return p->rows * (k + p->columns + own) + (p->whole ? paw__up16(n) : p->columns) * k +
           p->columns + paw__partial_count(k, p->columns);
}
/* own: words of 4 bytes that a query needs between chunks. Best is to need none between; else wide
   chunks keep them in the cache, and high tiles are worth their packing. */
static paw__plan paw__plan_of(size_t queries, size_t n, size_t k, size_t own, size_t threads)
{
    static const size_t least[][2] = { /* columns, rows */
        { 8192, (size_t)-1 }, { 8192, 64 }, { 512, 64 }, { 512, 1 }, { 16, 1 } };
    const size_t taken = 6 * n, most = PAW__TILE_FLOATS; /* taken: order, norms, results */
    const size_t left = taken < most ? paw__max(most - taken, most / 4) : most / 4;
    paw__plan p;
    size_t i;
    p.whole = queries > PAW__M_BLOCK && paw__up16(n) * k + 64 * own <= left / 4 * 3;
    p.rows = paw__min(queries, p.whole ? PAW__M_BLOCK : 5 * PAW__M_BLOCK);
    p.columns = paw__up16(n);
    p.at_once = paw__tiles_floats(&p, n, k, 0) + threads * own <= left;
    for (i = 0; !p.at_once && i < PAW__COUNT(least); ++i)
        while (paw__tiles_floats(&p, n, k, own) > left) {
            if (p.columns > least[i][0]) p.columns = paw__up16(p.columns / 2);
            else if (p.rows > least[i][1]) p.rows = (p.rows + 1) / 2;
            else break;
        }
    return p;
}
static const float *paw__rows_at(const paw__rows *r, size_t first, size_t count, float *buffer)
{
    size_t i;
    if (!r->order) return r->x + first * r->dim;
    for (i = 0; i < count; ++i)
        memcpy(buffer + i * r->dim, r->x + r->order[first + i] * r->dim, r->dim * sizeof *buffer);
    return buffer;
}
static void paw__tiles_multiply(const paw__tiles *t, const paw__team *team, const float *a,
                                size_t rows, float *b, size_t columns, float *partial, float *out)
{
    paw__linear l;
    paw__product p;
    memset(&l, 0, sizeof l);
    l.n = l.n_padded = columns;
    l.k = l.k_padded = t->k;
    l.w = b;
    l.bias = t->zeros;
    p = paw__product_of(team, &l, a, rows);
    p.to = PAW__TO_ROWS;
    p.out = out;
    p.ld = columns;
    paw__product_run(team, &p, partial);
}
/* Squared norms of a panel of rows, from the diagonal of its product with itself; packs it. */
static void paw__tiles_square(void *arg, size_t panel, int slot)
{
    const paw__tiles *t = (const paw__tiles *)arg;
    const paw__rows *r = t->squaring;
    const size_t rows = paw__min(16, r->n - panel * 16), k = t->k;
    const int keep = r == &t->gallery && t->plan.whole;
    float *buffer = t->scratch + (size_t)slot * t->each, *a = buffer + 16 * k, *out = a + 32 * k;
    float *b = keep ? t->packed + panel * 16 * k : a + 16 * k;
    const float *x = paw__rows_at(r, panel * 16, rows, buffer);
    paw__team one = t->team;
    paw__panels panels;
    size_t i;
    one.slot = slot;
    one.wide = 0;
    panels = paw__panels_of(rows, one.ops->mr);
    paw__pack_panel(x, rows, r->dim, 1, b);
    paw__pack_a(x, r->dim, r->dim, &panels, a);
    paw__tiles_multiply(t, &one, a, rows, b, 16, out + 256, out);
    for (i = 0; i < 16; ++i) r->squares[panel * 16 + i] = i < rows ? out[i * 17] : 0.0f;
}
/* The product of two squared norms must stay below float's range. */
static paw_err paw__rows_check(paw_ctx *c, const paw__rows *r)
{
    size_t i, j;
    for (i = 0; i < r->n; ++i) {
        const size_t row = r->order ? r->order[i] : i;
        if (r->squares[i] < 1.8e19f) continue; /* false for NaN */
        for (j = 0; j < r->dim; ++j)
            if (!(fabsf(r->x[row * r->dim + j]) <= FLT_MAX))
                return paw__fail(c, PAW_E_NUM, "retrieval: feature %zu of %s %zu is %g", j,
                                 r->name, row, (double)r->x[row * r->dim + j]);
        return paw__fail(c, PAW_E_NUM, "retrieval: %s %zu: squared norm %g is too large", r->name,
                         row, (double)r->squares[i]);
    }
    return PAW_OK;
}
static void paw__tiles_close(paw__tiles *t)
{
    paw__free(t->memory);
    memset(t, 0, sizeof *t);
}
/* query, gallery and plan are set; queries that are the gallery have the same x and order. */
static paw_err paw__tiles_open(paw_ctx *c, paw__tiles *t)
{
    const int same = t->query.x == t->gallery.x && t->query.n == t->gallery.n;
    const size_t n16 = paw__up16(t->gallery.n), q16 = same ? 0 : paw__up16(t->query.n);
    const paw__plan *p = &t->plan;
    const size_t k = t->k = paw__up16(t->gallery.dim), slots = (size_t)c->threads;
    const size_t partial = paw__partial_count(k, p->columns);
    const size_t packed = (p->whole ? n16 : p->columns) * k;
    float *f;
    paw_err e;
    t->c = c;
    t->team = paw__team_of(c);
    t->each = 48 * k + 256 + paw__partial_count(k, 16);
    f = t->memory = (float *)paw__alloc(
        c, packed + p->rows * (k + p->columns) + partial + p->columns + slots * t->each + n16 + q16,
        sizeof *f);
    if (!f) return PAW_E_OOM;
    t->packed = f, f += packed;
    t->a = f, f += p->rows * k;
    t->products = f, f += p->rows * p->columns;
    t->partial = f, f += partial;
    t->zeros = f, f += p->columns;
    t->scratch = f, f += slots * t->each;
    t->gallery.squares = f, f += n16;
    t->query.squares = same ? t->gallery.squares : f;
    memset(t->zeros, 0, p->columns * sizeof *f);
    t->squaring = &t->gallery;
    paw__team_for(&t->team, n16 / 16, paw__tiles_square, t);
    t->squaring = &t->query;
    paw__team_for(&t->team, q16 / 16, paw__tiles_square, t);
    e = paw__rows_check(c, &t->gallery);
    if (!e && !same) e = paw__rows_check(c, &t->query);
    if (e) paw__tiles_close(t);
    return e;
}
static void paw__tiles_pack_a(void *arg, size_t panel, int slot)
{
    const paw__tiles *t = (const paw__tiles *)arg;
    const paw__rows *r = &t->query;
    const paw__panels all = paw__panels_of(t->rows, t->team.ops->mr);
    const size_t first = paw__panel_first(&all, panel), rows = (size_t)paw__panel_rows(&all, panel);
    const paw__panels one = paw__panels_of(rows, t->team.ops->mr);
    float *buffer = t->scratch + (size_t)slot * t->each;
    paw__pack_a(paw__rows_at(r, t->first + first, rows, buffer), r->dim, r->dim, &one,
                t->a + first * t->k);
}
static void paw__tiles_pack_b(void *arg, size_t panel, int slot)
{
    const paw__tiles *t = (const paw__tiles *)arg;
    const paw__rows *r = &t->gallery;
    const size_t first = (t->p0 + panel) * 16, rows = paw__min(16, r->n - first);
    float *buffer = t->scratch + (size_t)slot * t->each;
    paw__pack_panel(paw__rows_at(r, first, rows, buffer), rows, r->dim, 1,
                    t->packed + panel * 16 * t->k);
}
static void paw__tiles_begin(paw__tiles *t, size_t first, size_t rows)
{
    t->first = first;
    t->rows = rows;
    paw__team_for(&t->team, paw__panels_of(rows, t->team.ops->mr).count, paw__tiles_pack_a, t);
}
/* Runs item(arg, row of the tile, slot) after the products with each chunk of the columns of panels
   first to end; last: t->last is set at the end. */
static void paw__tiles_run(paw__tiles *t, size_t first, size_t end, int last, paw__body *item,
                           void *arg)
{
    for (t->p0 = first; t->p0 < end; t->p0 = t->p1) {
        float *b = t->packed;
        t->p1 = paw__min(end, t->p0 + t->plan.columns / 16);
        t->last = last && t->p1 == end;
        if (t->plan.whole) b += t->p0 * 16 * t->k;
        else paw__team_for(&t->team, t->p1 - t->p0, paw__tiles_pack_b, t);
        paw__tiles_multiply(t, &t->team, t->a, t->rows, b, (t->p1 - t->p0) * 16, t->partial,
                            t->products);
        paw__team_for(&t->team, t->rows, item, arg);
    }
}
/* Cosines of a row of the tile with the columns of the chunk, in place of their products. */
static float *paw__tiles_cosines(const paw__tiles *t, size_t row)
{
    const size_t columns = (t->p1 - t->p0) * 16;
    float *s = t->products + row * columns;
    t->team.ops->cosine(s, t->gallery.squares + t->p0 * 16, columns,
                        t->query.squares[t->first + row]);
    return s;
}
static paw_err paw__rows_of(paw_ctx *c, const char *name, const float *x, size_t n, size_t dim,
                            paw__rows *out)
{
    const paw__rows rows = {name, x, NULL, n, dim, NULL};
    size_t bytes;
    *out = rows;
    if (n >= UINT32_MAX || !paw__mul(n, paw__up16(dim), &bytes) ||
        !paw__mul(bytes, sizeof *x, &bytes))
        return paw__fail(c, PAW_E_LIMIT, "retrieval: %zu x %zu features", n, dim);
    return PAW_OK;
}

/* ---- average precision of every row as a query ----
   Rows are taken by class, so that what is relevant to a query stands together. A tile is part of
   a class or several whole ones; its own columns come first, and what was found there is ranked
   before the others are counted, chunk by chunk: no row of all scores is ever held. */
typedef struct {
    paw__tiles t;
    uint32_t *start;    /* [classes + 1] first rows of the classes */
    size_t classes, most; /* most: rows of the largest */
    size_t p0, p1;      /* panels of the tile's classes */
    paw__ranking *rank; /* [rows], or [threads] where a tile has all columns at once */
    float *sorted;      /* [rows, most + 1] */
    paw__ranking_spare spare; /* of all threads, [threads, most] */
    uint32_t *counts;   /* [rows, most + 1 + buckets + 1] */
    int exclude, own, counted; /* chunk: of own columns; with their others */
    size_t part, parts;       /* every parts-th tile from part on */
    double *ap;
} paw__retrieval;

static size_t paw__retrieval_class(const paw__retrieval *r, size_t row)
{
    size_t a = 0, b = r->classes;
    while (b - a > 1) {
        const size_t half = a + (b - a) / 2;
        if (r->start[half] <= row) a = half;
        else b = half;
    }
    return a;
}
static void paw__retrieval_item(void *arg, size_t item, int slot)
{
    const paw__retrieval *r = (const paw__retrieval *)arg;
    const paw__tiles *t = &r->t;
    const size_t query = t->first + item, label = paw__retrieval_class(r, query);
    const size_t from = t->p0 * 16, to = paw__min(t->p1 * 16, t->gallery.n);
    const size_t begin = paw__min(paw__max(r->start[label], from), to) - from;
    const size_t end = paw__max(paw__min(r->start[label + 1], to), from + begin) - from;
    const float *s = paw__tiles_cosines(t, item);
    paw__ranking *k = &r->rank[t->plan.at_once ? (size_t)slot : item];
    if (r->own) {
        const int here = r->exclude && query >= from + begin && query < from + end;
        const size_t skip = here ? query - from : end, after = here ? skip + 1 : end;
        if (t->p0 == r->p0) k->m = 0;
        memcpy(k->sorted + k->m, s + begin, (skip - begin) * sizeof *s);
        k->m += skip - begin;
        memcpy(k->sorted + k->m, s + after, (end - after) * sizeof *s);
        k->m += end - after;
        if (t->p1 == r->p1) {
            paw__ranking_spare spare = r->spare;
            spare.scores += (size_t)slot * r->most;
            spare.at += (size_t)slot * r->most;
            paw__ranking_open(t->team.ops, k, &spare);
        }
    }
    if (r->counted) {
        paw__ranking_count(t->team.ops, k, s, begin);
        paw__ranking_count(t->team.ops, k, s + end, to - from - end);
    }
    if (t->last) r->ap[t->query.order[query]] = paw__ranking_ap(k);
}
/* Rows first to first + rows; begin, end: rows of their classes */
static void paw__retrieval_tile(paw__retrieval *r, size_t first, size_t rows, size_t begin,
                                size_t end)
{
    const size_t panels = paw__up16(r->t.gallery.n) / 16;
    size_t left, right;
    r->p0 = r->t.plan.at_once ? 0 : begin / 16;
    r->p1 = r->t.plan.at_once ? panels : (end + 15) / 16;
    r->own = 1;
    r->counted = (r->p1 - r->p0) * 16 <= r->t.plan.columns;
    left = r->counted ? r->p0 : (begin + 15) / 16;
    right = r->counted ? r->p1 : end / 16;
    paw__tiles_begin(&r->t, first, rows);
    paw__tiles_run(&r->t, r->p0, r->p1, !left && right == panels, paw__retrieval_item, r);
    r->own = 0;
    r->counted = 1;
    paw__tiles_run(&r->t, 0, left, right == panels, paw__retrieval_item, r);
    paw__tiles_run(&r->t, right, panels, 1, paw__retrieval_item, r);
}
static void paw__retrieval_tiles(paw__retrieval *r)
{
    const size_t n = r->t.gallery.n, most = r->t.plan.rows;
    const size_t columns = r->t.plan.columns, fit = paw__max(columns, 32) - 32;
    const size_t wide = columns < n ? paw__min(most, fit) : most;
    size_t first, rows, end, tile = 0, k = 0;
    for (first = 0; first < n; first += rows, ++tile) {
        const size_t begin = r->start[k];
        size_t left = r->start[k + 1] - first;
        if (first == begin && left <= wide) {
            for (++k; k < r->classes && r->start[k + 1] - first <= wide; ++k) {}
            end = r->start[k];
            rows = end - first;
        } else {
            left = (left + most - 1) / most; /* tiles, as even as possible */
            end = r->start[k + 1];
            rows = (end - first + left - 1) / left;
            if (first + rows == end) ++k;
        }
        if (tile % r->parts == r->part) paw__retrieval_tile(r, first, rows, begin, end);
    }
}
static int paw__less_label(const void *a, const void *b)
{
    const int32_t *x = (const int32_t *)a, *y = (const int32_t *)b;
    return *x != *y ? *x < *y : x < y;
}
/* order [n]: rows by label, then as they stand; start [n + 1] */
static paw_err paw__retrieval_order(paw_ctx *c, const int32_t *labels, size_t n, uint32_t *order,
                                    paw__retrieval *r)
{
    void **at = paw__pointers(c, (void *)(uintptr_t)labels, n, sizeof *labels);
    size_t i;
    if (!at) return PAW_E_OOM;
    paw__sort(at, n, paw__less_label);
    for (i = 0; i < n; ++i) {
        order[i] = (uint32_t)((const int32_t *)at[i] - labels);
        if (!i || labels[order[i]] != labels[order[i - 1]]) r->start[r->classes++] = (uint32_t)i;
    }
    r->start[r->classes] = (uint32_t)n;
    for (i = 0; i < r->classes; ++i)
        r->most = paw__max(r->most, r->start[i + 1] - r->start[i]);
    paw__free(at);
    return PAW_OK;
}
/* plan NULL: the best one */
static paw_err paw__retrieval_ap(paw_ctx *c, const float *x, size_t n, size_t dim,
                                 const int32_t *labels, int exclude, const paw__plan *plan,
                                 size_t part, size_t parts, double *ap)
{
    const size_t threads = (size_t)c->threads;
    paw__retrieval r;
    size_t i, m, per, rows;
    paw_err e;
    memset(&r, 0, sizeof r);
    if ((e = paw__rows_of(c, "row", x, n, dim, &r.t.gallery)) != PAW_OK) return e;
    r.exclude = exclude;
    r.part = part;
    r.parts = parts;
    r.ap = ap;
    r.start = (uint32_t *)paw__alloc(c, 2 * n + 1, sizeof *r.start);
    e = r.start ? paw__retrieval_order(c, labels, n, r.start + n + 1, &r) : PAW_E_OOM;
    if (e) goto done;
    m = r.most + 1;
    per = m + paw__buckets(r.most) + 1;
    r.t.gallery.order = r.start + n + 1;
    r.t.query = r.t.gallery;
    r.t.plan = plan ? *plan : paw__plan_of(n, n, paw__up16(dim), m + per, threads);
    r.t.plan.rows = paw__min(r.t.plan.rows, (n + parts - 1) / parts);
    rows = r.t.plan.at_once ? threads : r.t.plan.rows;
    r.rank = (paw__ranking *)paw__calloc(c, rows, sizeof *r.rank);
    r.sorted = (float *)paw__alloc(c, rows * m + threads * m, sizeof *r.sorted);
    r.counts = (uint32_t *)paw__alloc(c, rows, per * sizeof *r.counts);
    r.spare.at = (void **)paw__alloc(c, threads, m * sizeof *r.spare.at);
    e = r.rank && r.sorted && r.counts && r.spare.at ? paw__tiles_open(c, &r.t) : PAW_E_OOM;
    if (e) goto done;
    r.spare.scores = r.sorted + rows * m;
    for (i = 0; i < rows; ++i) {
        r.rank[i].sorted = r.sorted + i * m;
        r.rank[i].count = r.counts + i * per;
        r.rank[i].first = r.rank[i].count + m;
    }
    if (parts > 1) memset(ap, 0, n * sizeof *ap);
    paw__retrieval_tiles(&r);
    paw__tiles_close(&r.t);
done:
    paw__free(r.start);
    paw__free(r.rank);
    paw__free(r.sorted);
    paw__free(r.counts);
    paw__free(r.spare.at);
    return e;
}
PAW_DEF paw_err paw_retrieval_ap(paw_ctx *c, const float *x, size_t n, size_t dim,
                                 const int32_t *labels, int exclude_query, double *ap)
{
    return paw_retrieval_ap_part(c, x, n, dim, labels, exclude_query, 0, 1, ap);
}
PAW_DEF paw_err paw_retrieval_ap_part(paw_ctx *c, const float *x, size_t n, size_t dim,
                                      const int32_t *labels, int exclude_query, size_t part,
                                      size_t parts, double *ap)
{
    PAW__ENTER(c);
    if (!dim || (n && (!x || !labels || !ap)))
        return paw__fail(c, PAW_E_ARG, "paw_retrieval_ap: NULL argument, or no features");
    if (part >= parts)
        return paw__fail(c, PAW_E_ARG, "paw_retrieval_ap_part: part %zu of %zu", part, parts);
    return n ? paw__retrieval_ap(c, x, n, dim, labels, exclude_query, NULL, part, parts, ap)
             : PAW_OK;
}
PAW_DEF size_t paw_zero_rows(const float *x, size_t n, size_t dim)
{
    PAW__MODE;
    size_t zeros = 0, i, j;
    for (i = 0; x && dim && i < n; ++i) {
        for (j = 0; j < dim && x[i * dim + j] == 0; ++j) {}
        zeros += j == dim;
    }
    return zeros;
}

/* ---- nearest neighbours ---- */

typedef struct {
    float score;
    uint32_t row;
} paw__near;
typedef struct {
    paw__tiles t;
    size_t k;
    int exclude;
    paw__near *near; /* [rows, k] */
    void **heap;     /* [rows, k] of them, the farthest on top */
    size_t *rows;    /* results of top-k, or NULL */
    float *scores;
    const int32_t *labels; /* of k-NN, or NULL */
    int classes, vote;
    float temperature, *votes;
    double *sums; /* [threads, classes], 0 between queries */
    int32_t *predicted;
} paw__neighbours;

static int paw__nearer(const void *a, const void *b)
{
    const paw__near *x = (const paw__near *)a, *y = (const paw__near *)b;
    return x->score > y->score || (x->score == y->score && x->row < y->row);
}
/* Rows come in ascending order: of equal scores the first ones stay. */
static void paw__near_scan(void **heap, size_t k, const float *s, size_t row, size_t end)
{
    float least = ((const paw__near *)heap[0])->score;
    for (; row < end; ++row, ++s) {
        if (!(*s > least)) continue;
        ((paw__near *)heap[0])->score = *s;
        ((paw__near *)heap[0])->row = (uint32_t)row;
        paw__sift(heap, 0, k, paw__nearer);
        least = ((const paw__near *)heap[0])->score;
    }
}
/* heap [k]: nearest first */
static void paw__near_vote(const paw__neighbours *r, void *const *heap, size_t query, int slot)
{
    const paw__near *best_near = (const paw__near *)heap[0], *near;
    double *sum = r->sums + (size_t)slot * (size_t)r->classes;
    int32_t best = r->labels[best_near->row];
    size_t i;
    int j;
    for (i = 0; i < r->k; ++i) {
        near = (const paw__near *)heap[i];
        sum[r->labels[near->row]] += r->vote == PAW_VOTE_ONE ? 1.0 : (double)paw__exp_scalar(
            (near->score - best_near->score) / r->temperature);
    }
    for (i = 1; i < r->k; ++i) {
        const int32_t label = r->labels[((const paw__near *)heap[i])->row];
        if (sum[label] > sum[best] || (!(sum[label] < sum[best]) && label < best)) best = label;
    }
    r->predicted[query] = best;
    for (j = 0; r->votes && j < r->classes; ++j)
        r->votes[query * (size_t)r->classes + (size_t)j] = (float)sum[j];
    for (i = 0; i < r->k; ++i) sum[r->labels[((const paw__near *)heap[i])->row]] = 0;
}
static void paw__neighbours_item(void *arg, size_t item, int slot)
{
    const paw__neighbours *r = (const paw__neighbours *)arg;
    const paw__tiles *t = &r->t;
    const size_t query = t->first + item, from = t->p0 * 16;
    const size_t to = paw__min(t->p1 * 16, t->gallery.n);
    const size_t skip = r->exclude && query >= from && query < to ? query : to;
    const float *s = paw__tiles_cosines(t, item);
    const size_t mine = (t->plan.at_once ? (size_t)slot : item) * r->k;
    paw__near *near = r->near + mine;
    void **heap = r->heap + mine;
    size_t i;
    for (i = 0; !t->p0 && i < r->k; ++i) {
        near[i].score = -(float)INFINITY;
        near[i].row = UINT32_MAX;
        heap[i] = near + i;
    }
    paw__near_scan(heap, r->k, s, from, skip);
    paw__near_scan(heap, r->k, s + (skip - from) + 1, skip + 1, to);
    if (!t->last) return;
    paw__sort(heap, r->k, paw__nearer);
    for (i = 0; i < r->k; ++i) {
        const paw__near *x = (const paw__near *)heap[i];
        if (r->rows) r->rows[query * r->k + i] = x->row;
        if (r->scores) r->scores[query * r->k + i] = x->score;
    }
    if (r->labels) paw__near_vote(r, heap, query, slot);
}
/* query, gallery and what becomes of the neighbours are set; plan NULL: the best one */
static paw_err paw__neighbours_run(paw_ctx *c, paw__neighbours *r, const paw__plan *plan)
{
    const size_t nq = r->t.query.n, n = r->t.gallery.n, panels = paw__up16(n) / 16;
    size_t first, rows;
    paw_err e;
    r->t.plan = plan ? *plan
                     : paw__plan_of(nq, n, paw__up16(r->t.gallery.dim), 4 * r->k,
                                    (size_t)c->threads);
    rows = r->t.plan.at_once ? (size_t)c->threads : r->t.plan.rows;
    r->near = (paw__near *)paw__alloc(c, rows, r->k * sizeof *r->near);
    r->heap = (void **)paw__alloc(c, rows, r->k * sizeof *r->heap);
    r->sums = (double *)paw__calloc(c, (size_t)c->threads, (size_t)r->classes * sizeof *r->sums);
    e = r->near && r->heap && r->sums ? paw__tiles_open(c, &r->t) : PAW_E_OOM;
    for (first = 0; !e && first < nq; first += r->t.plan.rows) {
        paw__tiles_begin(&r->t, first, paw__min(r->t.plan.rows, nq - first));
        paw__tiles_run(&r->t, 0, panels, 1, paw__neighbours_item, r);
    }
    if (!e) paw__tiles_close(&r->t);
    paw__free(r->near);
    paw__free(r->heap);
    paw__free(r->sums);
    return e;
}
static paw_err paw__neighbours_of(paw_ctx *c, const float *queries, size_t nq, const float *gallery,
                               size_t n, size_t dim, size_t k, int exclude, paw__neighbours *r)
{
    const size_t others = n - (exclude && n ? 1u : 0u);
    paw_err e;
    memset(r, 0, sizeof *r);
    if (!dim || !gallery || (nq && !queries))
        return paw__fail(c, PAW_E_ARG, "nearest neighbours: NULL argument, or no features");
    if (exclude && nq > n)
        return paw__fail(c, PAW_E_ARG, "nearest neighbours: %zu queries of %zu rows cannot exclude "
                         "themselves", nq, n);
    if (!k || k > others)
        return paw__fail(c, PAW_E_ARG, "nearest neighbours: k = %zu of %zu rows", k, others);
    e = paw__rows_of(c, "query", queries, nq, dim, &r->t.query);
    if (!e) e = paw__rows_of(c, "row", gallery, n, dim, &r->t.gallery);
    r->k = k;
    r->exclude = exclude;
    return e;
}
PAW_DEF paw_err paw_retrieval_topk(paw_ctx *c, const float *queries, size_t nq,
                                   const float *gallery, size_t n, size_t dim, size_t k,
                                   int exclude_self, size_t *rows, float *scores)
{
    paw__neighbours r;
    paw_err e;
    PAW__ENTER(c);
    e = paw__neighbours_of(c, queries, nq, gallery, n, dim, k, exclude_self, &r);
    if (e || !nq) return e;
    r.rows = rows;
    r.scores = scores;
    return paw__neighbours_run(c, &r, NULL);
}
PAW_DEF paw_err paw_knn(paw_ctx *c, const float *queries, size_t nq, const float *gallery,
                        const int32_t *labels, size_t n, size_t dim, int classes,
                        const paw_knn_opts *opts, int32_t *predicted, float *votes)
{
    paw_knn_opts o;
    paw__neighbours r;
    size_t i;
    paw_err e;
    PAW__ENTER(c);
    memset(&o, 0, sizeof o);
    if (opts) o = *opts;
    if (!o.k) o.k = 20;
    if (o.temperature == 0) o.temperature = 0.07f;
    if (!(o.temperature > 0))
        return paw__fail(c, PAW_E_ARG, "paw_knn: a temperature of %g", (double)o.temperature);
    e = paw__neighbours_of(c, queries, nq, gallery, n, dim, o.k, o.exclude_self, &r);
    if (e) return e;
    if (!labels || (nq && !predicted) || classes < 1 || o.vote < 0 || o.vote > PAW_VOTE_ONE)
        return paw__fail(c, PAW_E_ARG, "paw_knn: NULL argument, no class, or unknown vote");
    if ((i = paw__labels_end(labels, n, classes)) < n)
        return paw__fail(c, PAW_E_ARG, "paw_knn: label %ld of row %zu is none of %d classes",
                         (long)labels[i], i, classes);
    if (!nq) return PAW_OK;
    r.labels = labels;
    r.classes = classes;
    r.vote = o.vote;
    r.temperature = o.temperature;
    r.votes = votes;
    r.predicted = predicted;
    return paw__neighbours_run(c, &r, NULL);
}

/* ---- training: random numbers by counter, so that no order of drawing matters ---- */

/* Philox 4x32-10 (Salmon et al. 2011): four words for each (seed, stream, counter, lane). */
static void paw__philox(uint64_t seed, uint32_t stream, uint64_t counter, uint32_t lane,
                        uint32_t out[4])
{
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    uint32_t c0 = (uint32_t)counter, c1 = (uint32_t)(counter >> 32), c2 = stream, c3 = lane;
    int round;
    for (round = 0; round < 10; ++round) {
        const uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}
static double paw__random_unit(uint64_t seed, uint32_t stream, uint64_t counter)
{ /* [0, 1), multiples of 2^-53 */
    uint32_t w[4];
    paw__philox(seed, stream, counter, 0, w);
    return (double)((uint64_t)w[0] << 21 | w[1] >> 11) * (1.0 / 9007199254740992.0);
}
static size_t paw__random_below(uint64_t seed, uint32_t stream, uint64_t counter, size_t n)
{ /* 0..n-1, n below 2^32 */
    uint32_t w[4];
    paw__philox(seed, stream, counter, 0, w);
    return (size_t)(((uint64_t)w[0] * n + ((uint64_t)w[1] * n >> 32)) >> 32);
}
/* Standard normal by Box and Muller; drawn again until within +-limit deviations, unless 0. */
static double paw__random_gauss(uint64_t seed, uint32_t stream, uint64_t counter, double limit)
{
    uint32_t w[4], lane = 0;
    double x;
    do {
        double u, v;
        paw__philox(seed, stream, counter, lane++, w);
        u = ((double)((uint64_t)w[0] << 21 | w[1] >> 11) + 0.5) * (1.0 / 9007199254740992.0);
        v = (double)((uint64_t)w[2] << 21 | w[3] >> 11) * (1.0 / 4503599627370496.0);
        x = sqrt(-2 * paw__log(u)) * paw__cospi(v);
    } while (limit > 0 && fabs(x) > limit);
    return x;
}
static void paw__random_normals(uint64_t seed, uint32_t stream, double deviation, double limit,
                                float *x, size_t n)
{
    size_t i;
    for (i = 0; i < n; ++i)
        x[i] = (float)(deviation * paw__random_gauss(seed, stream, i, limit));
}
static void paw__random_order(uint64_t seed, uint32_t stream, size_t *order, size_t n)
{ /* a permutation of 0..n-1 */
    size_t i;
    for (i = 0; i < n; ++i) order[i] = i;
    for (i = n; i-- > 1;) {
        const size_t j = paw__random_below(seed, stream, i, i + 1), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
}

/* ---- training: products of plain matrices, operands transposed while they are packed ---- */

typedef struct {
    const float *x; /* element (row, k) at x[row * ld + k], or x[k * ld + row] if turned */
    size_t ld, rows, k, padded; /* padded: k of the operand */
    int turned;
    paw__panels panels; /* A operand */
    float *out;
} paw__pack_job;
/* One panel of an A operand, or of 16 columns of a B operand. */
static void paw__pack_a_item(void *arg, size_t item, int slot)
{
    const paw__pack_job *j = (const paw__pack_job *)arg;
    const size_t first = paw__panel_first(&j->panels, item), kp = j->padded;
    const size_t mr = (size_t)paw__panel_rows(&j->panels, item);
    float *to = j->out + first * kp;
    paw__f4 nan = {0, 0, 0, 0};
    size_t k, r, i;
    (void)slot;
    if (!j->turned) {
        const paw__panels one = paw__panels_of(mr, PAW__MAX_MR);
        paw__pack_a(j->x + first * j->ld, j->ld, j->k, &one, to);
        return;
    }
    if (j->k < kp) memset(to, 0, mr * kp * sizeof *to);
    for (k = 0; k < j->k; k += 4) {
        const float *from = j->x + k * j->ld + first;
        float *at = to + k / 16 * mr * 16 + k % 16;
        const size_t some = paw__min(4, j->k - k);
        for (r = 0; some == 4 && r + 4 <= mr; r += 4)
            paw__transpose4(from + r, j->ld, at + r * 16, &nan);
        for (r = some == 4 ? mr & ~(size_t)3 : 0; r < mr; ++r)
            for (i = 0; i < some; ++i) at[r * 16 + i] = from[i * j->ld + r];
    }
}
static void paw__pack_b_item(void *arg, size_t item, int slot)
{
    const paw__pack_job *j = (const paw__pack_job *)arg;
    const size_t first = item * 16, kp = j->padded, n = paw__min(16, j->rows - first);
    const size_t fours = n == 16 && !j->turned ? j->k & ~(size_t)3 : 0;
    float *to = j->out + first * kp;
    paw__f4 nan = {0, 0, 0, 0};
    size_t k, r;
    (void)slot;
    if (n < 16 || j->k < kp) memset(to, 0, kp * 16 * sizeof *to);
    for (k = 0; k < fours; k += 4) {
        for (r = 0; r < 16; r += 4) {
            __builtin_prefetch(j->x + (first + r + k / 4 % 4) * j->ld + k + 48, 0, 3);
            __builtin_prefetch(to + (k + 32 + r / 4) * 16, 1, 3);
            paw__transpose4(j->x + (first + r) * j->ld + k, j->ld, to + k * 16 + r, &nan);
        }
    }
    for (; k < j->k; ++k) {
        if (j->turned) __builtin_prefetch(j->x + (k + 24) * j->ld + first, 0, 3);
        __builtin_prefetch(to + (k + 24) * 16, 1, 3);
        if (j->turned) memcpy(to + k * 16, j->x + k * j->ld + first, n * sizeof *to);
        else
            for (r = 0; r < n; ++r) to[k * 16 + r] = j->x[(first + r) * j->ld + k];
    }
}
/* A B operand of n columns and k rows; turned: stored as [k, n] */
static void paw__pack_b_run(const paw__team *team, const float *x, size_t ld, size_t n, size_t k,
                            int turned, float *out)
{
    paw__pack_job j = {x, ld, n, k, paw__up16(k), turned, {0, 0, 0, 0}, out};
    paw__team_for(team, paw__up16(n) / 16, paw__pack_b_item, &j);
}
/* out [m, n] = a b + bias, or += where add. a [m, k], or stored [k, m] if ta; b [k, n], or stored
   [n, k] (as torch has weights) if tb; ld...: floats from one stored row to the next. PAW__BLOCKED:
   b is in panels already, [n / 16][ldb][16], rows beyond k to up16(k) zero.
   bias [n] or NULL. */
enum { PAW__BLOCKED = 2 };
static paw_err paw__multiply(const paw__team *team, int ta, int tb, size_t m, size_t n, size_t k,
                             const float *a, size_t lda, const float *b, size_t ldb,
                             const float *bias, float *out, size_t ldo, int add)
{
    const size_t np = paw__up16(n), kp = paw__up16(k);
    const size_t partial = paw__partial_count(kp, np);
    const size_t mr = (size_t)team->ops->mr, most = paw__min(m, PAW__M_BLOCK / mr * mr);
    const int direct = n == np;
    paw__pack_job ja = {NULL, lda, 0, k, kp, ta, {0, 0, 0, 0}, NULL};
    paw__product g;
    float *w, *rest;
    size_t r, i;
    if (!m || !n) return PAW_OK;
    /* Of the context, as pages of a fresh allocation cost more than a small product. */
    w = paw__scratch(team->c, most * kp + np + partial + (tb == PAW__BLOCKED ? 0 : np * kp) +
                                  (direct ? 0 : m * np));
    if (!w) return PAW_E_OOM;
    memset(&g, 0, sizeof g);
    g.bias = w;
    memset(w, 0, np * sizeof *w);
    if (bias) memcpy(w, bias, n * sizeof *w);
    g.a = w + np;
    rest = w + np + most * kp;
    g.b = tb == PAW__BLOCKED ? b : rest;
    if (tb != PAW__BLOCKED) {
        paw__pack_b_run(team, b, ldb, n, k, !tb, rest);
        rest += np * kp;
    }
    g.b_step = tb == PAW__BLOCKED ? ldb * 16 : 0;
    g.k = kp;
    g.n = np;
    g.to = add && direct ? PAW__TO_RESIDUAL : PAW__TO_ROWS;
    g.ld = direct ? ldo : np;
    ja.out = w + np;
    for (r = 0; r < m; r += most) { /* A comes into cache block by block */
        ja.x = a + r * (ta ? 1 : lda);
        ja.rows = paw__min(most, m - r);
        g.rows = ja.panels = paw__panels_of(ja.rows, team->ops->mr);
        g.out = direct ? out + r * ldo : rest + partial + r * np;
        paw__team_for(team, g.rows.count, paw__pack_a_item, &ja);
        paw__product_run(team, &g, rest);
    }
    for (r = 0; r < m && !direct; ++r)
        for (i = 0; i < n; ++i)
            out[r * ldo + i] = rest[partial + r * np + i] + (add ? out[r * ldo + i] : 0);
    return PAW_OK;
}

/* ---- training: cross-entropy ---- */

#define PAW__XENT_ROWS 256 /* rows whose losses are added before the others': never tuned */
typedef struct {
    const paw__ops *ops;
    const float *x;
    const int32_t *labels;
    size_t n, ld;
    int classes;
    float scale, *grad;
    double *sums;
} paw__xent_job;
static void paw__xent_item(void *arg, size_t item, int slot)
{
    const paw__xent_job *j = (const paw__xent_job *)arg;
    const size_t end = paw__min(j->n, (item + 1) * PAW__XENT_ROWS);
    double sum = 0;
    size_t r = item * PAW__XENT_ROWS, rows, i;
    (void)slot;
    for (; r < end; r += rows) {
        rows = paw__min((size_t)j->ops->mr, end - r);
        for (i = r; i < r + rows; ++i)
            memcpy(j->grad + i * j->ld, j->x + i * j->ld, (size_t)j->classes * sizeof *j->x);
        j->ops->xent(j->grad + r * j->ld, j->ld, (int)rows, (size_t)j->classes, j->labels + r,
                     j->scale, &sum);
    }
    j->sums[item] = sum;
}
/* Sum of the losses of n rows of ld floats, ld at least up16(classes); grad alike: scale times the
   gradient of that sum, padding 0. Rows whose label is no class (ignored pixels) add nothing. */
static paw_err paw__xent(const paw__team *team, const float *x, const int32_t *labels, size_t n,
                         size_t ld, int classes, float scale, float *grad, double *loss)
{
    const size_t blocks = (n + PAW__XENT_ROWS - 1) / PAW__XENT_ROWS;
    double *sums = (double *)paw__alloc(team->c, blocks + 1, sizeof *sums), sum = 0;
    paw__xent_job j = {team->ops, x, labels, n, ld, classes, scale, grad, sums};
    size_t i;
    if (!sums) return PAW_E_OOM;
    paw__team_for(team, blocks, paw__xent_item, &j);
    for (i = 0; i < blocks; ++i) sum += sums[i];
    paw__free(sums);
    *loss = sum;
    return PAW_OK;
}

/* ---- training: optimisers and schedules ---- */

typedef struct { /* buffers of up16(n) floats, padding 0 */
    const char *name;
    float *p, *g, *m, *v; /* parameter, gradient (NULL: fixed), moments; v: AdamW */
    size_t n;
    int rank;    /* LARS adapts tensors of rank 2 and more, and decays no others */
    int decayed; /* 0: no weight decay */
} paw__param;
enum { PAW__SGD, PAW__LARS, PAW__ADAMW }; /* PAW_SGD ... */
typedef struct {
    int kind, nesterov;
    double momentum, decay;     /* torch.optim.SGD, dampening 0 */
    double trust;               /* LARS: 0.001 */
    double beta1, beta2, eps;   /* AdamW: 0.9, 0.999, 1e-8 */
    uint64_t steps;             /* updates done; AdamW corrects by it. Resume restores it. */
} paw__optimizer;
#define PAW__UPDATE_BLOCK 4096 /* numbers whose squares are added before the others': never tuned */

typedef struct {
    const paw__ops *ops;
    const paw__update *u;
    const paw__param *p;
    int kind;
} paw__update_job;
static void paw__update_item(void *arg, size_t item, int slot)
{
    const paw__update_job *j = (const paw__update_job *)arg;
    const size_t at = item * PAW__UPDATE_BLOCK, n = paw__min(paw__up16(j->p->n) - at,
                                                             PAW__UPDATE_BLOCK);
    const paw__param *p = j->p;
    (void)slot;
    if (j->kind == PAW__ADAMW) j->ops->adamw(j->u, p->p + at, p->m + at, p->v + at, p->g + at, n);
    else j->ops->sgd(j->u, p->p + at, p->m + at, p->g + at, n);
}
/* Sum of x y, [up16(n)] padded with zeros: the same for any number of threads. */
static double paw__blocks_dot(const paw__ops *ops, const float *x, const float *y, size_t n)
{
    double sum = 0;
    size_t i;
    for (i = 0; i < n; i += PAW__UPDATE_BLOCK)
        sum += (double)ops->dot(x + i, y + i, paw__min(paw__up16(n) - i, PAW__UPDATE_BLOCK));
    return sum;
}
static void paw__optimize(const paw__team *team, paw__optimizer *o, double lr,
                          const paw__param *params, size_t count)
{
    double power1 = 1, power2 = 1, b1 = o->beta1, b2 = o->beta2, left;
    paw__update u;
    paw__update_job j = {team->ops, &u, NULL, o->kind};
    uint64_t t;
    size_t i;
    for (t = ++o->steps; t; t >>= 1) { /* the powers of both betas */
        if (t & 1) power1 *= b1;
        if (t & 1) power2 *= b2;
        PAW__KEEP(power1);
        PAW__KEEP(power2);
        b1 *= b1;
        b2 *= b2;
    }
    memset(&u, 0, sizeof u);
    u.lr = (float)lr;
    u.momentum = (float)o->momentum;
    u.nesterov = o->nesterov;
    u.beta1 = (float)o->beta1;
    u.rest1 = (float)(1 - o->beta1);
    u.beta2 = (float)o->beta2;
    u.rest2 = (float)(1 - o->beta2);
    u.eps = (float)o->eps;
    if (o->kind == PAW__ADAMW) {
        u.step = (float)(lr / (1 - power1));
        u.root = (float)(1 / sqrt(1 - power2));
    }
    for (i = 0; i < count; ++i) {
        const paw__param *p = j.p = &params[i];
        const double decay = p->decayed && (o->kind != PAW__LARS || p->rank > 1) ? o->decay : 0;
        if (!p->g) continue;
        u.decay = (float)decay;
        left = lr * decay;
        PAW__KEEP(left);
        u.keep = (float)(1 - left);
        u.trust = 1;
        if (o->kind == PAW__LARS && p->rank > 1) {
            const double pp = paw__blocks_dot(team->ops, p->p, p->p, p->n);
            double dd = paw__blocks_dot(team->ops, p->g, p->g, p->n);
            if (decay > 0) {
                const double pg = paw__blocks_dot(team->ops, p->p, p->g, p->n);
                dd = paw__mul_add(decay, paw__mul_add(decay, pp, 2 * pg), dd);
            }
            if (pp > 0 && dd > 0) u.trust = (float)(o->trust * sqrt(pp) / sqrt(dd));
        }
        paw__team_for(team, (p->n + PAW__UPDATE_BLOCK - 1) / PAW__UPDATE_BLOCK, paw__update_item,
                      &j);
    }
}

enum { PAW__CONSTANT, PAW__COSINE, PAW__POLY };
typedef struct { /* warm, total in the units of the position: epochs or steps */
    int kind;
    double lr, least, total;
    double warm, start; /* POLY: the rate starts at start * lr (mmcv warmup_ratio); else at 0 */
    double ramp;        /* what the warm-up divides by; 0: warm. numpy.linspace: warm - 1 */
} paw__schedule;
/* COSINE: CAE linear_util, MAE lr_sched.py; POLY of power 1: mmcv lr_updater.py. */
static double paw__rate(const paw__schedule *s, double at)
{
    double lr = s->lr;
    if (s->kind != PAW__POLY && at < s->warm) return lr * at / (s->ramp > 0 ? s->ramp : s->warm);
    if (s->kind == PAW__COSINE) {
        const double done = (at - s->warm) / (s->total - s->warm);
        return paw__mul_add(0.5 * (lr - s->least), 1 + paw__cospi(done), s->least);
    }
    if (s->kind == PAW__POLY) {
        lr = paw__mul_add(lr - s->least, 1 - at / s->total, s->least);
        if (at < s->warm) {
            double rest = (1 - at / s->warm) * (1 - s->start);
            PAW__KEEP(rest);
            lr *= 1 - rest;
        }
    }
    return lr;
}

/* ---- probing heads ---- */

enum { /* parameters; a linear head has the last two */
    PAW__P_QUERY, PAW__P_NQ_W, PAW__P_NQ_B, PAW__P_NK_W, PAW__P_NK_B, PAW__P_NV_W, PAW__P_NV_B,
    PAW__P_N2_W, PAW__P_N2_B, PAW__P_Q_W, PAW__P_Q_B, PAW__P_K_W, PAW__P_V_W, PAW__P_V_B,
    PAW__P_PROJ_W, PAW__P_PROJ_B, PAW__P_W, PAW__P_B, PAW__PARAMS
};
static const struct {
    const char *name;
    int rank;  /* 1: [dim]; 2: [dim, dim]; 3: [1, 1, dim]; of the last two [classes, dim] */
    float one; /* initial value of vectors */
} paw__head_params[PAW__PARAMS] = {
    {"query_token", 3, 0},
    {"cross_attn.norm1_q_cross.weight", 1, 1}, {"cross_attn.norm1_q_cross.bias", 1, 0},
    {"cross_attn.norm1_k_cross.weight", 1, 1}, {"cross_attn.norm1_k_cross.bias", 1, 0},
    {"cross_attn.norm1_v_cross.weight", 1, 1}, {"cross_attn.norm1_v_cross.bias", 1, 0},
    {"cross_attn.norm2_cross.weight", 1, 1}, {"cross_attn.norm2_cross.bias", 1, 0}, /* not used */
    {"cross_attn.cross_attn.q.weight", 2, 0}, {"cross_attn.cross_attn.q_bias", 1, 0},
    {"cross_attn.cross_attn.k.weight", 2, 0},
    {"cross_attn.cross_attn.v.weight", 2, 0}, {"cross_attn.cross_attn.v_bias", 1, 0},
    {"cross_attn.cross_attn.proj.weight", 2, 0}, {"cross_attn.cross_attn.proj.bias", 1, 0},
    {"head.weight", 2, 0}, {"head.bias", 1, 0},
};
struct paw_head {
    paw_head_opts o;
    int first, epoch;               /* first parameter; epochs done */
    size_t step;                    /* steps done of the epoch in work, */
    double sum;                     /* and the sum of their rows' losses */
    paw__param p[PAW__PARAMS];
    size_t shape[PAW__PARAMS][3];
    float *all;                     /* parameters, gradients, momenta, statistics */
    float *mean, *var;              /* running, [dim padded]; NULL without batch norm */
    paw__optimizer optimizer;
};
#define PAW__POOL_ITEMS 32 /* whose gradients of u are added before the others': never tuned */
#define PAW__POOL_PITCH (PAW__POOL_ITEMS + 1) /* odd: all sets of the cache */
#define PAW__LN_EPS 1e-6f

typedef struct { /* of one pass over n rows; widths padded to 16: d, and c of the logits */
    size_t n, np, tokens, d, c, heads, dh, slot, groups;
    int dtype;   /* of the rows */
    float scale; /* of scores */
    float *block;
    float *logits, *dlogits; /* [n, c] */
    float *x, *y;            /* [n, d]: input and output of batch norm */
    float *mean, *var;       /* [groups of rows, d] */
    /* attentive */
    float *o, *dz, *dout;    /* [n, d] */
    float *pooled;           /* [heads][d / 16][np][16] */
    float *p, *moments;      /* [n, heads padded * tokens], [n, 2, tokens padded] */
    float *du, *slots;       /* [items of 32 rows, heads, d], scratch of each thread */
    float *wv;               /* of one head, of each thread */
    float *qn, *q, *u, *ub, *g, *bias, *t; /* query; weights with norms folded in */
    float *to_o, *to_pooled, *zeros; /* B operands [heads] of wv' and wv; [d] */
} paw__pass;

static size_t paw__pool_scratch(size_t padded, size_t dim, size_t heads)
{
    const size_t d = paw__up16(dim);
    return paw__up16(heads) * (d + 1) + padded * (d + 16);
}
/* Of a group of items: pooled, or its gradients; rows of o or an A operand; sums of products. */
static size_t paw__group_scratch(const paw_head *h)
{
    const size_t d = paw__up16(h->o.dim), heads = (size_t)h->o.heads;
    const size_t dh = paw__up16(h->o.dim / heads);
    return heads * (PAW__POOL_PITCH * d + PAW__POOL_ITEMS * dh) +
           paw__max(paw__partial_count(d, dh), paw__partial_count(dh, d));
}
static paw_err paw__pass_open(const paw_head *h, paw_ctx *c, size_t n, size_t tokens, size_t group,
                              paw__pass *w)
{
    const size_t d = paw__up16(h->o.dim), heads = (size_t)h->o.heads, hd = heads * d;
    const size_t np = paw__up16(n);
    const size_t padded = paw__up16(tokens), logits = paw__up16((size_t)h->o.classes);
    const size_t scores = paw__up16(heads) * tokens;
    const size_t groups = (n + group - 1) / group;
    const size_t slot = paw__pool_scratch(padded, h->o.dim, heads) + paw__group_scratch(h);
    const size_t dh = h->o.dim / heads, wv = heads * paw__up16(dh) * d;
    const struct {
        float **p;
        size_t n;
    } parts[] = {
        {&w->logits, n * logits}, {&w->dlogits, n * logits}, {&w->x, n * d}, {&w->y, n * d},
        {&w->mean, groups * d}, {&w->var, groups * d}, /* a linear head needs these */
        {&w->o, n * d}, {&w->dz, n * d}, {&w->dout, n * d}, {&w->pooled, hd * np},
        {&w->p, n * scores}, {&w->moments, n * padded * 2},
        {&w->du, (n + PAW__POOL_ITEMS - 1) / PAW__POOL_ITEMS * hd},
        {&w->slots, (size_t)c->threads * slot}, {&w->wv, (size_t)c->threads * dh * h->o.dim},
        {&w->qn, d}, {&w->q, d}, {&w->u, hd}, {&w->ub, hd}, {&w->g, h->o.dim * h->o.dim},
        {&w->bias, d}, {&w->t, hd}, {&w->to_o, wv}, {&w->to_pooled, wv}, {&w->zeros, d},
    };
    const size_t used = h->o.kind == PAW_LINEAR ? 6 : PAW__COUNT(parts);
    size_t i, count = 0;
    float *at;
    memset(w, 0, sizeof *w);
    for (i = 0; i < used; ++i) count += paw__up16(parts[i].n);
    w->block = at = (float *)paw__calloc(c, count, sizeof(float));
    if (!at) return PAW_E_OOM;
    for (i = 0; i < used; at += paw__up16(parts[i++].n)) *parts[i].p = at;
    w->n = n;
    w->np = np;
    w->tokens = tokens;
    w->d = d;
    w->c = logits;
    w->heads = heads;
    w->dh = dh;
    w->scale = (float)(1 / sqrt((double)dh));
    w->slot = slot;
    w->groups = groups;
    return PAW_OK;
}

/* ---- attention pooling of a batch ---- */

typedef struct {
    const paw_head *h;
    paw__team team; /* of one thread */
    paw__pass *w;
    const void *const *rows;
    int backward;
} paw__pooling_job;
/* One head's product for the items of a group, out [n, columns] of ld floats. */
static void paw__group_product(const paw__pooling_job *j, size_t n, const float *a, size_t a_step,
                               const float *b, size_t k, size_t columns, float *out, size_t ld,
                               float *partial)
{
    paw__product g;
    memset(&g, 0, sizeof g);
    g.a = a;
    g.a_step = a_step;
    g.b = b;
    g.k = k;
    g.n = columns;
    g.rows = paw__panels_of(n, j->team.ops->mr);
    g.bias = j->w->zeros;
    g.goes_on = 1;
    g.to = PAW__TO_ROWS;
    g.out = out;
    g.ld = ld;
    paw__product_run(&j->team, &g, partial);
}
/* pooled of n items -> their rows of o */
static void paw__group_values(const paw__pooling_job *j, size_t first, size_t n, float *scratch)
{
    const paw__pass *w = j->w;
    const size_t dh = w->dh, up = paw__up16(dh), ld = w->heads * up;
    float *tile = scratch + PAW__POOL_PITCH * w->heads * w->d;
    size_t i, k, c;
    for (k = 0; k < w->heads; ++k)
        paw__group_product(j, n, scratch + k * w->d * PAW__POOL_PITCH, PAW__POOL_PITCH * 16,
                           w->to_o + k * up * w->d, w->d, up, tile + k * up, ld,
                           tile + PAW__POOL_ITEMS * ld);
    for (i = 0; i < n; ++i)
        for (k = 0; k < w->heads; ++k)
            for (c = 0; c < dh; ++c)
                w->o[(first + i) * w->d + k * dh + c] = tile[i * ld + k * up + c] +
                                                        w->bias[k * dh + c];
}
/* The gradient of o -> that of pooled, [n, heads, d] */
static void paw__group_back(const paw__pooling_job *j, size_t first, size_t n, float *out)
{
    const paw__pass *w = j->w;
    const size_t up = paw__up16(w->dh);
    const paw__panels rows = paw__panels_of(n, j->team.ops->mr);
    float *a = out + PAW__POOL_PITCH * w->heads * w->d, *partial = a + PAW__POOL_ITEMS * up;
    size_t k;
    for (k = 0; k < w->heads; ++k) {
        paw__pack_a(w->dout + first * w->d + k * w->dh, w->d, w->dh, &rows, a);
        paw__group_product(j, n, a, 0, w->to_pooled + k * up * w->d, up, w->d, out + k * w->d,
                           w->heads * w->d, partial);
    }
}
static void paw__pooling_item(void *arg, size_t item, int slot)
{
    const paw__pooling_job *j = (const paw__pooling_job *)arg;
    const paw__pass *w = j->w;
    const size_t groups = (w->n + PAW__POOL_ITEMS - 1) / PAW__POOL_ITEMS;
    /* Backward from the end, as what the forward pass read last is nearest. */
    const size_t group = j->backward ? groups - 1 - item : item, first = group * PAW__POOL_ITEMS;
    const size_t end = paw__min(w->n, first + PAW__POOL_ITEMS);
    float *scratch = w->slots + (size_t)slot * w->slot; /* paw__group_scratch, then of the kernel */
    paw__pooling t;
    size_t i;
    memset(&t, 0, sizeof t);
    t.tokens = w->tokens;
    t.dim = j->h->o.dim;
    t.heads = w->heads;
    t.eps = PAW__LN_EPS;
    t.u = w->ub;
    t.scratch = scratch + paw__group_scratch(j->h);
    t.head_step = w->d * PAW__POOL_PITCH;
    t.step = PAW__POOL_PITCH * 16;
    t.kept_head = w->d * w->np;
    t.kept_step = w->np * 16;
    t.du = w->du + group * w->heads * w->d;
    if (j->backward) {
        memset(t.du, 0, w->heads * w->d * sizeof *t.du);
        paw__group_back(j, first, end - first, scratch);
    }
    for (i = first; i < end; ++i) {
        t.x = j->rows[i];
        t.dtype = w->dtype;
        t.next = i + 1 < end ? j->rows[i + 1] : t.x;
        if (i + 1 == end && item + 1 < groups)
            t.next = j->rows[j->backward ? first - PAW__POOL_ITEMS : end];
        t.packed = i > first;
        t.moments = w->moments + i * 2 * paw__up16(w->tokens);
        t.p = w->p + i * paw__up16(w->heads) * w->tokens;
        t.pooled = scratch + (i - first) * 16;
        t.kept = w->pooled + i * 16;
        t.grad = scratch + (i - first) * w->heads * w->d;
        j->team.ops->pool(&t, j->backward);
    }
    if (!j->backward) paw__group_values(j, first, end - first, scratch);
}
static void paw__pooling_run(const paw__team *team, const paw_head *h, paw__pass *w,
                             const void *const *rows, int backward)
{
    paw__pooling_job j = {h, *team, w, rows, backward};
    j.team.wide = 0;
    paw__team_for(team, (w->n + PAW__POOL_ITEMS - 1) / PAW__POOL_ITEMS, paw__pooling_item, &j);
}
/* What is of each head alone, one an item. */
static void paw__fold_run(const paw__team *team, const paw_head *h, paw__pass *w, paw__body *item)
{
    paw__pooling_job j = {h, *team, w, NULL, 0};
    j.team.wide = 0;
    paw__team_for(team, w->heads, item, &j);
}
/* u, times the keys' norm weights, and the values' weights times their norm's. What the keys' norm
   bias adds is the same for all tokens, and softmax does not see it. What stands behind a row of a
   parameter, which has no padding, meets zeros in a dot and does not count in a sum of rows. */
static void paw__fold_item(void *arg, size_t k, int slot)
{
    const paw__pooling_job *j = (const paw__pooling_job *)arg;
    const paw__ops *ops = j->team.ops;
    const paw__param *p = j->h->p;
    const paw__pass *w = j->w;
    const size_t dim = j->h->o.dim, d = w->d, dh = w->dh, packed = k * paw__up16(dh) * d;
    float *u = w->u + k * d, *wv = w->wv + (size_t)slot * dh * dim;
    size_t r, i;
    memset(u, 0, d * sizeof *u);
    for (r = k * dh; r < (k + 1) * dh; ++r) {
        const float *v = p[PAW__P_V_W].p + r * dim;
        float *to = wv + (r - k * dh) * dim;
        w->q[r] = (ops->dot(w->qn, p[PAW__P_Q_W].p + r * dim, d) + p[PAW__P_Q_B].p[r]) * w->scale;
        w->bias[r] = ops->dot(p[PAW__P_NV_B].p, v, d) + p[PAW__P_V_B].p[r];
        ops->axpy(w->q[r], p[PAW__P_K_W].p + r * dim, d, u);
        for (i = 0; i < dim; ++i) to[i] = v[i] * p[PAW__P_NV_W].p[i];
    }
    for (i = 0; i < dim; ++i) w->ub[k * d + i] = u[i] * p[PAW__P_NK_W].p[i];
    paw__pack_b_run(&j->team, wv, dim, dh, dim, 0, w->to_o + packed);
    paw__pack_b_run(&j->team, wv, dim, dim, dh, 1, w->to_pooled + packed);
}
/* rows -> x, what goes into batch norm */
static paw_err paw__head_pool(const paw__team *team, const paw_head *h, paw__pass *w,
                              const void *const *rows)
{
    const paw__panels one = paw__panels_of(1, team->ops->mr);
    const size_t dim = h->o.dim;
    team->ops->norm(h->p[PAW__P_QUERY].p, w->d, &one, 0, 1, dim, h->p[PAW__P_NQ_W].p,
                    h->p[PAW__P_NQ_B].p, PAW__LN_EPS, 0, w->qn);
    paw__fold_run(team, h, w, paw__fold_item);
    paw__pooling_run(team, h, w, rows, 0);
    return paw__multiply(team, 0, 1, w->n, dim, dim, w->o, w->d, h->p[PAW__P_PROJ_W].p, dim,
                         h->p[PAW__P_PROJ_B].p, w->x, w->d, 0);
}

typedef struct { /* column sums, or batch norm of each group of rows, a panel of 16 an item */
    const paw__ops *ops;
    const paw_head *h;
    paw__pass *w;
    size_t group;
    int what;
    const float *x, *y;
    size_t ld, rows;
    float *out;
} paw__columns_job;
enum { PAW__SUMS, PAW__NORM, PAW__NORM_GIVEN, PAW__NORM_BACK };
static void paw__columns_item(void *arg, size_t item, int slot)
{
    const paw__columns_job *j = (const paw__columns_job *)arg;
    const float eps = j->h ? (float)j->h->o.norm_eps : 0;
    const paw__pass *w = j->w;
    const size_t at = item * 16;
    size_t g;
    (void)slot;
    if (j->what == PAW__SUMS)
        j->ops->columns(j->x + at, j->y ? j->y + at : NULL, NULL, j->ld, j->rows, j->out + at);
    for (g = 0; j->what != PAW__SUMS && g < w->groups; ++g) {
        const size_t first = g * j->group, rows = paw__min(j->group, w->n - first);
        const size_t from = first * w->d + at;
        float *mean = (j->what == PAW__NORM_GIVEN ? j->h->mean : w->mean + g * w->d) + at;
        float *var = (j->what == PAW__NORM_GIVEN ? j->h->var : w->var + g * w->d) + at;
        if (j->what == PAW__NORM_BACK)
            j->ops->batch_norm_back(w->y + from, w->dz + from, w->d, rows, eps, var, w->dz + from);
        else
            j->ops->batch_norm(w->x + from, w->d, rows, eps, j->what == PAW__NORM_GIVEN, mean, var,
                               w->y + from);
    }
}
static void paw__head_norm(const paw__team *team, const paw_head *h, paw__pass *w, size_t group,
                           int what)
{
    paw__columns_job j = {team->ops, h, w, group, what, NULL, NULL, 0, 0, NULL};
    paw__team_for(team, w->d / 16, paw__columns_item, &j);
}
/* out [up16(n)], padding 0: column sums of x, or of x y, [rows, n] in rows of ld floats; memory to
   up16(n) of the last row is read */
static void paw__column_sums(const paw__team *team, const float *x, const float *y, size_t ld,
                             size_t rows, size_t n, float *out)
{
    paw__columns_job j = {team->ops, NULL, NULL, 0, PAW__SUMS, x, y, ld, rows, out};
    paw__team_for(team, (n + 15) / 16, paw__columns_item, &j);
    memset(out + n, 0, (paw__up16(n) - n) * sizeof *out);
}
/* given: batch norm by the running statistics */
static paw_err paw__head_forward(const paw__team *team, const paw_head *h, paw__pass *w,
                                 const void *const *rows, size_t group, int given)
{
    size_t i;
    paw_err e = PAW_OK;
    if (h->o.kind == PAW_ATTENTIVE) e = paw__head_pool(team, h, w, rows);
    else
        for (i = 0; i < w->n; ++i) paw__widen(w->dtype, rows[i], h->o.dim, w->x + i * w->d);
    if (e) return e;
    if (h->mean) paw__head_norm(team, h, w, group, given ? PAW__NORM_GIVEN : PAW__NORM);
    return paw__multiply(team, 0, 1, w->n, (size_t)h->o.classes, h->o.dim, h->mean ? w->y : w->x,
                         w->d, h->p[PAW__P_W].p, h->o.dim, h->p[PAW__P_B].p, w->logits, w->c, 0);
}
/* From du back to queries and keys. t: of the normalised query, by head */
static void paw__query_back(void *arg, size_t k, int slot)
{
    const paw__pooling_job *j = (const paw__pooling_job *)arg;
    const paw__ops *ops = j->team.ops;
    const paw__param *p = j->h->p;
    const paw__pass *w = j->w;
    const size_t dim = j->h->o.dim, d = w->d, hd = w->heads * d, whole = dim & ~(size_t)15;
    float *du = w->du + k * d, *dub = w->ub + k * d, *t = w->t + k * d;
    size_t r, i;
    (void)slot;
    for (i = PAW__POOL_ITEMS; i < w->n; i += PAW__POOL_ITEMS)
        ops->axpy(1, du + i / PAW__POOL_ITEMS * hd, d, du);
    for (i = 0; i < dim; ++i) dub[i] = du[i] * p[PAW__P_NK_W].p[i];
    memset(t, 0, d * sizeof *t);
    for (r = k * w->dh; r < (k + 1) * w->dh; ++r) {
        const float q = w->q[r], dq = ops->dot(dub, p[PAW__P_K_W].p + r * dim, d) * w->scale;
        p[PAW__P_Q_B].g[r] = dq;
        ops->axpy(dq, p[PAW__P_Q_W].p + r * dim, d, t);
        ops->blend(dub, q, dub, 0, whole, p[PAW__P_K_W].g + r * dim);
        ops->blend(w->qn, dq, w->qn, 0, whole, p[PAW__P_Q_W].g + r * dim);
        for (i = whole; i < dim; ++i) {
            p[PAW__P_K_W].g[r * dim + i] = q * dub[i];
            p[PAW__P_Q_W].g[r * dim + i] = dq * w->qn[i];
        }
    }
}
/* From g, the gradient of the values' weights times their norm's. t: of the norm's bias, by head */
static void paw__value_back(void *arg, size_t k, int slot)
{
    const paw__pooling_job *j = (const paw__pooling_job *)arg;
    const paw__param *p = j->h->p;
    const paw__pass *w = j->w;
    const size_t dim = j->h->o.dim;
    float *t = w->t + k * w->d;
    size_t r, i;
    (void)slot;
    memset(t, 0, w->d * sizeof *t);
    for (r = k * w->dh; r < (k + 1) * w->dh; ++r) {
        j->team.ops->axpy(p[PAW__P_V_B].g[r], p[PAW__P_V_W].p + r * dim, w->d, t);
        for (i = 0; i < dim; ++i) {
            float a = w->g[r * dim + i] * p[PAW__P_NV_W].p[i];
            float b = p[PAW__P_V_B].g[r] * p[PAW__P_NV_B].p[i];
            PAW__KEEP(a);
            PAW__KEEP(b);
            p[PAW__P_V_W].g[r * dim + i] = a + b;
        }
    }
}
/* From dlogits to the gradients of all parameters. */
static paw_err paw__head_back(const paw__team *team, const paw_head *h, paw__pass *w,
                              const void *const *rows, size_t group)
{
    const size_t dim = h->o.dim, d = w->d, n = w->n, classes = (size_t)h->o.classes;
    const paw__param *p = h->p;
    size_t k;
    paw_err e = paw__multiply(team, 1, 0, classes, dim, n, w->dlogits, w->c, h->mean ? w->y : w->x,
                              d, NULL, p[PAW__P_W].g, dim, 0);
    paw__column_sums(team, w->dlogits, NULL, w->c, n, classes, p[PAW__P_B].g);
    if (e || h->o.kind == PAW_LINEAR) return e;
    e = paw__multiply(team, 0, 0, n, dim, classes, w->dlogits, w->c, p[PAW__P_W].p, dim, NULL,
                      w->dz, d, 0);
    paw__head_norm(team, h, w, group, PAW__NORM_BACK);
    if (!e) e = paw__multiply(team, 1, 0, dim, dim, n, w->dz, d, w->o, d, NULL,
                              p[PAW__P_PROJ_W].g, dim, 0);
    paw__column_sums(team, w->dz, NULL, d, n, dim, p[PAW__P_PROJ_B].g);
    if (!e) e = paw__multiply(team, 0, 0, n, dim, dim, w->dz, d, p[PAW__P_PROJ_W].p, dim, NULL,
                              w->dout, d, 0);
    paw__column_sums(team, w->dout, NULL, d, n, dim, p[PAW__P_V_B].g);
    for (k = 0; !e && k < w->heads; ++k)
        e = paw__multiply(team, 1, PAW__BLOCKED, w->dh, dim, n, w->dout + k * w->dh, d,
                          w->pooled + k * d * w->np, w->np, NULL, w->g + k * w->dh * dim, dim, 0);
    if (e) return e;
    paw__fold_run(team, h, w, paw__value_back);
    paw__column_sums(team, p[PAW__P_V_W].p, w->g, dim, dim, dim, p[PAW__P_NV_W].g);
    paw__column_sums(team, w->t, NULL, d, w->heads, dim, p[PAW__P_NV_B].g);
    paw__pooling_run(team, h, w, rows, 1);
    paw__fold_run(team, h, w, paw__query_back);
    paw__column_sums(team, w->du, w->u, d, w->heads, dim, p[PAW__P_NK_W].g);
    paw__column_sums(team, w->t, NULL, d, w->heads, dim, p[PAW__P_NQ_B].g);
    team->ops->norm_back(p[PAW__P_QUERY].p, dim, p[PAW__P_NQ_W].p, PAW__LN_EPS, p[PAW__P_NQ_B].g,
                         p[PAW__P_QUERY].g, p[PAW__P_NQ_W].g);
    return PAW_OK;
}
static paw_err paw__head_step(const paw__team *team, paw_head *h, paw__pass *w,
                              const void *const *rows, const int32_t *labels, double lr,
                              double *loss)
{
    const size_t group = h->o.bn_group ? h->o.bn_group : w->n, rest = paw__min(group, w->n);
    const double unbiased = rest > 1 ? (double)rest / (double)(rest - 1) : 1;
    double sum;
    size_t i;
    paw_err e = paw__head_forward(team, h, w, rows, group, 0);
    if (!e) e = paw__xent(team, w->logits, labels, w->n, w->c, h->o.classes, 1.0f / (float)w->n,
                          w->dlogits, &sum);
    if (e) return e;
    sum /= (double)w->n;
    if (!(fabs(sum) <= DBL_MAX))
        return paw__fail(team->c, PAW_E_NUM, "training diverged: loss %g in epoch %d at learning "
                         "rate %g", sum, h->epoch + 1, lr);
    e = paw__head_back(team, h, w, rows, group);
    if (e) return e;
    for (i = 0; h->mean && i < w->d; ++i) {
        h->mean[i] = (float)paw__mul_add(0.9, (double)h->mean[i], 0.1 * (double)w->mean[i]);
        h->var[i] = (float)paw__mul_add(0.9, (double)h->var[i], 0.1 * unbiased * (double)w->var[i]);
    }
    paw__optimize(team, &h->optimizer, lr, h->p + h->first, (size_t)(PAW__PARAMS - h->first));
    *loss = sum;
    return PAW_OK;
}
PAW_DEF paw_err paw_head_step(paw_head *h, paw_ctx *c, const void *const *rows, int dtype,
                              const int32_t *labels, size_t n, size_t tokens, double lr,
                              double *loss)
{
    paw__team team;
    paw__pass w;
    paw_err e;
    PAW__ENTER(c && h);
    if (!rows || !labels || !n || !tokens || !loss || !paw__float_type(dtype) ||
        paw__labels_end(labels, n, h->o.classes) < n)
        return paw__fail(c, PAW_E_ARG, "paw_head_step: NULL, no row, dtype, or a label no class");
    e = paw__pass_open(h, c, n, tokens, h->o.bn_group ? h->o.bn_group : n, &w);
    if (e) return e;
    w.dtype = dtype;
    team = paw__team_of(c);
    e = paw__head_step(&team, h, &w, rows, labels, lr, loss);
    paw__free(w.block);
    return e;
}

/* ---- the run ---- */

static double paw__head_rate(const paw_head_opts *o, size_t step, size_t steps, int epoch)
{
    const double per = o->rate == PAW_RATE_LINSPACE ? (double)steps : 1, warm = per * o->warmup;
    const paw__schedule s = {PAW__COSINE, o->lr, o->min_lr, per * o->epochs, warm, 0,
                             o->rate == PAW_RATE_LINSPACE ? warm - 1 : 0};
    return paw__rate(&s, per * epoch + (o->rate == PAW_RATE_EPOCH ? 0 : (double)step /
                                        (o->rate == PAW_RATE_STEP ? (double)steps : 1)));
}
/* Reads items of x into rows; a pass of that many rows is open afterwards. */
static paw_err paw__head_fetch(const paw_head *h, paw_ctx *c, const paw_features *x, int epoch,
                               const size_t *items, size_t n, size_t group, const void **rows,
                               paw__pass *w)
{
    paw_err e = PAW_OK;
    if (!w->block || w->n != n) {
        paw__free(w->block);
        e = paw__pass_open(h, c, n, x->tokens, group ? group : n, w);
    }
    w->dtype = x->dtype;
    return e ? e : x->get(x->user, epoch, items, n, rows);
}
static paw_err paw__head_open(paw_ctx *c, const paw_head *h, const paw_features *x, int labelled,
                              size_t batch, size_t **items, const void ***rows)
{
    size_t i;
    *items = NULL;
    *rows = NULL;
    if (!x || !x->get || (labelled && x->count && !x->labels) || x->count > UINT32_MAX)
        return paw__fail(c, PAW_E_ARG, "head: no features, get or labels, or over 2^32 - 1 rows");
    if (!x->tokens || (h->o.kind == PAW_LINEAR && x->tokens != 1))
        return paw__fail(c, PAW_E_ARG, "head: rows of %zu tokens, linear ones have 1", x->tokens);
    if (!paw__float_type(x->dtype))
        return paw__fail(c, PAW_E_ARG, "head: rows of dtype %d, not F32, F16 or BF16", x->dtype);
    if (labelled && (i = paw__labels_end(x->labels, x->count, h->o.classes)) < x->count)
        return paw__fail(c, PAW_E_ARG, "head: label %ld of row %zu is none of %d classes",
                         (long)x->labels[i], i, h->o.classes);
    *items = (size_t *)paw__alloc(c, x->count + 1, sizeof **items);
    *rows = (const void **)paw__alloc(c, batch, sizeof **rows);
    return *items && *rows ? PAW_OK : PAW_E_OOM;
}
PAW_DEF paw_err paw_head_train(paw_head *h, paw_ctx *c, const paw_features *x,
                               paw_err (*told)(void *user, const paw_progress *p), void *user)
{
    paw_progress p;
    paw__pass w;
    paw__team team;
    size_t *order, i, n, batch;
    const void **rows;
    int32_t *labels = NULL;
    double loss = 0;
    paw_err e;
    PAW__ENTER(c && h);
    memset(&w, 0, sizeof w);
    memset(&p, 0, sizeof p);
    batch = x ? paw__max(1, paw__min(h->o.batch, x->count)) : 1;
    e = paw__head_open(c, h, x, 1, batch, &order, &rows);
    if (!e && !(labels = (int32_t *)paw__alloc(c, batch, sizeof *labels))) e = PAW_E_OOM;
    team = paw__team_of(c);
    while (!e && x->count && h->epoch < h->o.epochs) {
        paw__random_order(h->o.seed, 0x10000u + (uint32_t)h->epoch, order, x->count);
        p.epoch = h->epoch;
        p.steps = (x->count + batch - 1) / batch;
        if (h->step >= p.steps) h->sum = (double)(h->step = 0); /* it was of other features */
        for (p.step = h->step; !e && p.step < p.steps;) {
            const size_t *items = order + p.step * batch;
            n = paw__min(batch, x->count - p.step * batch);
            e = paw__head_fetch(h, c, x, p.epoch, items, n, h->o.bn_group, rows, &w);
            if (e) break;
            for (i = 0; i < n; ++i) labels[i] = x->labels[items[i]];
            p.lr = paw__head_rate(&h->o, p.step, p.steps, p.epoch);
            e = paw__head_step(&team, h, &w, rows, labels, p.lr, &loss);
            if (e) break;
            h->sum = paw__mul_add(loss, (double)n, h->sum);
            p.loss = h->sum / (double)(p.step * batch + n);
            h->step = ++p.step; /* before told, which may save it */
            if (p.step == p.steps) {
                ++h->epoch;
                h->sum = (double)(h->step = 0);
            }
            if (told) e = told(user, &p);
        }
    }
    paw__free(w.block);
    paw__free(order);
    paw__free(rows);
    paw__free(labels);
    return e;
}
PAW_DEF paw_err paw_head_predict(const paw_head *h, paw_ctx *c, const paw_features *x,
                                 float *logits)
{
    const size_t classes = h ? (size_t)h->o.classes : 0;
    const size_t batch = h && x ? paw__max(1, paw__min(h->o.test_batch, x->count)) : 1;
    paw__pass w;
    paw__team team;
    size_t *items, i, r, n;
    const void **rows;
    paw_err e;
    PAW__ENTER(c && h);
    memset(&w, 0, sizeof w);
    e = paw__head_open(c, h, x, 0, batch, &items, &rows);
    if (!e && x->count && !logits) e = paw__fail(c, PAW_E_ARG, "paw_head_predict: NULL logits");
    team = paw__team_of(c);
    for (i = 0; !e && i < x->count; i += n) {
        n = paw__min(batch, x->count - i);
        for (r = 0; r < n; ++r) items[r] = i + r;
        e = paw__head_fetch(h, c, x, -1, items, n, n, rows, &w);
        if (!e) e = paw__head_forward(&team, h, &w, rows, n, h->o.bn_eval == PAW_BN_RUNNING);
        for (r = 0; !e && r < n; ++r)
            memcpy(logits + (i + r) * classes, w.logits + r * w.c, classes * sizeof *logits);
    }
    paw__free(w.block);
    paw__free(items);
    paw__free(rows);
    return e;
}

/* ---- heads: settings, memory, files ---- */

PAW_DEF void paw_head_recipe(int probe, int kind, paw_head_opts *out)
{
    const int part = probe == PAW_PROBE_PART, linear = kind == PAW_LINEAR;
    paw_head_opts o;
    memset(&o, 0, sizeof o);
    o.kind = kind;
    o.norm = linear && !part;
    o.norm_eps = o.norm ? 1e-6 : 1e-5;
    o.bn_eval = o.norm ? PAW_BN_RUNNING : PAW_BN_BATCH;
    o.test_batch = part || linear ? 256 : 384;
    o.optimizer = o.norm ? PAW_LARS : PAW_SGD;
    o.nesterov = !part && !linear;
    o.batch = part ? 1024 : linear ? 16384 : 8192;
    o.lr = part ? (linear ? 0.4 : 0.04) : linear ? 6.4 : 0.4;
    o.momentum = 0.9;
    o.epochs = 90;
    o.warmup = part ? 0 : 10;
    o.min_lr = o.nesterov ? 1e-6 : 0;
    o.rate = part ? PAW_RATE_EPOCH : linear ? PAW_RATE_STEP : PAW_RATE_LINSPACE;
    o.init_limit = part && !linear ? 1 : 0;
    o.init_query = part;
    *out = o;
}
PAW_DEF void paw_head_free(paw_head *h)
{
    if (h) paw__free(h->all);
    paw__free(h);
}
static void paw__head_shapes(paw_head *h)
{
    int i;
    for (i = h->first; i < PAW__PARAMS; ++i) {
        const size_t rows = i >= PAW__P_W ? (size_t)h->o.classes : h->o.dim;
        const int rank = paw__head_params[i].rank;
        size_t *s = h->shape[i];
        s[0] = rank == 3 ? 1 : rows;
        s[1] = rank == 3 ? 1 : h->o.dim;
        s[2] = h->o.dim;
        h->p[i].n = rank == 1 ? rows : rank == 2 ? rows * h->o.dim : h->o.dim;
        h->p[i].rank = rank;
        h->p[i].decayed = 1;
        h->p[i].name = paw__head_params[i].name;
    }
}
/* What can be trained, and read again once it is saved. To draw within less than a tenth of a
   deviation would take all day. */
static int paw__head_opts_ok(const paw_head_opts *o)
{
    const double real[] = {o->lr, o->momentum, o->weight_decay, o->warmup, o->min_lr,
                           o->norm_eps, o->init_limit};
    const size_t many[] = {o->batch, o->test_batch, o->bn_group, (size_t)o->epochs};
    size_t i;
    for (i = 0; i < PAW__COUNT(real); ++i)
        if (!(real[i] >= 0 && real[i] <= INT_MAX)) return 0; /* NaN is neither */
    for (i = 0; i < PAW__COUNT(many); ++i)
        if (many[i] > INT_MAX) return 0;
    return o->dim > 0 && o->dim <= 65536 && o->classes > 0 && o->classes <= 1000000 &&
           o->heads > 0 && !(o->dim % (size_t)o->heads) && o->batch && o->test_batch &&
           o->norm_eps > 0 && (o->init_limit >= 0.1 || !(o->init_limit > 0)) && o->kind >= 0 &&
           o->kind <= PAW_ATTENTIVE && o->optimizer >= 0 && o->optimizer <= PAW_ADAMW &&
           o->rate >= 0 && o->rate <= PAW_RATE_LINSPACE && o->bn_eval >= 0 &&
           o->bn_eval <= PAW_BN_RUNNING;
}
PAW_DEF paw_err paw_head_create(paw_ctx *c, const paw_head_opts *opts, paw_head **out)
{
    PAW__MODE;
    paw_head_opts o;
    paw_head *h;
    float *at;
    size_t count = 0, i;
    int k, each;
    if (!c || !opts || !out) return PAW_E_ARG;
    o = *opts;
    if (!o.heads) o.heads = o.kind == PAW_ATTENTIVE && o.dim >= 128 ? (int)(o.dim / 64) : 1;
    if (!paw__head_opts_ok(&o))
        return paw__fail(c, PAW_E_ARG, "head: bad settings: kind %d, width %zu, %d classes, %d "
                         "heads, batch %zu, %d epochs, learning rate %g", o.kind, o.dim, o.classes,
                         o.heads, o.batch, o.epochs, o.lr);
    h = (paw_head *)paw__calloc(c, 1, sizeof *h);
    if (!h) return PAW_E_OOM;
    h->o = o;
    h->first = o.kind == PAW_LINEAR ? PAW__P_W : 0;
    each = o.optimizer == PAW_ADAMW ? 4 : 3;
    paw__head_shapes(h);
    for (k = h->first; k < PAW__PARAMS; ++k) count += (paw__up16(h->p[k].n) + 16) * (size_t)each;
    h->all = at = (float *)paw__calloc(c, count + 2 * paw__up16(o.dim), sizeof *at);
    if (!at) {
        paw__free(h);
        return PAW_E_OOM;
    }
    for (k = h->first; k < PAW__PARAMS; ++k) {
        const size_t n = paw__up16(h->p[k].n) + 16; /* a last row is read to up16 of its width */
        const int head = k == PAW__P_W, query = k == PAW__P_QUERY;
        h->p[k].p = at;
        h->p[k].g = k == PAW__P_N2_W || k == PAW__P_N2_B ? NULL : at + n;
        h->p[k].m = at + 2 * n;
        if (each == 4) h->p[k].v = at + 3 * n;
        if (query ? o.init_query : h->p[k].rank > 1)
            paw__random_normals(o.seed, (uint32_t)k, head ? 0.01 : 0.02, head ? 0 : o.init_limit,
                                at, h->p[k].n);
        for (i = 0; h->p[k].rank == 1 && i < h->p[k].n; ++i) at[i] = paw__head_params[k].one;
        at += n * (size_t)each;
    }
    if (o.norm || o.kind == PAW_ATTENTIVE) {
        h->mean = at;
        h->var = at + paw__up16(o.dim);
        for (i = 0; i < o.dim; ++i) h->var[i] = 1;
    }
    h->optimizer.kind = o.optimizer;
    h->optimizer.nesterov = o.nesterov;
    h->optimizer.momentum = o.momentum;
    h->optimizer.decay = o.weight_decay;
    h->optimizer.trust = 0.001;
    h->optimizer.beta1 = 0.9;
    h->optimizer.beta2 = 0.999;
    h->optimizer.eps = 1e-8;
    *out = h;
    return PAW_OK;
}
PAW_DEF void paw_head_describe(const paw_head *h, paw_head_opts *out, int *epochs_done)
{
    if (h && out) *out = h->o;
    if (h && epochs_done) *epochs_done = h->epoch;
}
PAW_DEF paw_err paw_head_bn_eval(paw_head *h, int bn_eval)
{
    if (!h || bn_eval < 0 || bn_eval > PAW_BN_RUNNING) return PAW_E_ARG;
    h->o.bn_eval = bn_eval;
    return PAW_OK;
}
PAW_DEF paw_err paw_head_parameter(const paw_head *h, size_t i, paw_tensor_view *out,
                                   const float **gradient)
{
    const size_t k = h ? (size_t)h->first + i : 0;
    if (!h || !out) return PAW_E_ARG;
    if (i >= (size_t)(PAW__PARAMS - h->first)) return PAW_E_KEY;
    out->name = h->p[k].name;
    out->ndim = h->p[k].rank;
    out->shape = h->shape[k];
    out->data = h->p[k].p;
    if (gradient) *gradient = h->p[k].g;
    return PAW_OK;
}

/* Views of all that a file holds; names: [2 * PAW__PARAMS][80] for momenta. Parameters first. */
static size_t paw__head_views(const paw_head *h, char (*names)[80], paw_tensor_view *v)
{
    size_t i, k, n = 0;
    while (!paw_head_parameter(h, n, &v[n], NULL)) ++n;
    for (k = 0; k < (h->optimizer.kind == PAW__ADAMW ? 2u : 1u); ++k)
        for (i = 0; i < (size_t)(PAW__PARAMS - h->first); ++i, ++n, ++names) {
            const paw__param *p = &h->p[(size_t)h->first + i];
            v[n] = v[i];
            snprintf(*names, sizeof *names, "%s.%s", k ? "variance" : "momentum", p->name);
            v[n].name = *names;
            v[n].data = k ? p->v : p->m;
        }
    for (k = 0; h->mean && k < 2; ++k, ++n) {
        v[n].name = k ? "bn.running_var" : "bn.running_mean";
        v[n].ndim = 1;
        v[n].shape = &h->o.dim;
        v[n].data = k ? h->var : h->mean;
    }
    return n;
}
#define PAW__HEAD_VIEWS (3 * PAW__PARAMS + 3)
/* Settings and progress as numbers, to be saved, or back. The seed is cut to fit. */
#define PAW__HEAD_NUMBERS 28
static void paw__head_numbers(paw_head *h, int back, double *v)
{
    uint64_t part[4] = {h->o.seed & 0x3fffff, h->o.seed >> 22 & 0x3fffff, h->o.seed >> 44,
                        h->optimizer.steps};
#define PAW__N(x)                                                                                  \
    if (back) x = (__typeof__(x)) * v;                                                             \
    else *v = (double)x;                                                                           \
    ++v;
    PAW__N(h->o.kind) PAW__N(h->o.dim) PAW__N(h->o.classes) PAW__N(h->o.heads) PAW__N(h->o.norm)
    PAW__N(h->o.norm_eps) PAW__N(h->o.bn_group) PAW__N(h->o.bn_eval) PAW__N(h->o.test_batch)
    PAW__N(h->o.optimizer) PAW__N(h->o.nesterov) PAW__N(h->o.lr) PAW__N(h->o.momentum)
    PAW__N(h->o.weight_decay) PAW__N(h->o.batch) PAW__N(h->o.epochs) PAW__N(h->o.warmup)
    PAW__N(h->o.min_lr) PAW__N(h->o.rate) PAW__N(h->o.init_limit) PAW__N(h->o.init_query)
    PAW__N(h->epoch) PAW__N(part[0]) PAW__N(part[1]) PAW__N(part[2]) PAW__N(part[3])
    PAW__N(h->step) PAW__N(h->sum)
#undef PAW__N
    h->o.seed = part[0] | part[1] << 22 | part[2] << 44;
    h->optimizer.steps = part[3];
}
PAW_DEF paw_err paw_head_save(const paw_head *h, paw_ctx *c, const char *path,
                              const char *const *more)
{
    const size_t shape[2] = {PAW__HEAD_NUMBERS, 3};
    float part[PAW__HEAD_NUMBERS][3]; /* a number is a sum of three */
    const paw_tensor_view settings = {"settings", 2, shape, part[0]};
    char names[2 * PAW__PARAMS][80];
    paw_tensor_view v[PAW__HEAD_VIEWS];
    double number[PAW__HEAD_NUMBERS];
    paw_head copy;
    size_t n, i, k;
    PAW__ENTER(c && h && path);
    copy = *h;
    if (copy.sum > INT_MAX) copy.sum = INT_MAX; /* as far as it is read back; it is only told */
    paw__head_numbers(&copy, 0, number);
    for (i = 0; i < PAW__HEAD_NUMBERS; ++i)
        for (k = 0; k < 3; ++k) number[i] -= (double)(part[i][k] = (float)number[i]);
    n = paw__head_views(h, names, v);
    v[n] = settings;
    return paw_safetensors_save(c, path, v, n + 1, more);
}
/* data NULL: only looks whether the file has it, of that shape. */
static paw_err paw__head_read(paw_ctx *c, const paw_tensors *t, const char *path,
                              const paw_tensor_view *v)
{
    paw_tensor_info info;
    size_t at, count = 0;
    paw_err e = paw_tensors_find(t, v->name, &at);
    if (!e) e = paw_tensors_info(t, at, &info);
    if (e) return paw__fail(c, PAW_E_KEY, "%s: not a head that was saved here: no %s", path,
                            v->name);
    (void)paw__shape_count(v->shape, v->ndim, &count);
    if (info.ndim != v->ndim ||
        memcmp(info.shape, v->shape, (size_t)info.ndim * sizeof *info.shape))
        return paw__fail(c, PAW_E_SHAPE, "%s: %s does not fit the head's settings", path, v->name);
    if (!v->data) return paw__tensors_back(c, t, v->name, count);
    return paw_tensors_read(c, t, at, PAW_F32, (void *)(uintptr_t)v->data, count);
}
PAW_DEF paw_err paw_head_load(paw_ctx *c, const char *path, paw_head **out)
{
    const size_t shape[2] = {PAW__HEAD_NUMBERS, 3};
    float part[PAW__HEAD_NUMBERS][3];
    const paw_tensor_view settings = {"settings", 2, shape, part[0]};
    char names[2 * PAW__PARAMS][80];
    double number[PAW__HEAD_NUMBERS];
    paw_tensor_view v[PAW__HEAD_VIEWS];
    paw_tensors *t = NULL;
    paw_head *h = NULL, read;
    size_t i, n;
    paw_err e;
    PAW__ENTER(c && path && out);
    if ((e = paw_tensors_open(c, path, &t)) != PAW_OK) return e;
    e = paw__head_read(c, t, path, &settings);
    for (i = 0; !e && i < PAW__HEAD_NUMBERS; ++i) {
        number[i] = ((double)part[i][2] + (double)part[i][1]) + (double)part[i][0];
        if (!(number[i] >= 0 && number[i] <= INT_MAX))
            e = paw__fail(c, PAW_E_FORMAT, "%s: setting %zu is %g", path, i, number[i]);
    }
    memset(&read, 0, sizeof read);
    if (!e) paw__head_numbers(&read, 1, number);
    if (!e && !paw__head_opts_ok(&read.o))
        e = paw__fail(c, PAW_E_FORMAT, "%s: settings that no head has", path);
    if (!e) { /* nothing is allocated or drawn that the file does not hold */
        read.first = read.o.kind == PAW_LINEAR ? PAW__P_W : 0;
        paw__head_shapes(&read);
        n = paw__head_views(&read, names, v);
        for (i = 0; !e && i < n; ++i) e = paw__head_read(c, t, path, &v[i]);
    }
    if (!e) e = paw_head_create(c, &read.o, &h);
    if (!e) {
        h->epoch = read.epoch;
        h->step = read.step;
        h->sum = read.sum;
        h->optimizer.steps = read.optimizer.steps;
        n = paw__head_views(h, names, v);
        for (i = 0; !e && i < n; ++i) e = paw__head_read(c, t, path, &v[i]);
    }
    paw_tensors_close(t);
    if (!e) *out = h;
    else paw_head_free(h);
    return e;
}

/* ---- augmentation ---- */

enum { PAW__STREAM_AUGMENT = 0x5e60, PAW__STREAM_ORDER, PAW__STREAM_HEAD };
typedef struct { /* the draws of one sample, fewer than 64 */
    uint64_t seed, next;
} paw__draws;
static double paw__draw(paw__draws *d, double lo, double hi) /* uniform in [lo, hi) */
{
    const double u = paw__random_unit(d->seed, PAW__STREAM_AUGMENT, d->next++);
    return paw__mul_add(u, hi - lo, lo);
}
static int paw__draw_below(paw__draws *d, int n) { return (int)paw__draw(d, 0, n); }
static double paw__draw_gauss(paw__draws *d) /* standard normal, within one deviation */
{
    return paw__random_gauss(d->seed, PAW__STREAM_AUGMENT, d->next++, 1);
}

/* A crop's left, top, width and height: labels vary in it, or it is the last one tried; seen:
   [classes] */
static void paw__seg_crop(paw__draws *d, const paw_mask *mask, int classes, const int size[2],
                          int crop, uint32_t *seen, int box[4])
{
    const int w = size[0] < crop ? size[0] : crop, h = size[1] < crop ? size[1] : crop;
    int attempt, k;
    box[2] = w;
    box[3] = h;
    for (attempt = 0; attempt <= 10; ++attempt) {
        uint64_t all = 0, most = 0;
        int x, y, kinds = 0;
        box[1] = paw__draw_below(d, size[1] - h + 1);
        box[0] = paw__draw_below(d, size[0] - w + 1);
        memset(seen, 0, (size_t)classes * sizeof *seen);
        for (y = 0; attempt < 10 && y < h; ++y) {
            const size_t from = paw__mask_source((size_t)(box[1] + y), mask->h, size[1], 0);
            const uint16_t *row = mask->px + from * (size_t)mask->w;
            for (x = 0; x < w; ++x) {
                const int v = row[paw__mask_source((size_t)(box[0] + x), mask->w, size[0], 0)];
                if (v < classes) ++seen[v];
            }
        }
        for (k = 0; k < classes; ++k) {
            all += seen[k];
            most = seen[k] > most ? seen[k] : most;
            kinds += seen[k] > 0;
        }
        if (kinds > 1 && (double)most / (double)all < 0.75) return;
    }
}

typedef struct {
    paw_image *image;
    int steps;            /* bit 0: saturation, bit 1: hue */
    uint8_t before[256], saturation[256], hue[256], after[256];
    int32_t by_value[256], by_range[256];
} paw__distortion;
/* uint8(clip(v * gain + shift)) of every byte */
static void paw__distort_table(double gain, double shift, uint8_t table[256])
{
    int v;
    for (v = 0; v < 256; ++v) {
        const float x = paw__mulf((float)v, (float)gain) + (float)shift;
        table[v] = (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
    }
}
/* OpenCV's 8-bit HSV: hue in 0..179 */
static void paw__to_hsv(const paw__distortion *t, const uint8_t *rgb, int hsv[3])
{
    const int r = rgb[0], g = rgb[1], b = rgb[2];
    const int v = r > g ? (r > b ? r : b) : (g > b ? g : b);
    const int range = v - (r < g ? (r < b ? r : b) : (g < b ? g : b));
    int h = v == r ? g - b : v == g ? b - r + 2 * range : r - g + 4 * range;
    h = (h * t->by_range[range] + 4096 * 180 + 2048) / 4096 - 180; /* floor: h >= -30 */
    hsv[0] = h < 0 ? h + 180 : h;
    hsv[1] = (range * t->by_value[v] + 2048) >> 12;
    hsv[2] = v;
}
static void paw__from_hsv(const int hsv[3], uint8_t *rgb)
{
    static const uint8_t sector[6][3] = { { 0, 3, 1 }, { 2, 0, 1 }, { 1, 0, 3 },
                                          { 1, 2, 0 }, { 3, 1, 0 }, { 0, 1, 2 } };
    const int at = hsv[0] / 30 % 6;
    const float f = paw__mulf((float)(hsv[0] % 30), 1.0f / 30), v = (float)hsv[2];
    const float s = paw__mulf((float)hsv[1], 1.0f / 255), sf = paw__mulf(s, f);
    float level[4];
    int k;
    level[0] = v;
    level[1] = v * (1.0f - s);
    level[2] = v * (1.0f - sf);
    level[3] = v * ((1.0f - s) + sf);
    for (k = 0; k < 3; ++k)
        rgb[k] = (uint8_t)paw__round_even((double)level[sector[at][k]]);
}
static void paw__distort_row(void *arg, size_t item, int slot)
{
    const paw__distortion *t = (const paw__distortion *)arg;
    const size_t w = (size_t)t->image->w;
    uint8_t *p = t->image->px + item * w * 3;
    size_t i;
    int hsv[3], k;
    (void)slot;
    for (i = 0; i < w; ++i, p += 3) {
        for (k = 0; k < 3; ++k) p[k] = t->before[p[k]];
        if (t->steps & 1) {
            paw__to_hsv(t, p, hsv);
            hsv[1] = t->saturation[hsv[1]];
            paw__from_hsv(hsv, p);
        }
        if (t->steps & 2) {
            paw__to_hsv(t, p, hsv);
            hsv[0] = t->hue[hsv[0]];
            paw__from_hsv(hsv, p);
        }
        for (k = 0; k < 3; ++k) p[k] = t->after[p[k]];
    }
}
static void paw__distort(paw_ctx *c, paw__draws *d, paw_image *image)
{
    uint8_t contrast[256];
    paw__distortion t;
    int v, first, shift = 0;
    memset(&t, 0, sizeof t);
    t.image = image;
    paw__distort_table(1, paw__draw_below(d, 2) ? paw__draw(d, -32, 32) : 0, t.before);
    first = paw__draw_below(d, 2); /* contrast before or behind the colours */
    if (first) {
        paw__distort_table(paw__draw_below(d, 2) ? paw__draw(d, 0.5, 1.5) : 1, 0, contrast);
        for (v = 0; v < 256; ++v) t.before[v] = contrast[t.before[v]];
    }
    if (paw__draw_below(d, 2)) {
        t.steps |= 1;
        paw__distort_table(paw__draw(d, 0.5, 1.5), 0, t.saturation);
    }
    if (paw__draw_below(d, 2)) {
        t.steps |= 2;
        shift = paw__draw_below(d, 36) - 18;
    }
    paw__distort_table(!first && paw__draw_below(d, 2) ? paw__draw(d, 0.5, 1.5) : 1, 0, t.after);
    for (v = 0; v < 256; ++v) {
        t.hue[v] = (uint8_t)((v + 180 + shift) % 180);
        t.by_value[v] = v ? (int32_t)paw__round_even((255 << 12) / (double)v) : 0;
        t.by_range[v] = v ? (int32_t)paw__round_even((180 << 12) / (6.0 * v)) : 0;
    }
    paw__for(c, (size_t)image->h, paw__distort_row, &t);
}
PAW_DEF paw_err paw_seg_augment(paw_ctx *c, const paw_seg_preset *p, const paw_stats *stats,
                                const paw_image *image, const paw_mask *mask, uint64_t seed,
                                uint64_t sample, float *chw, uint16_t *labels)
{
    paw__draws d = { seed, sample << 6 };
    int size[2], box[4], x, y, k, flip;
    paw_image crop;
    uint32_t *seen;
    float table[3][256];
    double r;
    paw_err e;
    PAW__ENTER(c);
    if (!p || !stats || !image || !image->px || !mask || !mask->px || !chw || !labels)
        return paw__fail(c, PAW_E_ARG, "paw_seg_augment: NULL argument");
    if (p->crop < 1 || p->classes < 1)
        return paw__fail(c, PAW_E_ARG, "paw_seg_augment: crop of %d, %d classes", p->crop,
                         p->classes);
    if (image->w != mask->w || image->h != mask->h)
        return paw__fail(c, PAW_E_SHAPE, "paw_seg_augment: image of %d x %d, mask of %d x %d",
                         image->w, image->h, mask->w, mask->h);
    if (!(seen = (uint32_t *)paw__alloc(c, (size_t)p->classes, sizeof *seen))) return PAW_E_OOM;
    r = paw__draw(&d, 0.5, 2);
    paw_seg_size(image->w, image->h, (int)(p->train_scale[0] * r), (int)(p->train_scale[1] * r),
                 &size[0], &size[1]);
    paw__seg_crop(&d, mask, p->classes, size, p->crop, seen, box);
    paw__free(seen);
    flip = paw__draw_below(&d, 2);
    if ((e = paw__linear_window(c, image, size[0], size[1], box, &crop)) != PAW_OK) return e;
    paw__distort(c, &d, &crop);
    for (k = 0; k < 3; ++k)
        for (x = 0; x < 256; ++x)
            table[k][x] = ((float)x / 255.0f - stats->mean[k]) / stats->std[k];
    for (y = 0; y < p->crop; ++y) {
        const size_t line = (size_t)y * (size_t)p->crop, plane = (size_t)p->crop * (size_t)p->crop;
        const uint16_t *row = mask->px;
        if (y < box[3])
            row += paw__mask_source((size_t)(box[1] + y), mask->h, size[1], 0) * (size_t)mask->w;
        for (x = 0; x < p->crop; ++x) {
            const int inside = y < box[3] && x < box[2], from = flip ? box[2] - 1 - x : x;
            for (k = 0; k < 3; ++k)
                chw[(size_t)k * plane + line + (size_t)x] =
                    inside ? table[k][crop.px[((size_t)y * (size_t)box[2] + (size_t)from) * 3 +
                                             (size_t)k]] : 0;
            labels[line + (size_t)x] = (uint16_t)PAW_IGNORED;
            if (inside)
                labels[line + (size_t)x] =
                    row[paw__mask_source((size_t)(box[0] + from), mask->w, size[0], 0)];
        }
    }
    paw_image_free(c, &crop);
    return PAW_OK;
}

/* ---- dense heads ---- */

PAW_DEF void paw_shuffle(uint64_t seed, uint32_t epoch, size_t *order, size_t n)
{
    paw__random_order(seed, PAW__STREAM_ORDER + 256 * (epoch + 1), order, n);
}
PAW_DEF void paw_dense_free(paw_ctx *c, paw_dense *h)
{
    int i;
    (void)c;
    if (!h) return;
    paw__free(h->weight);
    paw__free(h->bias);
    for (i = 0; i < 4; ++i) paw__free(h->moments[i]);
    memset(h, 0, sizeof *h);
}
static paw_err paw__dense_new(paw_ctx *c, int outputs, size_t width, paw_dense *out)
{
    paw_dense h;
    size_t n;
    int i;
    if (outputs < 1 || outputs >= PAW_UNKNOWN || !width || !paw__mul((size_t)outputs, width, &n))
        return paw__fail(c, PAW_E_ARG, "dense head of %d outputs, width %zu", outputs, width);
    memset(&h, 0, sizeof h);
    h.outputs = outputs;
    h.width = width;
    h.decay = 0.05;
    h.weight = (float *)paw__calloc(c, paw__up16(n), sizeof(float));
    h.bias = (float *)paw__calloc(c, paw__up16((size_t)outputs), sizeof(float));
    for (i = 0; i < 4; ++i)
        h.moments[i] = (float *)paw__calloc(c, paw__up16(i < 2 ? n : (size_t)outputs),
                                            sizeof(float));
    if (!h.weight || !h.bias || !h.moments[0] || !h.moments[1] || !h.moments[2] || !h.moments[3]) {
        paw_dense_free(c, &h);
        return PAW_E_OOM;
    }
    *out = h;
    return PAW_OK;
}
PAW_DEF paw_err paw_dense_create(paw_ctx *c, int outputs, size_t width, uint64_t seed,
                                 paw_dense *out)
{
    paw_err e;
    PAW__ENTER(c);
    if (!out) return paw__fail(c, PAW_E_ARG, "paw_dense_create: NULL argument");
    if ((e = paw__dense_new(c, outputs, width, out)) != PAW_OK) return e;
    paw__random_normals(seed, PAW__STREAM_HEAD, 0.01, 0, out->weight, (size_t)outputs * width);
    return PAW_OK;
}
static const char *const paw__dense_names[6] = {
    "decode_head.conv_seg.weight", "decode_head.conv_seg.bias", "optimizer.weight.first",
    "optimizer.weight.second", "optimizer.bias.first", "optimizer.bias.second"
};
static float *paw__dense_part(const paw_dense *h, int i)
{
    return i == 0 ? h->weight : i == 1 ? h->bias : h->moments[i - 2];
}
static int paw__dense_is_bias(int i) { return i == 1 || i > 3; }
PAW_DEF paw_err paw_dense_save(paw_ctx *c, const char *path, const paw_dense *h,
                               const char *const *meta)
{
    paw_tensor_view v[6];
    size_t shape[4], count = 0, i;
    const char **all;
    char steps[32];
    paw_err e;
    if (!c) return PAW_E_ARG;
    if (!path || !h || !h->weight)
        return paw__fail(c, PAW_E_ARG, "paw_dense_save: NULL argument");
    while (meta && meta[count]) ++count;
    all = (const char **)paw__alloc(c, count + 3, sizeof *all);
    if (!all) return PAW_E_OOM;
    snprintf(steps, sizeof steps, "%llu", (unsigned long long)h->steps);
    for (i = 0; i < count; ++i) all[i] = meta[i];
    all[count] = "steps";
    all[count + 1] = steps;
    all[count + 2] = NULL;
    shape[0] = (size_t)h->outputs;
    shape[1] = h->width;
    shape[2] = shape[3] = 1;
    for (i = 0; i < 6; ++i) {
        v[i].name = paw__dense_names[i];
        v[i].ndim = paw__dense_is_bias((int)i) ? 1 : 4;
        v[i].shape = shape;
        v[i].data = paw__dense_part(h, (int)i);
    }
    e = paw_safetensors_save(c, path, v, 6, all);
    paw__free((void *)(uintptr_t)all);
    return e;
}
static paw_err paw__dense_read(paw_ctx *c, const paw_tensors *t, const char *path, paw_dense *h)
{
    paw_tensor_info w, info;
    size_t at;
    paw_err e = paw_tensors_find(t, paw__dense_names[0], &at);
    int i, rest = 1;
    if (e) return paw__fail(c, e, "%s: no %s: not a dense head", path, paw__dense_names[0]);
    (void)paw_tensors_info(t, at, &w);
    for (i = 2; i < w.ndim; ++i) rest &= w.shape[i] == 1;
    if (w.ndim < 2 || !rest || !w.count || w.shape[0] >= PAW_UNKNOWN)
        return paw__fail(c, PAW_E_SHAPE, "%s: %s is not [outputs, width, 1, 1]", path, w.name);
    e = paw__tensors_back(c, t, w.name, w.count);
    if (!e) e = paw__dense_new(c, (int)w.shape[0], w.shape[1], h);
    for (i = 0; !e && i < 6; ++i) {
        const size_t want = paw__dense_is_bias(i) ? w.shape[0] : w.count;
        if (paw_tensors_find(t, paw__dense_names[i], &at)) {
            if (i == 1) e = paw__fail(c, PAW_E_KEY, "%s: no %s", path, paw__dense_names[i]);
            continue;
        }
        (void)paw_tensors_info(t, at, &info);
        e = info.count == want ? paw_tensors_read(c, t, at, PAW_F32, paw__dense_part(h, i), want)
                               : paw__fail(c, PAW_E_SHAPE, "%s: %s has %zu numbers, not %zu", path,
                                           info.name, info.count, want);
    }
    return e;
}
PAW_DEF paw_err paw_dense_load(paw_ctx *c, const char *path, paw_dense *out)
{
    paw_tensors *t = NULL;
    paw_dense h;
    const char *s;
    paw_err e;
    PAW__ENTER(c);
    if (!path || !out) return paw__fail(c, PAW_E_ARG, "paw_dense_load: NULL argument");
    memset(&h, 0, sizeof h);
    if ((e = paw_tensors_open(c, path, &t)) != PAW_OK) return e;
    e = paw__dense_read(c, t, path, &h);
    s = paw_tensors_meta(t, "steps");
    for (; s && *s >= '0' && *s <= '9' && h.steps < UINT32_MAX; ++s)
        h.steps = h.steps * 10 + (uint64_t)(*s - '0');
    if (!e && s && *s) e = paw__fail(c, PAW_E_FORMAT, "%s: its steps are no count", path);
    paw_tensors_close(t);
    if (e) paw_dense_free(c, &h);
    else *out = h;
    return e;
}
PAW_DEF paw_err paw_dense_features(const paw_model *m, paw_ctx *c, const int *blocks,
                                   int block_count, const float *chw, size_t n, int h, int w,
                                   float *x)
{
    const size_t together = c ? (size_t)c->threads : 1;
    size_t dim, parts, tokens, i, k, j, t, count;
    paw_outputs o;
    float *all;
    paw_err e = PAW_OK;
    if (!c) return PAW_E_ARG;
    if (!m || !chw || !x || block_count < 0 || (block_count && !blocks) || h < 1 || w < 1)
        return paw__fail(c, PAW_E_ARG, "paw_dense_features: NULL argument, or %d x %d", w, h);
    dim = (size_t)m->dim;
    parts = block_count ? (size_t)block_count : 1;
    tokens = (size_t)(h / m->patch) * (size_t)(w / m->patch) + 1;
    if (!paw__mul(parts * together, tokens * dim, &count)) return PAW_E_OOM;
    if (!(all = (float *)paw__alloc(c, count, sizeof *all))) return PAW_E_OOM;
    memset(&o, 0, sizeof o);
    o.blocks = blocks;
    o.block_count = block_count;
    if (block_count) o.block_outputs = all;
    else o.tokens = all;
    for (i = 0; !e && i < n; i += together) {
        const size_t some = paw__min(together, n - i);
        e = paw_encode(m, c, chw + i * 3 * (size_t)h * (size_t)w, some, h, w, &o);
        for (k = 0; !e && k < parts; ++k)
            for (j = 0; j < some; ++j)
                for (t = 1; t < tokens; ++t)
                    memcpy(x + (((i + j) * (tokens - 1) + t - 1) * parts + k) * dim,
                           all + ((k * some + j) * tokens + t) * dim, dim * sizeof *x);
    }
    paw__free(all);
    return e;
}
/* Outputs of rows of features, rows of up16(outputs) floats, padding 0 */
static paw_err paw__dense_run(const paw_dense *h, const paw__team *team, const float *x,
                              size_t rows, float *out)
{
    const size_t k = (size_t)h->outputs, ld = paw__up16(k);
    size_t r;
    const paw_err e = paw__multiply(team, 0, 1, rows, k, h->width, x, h->width, h->weight,
                                    h->width, h->bias, out, ld, 0);
    for (r = 0; !e && r < rows; ++r) memset(out + r * ld + k, 0, (ld - k) * sizeof *out);
    return e;
}
/* Gradients of the outputs of one more image, summed into those of weight and bias */
static paw_err paw__dense_back(const paw_dense *h, const paw__team *team, const float *x,
                               const float *grad, size_t rows, float *gw, float *gb)
{
    const size_t k = (size_t)h->outputs, ld = paw__up16(k);
    size_t r;
    for (r = 0; r < rows; ++r) team->ops->axpy(1.0f, grad + r * ld, ld, gb);
    return paw__multiply(team, 1, 0, k, h->width, rows, grad, ld, x, h->width, NULL, gw, h->width,
                         1);
}
static paw_err paw__dense_update(paw_dense *h, const paw__team *team, float *gw, float *gb,
                                 double lr)
{
    const size_t n = (size_t)h->outputs * h->width;
    const paw__param p[2] = {
        {"weight", h->weight, gw, h->moments[0], h->moments[1], n, 2, 1},
        {"bias", h->bias, gb, h->moments[2], h->moments[3], (size_t)h->outputs, 1, h->decay_bias}
    };
    paw__optimizer o;
    size_t i;
    for (i = 0; i < n; ++i)
        if (!paw__finite(gw[i]))
            return paw__fail(team->c, PAW_E_NUM, "training: gradient %zu of the weight is %g", i,
                             (double)gw[i]);
    memset(&o, 0, sizeof o);
    o.kind = PAW__ADAMW;
    o.decay = h->decay;
    o.beta1 = 0.9;
    o.beta2 = 0.999;
    o.eps = 1e-8;
    o.steps = h->steps;
    paw__optimize(team, &o, lr, p, 2);
    h->steps = o.steps;
    return PAW_OK;
}

/* ---- bilinear upsampling of rows of channels, and its transpose ---- */

typedef struct {
    int at[2];
    float w[2];
} paw__tap2;
/* torch's bilinear taps, align_corners False */
static void paw__tap2_of(int in, int out, paw__tap2 *t)
{
    const float scale = (float)in / (float)out;
    int o;
    for (o = 0; o < out; ++o) {
        float s = paw__mulf((float)o + 0.5f, scale) - 0.5f;
        if (s < 0) s = 0;
        t[o].at[0] = (int)s < in ? (int)s : in - 1;
        t[o].at[1] = t[o].at[0] + (t[o].at[0] + 1 < in);
        t[o].w[1] = s - (float)t[o].at[0];
        t[o].w[0] = 1.0f - t[o].w[1];
    }
}
static void paw__blend2(const paw__ops *ops, const paw__tap2 *t, const float *rows, size_t ld,
                        float *out) /* rows of ld floats */
{
    ops->blend(rows + (size_t)t->at[0] * ld, t->w[0], rows + (size_t)t->at[1] * ld, t->w[1], ld,
               out);
}
static void paw__spread2(const paw__ops *ops, const paw__tap2 *t, const float *x, size_t ld,
                         float *rows)
{
    ops->axpy(t->w[0], x, ld, rows + (size_t)t->at[0] * ld);
    ops->axpy(t->w[1], x, ld, rows + (size_t)t->at[1] * ld);
}
typedef struct { /* loss over the upsampled outputs of n images, and its gradient on the grid */
    const paw__ops *ops;
    int gh, gw, h, w, outputs;
    size_t ld;
    const paw__tap2 *down, *across; /* [h], [w] */
    const float *logits;            /* [n, gh * gw, ld] */
    float *grad;                    /* alike */
    const uint16_t *labels;         /* [n, h, w]; or */
    const float *heat;              /* [n] of maps [outputs, h, w] and their weights [outputs] */
    float scale;
    double *losses; /* [n] */
    float *scratch; /* per slot: paw__upsample_scratch */
} paw__upsampled;
static size_t paw__upsample_scratch(size_t gw, size_t ld) { return (2 * gw + PAW__MAX_MR) * ld; }
/* Squared differences of a pixel with outputs z; their gradient takes its place */
static void paw__heat_loss(const paw__upsampled *u, size_t image, size_t at, float *z, double *loss)
{
    const size_t pixels = (size_t)u->h * (size_t)u->w, k = (size_t)u->outputs;
    const float *heat = u->heat + image * k * (pixels + 1);
    size_t j;
    for (j = 0; j < k; ++j) {
        const float weight = heat[k * pixels + j];
        const float d = paw__mulf(z[j] - heat[j * pixels + at], weight);
        *loss = paw__mul_add((double)d, (double)d, *loss);
        z[j] = 2 * paw__mulf(d, weight) * u->scale;
    }
    for (; j < u->ld; ++j) z[j] = 0;
}
/* One row of pixels above line, their gradient added to back; z: mr rows. As many pixels together
   as the kernel takes: one alone waits for its own sums. Returns how many had a loss. */
static int paw__upsampled_row(const paw__upsampled *u, size_t image, size_t row, const float *line,
                              float *z, float *back, double *loss)
{
    const uint16_t *labels = u->labels ? u->labels + (image * (size_t)u->h + row) * (size_t)u->w
                                       : NULL;
    int32_t label[PAW__MAX_MR];
    int at[PAW__MAX_MR], n = 0, x, i, any = 0;
    for (x = 0; x < u->w; ++x) {
        if (!labels || labels[x] != PAW_IGNORED) {
            label[n] = labels ? labels[x] : 0;
            at[n] = x;
            paw__blend2(u->ops, &u->across[x], line, u->ld, z + (size_t)n++ * u->ld);
        }
        if (n < u->ops->mr && x + 1 < u->w) continue;
        if (labels) u->ops->xent(z, u->ld, n, (size_t)u->outputs, label, u->scale, loss);
        for (i = 0; i < n; ++i) {
            float *g = z + (size_t)i * u->ld;
            if (!labels) paw__heat_loss(u, image, row * (size_t)u->w + (size_t)at[i], g, loss);
            paw__spread2(u->ops, &u->across[at[i]], g, u->ld, back);
        }
        any += n;
        n = 0;
    }
    return any;
}
static void paw__upsampled_image(void *arg, size_t image, int slot)
{
    const paw__upsampled *u = (const paw__upsampled *)arg;
    const size_t row = (size_t)u->gw * u->ld, grid = (size_t)u->gh * row;
    const float *logits = u->logits + image * grid;
    float *line = u->scratch + (size_t)slot * paw__upsample_scratch((size_t)u->gw, u->ld);
    float *grad = u->grad + image * grid, *back = line + row;
    double loss = 0;
    int y;
    memset(grad, 0, grid * sizeof *grad);
    for (y = 0; y < u->h; ++y) {
        paw__blend2(u->ops, &u->down[y], logits, row, line);
        memset(back, 0, row * sizeof *back);
        if (paw__upsampled_row(u, image, (size_t)y, line, back + row, back, &loss))
            paw__spread2(u->ops, &u->down[y], back, row, grad);
    }
    u->losses[image] = loss;
}
/* Loss and update; u has labels, or heat. */
static paw_err paw__dense_step(paw_dense *h, paw_ctx *c, const float *x, size_t n, int gh, int gw,
                               paw__upsampled *u, double lr, double *loss)
{
    const size_t rows = (size_t)gh * (size_t)gw, ld = paw__up16((size_t)h->outputs);
    const size_t grid = rows * ld, slots = paw__min((size_t)c->threads, n);
    const size_t weights = paw__up16((size_t)h->outputs * h->width);
    const size_t scratch = slots * paw__upsample_scratch((size_t)gw, ld);
    float *all = (float *)paw__calloc(c, 2 * n * grid + weights + ld + scratch, sizeof *all);
    paw__tap2 *taps = (paw__tap2 *)paw__alloc(c, (size_t)u->h + (size_t)u->w, sizeof *taps);
    double *losses = (double *)paw__alloc(c, n, sizeof *losses), sum = 0;
    float *logits = all, *grad = all, *gweight = all;
    paw_err e = all && taps && losses ? PAW_OK : PAW_E_OOM;
    const paw__team team = paw__team_of(c);
    size_t i;
    for (i = 0; !e && i < n; ++i)
        e = paw__dense_run(h, &team, x + i * rows * h->width, rows, logits + i * grid);
    if (!e) {
        grad += n * grid;
        gweight += 2 * n * grid;
        u->ops = team.ops;
        u->gh = gh;
        u->gw = gw;
        u->outputs = h->outputs;
        u->ld = ld;
        paw__tap2_of(gh, u->h, taps);
        paw__tap2_of(gw, u->w, taps + u->h);
        u->down = taps;
        u->across = taps + u->h;
        u->logits = logits;
        u->grad = grad;
        u->losses = losses;
        u->scratch = gweight + weights + ld;
        paw__for(c, n, paw__upsampled_image, u);
        for (i = 0; i < n; ++i) sum += losses[i];
        sum *= (double)u->scale;
        if (!(sum - sum == 0)) e = paw__fail(c, PAW_E_NUM, "training: the loss is not finite");
    }
    for (i = 0; !e && i < n; ++i)
        e = paw__dense_back(h, &team, x + i * rows * h->width, grad + i * grid, rows, gweight,
                            gweight + weights);
    if (!e) e = paw__dense_update(h, &team, gweight, gweight + weights, lr);
    paw__free(all);
    paw__free(taps);
    paw__free(losses);
    if (!e) *loss = sum;
    return e;
}
PAW_DEF paw_err paw_seg_step(paw_dense *h, paw_ctx *c, const float *x, size_t n, int gh, int gw,
                             const uint16_t *labels, int height, int width, double lr, double *loss)
{
    paw__upsampled u;
    size_t i, pixels, labelled = 0;
    PAW__ENTER(c);
    if (!h || !h->weight || !x || !n || !labels || !loss || gh < 1 || gw < 1 || height < 1 ||
        width < 1)
        return paw__fail(c, PAW_E_ARG, "paw_seg_step: NULL argument, or nothing to do");
    pixels = n * (size_t)height * (size_t)width;
    for (i = 0; i < pixels; ++i) {
        if (labels[i] == PAW_IGNORED) continue;
        ++labelled;
        if (labels[i] >= h->outputs)
            return paw__fail(c, PAW_E_ARG, "paw_seg_step: class %u of %d", labels[i], h->outputs);
    }
    memset(&u, 0, sizeof u);
    u.h = height;
    u.w = width;
    u.labels = labels;
    u.scale = (float)(1 / (double)(h->mean_labelled ? paw__max(labelled, 1) : pixels));
    return paw__dense_step(h, c, x, n, gh, gw, &u, lr, loss);
}
PAW_DEF double paw_seg_rate(double lr, double warm_up, double total, double iteration)
{
    PAW__MODE;
    const paw__schedule s = {PAW__POLY, lr, 0, total, warm_up, 1e-6, 0};
    volatile double kept = paw__rate(&s, iteration); /* as in paw_oks */
    return kept;
}

/* ---- segmentation at test: logits of windows, averaged, upsampled twice, no map is stored ---- */

#define PAW__SEG_BAND 16 /* rows of one work item */
typedef struct {
    const paw__ops *ops;
    int classes, gh, gw, ph, pw; /* of a window: grid, pixels with padding */
    size_t ld;
    int rows, cols, high, wide;  /* windows; pixels of one that count */
    const int *top, *left;       /* [rows], [cols] */
    const float *logits;         /* [rows * cols, gh * gw, ld] */
    int h, w, out_h, out_w;
    const paw__tap2 *grid_down, *grid_across, *down, *across; /* [ph], [pw], [out_h], [out_w] */
    const float *share;          /* [w] 1 / windows over the column */
    float *scratch;
    size_t per_slot;
    uint16_t *labels;
} paw__seg_map;
/* Averaged logits of row y of the input, [w, ld]; line: [gw, ld] */
static void paw__seg_row(const paw__seg_map *s, int y, float *line, float *z, float *row)
{
    const size_t ld = s->ld, grow = (size_t)s->gw * ld;
    int i, j, x, over = 0;
    memset(row, 0, (size_t)s->w * ld * sizeof *row);
    for (i = 0; i < s->rows; ++i) {
        if (y < s->top[i] || y >= s->top[i] + s->high) continue;
        ++over;
        for (j = 0; j < s->cols; ++j) {
            const float *logits = s->logits + (size_t)(i * s->cols + j) * (size_t)s->gh * grow;
            float *to = row + (size_t)s->left[j] * ld;
            paw__blend2(s->ops, &s->grid_down[y - s->top[i]], logits, grow, line);
            for (x = 0; x < s->wide; ++x, to += ld) {
                paw__blend2(s->ops, &s->grid_across[x], line, ld, z);
                s->ops->axpy(1.0f, z, ld, to);
            }
        }
    }
    for (x = 0; x < s->w; ++x) {
        const float share = s->share[x] / (float)over;
        float *to = row + (size_t)x * ld;
        if (share < 1) s->ops->blend(to, share, to, 0, ld, to);
    }
}
static void paw__seg_band(void *arg, size_t item, int slot)
{
    const paw__seg_map *s = (const paw__seg_map *)arg;
    const size_t ld = s->ld, wide = (size_t)s->w * ld;
    float *at = s->scratch + (size_t)slot * s->per_slot, *row[3] = { at, at + wide, at + 2 * wide };
    float *line = at + 3 * wide, *z = line + (size_t)s->gw * ld;
    int held[2] = { -1, -1 }, y = (int)item * PAW__SEG_BAND, x, k;
    const int end = y + PAW__SEG_BAND < s->out_h ? y + PAW__SEG_BAND : s->out_h;
    for (; y < end; ++y) {
        const paw__tap2 *t = &s->down[y];
        if (held[1] == t->at[0]) { /* the rows move down together */
            float *swap = row[0];
            row[0] = row[1];
            row[1] = swap;
            held[0] = held[1];
            held[1] = -1;
        }
        for (k = 0; k < 2; ++k) {
            if (held[k] == t->at[k] || (k && t->at[1] == t->at[0])) continue;
            paw__seg_row(s, t->at[k], line, z, row[k]);
            held[k] = t->at[k];
        }
        s->ops->blend(row[0], t->w[0], t->at[1] == t->at[0] ? row[0] : row[1], t->w[1], wide,
                      row[2]);
        for (x = 0; x < s->out_w; ++x) {
            paw__blend2(s->ops, &s->across[x], row[2], ld, z);
            s->labels[(size_t)y * (size_t)s->out_w + (size_t)x] =
                (uint16_t)s->ops->argmax(z, (size_t)s->classes);
        }
    }
}
static paw_err paw__seg_map_run(paw_ctx *c, paw__seg_map *s)
{
    const size_t taps = (size_t)s->ph + (size_t)s->pw + (size_t)s->out_h + (size_t)s->out_w;
    const size_t bands = ((size_t)s->out_h + PAW__SEG_BAND - 1) / PAW__SEG_BAND;
    paw__tap2 *t = (paw__tap2 *)paw__alloc(c, taps, sizeof *t);
    float *share = (float *)paw__calloc(c, (size_t)s->w, sizeof *share);
    int j, x;
    s->per_slot = (3 * (size_t)s->w + (size_t)s->gw + 1) * s->ld;
    s->scratch = (float *)paw__alloc(c, paw__min(bands, (size_t)c->threads) * s->per_slot,
                                     sizeof *s->scratch);
    if (t && share && s->scratch) {
        s->grid_down = t;
        s->grid_across = t + s->ph;
        s->down = t + s->ph + s->pw;
        s->across = s->down + s->out_h;
        paw__tap2_of(s->gh, s->ph, t);
        paw__tap2_of(s->gw, s->pw, t + s->ph);
        paw__tap2_of(s->h, s->out_h, t + s->ph + s->pw);
        paw__tap2_of(s->w, s->out_w, t + s->ph + s->pw + s->out_h);
        for (j = 0; j < s->cols; ++j)
            for (x = 0; x < s->wide; ++x) share[s->left[j] + x] += 1;
        for (x = 0; x < s->w; ++x) share[x] = 1.0f / share[x];
        s->share = share;
        paw__for(c, bands, paw__seg_band, s);
    }
    j = t && share && s->scratch;
    paw__free(t);
    paw__free(share);
    paw__free(s->scratch);
    return j ? PAW_OK : PAW_E_OOM;
}
PAW_DEF paw_err paw_seg_predict_features(const paw_dense *d, paw_ctx *c, const float *x, int gh,
                                         int gw, int patch, int h, int w, int out_h, int out_w,
                                         uint16_t *labels)
{
    static const int zero = 0;
    paw__team team;
    paw__seg_map s;
    float *logits;
    paw_err e;
    PAW__ENTER(c);
    if (!d || !d->weight || !x || !labels || gh < 1 || gw < 1 || patch < 1 || h < 1 || w < 1 ||
        h > gh * patch || w > gw * patch || out_h < 1 || out_w < 1)
        return paw__fail(c, PAW_E_ARG, "paw_seg_predict_features: NULL argument or size");
    memset(&s, 0, sizeof s);
    s.ld = paw__up16((size_t)d->outputs);
    logits = (float *)paw__alloc(c, (size_t)gh * (size_t)gw * s.ld, sizeof *logits);
    if (!logits) return PAW_E_OOM;
    team = paw__team_of(c);
    s.ops = team.ops;
    e = paw__dense_run(d, &team, x, (size_t)gh * (size_t)gw, logits);
    s.classes = d->outputs;
    s.gh = gh;
    s.gw = gw;
    s.ph = gh * patch;
    s.pw = gw * patch;
    s.rows = s.cols = 1;
    s.top = s.left = &zero;
    s.high = s.h = h;
    s.wide = s.w = w;
    s.out_h = out_h;
    s.out_w = out_w;
    s.logits = logits;
    s.labels = labels;
    if (!e) e = paw__seg_map_run(c, &s);
    paw__free(logits);
    return e;
}
/* Starts of the windows along one side; returns how many. at NULL: only that. */
static int paw__seg_windows(int side, int crop, int stride, int *at)
{
    const int n = (side > crop ? side - crop + stride - 1 : stride - 1) / stride + 1;
    int i;
    for (i = 0; at && i < n; ++i) {
        const int last = side > crop ? side - crop : 0;
        at[i] = i * stride < last ? i * stride : last;
    }
    return n;
}
PAW_DEF paw_err paw_seg_predict(const paw_dense *d, size_t heads, const paw_model *m, paw_ctx *c,
                                const paw_seg_test *t, const float *chw, int h, int w, int out_h,
                                int out_w, uint16_t *labels)
{
    size_t parts, count, i, j, pixels, tokens;
    float *window, *x, *logits;
    paw__team team;
    paw__seg_map s;
    int *at = NULL, y, k, crop;
    paw_err e = PAW_OK;
    PAW__ENTER(c);
    if (!d || !heads || !m || !t || !chw || !labels || h < 1 || w < 1 || out_h < 1 || out_w < 1 ||
        t->block_count < 0 || (t->slide && (t->crop < 1 || t->stride < 1 || t->stride > t->crop)))
        return paw__fail(c, PAW_E_ARG, "paw_seg_predict: NULL argument, size, or stride over crop");
    parts = t->block_count ? (size_t)t->block_count : 1;
    for (j = 0; j < heads; ++j)
        if (d[j].outputs != d->outputs || d[j].width != parts * (size_t)m->dim)
            return paw__fail(c, PAW_E_SHAPE, "paw_seg_predict: a head of %d outputs and width %zu "
                             "for %d and %zu", d[j].outputs, d[j].width, d->outputs,
                             parts * (size_t)m->dim);
    memset(&s, 0, sizeof s);
    crop = t->slide ? t->crop : h > w ? h : w;
    s.high = h < crop ? h : crop;
    s.wide = w < crop ? w : crop;
    s.rows = paw__seg_windows(h, crop, t->slide ? t->stride : crop, NULL);
    s.cols = paw__seg_windows(w, crop, t->slide ? t->stride : crop, NULL);
    s.gh = (s.high + m->patch - 1) / m->patch;
    s.gw = (s.wide + m->patch - 1) / m->patch;
    s.ph = s.gh * m->patch;
    s.pw = s.gw * m->patch;
    s.classes = d->outputs;
    s.ld = paw__up16((size_t)d->outputs);
    s.h = h;
    s.w = w;
    s.out_h = out_h;
    s.out_w = out_w;
    count = (size_t)s.rows * (size_t)s.cols;
    tokens = (size_t)s.gh * (size_t)s.gw;
    pixels = (size_t)s.ph * (size_t)s.pw;
    at = (int *)paw__alloc(c, (size_t)s.rows + (size_t)s.cols, sizeof *at);
    window = (float *)paw__alloc(c, 3 * pixels, sizeof *window);
    x = (float *)paw__alloc(c, tokens * d->width, sizeof *x);
    logits = (float *)paw__alloc(c, heads * count, tokens * s.ld * sizeof *logits);
    if (!at || !window || !x || !logits) e = PAW_E_OOM;
    if (!e) {
        paw__seg_windows(h, crop, t->slide ? t->stride : crop, at);
        paw__seg_windows(w, crop, t->slide ? t->stride : crop, at + s.rows);
    }
    s.top = at;
    s.left = at ? at + s.rows : NULL;
    team = paw__team_of(c);
    s.ops = team.ops;
    for (i = 0; !e && i < count; ++i) {
        const size_t top = (size_t)s.top[i / (size_t)s.cols];
        const size_t left = (size_t)s.left[i % (size_t)s.cols];
        memset(window, 0, 3 * pixels * sizeof *window);
        for (k = 0; k < 3; ++k)
            for (y = 0; y < s.high; ++y)
                memcpy(window + (size_t)k * pixels + (size_t)y * (size_t)s.pw,
                       chw + ((size_t)k * (size_t)h + top + (size_t)y) * (size_t)w + left,
                       (size_t)s.wide * sizeof *window);
        e = paw_dense_features(m, c, t->blocks, t->block_count, window, 1, s.ph, s.pw, x);
        for (j = 0; !e && j < heads; ++j)
            e = paw__dense_run(&d[j], &team, x, tokens, logits + (j * count + i) * tokens * s.ld);
    }
    for (j = 0; !e && j < heads; ++j) {
        s.logits = logits + j * count * tokens * s.ld;
        s.labels = labels + j * (size_t)out_h * (size_t)out_w;
        e = paw__seg_map_run(c, &s);
    }
    paw__free(at);
    paw__free(window);
    paw__free(x);
    paw__free(logits);
    return e;
}

/* ---- pose ---- */

static const uint8_t paw__pose_mirror[PAW_KEYPOINTS] = { 0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12,
                                                         11, 14, 13, 16, 15 };
PAW_DEF void paw_pose_crop_of(const double box[4], int w, int h, paw_pose_crop *out)
{
    PAW__MODE;
    const double ratio = (double)w / h;
    double cw = box[2], ch = box[3];
    if (cw > ch * ratio) ch = cw / ratio;
    else cw = ch * ratio;
    out->x = paw__mul_add(0.5, box[2], box[0]);
    out->y = paw__mul_add(0.5, box[3], box[1]);
    out->w = 1.25 * cw;
    out->h = 1.25 * ch;
    out->turn = 0;
    out->flip = 0;
}
/* Box around the labelled points of the upper or the lower body, enlarged by half; 0: too few */
static int paw__half_body(const paw_pose *p, int upper, double box[4])
{
    double lo[2] = { 1e30, 1e30 }, hi[2] = { -1e30, -1e30 };
    int i, k, n = 0;
    for (i = 0; i < PAW_KEYPOINTS; ++i) {
        if (!(p->points[i][2] > 0) || (i < 11) != upper) continue;
        for (k = 0; k < 2; ++k) {
            lo[k] = p->points[i][k] < lo[k] ? p->points[i][k] : lo[k];
            hi[k] = p->points[i][k] > hi[k] ? p->points[i][k] : hi[k];
        }
        ++n;
    }
    for (k = 0; k < 2; ++k) {
        box[k + 2] = 1.5 * (hi[k] - lo[k]);
        PAW__KEEP(box[k + 2]);
        box[k] = 0.5 * (lo[k] + hi[k] - box[k + 2]);
    }
    return n > 1 && box[2] > 1 && box[3] > 1;
}
PAW_DEF void paw_pose_crop_random(const paw_pose *p, int w, int h, uint64_t seed, uint64_t sample,
                                  paw_pose_crop *out)
{
    PAW__MODE;
    paw__draws d = { seed, sample << 6 };
    double box[4], part[4], scale;
    memcpy(box, p->box, sizeof box);
    if (paw__draw(&d, 0, 1) < 0.3) {
        const int upper = paw__draw(&d, 0, 1) < 0.5;
        if (p->labelled > 8 && paw__half_body(p, upper, part)) memcpy(box, part, sizeof box);
    }
    paw_pose_crop_of(box, w, h, out);
    if (paw__draw(&d, 0, 1) < 0.3) {
        out->x = paw__mul_add(0.16 * box[2], paw__draw_gauss(&d), out->x);
        out->y = paw__mul_add(0.16 * box[3], paw__draw_gauss(&d), out->y);
    }
    scale = paw__mul_add(0.5, paw__draw_gauss(&d), 1);
    out->w *= scale;
    out->h *= scale;
    if (paw__draw(&d, 0, 1) < 0.6)
        out->turn = 80 * (3.14159265358979312 / 180) * paw__draw_gauss(&d);
    out->flip = paw__draw(&d, 0, 1) < 0.5;
}
/* A grid of w x h over a crop. Points of grid and image are those of pixel centres: 0 is half a
   pixel from the edge, so that a mirrored crop has its points where the mirror has them. */
typedef struct {
    const paw_pose_crop *c;
    double w, h, cs, sn;
} paw__pose_grid;
static paw__pose_grid paw__pose_grid_of(const paw_pose_crop *c, int w, int h)
{
    const double half = fmod(fabs(c->turn) / 3.14159265358979312, 2); /* half turns */
    paw__pose_grid g;
    g.c = c;
    g.w = w;
    g.h = h;
    g.cs = half > 0 ? paw__cospi(half) : 1;
    g.sn = paw__cospi(fabs(half - 0.5));
    if (c->turn < 0) g.sn = -g.sn;
    return g;
}
static void paw__pose_to(const paw__pose_grid *g, const double from[2], double to[2])
{
    const double x = from[0] + 0.5 - g->c->x, y = from[1] + 0.5 - g->c->y;
    to[0] = (paw__mul_add(g->cs, x, g->sn * y) / g->c->w + 0.5) * g->w;
    to[1] = (paw__mul_add(g->cs, y, -g->sn * x) / g->c->h + 0.5) * g->h;
    PAW__KEEP(to[0]); /* half a pixel is taken off */
    PAW__KEEP(to[1]);
    to[0] -= 0.5;
    to[1] -= 0.5;
    if (g->c->flip) to[0] = g->w - 1 - to[0];
}
static void paw__pose_from(const paw__pose_grid *g, const double from[2], double to[2])
{
    const double px = g->c->flip ? g->w - 1 - from[0] : from[0];
    const double x = ((px + 0.5) / g->w - 0.5) * g->c->w;
    const double y = ((from[1] + 0.5) / g->h - 0.5) * g->c->h;
    to[0] = paw__mul_add(g->cs, x, -g->sn * y) + g->c->x - 0.5;
    to[1] = paw__mul_add(g->sn, x, g->cs * y) + g->c->y - 0.5;
}
PAW_DEF void paw_pose_input(const paw_image *in, const paw_pose_crop *crop, const paw_stats *stats,
                            int w, int h, float *chw)
{
    PAW__MODE;
    const paw__pose_grid grid = paw__pose_grid_of(crop, w, h);
    int x, y, k, i, j;
    for (y = 0; y < h; ++y)
        for (x = 0; x < w; ++x) {
            const double at[2] = { (double)x, (double)y };
            double s[2], v[3] = { 0, 0, 0 };
            int x0, y0;
            paw__pose_from(&grid, at, s);
            if (s[0] > -1 && s[1] > -1 && s[0] < in->w && s[1] < in->h) {
                x0 = (int)floor(s[0]);
                y0 = (int)floor(s[1]);
                for (i = y0; i < y0 + 2; ++i)
                    for (j = x0; j < x0 + 2; ++j) {
                        const double share = (1 - fabs(s[1] - i)) * (1 - fabs(s[0] - j));
                        const uint8_t *p;
                        if (i < 0 || j < 0 || i >= in->h || j >= in->w) continue;
                        p = in->px + ((size_t)i * (size_t)in->w + (size_t)j) * 3;
                        for (k = 0; k < 3; ++k) v[k] = paw__mul_add(share, (double)p[k], v[k]);
                    }
            }
            for (k = 0; k < 3; ++k)
                chw[((size_t)k * (size_t)h + (size_t)y) * (size_t)w + (size_t)x] =
                    ((float)floor(v[k] + 0.5) / 255.0f - stats->mean[k]) / stats->std[k];
        }
}
PAW_DEF void paw_pose_target(const paw_pose *p, const paw_pose_crop *crop, int w, int h,
                             float *heat, float *weights)
{
    PAW__MODE;
    const paw__pose_grid grid = paw__pose_grid_of(crop, w, h);
    const size_t plane = (size_t)w * (size_t)h;
    int i, x, y;
    memset(heat, 0, PAW_KEYPOINTS * plane * sizeof *heat);
    for (i = 0; i < PAW_KEYPOINTS; ++i) {
        const int source = crop->flip ? paw__pose_mirror[i] : i;
        double at[2];
        int cx, cy;
        weights[i] = 0;
        paw__pose_to(&grid, p->points[source], at);
        if (!(p->points[source][2] > 0 && fabs(at[0]) < 1e6 && fabs(at[1]) < 1e6)) continue;
        cx = (int)floor(at[0] + 0.5);
        cy = (int)floor(at[1] + 0.5);
        if (cx < -6 || cy < -6 || cx >= w + 6 || cy >= h + 6) continue;
        weights[i] = 1;
        for (y = cy < 6 ? 0 : cy - 6; y <= cy + 6 && y < h; ++y)
            for (x = cx < 6 ? 0 : cx - 6; x <= cx + 6 && x < w; ++x) {
                const int far = (x - cx) * (x - cx) + (y - cy) * (y - cy);
                heat[(size_t)i * plane + (size_t)y * (size_t)w + (size_t)x] =
                    (float)paw__exp(-far / 8.0);
            }
    }
}
PAW_DEF paw_err paw_pose_step(paw_dense *h, paw_ctx *c, const float *x, size_t n, int gh, int gw,
                              int up, const float *target, double lr, double *loss)
{
    paw__upsampled u;
    PAW__ENTER(c);
    if (!h || h->outputs != PAW_KEYPOINTS || !x || !n || gh < 1 || gw < 1 || up < 1 || !target ||
        !loss)
        return paw__fail(c, PAW_E_ARG, "paw_pose_step: NULL argument, or no head of 17 outputs");
    memset(&u, 0, sizeof u);
    u.h = gh * up;
    u.w = gw * up;
    u.heat = target;
    u.scale = (float)(1 / ((double)n * PAW_KEYPOINTS * u.h * u.w));
    return paw__dense_step(h, c, x, n, gh, gw, &u, lr, loss);
}
PAW_DEF paw_err paw_pose_heat(const paw_dense *h, paw_ctx *c, const float *x, int gh, int gw,
                              int up, int flip, float *heat)
{
    const int th = gh * up, tw = gw * up;
    const size_t ld = 32, rows = (size_t)gh * (size_t)gw, line = (size_t)gw * ld;
    paw__team team;
    paw__tap2 *taps;
    float *out;
    paw_err e = PAW_OK;
    int px, y, k;
    PAW__ENTER(c);
    if (!h || h->outputs != PAW_KEYPOINTS || !x || gh < 1 || gw < 1 || up < 1 || !heat)
        return paw__fail(c, PAW_E_ARG, "paw_pose_heat: NULL argument, or no head of 17 outputs");
    team = paw__team_of(c);
    out = (float *)paw__alloc(c, rows * ld + line + ld, sizeof *out);
    taps = (paw__tap2 *)paw__alloc(c, (size_t)th + (size_t)tw, sizeof *taps);
    if (!out || !taps) e = PAW_E_OOM;
    if (!e) e = paw__dense_run(h, &team, x, rows, out);
    if (!e) {
        paw__tap2_of(gh, th, taps);
        paw__tap2_of(gw, tw, taps + th);
    }
    for (y = 0; !e && y < th; ++y) {
        paw__blend2(team.ops, &taps[y], out, line, out + rows * ld);
        for (px = 0; px < tw; ++px) {
            const int to = flip ? tw - 1 - px : px;
            float *z = out + rows * ld + line;
            paw__blend2(team.ops, &taps[th + px], out + rows * ld, ld, z);
            for (k = 0; k < PAW_KEYPOINTS; ++k)
                heat[((size_t)(flip ? paw__pose_mirror[k] : k) * (size_t)th + (size_t)y) *
                         (size_t)tw + (size_t)to] += z[k];
        }
    }
    paw__free(out);
    paw__free(taps);
    return e;
}
PAW_DEF void paw_pose_decode(const float *heat, int w, int h, const paw_pose_crop *crop,
                             double box_score, paw_pose *out)
{
    PAW__MODE;
    const paw__pose_grid grid = paw__pose_grid_of(crop, w, h);
    const size_t plane = (size_t)w * (size_t)h;
    double sum = 0, all = 0;
    size_t i, best;
    int k, n = 0;
    for (k = 0; k < PAW_KEYPOINTS; ++k, heat += plane) {
        double at[2];
        int x, y;
        for (i = best = 0; i < plane; ++i)
            if (heat[i] > heat[best]) best = i;
        at[0] = x = (int)(best % (size_t)w);
        at[1] = y = (int)(best / (size_t)w);
        if (x > 0 && x + 1 < w && y > 0 && y + 1 < h) {
            const float dx = heat[best + 1] - heat[best - 1];
            const float dy = heat[best + (size_t)w] - heat[best - (size_t)w];
            at[0] += dx > 0 ? 0.25 : dx < 0 ? -0.25 : 0;
            at[1] += dy > 0 ? 0.25 : dy < 0 ? -0.25 : 0;
        }
        paw__pose_from(&grid, at, out->points[k]);
        out->points[k][2] = (double)heat[best];
        all += (double)heat[best];
        if (heat[best] > 0.2f) {
            sum += (double)heat[best];
            ++n;
        }
    }
    out->score = box_score * (n ? sum / n : all / PAW_KEYPOINTS);
}

/* ---- COCO poses: all of an annotation, or of a result ---- */

static paw_err paw__coco_pose(paw__coco *k)
{
    static const char *const names[] = { "id", "image_id", "iscrowd", "bbox", "keypoints", "area",
                                         "num_keypoints", "score" };
    double v[3 * PAW__COCO_POINTS], crowd = 0, labelled = 0;
    size_t boxes = 0, n = 0;
    unsigned seen = 0;
    void *list = k->poses;
    paw_pose p;
    int field, i;
    paw_err e;
    memset(&p, 0, sizeof p);
    paw__json_enter(&k->j, '{');
    while ((field = paw__json_field(&k->j, names, (int)PAW__COUNT(names), &seen)) >= 0) {
        if (field == 0) paw__coco_id(k, &p.id);
        else if (field == 1) paw__coco_id(k, &p.image_id);
        else if (field == 2) paw__json_double(&k->j, &crowd);
        else if (field == 3) paw__coco_numbers(k, p.box, 4, &boxes);
        else if (field == 4) paw__coco_numbers(k, v, PAW__COUNT(v), &n);
        else paw__json_double(&k->j, field == 5 ? &p.area : field == 6 ? &labelled : &p.score);
    }
    if (k->j.e) return k->j.e;
    if (!(seen & 2) || n != PAW__COUNT(v) || ((seen & 8) && boxes != 4))
        return paw__coco_fail(k, PAW_E_KEY, "annotation",
                              "image_id, 17 key points or a box of four numbers missing");
    p.crowd = crowd != 0;
    for (i = 0; i < PAW__COCO_POINTS; ++i) memcpy(p.points[i], v + 3 * i, sizeof p.points[i]);
    for (i = 0; i < PAW__COCO_POINTS && !(seen & 64); ++i) labelled += p.points[i][2] > 0;
    p.labelled = (int)(labelled > 0 && labelled <= 17 ? labelled : 0);
    e = paw__grow(k->u->c, &list, &k->pose_cap, k->pose_count + 1, sizeof p);
    k->poses = (paw_pose *)list;
    if (!e) k->poses[k->pose_count++] = p;
    return e;
}
static paw_err paw__coco_poses(paw__coco *k) /* a list, or an object with lists */
{
    static const char *const names[] = { "images", "annotations" };
    unsigned seen = 0;
    int field;
    if (paw__json_kind(&k->j) == '[') {
        paw__coco_array(k, paw__coco_pose);
    } else {
        paw__json_enter(&k->j, '{');
        while ((field = paw__json_field(&k->j, names, 2, &seen)) >= 0)
            paw__coco_array(k, field ? paw__coco_pose : paw__coco_image);
        if (!k->j.e && seen != 3)
            return paw__fail(k->u->c, PAW_E_KEY, "%s: no images or annotations", k->path);
    }
    return k->j.e ? k->j.e : paw__json_end(&k->j);
}
PAW_DEF void paw_poses_free(paw_ctx *c, paw_poses *p)
{
    paw__arena owned;
    (void)c;
    if (!p) return;
    owned.head = (paw__chunk *)p->owned_;
    paw__free(p->items);
    paw__free((void *)(uintptr_t)p->paths);
    paw__arena_free(&owned);
    memset(p, 0, sizeof *p);
}
PAW_DEF paw_err paw_poses_load(paw_ctx *c, const char *path, const char *image_folder,
                               paw_poses *out)
{
    PAW__MODE;
    const paw__set_image *twice[2] = { NULL, NULL }, *image;
    const char **paths = NULL;
    paw__coco *k = NULL;
    paw_poses poses;
    paw_index unused;
    paw__set *u;
    size_t i;
    paw_err e;
    if (c && (!path || !out)) return paw__fail(c, PAW_E_ARG, "paw_poses_load: NULL argument");
    memset(&unused, 0, sizeof unused);
    if (!(u = paw__set_begin(c, "paw_poses_load", "", NULL, &unused, &e))) return e;
    memset(&poses, 0, sizeof poses);
    k = (paw__coco *)paw__calloc(c, 1, sizeof *k);
    u->folder = paw__strdup(c, image_folder ? image_folder : "");
    e = k && u->folder ? PAW_OK : PAW_E_OOM;
    if (!e) {
        k->u = u;
        k->path = path;
        e = paw__coco_read(k, paw__coco_poses);
    }
    if (!e) e = paw__set_sort_images(u, twice);
    if (!e && twice[0]) e = paw__coco_twice(k, "images", twice[0]->id);
    if (!e && !(paths = (const char **)paw__calloc(c, k->pose_count + 1, sizeof *paths)))
        e = PAW_E_OOM;
    for (i = 0; !e && u->image_count && i < k->pose_count; ++i) {
        if ((image = paw__set_image_of(u, k->poses[i].image_id)) != NULL) paths[i] = image->path;
        else e = paw__fail(c, PAW_E_KEY, "%s: annotation %zu is of no image", path, i);
    }
    if (k) poses.items = k->poses;
    if (k) poses.count = k->pose_count;
    poses.paths = paths;
    poses.owned_ = u->owned.head;
    u->owned.head = NULL; /* the poses have it now */
    if (e) paw_poses_free(c, &poses);
    else *out = poses;
    if (k) paw__free(k->categories);
    paw__free(k);
    (void)paw__set_end(u, PAW_E_ARG, &unused); /* frees what only the set holds */
    return e;
}

/* ==== >>metrics ==== average precision, top-k, segmentation, pose ==== */

/* ---- average precision ---- */

static int paw__finite(float x) { return fabsf(x) <= FLT_MAX; } /* 0 for NaN */

PAW_DEF paw_err paw_average_precision(paw_ctx *c, const float *scores, const uint8_t *relevant,
                                      size_t n, double *ap)
{
    const paw__ops *ops = paw__ops_now();
    paw__ranking_spare spare;
    paw__ranking r;
    size_t i, m = 0, k = 0;
    int ok = 0;
    PAW__ENTER(c);
    if (!ap || (n && (!scores || !relevant)))
        return paw__fail(c, PAW_E_ARG, "paw_average_precision: NULL argument");
    if (n >= UINT32_MAX) return paw__fail(c, PAW_E_LIMIT, "average precision of %zu scores", n);
    for (i = 0; i < n; ++i) {
        m += relevant[i] != 0;
        if (!paw__finite(scores[i]))
            return paw__fail(c, PAW_E_NUM, "average precision: score %zu is %g", i,
                             (double)scores[i]);
    }
    memset(&r, 0, sizeof r);
    r.sorted = (float *)paw__alloc(c, 1 + m + paw__max(m, n - m), sizeof *r.sorted);
    r.count = (uint32_t *)paw__alloc(c, m + 1 + paw__buckets(m) + 1, sizeof *r.count);
    spare.at = (void **)paw__alloc(c, m, sizeof *spare.at);
    if (r.sorted && r.count && spare.at) {
        r.first = r.count + m + 1;
        spare.scores = r.sorted + m + 1;
        for (i = 0; i < n; ++i)
            if (relevant[i]) r.sorted[r.m++] = scores[i];
        paw__ranking_open(ops, &r, &spare);
        for (i = 0; i < n; ++i)
            if (!relevant[i]) spare.scores[k++] = scores[i];
        paw__ranking_count(ops, &r, spare.scores, k);
        *ap = paw__ranking_ap(&r);
        ok = 1;
    }
    paw__free(r.sorted);
    paw__free(r.count);
    paw__free(spare.at);
    return ok ? PAW_OK : PAW_E_OOM;
}

/* ---- summaries; without a context, so without memory: one scan per class ---- */

static size_t paw__labels_end(const int32_t *labels, size_t n, int classes) /* first bad one */
{
    size_t i;
    for (i = 0; i < n && labels[i] >= 0 && labels[i] < classes;) ++i;
    return i;
}
PAW_DEF paw_err paw_ap_mean(const double *ap, const int32_t *labels, size_t n, int classes,
                            double *per_class, paw_ap_summary *out)
{
    PAW__MODE;
    double all = 0, means = 0;
    size_t defined = 0, i;
    int k, classes_met = 0;
    if (!out || classes < 1 || (n && (!ap || !labels)) || paw__labels_end(labels, n, classes) < n)
        return PAW_E_ARG;
    for (i = 0; i < n; ++i) {
        if (isnan(ap[i])) continue;
        all += ap[i];
        ++defined;
    }
    for (k = 0; k < classes; ++k) {
        double sum = 0;
        size_t count = 0;
        for (i = 0; i < n; ++i) {
            if (labels[i] != k || isnan(ap[i])) continue;
            sum += ap[i];
            ++count;
        }
        if (per_class) per_class[k] = count ? sum / (double)count : (double)NAN;
        if (!count) continue;
        means += sum / (double)count;
        ++classes_met;
    }
    out->ap = defined ? all / (double)defined : (double)NAN;
    out->map = classes_met ? means / classes_met : (double)NAN;
    out->undefined = n - defined;
    return PAW_OK;
}
PAW_DEF double paw_chance(const int32_t *labels, size_t n, int classes)
{
    PAW__MODE;
    double sum = 0;
    size_t i;
    int k;
    if (!n || !labels || paw__labels_end(labels, n, classes) < n) return (double)NAN;
    for (k = 0; k < classes; ++k) {
        size_t count = 0;
        double term;
        for (i = 0; i < n; ++i) count += labels[i] == k;
        term = (double)count / (double)n;
        term *= term;
        PAW__KEEP(term);
        sum += term;
    }
    return sum;
}
PAW_DEF void paw_confusion(const float *logits, const int32_t *labels, size_t n, int classes,
                           size_t *counts)
{
    PAW__MODE;
    size_t i;
    int j, best;
    for (i = 0; i < n; ++i, logits += classes) {
        for (best = 0, j = 1; j < classes; ++j) /* NaN counts as highest, the lower index first */
            if (!(logits[j] <= logits[best]) && !isnan(logits[best])) best = j;
        ++counts[labels[i] * classes + best];
    }
}
PAW_DEF size_t paw_topk_correct(const float *logits, const int32_t *labels, size_t n, int classes,
                                int k)
{
    PAW__MODE;
    size_t correct = 0, i;
    if (!logits || !labels) return 0;
    for (i = 0; i < n; ++i) {
        const float *row = logits + i * (size_t)(classes > 0 ? classes : 0);
        const int32_t label = labels[i];
        int j, above = 0;
        if (label < 0 || label >= classes || isnan(row[label])) continue;
        for (j = 0; j < classes; ++j) /* NaN counts as highest, as in torch.topk */
            above += !(row[j] <= row[label]) || (row[j] == row[label] && j < label);
        correct += above < k;
    }
    return correct;
}

/* ---- segmentation ---- */

PAW_DEF paw_err paw_seg_count(paw_ctx *c, const uint16_t *truth, const uint16_t *predicted,
                              size_t n, int classes, uint64_t *counts)
{
    size_t i;
    int bad = 0;
    if (!c) return PAW_E_ARG;
    if (classes < 1 || classes > PAW_IGNORED || !counts || (n && (!truth || !predicted)))
        return paw__fail(c, PAW_E_ARG, "paw_seg_count: NULL argument, or %d classes", classes);
    for (i = 0; i < n; ++i)
        bad |= truth[i] != PAW_IGNORED && (truth[i] >= classes || predicted[i] >= classes);
    for (i = 0; bad && i < n; ++i)
        if (truth[i] != PAW_IGNORED && (truth[i] >= classes || predicted[i] >= classes))
            return paw__fail(c, PAW_E_ARG, "paw_seg_count: pixel %zu: true class %u, predicted %u, "
                             "of %d", i, truth[i], predicted[i], classes);
    for (i = 0; i < n; ++i) {
        if (truth[i] == PAW_IGNORED) continue;
        counts[truth[i]] += truth[i] == predicted[i];
        ++counts[classes + predicted[i]];
        ++counts[2 * classes + truth[i]];
    }
    return PAW_OK;
}
PAW_DEF paw_err paw_seg_score(const uint64_t *counts, int classes, double *iou, double *acc,
                              paw_seg_summary *out)
{
    PAW__MODE;
    uint64_t hits = 0, pixels = 0;
    double ious = 0, accs = 0;
    int k, n_iou = 0, n_acc = 0;
    if (!counts || classes < 1 || !out) return PAW_E_ARG;
    for (k = 0; k < classes; ++k) {
        const uint64_t hit = counts[k], truth = counts[2 * classes + k];
        const uint64_t either = counts[classes + k] + truth - hit;
        const double i = either ? (double)hit / (double)either : (double)NAN;
        const double a = truth ? (double)hit / (double)truth : (double)NAN;
        hits += hit;
        pixels += truth;
        ious += either ? i : 0;
        accs += truth ? a : 0;
        n_iou += either != 0;
        n_acc += truth != 0;
        if (iou) iou[k] = i;
        if (acc) acc[k] = a;
    }
    out->miou = n_iou ? ious / n_iou : (double)NAN;
    out->macc = n_acc ? accs / n_acc : (double)NAN;
    out->aacc = pixels ? (double)hits / (double)pixels : (double)NAN;
    out->pixels = pixels;
    out->classes_iou = n_iou;
    out->classes_acc = n_acc;
    return PAW_OK;
}

/* ---- pose: object keypoint similarity, and average precision over it as COCOeval's ---- */

PAW_DEF double paw_oks(const paw_pose *truth, const paw_pose *found)
{
    PAW__MODE;
    static const double sigma[PAW_KEYPOINTS] = { .026, .025, .025, .035, .035, .079, .079, .072,
                                                 .072, .062, .062, .107, .107, .087, .087, .089,
                                                 .089 };
    const double *b = truth->box;
    volatile double kept; /* computed before the mode is the host's again: clang would not wait */
    double sum = 0;
    int i, labelled = 0, n = 0;
    for (i = 0; i < PAW_KEYPOINTS; ++i) labelled += truth->points[i][2] > 0;
    for (i = 0; i < PAW_KEYPOINTS; ++i) {
        const double *t = truth->points[i], *f = found->points[i], s = 2 * sigma[i];
        double d[2], e;
        int k;
        if (labelled && !(t[2] > 0)) continue;
        for (k = 0; k < 2; ++k) { /* without labels: the way to the box, three times as large */
            const double before = b[k] - b[k + 2] - f[k];
            const double behind = f[k] - paw__mul_add(2, b[k + 2], b[k]);
            d[k] = labelled ? f[k] - t[k] : (before > 0 ? before : 0) + (behind > 0 ? behind : 0);
        }
        e = d[0] * d[0];
        PAW__KEEP(e);
        e = paw__mul_add(d[1], d[1], e) / (s * s) / (truth->area + DBL_EPSILON) / 2;
        sum += paw__exp(-e);
        ++n;
    }
    kept = sum / n;
    return kept;
}

enum { PAW__OKS_STEPS = 10, PAW__OKS_RANGES = 3, PAW__OKS_FOUND = 20, PAW__OKS_RECALLS = 101 };
typedef struct {
    double score;
    size_t at; /* keeps equal scores in the order of images, then of scores within */
    uint16_t hit[PAW__OKS_RANGES], skip[PAW__OKS_RANGES]; /* bit: threshold */
} paw__oks_found;
typedef struct {
    paw_ctx *c;
    double *oks; /* [20][persons annotated in the image] */
    uint16_t *taken; /* [persons] bit: threshold */
    size_t *order;
    size_t room;
    paw__oks_found *kept;
    size_t kept_count;
    uint64_t wanted[PAW__OKS_RANGES];
    double step[PAW__OKS_STEPS], precision[PAW__OKS_RANGES][PAW__OKS_STEPS];
    double recall[PAW__OKS_RANGES][PAW__OKS_STEPS];
} paw__oks_run;

static int paw__less_truth(const void *a, const void *b)
{
    const paw_pose *p = (const paw_pose *)a, *q = (const paw_pose *)b;
    return p->image_id != q->image_id ? p->image_id < q->image_id : p < q;
}
static int paw__less_found(const void *a, const void *b)
{
    const paw_pose *p = (const paw_pose *)a, *q = (const paw_pose *)b;
    if (p->image_id != q->image_id) return p->image_id < q->image_id;
    return p->score < q->score || p->score > q->score ? p->score > q->score : p < q;
}
static int paw__less_kept(const void *a, const void *b)
{
    const paw__oks_found *p = (const paw__oks_found *)a, *q = (const paw__oks_found *)b;
    return p->score < q->score || p->score > q->score ? p->score > q->score : p->at < q->at;
}
static int paw__oks_outside(double area, int range) /* all, medium, large */
{
    static const double edge[PAW__OKS_RANGES][2] = { { 0, 1e10 }, { 1024, 9216 }, { 9216, 1e10 } };
    return area < edge[range][0] || area > edge[range][1];
}
static double paw__oks_area(const paw_pose *p) /* of a found person: the box of its points */
{
    double lo[2], hi[2];
    int i, k;
    for (k = 0; k < 2; ++k) {
        lo[k] = hi[k] = p->points[0][k];
        for (i = 1; i < PAW_KEYPOINTS; ++i) {
            lo[k] = p->points[i][k] < lo[k] ? p->points[i][k] : lo[k];
            hi[k] = p->points[i][k] > hi[k] ? p->points[i][k] : hi[k];
        }
    }
    return (hi[0] - lo[0]) * (hi[1] - lo[1]);
}
/* Each found person takes the best annotated one left; those that do not count come last. */
static void paw__oks_match(paw__oks_run *r, const paw_pose **truth, size_t nt,
                           const paw_pose **found, size_t nf, int range)
{
    size_t i, j, counting = 0, rest = 0;
    int step;
    for (j = 0; j < nt; ++j) {
        const int out = truth[j]->labelled == 0 || truth[j]->crowd ||
                        paw__oks_outside(truth[j]->area, range);
        counting += !out;
        r->taken[j] = (uint16_t)out;
    }
    for (i = j = 0; j < nt; ++j) r->order[r->taken[j] ? counting + rest++ : i++] = j;
    r->wanted[range] += counting;
    if (nt) memset(r->taken, 0, nt * sizeof *r->taken);
    for (step = 0; step < PAW__OKS_STEPS; ++step)
        for (i = 0; i < nf; ++i) {
            paw__oks_found *f = &r->kept[r->kept_count + i];
            double best = r->step[step] < 1 - 1e-10 ? r->step[step] : 1 - 1e-10;
            size_t k, at = nt;
            for (k = 0; k < nt; ++k) {
                j = r->order[k];
                if ((r->taken[j] >> step & 1) && !truth[j]->crowd) continue;
                if (at < counting && k >= counting) break;
                if (r->oks[i * nt + j] < best) continue;
                best = r->oks[i * nt + j];
                at = k;
            }
            if (at < nt) {
                r->taken[r->order[at]] |= (uint16_t)(1u << step);
                if (at >= counting) f->skip[range] |= (uint16_t)(1u << step);
                if (truth[r->order[at]]->id) f->hit[range] |= (uint16_t)(1u << step);
            }
            if (!(f->hit[range] >> step & 1) && paw__oks_outside(paw__oks_area(found[i]), range))
                f->skip[range] |= (uint16_t)(1u << step);
        }
}
static paw_err paw__oks_image(paw__oks_run *r, const paw_pose **truth, size_t nt,
                              const paw_pose **found, size_t nf)
{
    size_t i, j;
    int range;
    nf = paw__min(nf, PAW__OKS_FOUND);
    if (nt > r->room) {
        paw__free(r->oks);
        paw__free(r->taken);
        paw__free(r->order);
        r->room = 2 * nt;
        r->oks = (double *)paw__alloc(r->c, PAW__OKS_FOUND * r->room, sizeof *r->oks);
        r->taken = (uint16_t *)paw__alloc(r->c, r->room, sizeof *r->taken);
        r->order = (size_t *)paw__alloc(r->c, r->room, sizeof *r->order);
        if (!r->oks || !r->taken || !r->order) return PAW_E_OOM;
    }
    for (i = 0; i < nf; ++i) {
        paw__oks_found *f = &r->kept[r->kept_count + i];
        memset(f, 0, sizeof *f);
        f->score = found[i]->score;
        f->at = r->kept_count + i;
        for (j = 0; j < nt; ++j) r->oks[i * nt + j] = paw_oks(truth[j], found[i]);
    }
    for (range = 0; range < PAW__OKS_RANGES; ++range)
        paw__oks_match(r, truth, nt, found, nf, range);
    r->kept_count += nf;
    return PAW_OK;
}
/* Precision at 101 recalls, from the envelope of the curve; pr, rc: room for the kept ones. */
static void paw__oks_curve(paw__oks_run *r, void *const *sorted, int range, int step, double *pr,
                           double *rc)
{
    double hits = 0, misses = 0, sum = 0;
    size_t i, n = r->kept_count;
    int k;
    for (i = 0; i < n; ++i) {
        const paw__oks_found *f = (const paw__oks_found *)sorted[i];
        if (!(f->skip[range] >> step & 1)) {
            hits += f->hit[range] >> step & 1;
            misses += !(f->hit[range] >> step & 1);
        }
        rc[i] = hits / (double)r->wanted[range];
        pr[i] = hits / (misses + hits + DBL_EPSILON);
    }
    for (i = n; i-- > 1;) pr[i - 1] = pr[i] > pr[i - 1] ? pr[i] : pr[i - 1];
    for (i = 0, k = 0; k < PAW__OKS_RECALLS; ++k) {
        const double want = k == PAW__OKS_RECALLS - 1 ? 1 : k * 0.01;
        while (i < n && rc[i] < want) ++i;
        sum += i < n ? pr[i] : 0;
    }
    r->precision[range][step] = sum / (int)PAW__OKS_RECALLS;
    r->recall[range][step] = n ? rc[n - 1] : 0;
}
static double paw__oks_mean(const double *x)
{
    double sum = 0;
    int i;
    for (i = 0; i < PAW__OKS_STEPS; ++i) sum += x[i];
    return sum / (int)PAW__OKS_STEPS;
}
static paw_err paw__oks_score(paw__oks_run *r, paw_pose_score *out)
{
    const size_t n = r->kept_count;
    double *pr = (double *)paw__alloc(r->c, 2 * n + 1, sizeof *pr);
    void **sorted = paw__pointers(r->c, r->kept, n, sizeof *r->kept);
    int range, step;
    if (pr && sorted) {
        paw__sort(sorted, n, paw__less_kept);
        for (range = 0; range < PAW__OKS_RANGES; ++range)
            for (step = 0; step < PAW__OKS_STEPS; ++step) {
                r->precision[range][step] = r->recall[range][step] = -1;
                if (r->wanted[range]) paw__oks_curve(r, sorted, range, step, pr, pr + n);
            }
        out->ap = paw__oks_mean(r->precision[0]);
        out->ap50 = r->precision[0][0];
        out->ap75 = r->precision[0][5];
        out->ap_medium = paw__oks_mean(r->precision[1]);
        out->ap_large = paw__oks_mean(r->precision[2]);
        out->ar = paw__oks_mean(r->recall[0]);
        out->ar50 = r->recall[0][0];
        out->ar75 = r->recall[0][5];
        out->ar_medium = paw__oks_mean(r->recall[1]);
        out->ar_large = paw__oks_mean(r->recall[2]);
    }
    paw__free(pr);
    paw__free(sorted);
    return pr && sorted ? PAW_OK : PAW_E_OOM;
}
static paw_err paw__pose_check(paw_ctx *c, const char *what, const paw_pose *p, size_t n)
{
    size_t i;
    int k;
    for (i = 0; i < n; ++i) {
        double sum = p[i].score - p[i].score + (p[i].area - p[i].area); /* 0, or not a number */
        for (k = 0; k < 4; ++k) sum += p[i].box[k] - p[i].box[k];
        for (k = 0; k < PAW_KEYPOINTS; ++k)
            sum += (p[i].points[k][0] - p[i].points[k][0]) + (p[i].points[k][1] -
                                                              p[i].points[k][1]);
        if (isnan(sum))
            return paw__fail(c, PAW_E_NUM, "%s %zu of image %lld: a number is not finite", what, i,
                             (long long)p[i].image_id);
    }
    return PAW_OK;
}
PAW_DEF paw_err paw_pose_evaluate(paw_ctx *c, const paw_pose *truth, size_t truths,
                                  const paw_pose *found, size_t founds, paw_pose_score *out)
{
    paw__oks_run r;
    size_t i, j, i1, j1;
    void **t, **f;
    paw_err e;
    PAW__ENTER(c);
    if (!out || (truths && !truth) || (founds && !found))
        return paw__fail(c, PAW_E_ARG, "paw_pose_evaluate: NULL argument");
    if ((e = paw__pose_check(c, "annotated person", truth, truths)) != PAW_OK ||
        (e = paw__pose_check(c, "found person", found, founds)) != PAW_OK)
        return e;
    memset(&r, 0, sizeof r);
    r.c = c;
    for (i = 0; i < PAW__OKS_STEPS; ++i) /* NumPy's linspace(.5, .95, 10) */
        r.step[i] = i + 1 < PAW__OKS_STEPS ? paw__mul_add((double)i, (.95 - .5) / 9, .5) : .95;
    t = paw__pointers(c, (void *)(uintptr_t)truth, truths, sizeof *truth);
    f = paw__pointers(c, (void *)(uintptr_t)found, founds, sizeof *found);
    r.kept = (paw__oks_found *)paw__alloc(c, founds + 1, sizeof *r.kept);
    e = t && f && r.kept ? PAW_OK : PAW_E_OOM;
    if (!e) {
        paw__sort(t, truths, paw__less_truth);
        paw__sort(f, founds, paw__less_found);
    }
    for (i = j = 0; !e && (i < truths || j < founds); i = i1, j = j1) {
        const paw_pose **ti = (const paw_pose **)(void *)(t + i);
        const paw_pose **fj = (const paw_pose **)(void *)(f + j);
        const int64_t a = i < truths ? (*ti)->image_id : INT64_MAX;
        const int64_t b = j < founds ? (*fj)->image_id : INT64_MAX, id = a < b ? a : b;
        for (i1 = i; i1 < truths && ((const paw_pose *)t[i1])->image_id == id;) ++i1;
        for (j1 = j; j1 < founds && ((const paw_pose *)f[j1])->image_id == id;) ++j1;
        e = paw__oks_image(&r, ti, i1 - i, fj, j1 - j);
    }
    if (!e) e = paw__oks_score(&r, out);
    paw__free(r.oks);
    paw__free(r.taken);
    paw__free(r.order);
    paw__free(r.kept);
    paw__free(t);
    paw__free(f);
    return e;
}
#endif /* PARTAWARE_IMPLEMENTATION */
#else  /* PAW__PASS */

/* ==== >>kernels ==== the text that every instruction set reads; see >>isa for its words ==== */

/* A pass with PAW__BASE takes only the tile column of the product from here, on words of two bf16,
   with PAW__V_FMA their product; the rest is that of its base. */
#define PAW__L (16 / PAW__VW)             /* vectors in the 16 virtual lanes of a reduction */
#define PAW__NP (PAW__NV * PAW__VW / 16)  /* B panels side by side in a tile */
#define PAW__COLS (PAW__NV * PAW__VW)
#ifdef PAW__BASE
#define PAW__PER 2 /* k in a word of an operand */
#define PAW__BN(name) PAW__CAT(paw__##name, PAW__BASE)
#else
#define PAW__PER 1
#define PAW__BN(name) PAW__FN(name)
#endif

#ifndef PAW__BASE

/* The one tree that combines 16 lanes. */
PAW__INLINE float PAW__FN(tree)(const PAW__V *acc)
{
    float s[16];
    int i, w;
    PAW__FOR(i, PAW__L) PAW__V_STORE(s + i * PAW__VW, acc[i]);
    for (w = 8; w; w /= 2)
        for (i = 0; i < w; ++i) s[i] += s[i + w];
    return s[0];
}

/* ---- exp and GELU ---- */

/* 2^f for f in [-1/2, 1/2] times 2^n, n + magic given */
PAW__INLINE PAW__V PAW__FN(exp2)(PAW__V f, PAW__V t)
{
    PAW__V p = PAW__V_SET1(paw__exp2_c[6]);
    int i;
    PAW__FOR(i, 6) p = PAW__V_FMA(p, f, PAW__V_SET1(paw__exp2_c[5 - i]));
    p = PAW__V_MUL(p, PAW__V_POW2(t));
    PAW__KEEP(p);
    return p;
}
/* exp(x) for x <= 0; that of -87 below, where the result would leave the normal numbers. */
PAW__INLINE PAW__V PAW__FN(exp)(PAW__V x)
{
    const PAW__V log2e = PAW__V_SET1(1.44269502e+00f), magic = PAW__V_SET1(PAW__POW2_MAGIC);
    PAW__V t, f;
    x = PAW__V_MAX(PAW__V_SET1(-87.0f), x); /* in this order a NaN stays one */
    t = PAW__V_FMA(x, log2e, magic);
    f = PAW__V_FMA(x, log2e, PAW__V_SUB(magic, t));
    f = PAW__V_FMA(x, PAW__V_SET1(1.92596303e-08f), f); /* log2(e) less its float */
    return PAW__FN(exp2)(f, t);
}
/* x Phi(x) with the upper tail h = Phi(-|x|) = 2^P(|x|): no cancellation on the negative side. */
PAW__INLINE PAW__V PAW__FN(gelu1)(PAW__V x)
{
    const PAW__V magic = PAW__V_SET1(PAW__POW2_MAGIC), end = PAW__V_SET1(8.0f);
    PAW__V u = PAW__V_MAX(x, PAW__V_SUB(PAW__V_ZERO(), x)), p, t, h;
    int i;
    u = PAW__V_IFGT(u, end, end, u);
    p = PAW__V_SET1(paw__gelu_c[10]);
    PAW__FOR(i, 10) p = PAW__V_FMA(p, u, PAW__V_SET1(paw__gelu_c[9 - i]));
    t = PAW__V_ADD(p, magic);
    h = PAW__FN(exp2)(PAW__V_SUB(p, PAW__V_SUB(t, magic)), t);
    h = PAW__V_IFGT(x, PAW__V_ZERO(), PAW__V_SUB(PAW__V_SET1(1.0f), h), h);
    return PAW__V_MUL(x, h);
}
#if !defined(PAW_NO_SLEEF)
PAW__INLINE PAW__V PAW__FN(gelu1_sleef)(PAW__V x)
{
    const PAW__V half = PAW__V_MUL(x, PAW__V_SET1(0.5f));
    const PAW__V e = PAW__V_SLEEF_ERF(PAW__V_MUL(x, PAW__V_SET1(0.707106781f)));
    return PAW__V_FMA(half, e, half);
}
#endif
static void PAW__FN(gelu)(float *x, size_t n, int math)
{
    size_t i;
#if !defined(PAW_NO_SLEEF)
    if (math == PAW_MATH_SLEEF) {
        for (i = 0; i < n; i += PAW__VW)
            PAW__V_STORE(x + i, PAW__FN(gelu1_sleef)(PAW__V_LOAD(x + i)));
        return;
    }
#endif
    (void)math;
    for (i = 0; i < n; i += PAW__VW) PAW__V_STORE(x + i, PAW__FN(gelu1)(PAW__V_LOAD(x + i)));
}

/* ---- reductions over rows ---- */

static float PAW__FN(dot)(const float *x, const float *y, size_t n)
{
    PAW__V acc[PAW__L];
    size_t i;
    int j;
    PAW__FOR(j, PAW__L) acc[j] = PAW__V_ZERO();
    for (i = 0; i < n; i += 16)
        PAW__FOR(j, PAW__L) acc[j] = PAW__V_FMA(PAW__V_LOAD(x + i + j * PAW__VW),
                                                PAW__V_LOAD(y + i + j * PAW__VW), acc[j]);
    return PAW__FN(tree)(acc);
}

/* Chunk c of the row is at x + c * stride, so that rows of A operands serve as well. The maximum;
   padding becomes -FLT_MAX. */
PAW__INLINE float PAW__FN(top)(float *x, size_t stride, size_t n)
{
    const size_t chunks = (n + 15) / 16;
    PAW__V acc[PAW__L];
    float lane[16], top;
    size_t c;
    int j;
    for (c = n; c < chunks * 16; ++c) x[c / 16 * stride + c % 16] = -FLT_MAX;
    PAW__FOR(j, PAW__L) acc[j] = PAW__V_LOAD(x + j * PAW__VW);
    for (c = 1; c < chunks; ++c)
        PAW__FOR(j, PAW__L) acc[j] = PAW__V_MAX(acc[j], PAW__V_LOAD(x + c * stride + j * PAW__VW));
    PAW__FOR(j, PAW__L) PAW__V_STORE(lane + j * PAW__VW, acc[j]);
    top = lane[0];
    for (j = 1; j < 16; ++j) top = lane[j] > top ? lane[j] : top;
    return top;
}
PAW__INLINE PAW__V PAW__FN(exp_of)(PAW__V x, PAW__V scale, PAW__V top, int math)
{
    const PAW__V e = PAW__V_FMA(x, scale, top);
#if !defined(PAW_NO_SLEEF)
    if (math == PAW_MATH_SLEEF) return PAW__V_SLEEF_EXP(e);
#endif
    (void)math;
    return PAW__FN(exp)(e);
}
/* At most MR rows, chunk c of row r at x + r * ld + c * step, of which n columns count: each
   becomes exp(scale (x - its maximum)), padding next to nothing; sums, tops (maxima): [rows].
   Across the rows, so that none waits for itself. scale > 0 */
PAW__INLINE void PAW__FN(shares)(float *x, size_t ld, size_t step, int rows, size_t n, float scale,
                                 int math, float *sums, float *tops)
{
    const size_t chunks = (n + 15) / 16;
    const PAW__V factor = PAW__V_SET1(scale);
    PAW__V acc[PAW__MR][PAW__L];
    float lane[16], less[PAW__MR], *q;
    size_t c;
    int i, j;
    q = x + (chunks - 1) * step;
    for (i = 0; n % 16 && i < rows; ++i, q += ld)
        for (c = n % 16; c < 16; ++c) q[c] = -FLT_MAX;
    for (i = 0; i < rows; ++i)
        PAW__FOR(j, PAW__L) acc[i][j] = PAW__V_LOAD(x + (size_t)i * ld + j * PAW__VW);
    for (c = 1; c < chunks; ++c)
        for (i = 0, q = x + c * step; i < rows; ++i, q += ld)
            PAW__FOR(j, PAW__L) acc[i][j] = PAW__V_MAX(acc[i][j], PAW__V_LOAD(q + j * PAW__VW));
    for (i = 0; i < rows; ++i) {
        PAW__FOR(j, PAW__L) PAW__V_STORE(lane + j * PAW__VW, acc[i][j]);
        PAW__FOR(j, PAW__L) acc[i][j] = PAW__V_ZERO();
        for (less[i] = lane[0], j = 1; j < 16; ++j) less[i] = lane[j] > less[i] ? lane[j] : less[i];
        tops[i] = less[i];
        less[i] *= -scale;
    }
    for (c = 0; c < chunks; ++c)
        for (i = 0, q = x + c * step; i < rows; ++i, q += ld)
            PAW__FOR(j, PAW__L) {
                const PAW__V e = PAW__FN(exp_of)(PAW__V_LOAD(q + j * PAW__VW), factor,
                                                 PAW__V_SET1(less[i]), math);
                PAW__V_STORE(q + j * PAW__VW, e);
                acc[i][j] = PAW__V_ADD(acc[i][j], e);
            }
    for (i = 0; i < rows; ++i) sums[i] = PAW__FN(tree)(acc[i]);
}
/* One panel of an A operand, [chunks][rows][16], so that memory is read in order */
static void PAW__FN(softmax)(float *x, int rows, size_t n, float scale, int math, float *sums)
{
    float tops[PAW__MR];
    PAW__FN(shares)(x, 16, (size_t)rows * 16, rows, n, scale, math, sums, tops);
}

/* Number i of x and what follows it. */
PAW__INLINE PAW__V PAW__FN(load)(const int dtype, const void *x, size_t i)
{
    if (dtype == PAW_F16) return PAW__V_HALF((const uint16_t *)x + i);
    if (dtype == PAW_BF16) return PAW__V_WIDE16((const uint16_t *)x + i);
    return PAW__V_LOAD((const float *)x + i);
}
/* out: mean, 1 / deviation. The mean first, then the variance of what is left: no cancellation. */
PAW__INLINE void PAW__FN(moments)(const float *x, size_t d, float eps, float *out)
{
    const size_t chunks = (d + 15) / 16, whole = d / 16;
    PAW__V acc[PAW__L], mean;
    float tail[16];
    const float *at = x;
    size_t c;
    int j;
    PAW__FOR(j, PAW__L) acc[j] = PAW__V_ZERO();
    for (c = 0; c < chunks; ++c)
        PAW__FOR(j, PAW__L)
            acc[j] = PAW__V_ADD(acc[j], PAW__V_LOAD(x + c * 16 + (size_t)j * PAW__VW));
    mean = PAW__V_SET1(out[0] = PAW__FN(tree)(acc) / (float)d);
    PAW__FOR(j, PAW__L) acc[j] = PAW__V_ZERO();
    for (c = 0; c < chunks; ++c, at += 16) {
        if (c == whole) { /* lanes beyond d stand at the mean and add nothing */
            PAW__FOR(j, PAW__L) PAW__V_STORE(tail + j * PAW__VW, mean);
            memcpy(tail, at, (d - whole * 16) * sizeof *tail);
            at = tail;
        }
        PAW__FOR(j, PAW__L) {
            const PAW__V e = PAW__V_SUB(PAW__V_LOAD(at + (size_t)j * PAW__VW), mean);
            acc[j] = PAW__V_FMA(e, e, acc[j]);
        }
    }
    out[1] = 1.0f / sqrtf(PAW__FN(tree)(acc) / (float)d + eps);
}
static void PAW__FN(norm_row)(const float *x, size_t d, const float *w, const float *b, float eps,
                              float *y, size_t stride)
{
    const size_t chunks = (d + 15) / 16;
    float moments[2];
    PAW__V mean, rstd;
    size_t c;
    int j;
    PAW__FN(moments)(x, d, eps, moments);
    mean = PAW__V_SET1(moments[0]);
    rstd = PAW__V_SET1(moments[1]);
    for (c = 0; c < chunks; ++c)
        PAW__FOR(j, PAW__L) {
            const size_t i = c * 16 + (size_t)j * PAW__VW;
            const PAW__V e = PAW__V_MUL(PAW__V_SUB(PAW__V_LOAD(x + i), mean), rstd);
            PAW__V_STORE(y + c * stride + (size_t)j * PAW__VW,
                         PAW__V_FMA(e, PAW__V_LOAD(w + i), PAW__V_LOAD(b + i)));
        }
}
static void PAW__FN(norm)(const float *x, size_t ld, const paw__panels *panels, size_t p0,
                          size_t p1, size_t d, const float *w, const float *b, float eps, int to_a,
                          float *y)
{
    const size_t padded = (d + 15) & ~(size_t)15;
    size_t p;
    for (p = p0; p < p1; ++p) {
        const size_t first = paw__panel_first(panels, p);
        const int rows = paw__panel_rows(panels, p);
        int r;
        for (r = 0; r < rows; ++r)
            PAW__FN(norm_row)(x + (first + (size_t)r) * ld, d, w, b, eps,
                              to_a ? y + first * padded + (size_t)r * 16
                                   : y + (first + (size_t)r) * ld,
                              to_a ? (size_t)rows * 16 : 16);
    }
}

/* ---- training: loss and steps ---- */

static void PAW__FN(xent)(float *x, size_t ld, int rows, size_t n, const int32_t *labels,
                          float scale, double *loss)
{
    const size_t padded = (n + 15) & ~(size_t)15;
    float sums[PAW__MR], tops[PAW__MR], at[PAW__MR];
    int i;
    for (i = 0; i < rows; ++i)
        at[i] = (size_t)labels[i] < n ? x[(size_t)i * ld + (size_t)labels[i]] : 0;
    PAW__FN(shares)(x, ld, 16, rows, n, 1.0f, PAW_MATH_BUILTIN, sums, tops);
    for (i = 0; i < rows; ++i, x += ld) {
        const PAW__V factor = PAW__V_SET1(scale / sums[i]);
        const size_t from = (size_t)labels[i] < n ? n : 0;
        size_t c;
        memset(x + from, 0, (padded - from) * sizeof *x); /* before it is denormal, and slow */
        for (c = 0; c < from; c += PAW__VW)
            PAW__V_STORE(x + c, PAW__V_MUL(PAW__V_LOAD(x + c), factor));
        if (from) x[labels[i]] -= scale;
    }
    for (i = 0; i < rows; ++i)
        if ((size_t)labels[i] < n)
            *loss += paw__log((double)sums[i]) - ((double)at[i] - (double)tops[i]);
}
static void PAW__FN(sgd)(const paw__update *u, float *p, float *m, const float *g, size_t n)
{
    const PAW__V decay = PAW__V_SET1(u->decay), trust = PAW__V_SET1(u->trust);
    const PAW__V momentum = PAW__V_SET1(u->momentum), lr = PAW__V_SET1(-u->lr);
    size_t i;
    for (i = 0; i < n; i += PAW__VW) {
        const PAW__V old = PAW__V_LOAD(p + i);
        PAW__V d = PAW__V_MUL(PAW__V_FMA(old, decay, PAW__V_LOAD(g + i)), trust);
        PAW__V mu = PAW__V_FMA(PAW__V_LOAD(m + i), momentum, d);
        PAW__V_STORE(m + i, mu);
        if (u->nesterov) mu = PAW__V_FMA(mu, momentum, d);
        PAW__V_STORE(p + i, PAW__V_FMA(mu, lr, old));
    }
}
static void PAW__FN(adamw)(const paw__update *u, float *p, float *m, float *v, const float *g,
                           size_t n)
{
    const PAW__V keep = PAW__V_SET1(u->keep), eps = PAW__V_SET1(u->eps);
    const PAW__V b1 = PAW__V_SET1(u->beta1), c1 = PAW__V_SET1(u->rest1);
    const PAW__V b2 = PAW__V_SET1(u->beta2), c2 = PAW__V_SET1(u->rest2);
    const PAW__V root = PAW__V_SET1(u->root), lr = PAW__V_SET1(-u->step);
    size_t i;
    for (i = 0; i < n; i += PAW__VW) {
        const PAW__V d = PAW__V_LOAD(g + i);
        const PAW__V m1 = PAW__V_FMA(PAW__V_LOAD(m + i), b1, PAW__V_MUL(d, c1));
        const PAW__V v1 = PAW__V_FMA(PAW__V_LOAD(v + i), b2, PAW__V_MUL(PAW__V_MUL(d, d), c2));
        const PAW__V size = PAW__V_FMA(PAW__V_SQRT(v1), root, eps);
        PAW__V_STORE(m + i, m1);
        PAW__V_STORE(v + i, v1);
        PAW__V_STORE(p + i, PAW__V_FMA(PAW__V_DIV(m1, size), lr,
                                       PAW__V_MUL(PAW__V_LOAD(p + i), keep)));
    }
}

/* ---- retrieval ---- */

/* xy [n] products with rows of squared norms yy [n] -> cosines, in place; n a multiple of 16 */
static void PAW__FN(cosine)(float *xy, const float *yy, size_t n, float xx)
{
    const PAW__V x = PAW__V_SET1(xx), least = PAW__V_SET1(1e-16f);
    size_t i;
    for (i = 0; i < n; i += PAW__VW) {
        const PAW__V d = PAW__V_SQRT(PAW__V_MAX(PAW__V_MUL(x, PAW__V_LOAD(yy + i)), least));
        PAW__V_STORE(xy + i, PAW__V_DIV(PAW__V_LOAD(xy + i), d));
    }
}
/* (high - s) * scale, limited to 0..top and rounded, in the low bits of out [n]; n alike */
static void PAW__FN(bucket)(const float *s, size_t n, float high, float scale, float top,
                            float *out)
{
    const PAW__V h = PAW__V_SET1(high), f = PAW__V_SET1(scale), last = PAW__V_SET1(top);
    size_t i;
    for (i = 0; i < n; i += PAW__VW) {
        PAW__V x = PAW__V_MUL(PAW__V_SUB(h, PAW__V_LOAD(s + i)), f);
        x = PAW__V_MAX(x, PAW__V_ZERO());
        x = PAW__V_IFGT(x, last, last, x);
        PAW__V_STORE(out + i, PAW__V_ADD(x, PAW__V_SET1(PAW__BUCKET_MAGIC)));
    }
}

/* ---- product ---- */

/* Where a tile lies: row i of its panel p of 16 columns is at to + i * ld + p * next. */
typedef struct {
    float *to;
    size_t ld, next;
} PAW__FN(tile);
#endif /* PAW__BASE */

/* tile (first: =, else +=) the chain over chunks of 16 k. a: the panel, chunks a_step floats apart,
   b: np panels of 16 columns, step floats apart. ahead: what the next tiles need, lines a chunk. */
PAW__INLINE void PAW__FN(chain)(const int mr, const int np, size_t chunks, const float *a,
                                size_t a_step, const float *b, size_t step, int first,
                                const PAW__BN(tile) *tile, const char **ahead, int lines)
{
    const int nv = np * PAW__L;
    PAW__V acc[PAW__MR][PAW__NV], bv[PAW__NV];
    const int width = 16 / PAW__PER; /* words of a chunk */
    int i, j, kk;
    PAW__FOR(i, mr) PAW__FOR(j, nv) acc[i][j] = PAW__V_ZERO();
    for (; chunks; --chunks, a += a_step - (size_t)width) {
        for (i = 0; i < lines; ++i, *ahead += 64) {
            __builtin_prefetch(*ahead, 0, 2);
            if (np > 1) __builtin_prefetch(*ahead + step * sizeof *b, 0, 2);
        }
        for (kk = 0; kk < width; ++kk, ++a, b += 16) {
            /* Both operands come from the second-level cache: A a chunk ahead, B eight k. */
            __builtin_prefetch(a + a_step + kk * 15, 0, 3);
            __builtin_prefetch(b + 16 * 8, 0, 3);
            if (np > 1) __builtin_prefetch(b + step + 16 * 8, 0, 3);
            PAW__FOR(j, nv) bv[j] = PAW__V_LOAD(b + (size_t)(j / PAW__L) * step +
                                                (size_t)(j % PAW__L) * PAW__VW);
            PAW__FOR(i, mr) {
                const PAW__V av = PAW__V_SPREAD(a + i * width);
                PAW__FOR(j, nv) acc[i][j] = PAW__V_FMA(av, bv[j], acc[i][j]);
                PAW__V_DONE(acc[i]);
            }
        }
    }
    PAW__FOR(i, mr) PAW__FOR(j, nv) {
        float *q = tile->to + (size_t)i * tile->ld + (size_t)(j / PAW__L) * tile->next +
                   (size_t)(j % PAW__L) * PAW__VW;
        PAW__V_STORE(q, first ? acc[i][j] : PAW__V_ADD(PAW__V_LOAD(q), acc[i][j]));
    }
}
/* One copy of the chain per height, so that a last panel costs what it holds. */
static void PAW__FN(block)(int mr, int np, size_t chunks, const float *a, size_t a_step,
                           const float *b, size_t step, int first, const PAW__BN(tile) *tile,
                           const char **ahead, int lines)
{
#define PAW__CASE(m)                                                                               \
    case 2 * m:                                                                                    \
        PAW__FN(chain)(m, PAW__NP, chunks, a, a_step, b, step, first, tile, ahead, lines);         \
        break;                                                                                     \
    case 2 * m - 1:                                                                                \
        PAW__FN(chain)(m, 1, chunks, a, a_step, b, step, first, tile, ahead, lines);               \
        break;
    switch (2 * mr - (np < PAW__NP)) {
        PAW__CASE(1)
        PAW__CASE(2)
#if PAW__MR > 2
        PAW__CASE(3)
        PAW__CASE(4)
        PAW__CASE(5)
        PAW__CASE(6)
#endif
#if PAW__MR > 6
        PAW__CASE(7)
        PAW__CASE(8)
        PAW__CASE(9)
        PAW__CASE(10)
        PAW__CASE(11)
        PAW__CASE(12)
        PAW__CASE(13)
        PAW__CASE(14)
#endif
    default: break;
    }
#undef PAW__CASE
}
/* The range k0..k1 of one tile, cut at the contract's places; a and b at its start. */
static void PAW__FN(sum_at)(int mr, int np, size_t k0, size_t k1, const float *a, size_t a_step,
                            const float *b, size_t step, const PAW__BN(tile) *tile,
                            const char *ahead, int lines)
{
    while (k0 < k1) {
        const size_t end = k1 < k0 + PAW__KC ? k1 : k0 + PAW__KC, chunks = (end - k0) / 16;
        PAW__FN(block)(mr, np, chunks, a, a_step, b, step, k0 == 0, tile, &ahead, lines);
        a += chunks * a_step;
        b += chunks * (16 / PAW__PER) * 16;
        k0 = end;
    }
}

#ifndef PAW__BASE
static void PAW__FN(sum)(int mr, int np, size_t k0, size_t k1, const float *a, const float *b,
                         size_t step, const PAW__FN(tile) *tile, const char *ahead, int lines)
{
    PAW__FN(sum_at)(mr, np, k0, k1, a, 16 * (size_t)mr, b, step, tile, ahead, lines);
}

typedef struct { /* a finished tile: mr rows from row, np panels of 16 columns from col */
    const float *tile;
    int mr, np;
    size_t row, col, panel_first;
} PAW__FN(done);

/* bias, scale and activation in place */
static void PAW__FN(finish)(const paw__product *g, float *tile, int mr, int np, size_t col)
{
    const int nv = np * PAW__L;
    int i, j;
    for (j = 0; j < nv; ++j) {
        const size_t n = col + (size_t)j * PAW__VW;
        const PAW__V bias = PAW__V_LOAD(g->bias + n);
        const PAW__V scale = g->scale ? PAW__V_LOAD(g->scale + n) : PAW__V_SET1(1.0f);
        for (i = 0; i < mr; ++i) {
            float *q = tile + i * PAW__COLS + j * PAW__VW;
            PAW__V x = PAW__V_FMA(PAW__V_LOAD(q), scale, bias);
            if (g->act == PAW__GELU) x = PAW__FN(gelu1)(x);
#if !defined(PAW_NO_SLEEF)
            else if (g->act == PAW__GELU_SLEEF) x = PAW__FN(gelu1_sleef)(x);
#endif
            else if (g->act == PAW__RELU) x = PAW__V_IFGT(PAW__V_ZERO(), x, PAW__V_ZERO(), x);
            PAW__V_STORE(q, x);
        }
    }
}
PAW__INLINE void PAW__FN(copy16)(float *to, const float *from)
{
    int j;
    PAW__FOR(j, PAW__L) PAW__V_STORE(to + j * PAW__VW, PAW__V_LOAD(from + j * PAW__VW));
}
/* q as an A operand, k transposed and v as B operands of the attention */
static void PAW__FN(to_qkv)(const paw__qkv *o, const PAW__FN(done) *t, int panel, const float *x)
{
    const size_t per_head = o->dh / 16, per_part = o->heads * per_head;
    const size_t at = t->col / 16 + (size_t)panel, part = at / per_part;
    const size_t head = at % per_part / per_head, chunk = at % per_head;
    int i, j;
    if (part == 0) {
        float *q = o->q + head * o->tokens * o->dh + t->row * o->dh + chunk * (size_t)t->mr * 16;
        for (i = 0; i < t->mr; ++i) PAW__FN(copy16)(q + i * 16, x + i * PAW__COLS);
    } else if (part == 1) {
        float *k = o->k + head * o->padded * o->dh + chunk * 256;
        for (i = 0; i < t->mr; ++i) {
            const size_t token = t->row + (size_t)i;
            float *to = k + token / 16 * o->dh * 16 + token % 16;
            for (j = 0; j < 16; ++j) to[j * 16] = x[i * PAW__COLS + j];
        }
    } else {
        float *v = o->v + head * o->padded * o->dh + chunk * o->padded * 16 + t->row * 16;
        for (i = 0; i < t->mr; ++i) PAW__FN(copy16)(v + i * 16, x + i * PAW__COLS);
    }
}
static void PAW__FN(place)(const paw__product *g, const PAW__FN(done) *t)
{
    int p, i, j;
    for (p = 0; p < t->np; ++p) {
        const float *x = t->tile + p * 16;
        const size_t col = t->col + (size_t)p * 16;
        if (g->to == PAW__TO_QKV) {
            PAW__FN(to_qkv)(g->qkv, t, p, x);
        } else if (g->to == PAW__TO_A) {
            float *to = g->out + t->row * g->n + col * (size_t)t->mr;
            for (i = 0; i < t->mr; ++i) PAW__FN(copy16)(to + i * 16, x + i * PAW__COLS);
        } else if (g->to == PAW__TO_ROWS) {
            float *to = g->out + t->row * g->ld + col;
            for (i = 0; i < t->mr; ++i)
                PAW__FN(copy16)(to + (size_t)i * g->ld, x + i * PAW__COLS);
        } else {
            float *to = g->out + t->row * g->ld + col;
            for (j = 0; j < PAW__L; ++j) {
                const int o = j * PAW__VW;
                const PAW__V gamma = g->gamma ? PAW__V_LOAD(g->gamma + col + o)
                                              : PAW__V_SET1(1.0f);
                for (i = 0; i < t->mr; ++i) {
                    float *q = to + (size_t)i * g->ld + o;
                    PAW__V_STORE(q, PAW__V_FMA(PAW__V_LOAD(x + i * PAW__COLS + o), gamma,
                                               PAW__V_LOAD(q)));
                }
            }
        }
    }
}
#endif /* PAW__BASE */
/* Tile column j, with b at its panels' k0. */
static void PAW__FN(column)(const paw__product *g, size_t j, const float *b, size_t step, int more)
{
    const size_t left = g->n / 16 - j * PAW__NP, panels = g->p1 - g->p0;
    const int np = left < PAW__NP ? (int)left : PAW__NP;
    const size_t chunks = (g->k1 - g->k0) / 16;
    /* While this tile column runs, the next one, if more, is fetched in equal shares. */
    const int lines = !more || (left <= PAW__NP && !g->goes_on)
                          ? 0 : (int)paw__max(16 / panels / PAW__PER, 1);
    const char *ahead = (const char *)(b + (lines ? PAW__NP * step : 0));
    float local[PAW__MR * PAW__COLS];
    PAW__BN(tile) tile;
    PAW__BN(done) t;
    size_t p, a_step;
    int i;
    tile.to = local;
    tile.ld = PAW__COLS;
    tile.next = 16;
    for (p = g->p0; p < g->p1; ++p, ahead += chunks * (size_t)lines * 64) {
        if (g->partial)
            tile.to = g->partial + (j * g->span + p - g->p_base) * PAW__MR * PAW__COLS;
        t.row = paw__panel_first(&g->rows, p);
        t.mr = paw__panel_rows(&g->rows, p);
        a_step = g->a_step ? g->a_step : 16 / PAW__PER * (size_t)t.mr;
        /* Rows are wide apart, and rarely in cache; a residual is. */
        for (i = 0; g->to == PAW__TO_ROWS && g->k1 == g->k && i < t.mr * np; ++i)
            __builtin_prefetch(g->out + (t.row + (size_t)(i / np)) * g->ld + j * PAW__COLS +
                               (size_t)(i % np) * 16, 1, 3);
        PAW__FN(sum_at)(t.mr, np, g->k0, g->k1,
                        g->a + t.row * (g->a_step ? 16 : g->k) + g->k0 / 16 * a_step, a_step, b,
                        step, &tile, ahead, lines);
        if (g->k1 < g->k) continue;
        t.tile = tile.to;
        t.np = np;
        t.col = j * PAW__COLS;
        PAW__BN(finish)(g, tile.to, t.mr, np, t.col);
        PAW__BN(place)(g, &t);
    }
}
#ifdef PAW__BASE
static void PAW__FN(product16)(const paw__product *g, size_t j)
{
    const size_t step = g->k / 2 * 16;
    const float *b = (const float *)(const void *)g->b16;
    PAW__FN(column)(g, j, b + j * PAW__NP * step + g->k0 / 2 * 16, step, 1);
}
/* Two to a word: chunk after chunk moves up behind the one before. */
static void PAW__FN(narrow)(float *a, size_t n)
{
    uint16_t *to = (uint16_t *)(void *)a;
    size_t i;
    for (i = 0; i < n; i += PAW__VW)
        PAW__V_TOP16(to + i, PAW__BN(round16)(PAW__V_LOAD(a + i)));
}
#else
static void PAW__FN(product)(const paw__product *g, size_t j)
{
    const size_t step = g->b_step ? g->b_step : g->k * 16;
    PAW__FN(column)(g, j, g->b + j * PAW__NP * step + g->k0 * 16, step, 1);
}
/* The range of the tile column as floats, which it is worth for a few panels already. */
static void PAW__FN(product16)(const paw__product *g, size_t j)
{
    const size_t left = g->n / 16 - j * PAW__NP, k = g->k1 - g->k0;
    const size_t np = left < PAW__NP ? left : PAW__NP;
    float *to = g->wide;
    size_t p, i;
    int v;
    for (p = 0; p < np; ++p) {
        const uint16_t *from = g->b16 + ((j * PAW__NP + p) * g->k + g->k0) * 16;
        for (i = 0; i < k; i += 2, from += 32, to += 32)
            PAW__FOR(v, PAW__L) {
                PAW__V_STORE(to + v * PAW__VW, PAW__V_LO16(from + 2 * v * PAW__VW));
                PAW__V_STORE(to + 16 + v * PAW__VW, PAW__V_HI16(from + 2 * v * PAW__VW));
            }
    }
    PAW__FN(column)(g, j, g->wide, k * 16, 0);
}
PAW__INLINE PAW__V PAW__FN(round16)(PAW__V v) { return PAW__V_ROUND16(v); }
static void PAW__FN(narrow)(float *a, size_t n)
{
    size_t i;
    for (i = 0; i < n; i += PAW__VW)
        PAW__V_STORE(a + i, PAW__FN(round16)(PAW__V_LOAD(a + i)));
}

/* ---- training: norms ---- */

/* Sums over rows are cut as products are: chains of PAW__KC rows, added in order. y and sub may be
   NULL: 1 and 0; y == x: (x - sub)^2. */
static void PAW__FN(columns)(const float *x, const float *y, const float *sub, size_t ld,
                             size_t rows, float *sum)
{
    PAW__V all[PAW__L], acc[PAW__L], s[PAW__L];
    size_t r = 0, end;
    int j;
    PAW__FOR(j, PAW__L) {
        all[j] = PAW__V_ZERO();
        s[j] = sub ? PAW__V_LOAD(sub + j * PAW__VW) : PAW__V_ZERO();
    }
    for (; r < rows; r = end) {
        end = r + PAW__KC < rows ? r + PAW__KC : rows;
        PAW__FOR(j, PAW__L) acc[j] = PAW__V_ZERO();
        for (; r < end; ++r)
            PAW__FOR(j, PAW__L) {
                const size_t i = r * ld + (size_t)j * PAW__VW;
                const PAW__V d = PAW__V_SUB(PAW__V_LOAD(x + i), s[j]);
                __builtin_prefetch(x + i + 24 * ld, 0, 3); /* rows are far apart */
                if (y) __builtin_prefetch(y + i + 24 * ld, 0, 3);
                acc[j] = y ? PAW__V_FMA(d, y == x ? d : PAW__V_LOAD(y + i), acc[j])
                           : PAW__V_ADD(d, acc[j]);
            }
        PAW__FOR(j, PAW__L) all[j] = PAW__V_ADD(all[j], acc[j]);
    }
    PAW__FOR(j, PAW__L) PAW__V_STORE(sum + j * PAW__VW, all[j]);
}
static void PAW__FN(batch_norm)(const float *x, size_t ld, size_t rows, float eps, int given,
                                float *mean, float *var, float *y)
{
    float rstd[16];
    size_t r;
    int j;
    if (!given) {
        PAW__FN(columns)(x, NULL, NULL, ld, rows, mean);
        for (j = 0; j < 16; ++j) mean[j] /= (float)rows;
        PAW__FN(columns)(x, NULL, mean, ld, rows, var); /* torch's mean is correctly rounded */
        for (j = 0; j < 16; ++j) mean[j] += var[j] / (float)rows;
        PAW__FN(columns)(x, x, mean, ld, rows, var);
        for (j = 0; j < 16; ++j) var[j] /= (float)rows;
    }
    for (j = 0; j < 16; ++j) rstd[j] = 1.0f / sqrtf(var[j] + eps);
    for (r = 0; r < rows; ++r)
        PAW__FOR(j, PAW__L) {
            const size_t i = r * ld + (size_t)j * PAW__VW;
            const PAW__V d = PAW__V_SUB(PAW__V_LOAD(x + i), PAW__V_LOAD(mean + j * PAW__VW));
            __builtin_prefetch(y + i + 24 * ld, 1, 3);
            PAW__V_STORE(y + i, PAW__V_MUL(d, PAW__V_LOAD(rstd + j * PAW__VW)));
        }
}
/* dx = (g - mean(g) - y mean(g y)) / sqrt(var + eps), means over the rows */
static void PAW__FN(batch_norm_back)(const float *y, const float *grad, size_t ld, size_t rows,
                                     float eps, const float *var, float *dx)
{
    float rstd[16], mean[16], along[16];
    size_t r;
    int j;
    PAW__FN(columns)(grad, NULL, NULL, ld, rows, mean);
    PAW__FN(columns)(grad, y, NULL, ld, rows, along);
    for (j = 0; j < 16; ++j) {
        rstd[j] = 1.0f / sqrtf(var[j] + eps);
        mean[j] /= (float)rows;
        along[j] /= -(float)rows;
    }
    for (r = 0; r < rows; ++r)
        PAW__FOR(j, PAW__L) {
            const size_t i = r * ld + (size_t)j * PAW__VW;
            const PAW__V d = PAW__V_SUB(PAW__V_LOAD(grad + i), PAW__V_LOAD(mean + j * PAW__VW));
            PAW__V_STORE(dx + i, PAW__V_MUL(PAW__V_FMA(PAW__V_LOAD(y + i),
                                                       PAW__V_LOAD(along + j * PAW__VW), d),
                                            PAW__V_LOAD(rstd + j * PAW__VW)));
        }
}
/* With y = (x - mean) rstd and h = grad w: dx = rstd (h - mean(h) - y mean(h y)), dw = grad y */
static void PAW__FN(norm_back)(const float *x, size_t d, const float *w, float eps,
                               const float *grad, float *dx, float *dw)
{
    const size_t padded = (d + 15) & ~(size_t)15;
    PAW__V acc[PAW__L], sum[PAW__L], mean, rstd, a, b;
    float moments[2];
    size_t i;
    int j;
    PAW__FN(moments)(x, d, eps, moments);
    mean = PAW__V_SET1(moments[0]);
    rstd = PAW__V_SET1(moments[1]);
    PAW__FOR(j, PAW__L) acc[j] = sum[j] = PAW__V_ZERO();
    for (i = 0; i < padded; i += 16)
        PAW__FOR(j, PAW__L) {
            const size_t k = i + (size_t)j * PAW__VW;
            const PAW__V y = PAW__V_MUL(PAW__V_SUB(PAW__V_LOAD(x + k), mean), rstd);
            const PAW__V g = PAW__V_LOAD(grad + k), gw = PAW__V_MUL(g, PAW__V_LOAD(w + k));
            PAW__V_STORE(dw + k, PAW__V_MUL(g, y));
            acc[j] = PAW__V_FMA(g, PAW__V_LOAD(w + k), acc[j]);
            sum[j] = PAW__V_FMA(gw, y, sum[j]);
        }
    a = PAW__V_SET1(PAW__FN(tree)(acc) / (float)d);
    b = PAW__V_SET1(PAW__FN(tree)(sum) / -(float)d);
    for (i = 0; i < padded; i += PAW__VW) {
        const PAW__V y = PAW__V_MUL(PAW__V_SUB(PAW__V_LOAD(x + i), mean), rstd);
        const PAW__V h = PAW__V_FMA(PAW__V_LOAD(grad + i), PAW__V_LOAD(w + i),
                                    PAW__V_SUB(PAW__V_ZERO(), a));
        PAW__V_STORE(dx + i, PAW__V_MUL(PAW__V_FMA(y, b, h), rstd));
    }
    for (i = d; i < padded; ++i) dx[i] = dw[i] = 0.0f;
}

/* ---- training: attention pooling ---- */

#if PAW__VW == 16
#define PAW__POOL_HEADS 12 /* of a tile of scores, 2 tokens high, 4 where heads are few */
#define PAW__POOL_FUSED(q) ((q) == 3 || (q) == 6 || (q) == 8 || (q) == 12) /* moments beside */
#else
#define PAW__POOL_HEADS 3
#define PAW__POOL_FUSED(q) 0
#endif
#define PAW__POOL_ROWS 4 /* tokens at a time, as they come from memory */

/* u [heads, d] in the order of pool_dots, per heads at a time; sums: of each head */
static void PAW__FN(pool_pack)(const float *u, size_t d, size_t heads, size_t per, float *to,
                               float *sums)
{
    PAW__V acc[PAW__L];
    size_t h, c;
    int j;
    for (h = 0; h < heads; ++h, u += d) {
        const size_t first = h / per * per, q = heads - first < per ? heads - first : per;
        float *at = to + first * d + (h - first) * 16;
        PAW__FOR(j, PAW__L) acc[j] = PAW__V_ZERO();
        for (c = 0; c < d; c += 16, at += q * 16)
            PAW__FOR(j, PAW__L) {
                const PAW__V v = PAW__V_LOAD(u + c + j * PAW__VW);
                PAW__V_STORE(at + j * PAW__VW, v);
                acc[j] = PAW__V_ADD(acc[j], v);
            }
        sums[h] = PAW__FN(tree)(acc);
    }
}
/* What comes next, a half in scores and a half in sums: line i of a half were its numbers floats,
   from four places in turn, so that many pages are read side by side. part: bytes of an eighth;
   narrow: 1 where numbers have two bytes. */
PAW__INLINE void PAW__FN(pool_fetch)(int narrow, const char *half, size_t part, size_t i)
{
    i >>= narrow;
    __builtin_prefetch(half + (i & 3) * part + i / 4 * 64, 0, 2);
}
/* to [r][16][16]: products of r tokens with q heads, in 16 lanes; u: [d / 16][q][16]. Where not
   known, to sums [2][16][16]: of x - shift, and of its square; shift [2][16][16]: of all channels
   but the last 16, and of those. */
PAW__INLINE void PAW__FN(pool_dots)(const int dtype, const int q, const int r, const int known,
                                    const float *u, size_t d, const void *const *rows,
                                    const float *shift, float *sums, int narrow, const char *half,
                                    size_t part, size_t line, float *to)
{
    PAW__V acc[PAW__POOL_HEADS][4][PAW__L], one[4][PAW__L], two[4][PAW__L], x[4];
    size_t c;
    int i, j, k;
    PAW__FOR(i, q) PAW__FOR(k, r) PAW__FOR(j, PAW__L) acc[i][k][j] = PAW__V_ZERO();
    PAW__FOR(k, r) PAW__FOR(j, PAW__L) one[k][j] = two[k][j] = PAW__V_ZERO();
    for (c = 0; c < d; c += 16, u += q * 16) {
        const float *less = shift + (c + 16 < d ? 0 : 256);
        if (q) PAW__FOR(k, r / 2) PAW__FN(pool_fetch)(narrow, half, part, line++);
        PAW__FOR(j, PAW__L) {
            PAW__FOR(k, r) x[k] = PAW__FN(load)(dtype, rows[k], c + (size_t)j * PAW__VW);
            if (!known) PAW__FOR(k, r) {
                const PAW__V e = PAW__V_SUB(x[k], PAW__V_LOAD(less + k * 16 + j * PAW__VW));
                one[k][j] = PAW__V_ADD(one[k][j], e);
                two[k][j] = PAW__V_FMA(e, e, two[k][j]);
            }
            PAW__FOR(i, q) {
                PAW__V v = PAW__V_LOAD(u + i * 16 + j * PAW__VW);
                PAW__KEEP(v); /* loaded once, not by each product */
                PAW__FOR(k, r) acc[i][k][j] = PAW__V_FMA(v, x[k], acc[i][k][j]);
            }
        }
    }
    PAW__FOR(i, q) PAW__FOR(k, r) PAW__FOR(j, PAW__L)
        PAW__V_STORE(to + (k * 16 + i) * 16 + j * PAW__VW, acc[i][k][j]);
    if (!known) PAW__FOR(k, r) PAW__FOR(j, PAW__L) {
        PAW__V_STORE(sums + k * 16 + j * PAW__VW, one[k][j]);
        PAW__V_STORE(sums + 256 + k * 16 + j * PAW__VW, two[k][j]);
    }
}
/* To shift [2][16][16], in each lane: the mean of the first channels of 16 tokens from first on.
   With numbers less that, one pass gives both moments: the sum of their squares is at most
   1 + d / 16 times that of numbers less the true mean. */
PAW__INLINE void PAW__FN(pool_shift)(const int dtype, const paw__pooling *t, const void *x,
                                     size_t first, float *shift)
{
    const size_t dim = t->dim, n = dim < 16 ? dim : 16, d = (dim + 15) & ~(size_t)15;
    float s[16];
    size_t i, c;
    int j;
    for (i = 0; i < 16; ++i)
        PAW__FOR(j, PAW__L)
            PAW__V_STORE(shift + i * 16 + j * PAW__VW,
                         PAW__FN(load)(dtype, x, paw__min(first + i, t->tokens - 1) * d +
                                                     (size_t)j * PAW__VW));
    PAW__V_SUMS(shift, s);
    for (i = 0; i < 16; ++i, shift += 16) {
        const PAW__V v = PAW__V_SET1(s[i] / (float)n);
        PAW__FOR(j, PAW__L) PAW__V_STORE(shift + j * PAW__VW, v);
        PAW__FOR(j, PAW__L) PAW__V_STORE(shift + 256 + j * PAW__VW, v);
        for (c = dim % 16; c && c < 16; ++c) shift[256 + c] = 0; /* as what stands there */
    }
}
/* sums [2][16][16] of 16 tokens, as from pool_dots -> their means; 1 / deviations */
static void PAW__FN(pool_moments)(const float *sums, const float *shift, size_t dim, float eps,
                                  float *means, float *scales)
{
    float one[16], two[16], base[16];
    int i;
    PAW__V_SUMS(sums, one);
    PAW__V_SUMS(sums + 256, two);
    for (i = 0; i < 16; ++i) base[i] = shift[i * 16];
    for (i = 0; i < 16; i += PAW__VW) {
        const PAW__V n = PAW__V_SET1((float)dim), sum = PAW__V_LOAD(one + i);
        const PAW__V mean = PAW__V_DIV(sum, n);
        PAW__V more = PAW__V_MUL(sum, mean), rest, var;
        PAW__KEEP(more);
        rest = PAW__V_MAX(PAW__V_ZERO(), PAW__V_SUB(PAW__V_LOAD(two + i), more)); /* or NaN */
        var = PAW__V_ADD(PAW__V_DIV(rest, n), PAW__V_SET1(eps));
        PAW__V_STORE(means + i, PAW__V_ADD(PAW__V_LOAD(base + i), mean));
        PAW__V_STORE(scales + i, PAW__V_DIV(PAW__V_SET1(1.0f), PAW__V_SQRT(var)));
    }
}
/* p is fetched. s [tokens][16]: products of the tokens with up to 16 heads, u as from pool_pack */
PAW__INLINE void PAW__FN(pool_scores)(const int dtype, const paw__pooling *t, const void *x,
                                      int known, const float *u, size_t heads, size_t per,
                                      float *s, const float *p)
{
    const size_t d = (t->dim + 15) & ~(size_t)15, size = dtype == PAW_F32 ? 4 : 2;
    const int narrow = t->dtype != PAW_F32; /* where rows have been widened, next has not */
    const char *half = (const char *)t->next;
    const size_t part = (t->tokens * t->dim >> narrow) / 128 * 64;
    const size_t padded = (t->tokens + 15) & ~(size_t)15;
    const void *rows[PAW__POOL_ROWS];
    float lanes[PAW__POOL_ROWS * 256], sums[512], shift[512];
    size_t first, h, k, q, at, line = 0;
    memset(lanes, 0, sizeof lanes);
    memset(sums, 0, sizeof sums);
    for (first = 0; first < t->tokens; first += PAW__POOL_ROWS) {
        const size_t left = paw__min(t->tokens - first, PAW__POOL_ROWS);
        for (k = 0; k < left; ++k) __builtin_prefetch(p + (first + k) * 16, 1, 2);
        for (k = 0; k < PAW__POOL_ROWS; ++k) /* beyond the end the last one, again */
            rows[k] = (const char *)x + paw__min(first + k, t->tokens - 1) * d * size;
        at = first % 16 * 16;
        if (!known && !at) PAW__FN(pool_shift)(dtype, t, x, first, shift);
        for (h = 0; h < heads; h += per) {
            int fresh = !known && !h;
            q = heads - h < per ? heads - h : per;
            if (fresh && !(PAW__POOL_FUSED(q))) {
                for (k = 0; k < PAW__POOL_ROWS; k += 2)
                    PAW__FN(pool_dots)(dtype, 0, 2, 0, u, d, rows + k, shift + at + k * 16,
                                       sums + at + k * 16, narrow, half, part, line, lanes);
                fresh = 0;
            }
            for (k = 0; k < left;) {
                float *to = lanes + (k * 16 + h) * 16;
#define PAW__CASE(n, r, known)                                                                     \
    case 2 * n + !known:                                                                           \
        PAW__FN(pool_dots)(dtype, n, r, known, u + h * d, d, rows + k, shift + at + k * 16,        \
                           sums + at + k * 16, narrow, half, part, line, to);                      \
        line += h ? 0 : d / 16 * (r / 2);                                                          \
        k += r;                                                                                    \
        break;
                switch (2 * (int)q + fresh) {
#if PAW__VW == 16
                    PAW__CASE(1, 4, 1) PAW__CASE(2, 4, 1) PAW__CASE(3, 4, 1) PAW__CASE(4, 4, 1)
                    PAW__CASE(5, 4, 1) PAW__CASE(6, 4, 1) PAW__CASE(7, 2, 1) PAW__CASE(8, 2, 1)
                    PAW__CASE(9, 2, 1) PAW__CASE(10, 2, 1) PAW__CASE(11, 2, 1) PAW__CASE(12, 2, 1)
                    PAW__CASE(3, 4, 0) PAW__CASE(6, 2, 0) PAW__CASE(8, 2, 0) PAW__CASE(12, 2, 0)
#else
                    PAW__CASE(1, 2, 1) PAW__CASE(2, 2, 1) PAW__CASE(3, 2, 1)
#endif
                default: return;
                }
#undef PAW__CASE
            }
        }
        if (!known && (first % 16 == 12 || first + left == t->tokens))
            PAW__FN(pool_moments)(sums, shift, t->dim, t->eps, t->moments + (first & ~(size_t)15),
                                  t->moments + padded + (first & ~(size_t)15));
        for (k = 0; k < left; ++k)
            PAW__V_SUMS(lanes + k * 256, s + (first + k) * 16);
    }
}
/* Scores of 16 heads from products s to probabilities p, or with p to the gradients of scores; both
   times 1 / deviation in s. sums: of u; m: what the means of the tokens add. Sums over tokens are
   those of 16, added in order. */
static void PAW__FN(pool_weigh)(const paw__pooling *t, int backward, const float *sums, float *s,
                                float *p, float *m)
{
    const float *r = t->moments + ((t->tokens + 15) & ~(size_t)15);
    size_t i, b, end;
    int j;
    for (j = 0; j < 16; j += PAW__VW) {
        /* Beside the largest, e^-50 is nothing, but what comes of it may be denormal, and slow. */
        const PAW__V sum = PAW__V_LOAD(sums + j), least = PAW__V_SET1(-50.0f);
        PAW__V top = PAW__V_SET1(-FLT_MAX), all = PAW__V_ZERO(), mean = all;
        for (b = 0; b < t->tokens; b = end) {
            PAW__V part = PAW__V_ZERO();
            end = b + 16 < t->tokens ? b + 16 : t->tokens;
            for (i = b; i < end; ++i) {
                const float a = -t->moments[i] * r[i];
                const PAW__V v = PAW__V_FMA(PAW__V_SET1(a), sum,
                                            PAW__V_MUL(PAW__V_LOAD(s + i * 16 + j),
                                                       PAW__V_SET1(r[i])));
                PAW__V_STORE(s + i * 16 + j, v);
                if (backward) part = PAW__V_FMA(PAW__V_LOAD(p + i * 16 + j), v, part);
                else top = PAW__V_MAX(top, v);
            }
            all = PAW__V_ADD(all, part);
        }
        for (b = 0; b < t->tokens && !backward; b = end) {
            PAW__V part = PAW__V_ZERO();
            end = b + 16 < t->tokens ? b + 16 : t->tokens;
            for (i = b; i < end; ++i) {
                const PAW__V v = PAW__V_SUB(PAW__V_LOAD(s + i * 16 + j), top);
                const PAW__V e = PAW__V_IFGT(least, v, PAW__V_ZERO(), PAW__FN(exp)(v));
                PAW__V_STORE(p + i * 16 + j, e);
                part = PAW__V_ADD(part, e);
            }
            all = PAW__V_ADD(all, part);
        }
        if (!backward) all = PAW__V_DIV(PAW__V_SET1(1.0f), all);
        for (b = 0; b < t->tokens; b = end) {
            PAW__V part = PAW__V_ZERO();
            end = b + 16 < t->tokens ? b + 16 : t->tokens;
            for (i = b; i < end; ++i) {
                PAW__V v = PAW__V_LOAD(p + i * 16 + j);
                if (backward) v = PAW__V_MUL(v, PAW__V_SUB(PAW__V_LOAD(s + i * 16 + j), all));
                else PAW__V_STORE(p + i * 16 + j, v = PAW__V_MUL(v, all));
                v = PAW__V_MUL(v, PAW__V_SET1(r[i]));
                PAW__V_STORE(s + i * 16 + j, v);
                part = PAW__V_FMA(v, PAW__V_SET1(t->moments[i]), part);
            }
            mean = PAW__V_ADD(mean, part);
        }
        PAW__V_STORE(m + j, mean);
    }
}
/* tile [mr][PAW__COLS]: s' x over n tokens of x, from number at on. beside: where the second panel
   of 16 channels is */
PAW__INLINE void PAW__FN(pool_chain)(const int mr, const int dtype, size_t n, const float *s,
                                     const void *x, size_t at, size_t ld, size_t beside,
                                     int narrow, const char *half, size_t part, size_t line,
                                     float *tile)
{
    const size_t size = dtype == PAW_F32 ? 4 : 2;
    PAW__V acc[PAW__MR][PAW__NV], v[PAW__NV];
    int i, j;
    PAW__FOR(i, mr) PAW__FOR(j, PAW__NV) acc[i][j] = PAW__V_ZERO();
    for (; n; --n, s += 16, at += ld) {
        const char *near = (const char *)x + (at + 8 * ld) * size;
        PAW__FN(pool_fetch)(narrow, half, part, line++);
        __builtin_prefetch(near, 0, 3);
        if (PAW__NP > 1 && size == 4) __builtin_prefetch(near + beside * 4, 0, 3);
        PAW__FOR(j, PAW__NV)
            v[j] = PAW__FN(load)(dtype, x, at + (size_t)(j / PAW__L) * beside +
                                               (size_t)(j % PAW__L) * PAW__VW);
        PAW__FOR(i, mr) {
            const PAW__V w = PAW__V_SPREAD(s + i);
            PAW__FOR(j, PAW__NV) acc[i][j] = PAW__V_FMA(w, v[j], acc[i][j]);
        }
    }
    PAW__FOR(i, mr) PAW__FOR(j, PAW__NV)
        PAW__V_STORE(tile + i * PAW__COLS + j * PAW__VW, acc[i][j]);
}
/* s' x - m of heads from h on, at most PAW__MR, to pooled or added to du; s, m: theirs */
PAW__INLINE void PAW__FN(pool_sum)(const int dtype, const paw__pooling *t, int backward, size_t h,
                                   size_t heads, const float *s, const float *m, const void *x)
{
    const size_t chunks = (t->dim + 15) / 16;
    const int narrow = t->dtype != PAW_F32;
    const size_t part = (t->tokens * t->dim >> narrow) / 128 * 64;
    const char *half = (const char *)t->next + 4 * part;
    size_t line = 0;
    float tile[PAW__MR * PAW__COLS];
    size_t n, k, end, i, q;
    int j;
    for (n = 0; n < chunks; n += PAW__NP) {
        const size_t np = chunks - n < PAW__NP ? chunks - n : PAW__NP;
        for (k = 0; k < t->tokens; k = end) {
            const float *w = s + k * 16;
            const size_t at = (k * chunks + n) * 16;
            end = k + PAW__KC < t->tokens ? k + PAW__KC : t->tokens;
#define PAW__CASE(r)                                                                               \
    case r:                                                                                        \
        PAW__FN(pool_chain)(r, dtype, end - k, w, x, at, chunks * 16, np > 1 ? 16 : 0, narrow,     \
                            half, part, line, tile);                                               \
        break;
            switch (heads) {
                PAW__CASE(1) PAW__CASE(2)
#if PAW__MR > 2
                PAW__CASE(3) PAW__CASE(4) PAW__CASE(5) PAW__CASE(6)
#endif
#if PAW__MR > 6
                PAW__CASE(7) PAW__CASE(8) PAW__CASE(9) PAW__CASE(10) PAW__CASE(11) PAW__CASE(12)
                PAW__CASE(13) PAW__CASE(14)
#endif
            default: return;
            }
#undef PAW__CASE
            line += h || line >> narrow > part / 16 ? 0 : end - k;
            for (i = 0; i < heads; ++i)
                for (q = 0; q < np; ++q) {
                    float *to = backward ? t->du + ((h + i) * chunks + n + q) * 16
                                         : t->pooled + (h + i) * t->head_step + (n + q) * t->step;
                    PAW__FOR(j, PAW__L) {
                        PAW__V v = PAW__V_LOAD(tile + i * PAW__COLS + q * 16 + (size_t)j * PAW__VW);
                        if (!k) v = PAW__V_SUB(v, PAW__V_SET1(m[i]));
                        if (k || backward) v = PAW__V_ADD(PAW__V_LOAD(to + j * PAW__VW), v);
                        PAW__V_STORE(to + j * PAW__VW, v);
                        if (!backward && end == t->tokens)
                            PAW__V_STREAM(t->kept + (h + i) * t->kept_head +
                                              (n + q) * t->kept_step + j * PAW__VW,
                                          v);
                    }
                }
        }
    }
    PAW__STREAMED();
}
/* Functions of their own: all in one, the compiler takes a fifth longer for the whole header. */
#define PAW__TYPE(name, dtype)                                                                     \
    static void PAW__FN(pool_scores_##name)(const paw__pooling *t, const void *x, int known,       \
                                            const float *u, size_t heads, size_t per, float *s,    \
                                            const float *p)                                        \
    {                                                                                              \
        PAW__FN(pool_scores)(dtype, t, x, known, u, heads, per, s, p);                             \
    }                                                                                              \
    static void PAW__FN(pool_sum_##name)(const paw__pooling *t, int backward, size_t h,            \
                                         size_t heads, const float *s, const float *m,             \
                                         const void *x)                                            \
    {                                                                                              \
        PAW__FN(pool_sum)(dtype, t, backward, h, heads, s, m, x);                                  \
    }
PAW__TYPE(f32, PAW_F32)
PAW__TYPE(f16, PAW_F16)
#undef PAW__TYPE
/* x: tokens in rows of whole chunks */
static void PAW__FN(pool_of)(int dtype, const paw__pooling *t, const void *x, int backward)
{
    const size_t d = (t->dim + 15) & ~(size_t)15, groups = (t->heads + 15) / 16;
    float *packed = t->scratch, *sums = packed + groups * 16 * d, *s = sums + groups * 16, m[16];
    size_t g, h;
    if (backward || !t->packed) memset(sums, 0, groups * 16 * sizeof *sums);
    for (g = 0; g < groups; ++g) {
        const size_t heads = t->heads - g * 16 < 16 ? t->heads - g * 16 : 16;
        const size_t parts = (heads + PAW__POOL_HEADS - 1) / PAW__POOL_HEADS;
        const size_t per = (heads + parts - 1) / parts, blocks = (heads + PAW__MR - 1) / PAW__MR;
        const size_t rows = (heads + blocks - 1) / blocks;
        float *u = packed + g * 16 * d;
        if (backward || !t->packed)
            PAW__FN(pool_pack)((backward ? t->grad : t->u) + g * 16 * d, d, heads, per, u,
                               sums + g * 16);
        (dtype == PAW_F16 ? PAW__FN(pool_scores_f16) : PAW__FN(pool_scores_f32))(
            t, x, backward || g, u, heads, per, s, t->p + g * 16 * t->tokens);
        PAW__FN(pool_weigh)(t, backward, sums + g * 16, s, t->p + g * 16 * t->tokens, m);
        for (h = 0; h < heads; h += rows)
            (dtype == PAW_F16 ? PAW__FN(pool_sum_f16) : PAW__FN(pool_sum_f32))(
                t, backward, g * 16 + h, paw__min(heads - h, rows), s + h, m + h, x);
    }
}
/* All tokens to floats, rows of whole chunks: for shapes and types without loops of their own. */
static void PAW__FN(pool_widen)(const paw__pooling *t, float *to)
{
    const size_t d = (t->dim + 15) & ~(size_t)15, last = t->dim % 16;
    const size_t size = t->dtype == PAW_F32 ? 4 : 2;
    const char *from = (const char *)t->x;
    size_t i, c;
    for (i = 0; i < t->tokens; ++i, from += t->dim * size, to += d) {
        for (c = 0; c + PAW__VW <= t->dim; c += PAW__VW)
            PAW__V_STORE(to + c, t->dtype == PAW_F16    ? PAW__FN(load)(PAW_F16, from, c)
                                 : t->dtype == PAW_BF16 ? PAW__FN(load)(PAW_BF16, from, c)
                                                        : PAW__FN(load)(PAW_F32, from, c));
        if (last) memset(to + d - 16, 0, 16 * sizeof *to);
        paw__widen(t->dtype, from + (t->dim - last) * size, last, to + t->dim - last);
    }
}
static void PAW__FN(pool)(const paw__pooling *t, int backward)
{
    const size_t d = (t->dim + 15) & ~(size_t)15;
    float *wide = t->scratch + ((t->heads + 15) & ~(size_t)15) * (d + 1) +
                  ((t->tokens + 15) & ~(size_t)15) * 16;
    const int direct = t->dim % 16 == 0 && t->dtype != PAW_BF16;
    if (!direct) PAW__FN(pool_widen)(t, wide);
    PAW__FN(pool_of)(direct ? t->dtype : PAW_F32, t, direct ? t->x : wide, backward);
}

#undef PAW__POOL_HEADS
#undef PAW__POOL_FUSED
#undef PAW__POOL_ROWS

/* ---- attention ---- */

/* Bias of query token i to all keys, from the reversed table: for patches, neighbouring keys of a
   row of the grid are neighbours in the table. */
static void PAW__FN(bias_row)(const paw__attention *t, size_t head, size_t i, float *row)
{
    const size_t w = 2 * (size_t)t->gw - 1, h = 2 * (size_t)t->gh - 1, gw = (size_t)t->gw;
    const float *table = t->bias + head * w * h;
    const float *special = t->bias + t->in->heads * w * h + head * 3;
    size_t r, c;
    if (i == 0) {
        row[0] = special[2];
        for (c = 1; c < t->in->tokens; ++c) row[c] = special[0];
        return;
    }
    row[0] = special[1];
    for (r = 0; r < (size_t)t->gh; ++r)
        memcpy(row + 1 + r * gw,
               table + (r + (size_t)t->gh - 1 - (i - 1) / gw) * w + gw - 1 - (i - 1) % gw,
               gw * sizeof *row);
}
/* s: A operand of one panel [padded / 16][mr][16] of logits, without the scale; with bias: with */
static void PAW__FN(logits)(const paw__attention *t, size_t head, size_t row, int mr, float *s,
                            float *bias)
{
    const paw__qkv *in = t->in;
    const float *q = in->q + (head * in->tokens + row) * in->dh;
    const float *k = in->k + head * in->padded * in->dh;
    const PAW__V scale = PAW__V_SET1(t->scale);
    const size_t panels = in->padded / 16;
    PAW__FN(tile) tile;
    size_t n;
    int i, j;
    tile.ld = 16;
    tile.next = 16 * (size_t)mr;
    for (n = 0; n < panels; n += PAW__NP) {
        const int np = panels - n < PAW__NP ? (int)(panels - n) : PAW__NP;
        tile.to = s + n * tile.next;
        PAW__FN(sum)(mr, np, 0, in->dh, q, k + n * in->dh * 16, in->dh * 16, &tile, NULL, 0);
    }
    for (i = 0; t->bias && i < mr; ++i) {
        PAW__FN(bias_row)(t, head, row + (size_t)i, bias);
        for (n = 0; n < panels; ++n)
            PAW__FOR(j, PAW__L) {
                float *x = s + (n * (size_t)mr + (size_t)i) * 16 + j * PAW__VW;
                PAW__V_STORE(x, PAW__V_FMA(PAW__V_LOAD(x), scale,
                                           PAW__V_LOAD(bias + n * 16 + (size_t)j * PAW__VW)));
            }
    }
}
static void PAW__FN(map_row)(const float *s, size_t stride, size_t n, float inverse, float *out)
{
    size_t i;
    for (i = 0; i < n; ++i) out[i] = s[i / 16 * stride + i % 16] * inverse;
}
static void PAW__FN(attention)(const paw__attention *t, size_t head, size_t panel, float *scratch)
{
    const paw__qkv *in = t->in;
    const paw__panels rows = paw__panels_of(in->tokens, PAW__MR);
    const size_t row = paw__panel_first(&rows, panel), step = in->padded * 16;
    const int mr = paw__panel_rows(&rows, panel);
    float *s = scratch + in->padded, sums[PAW__MR];
    PAW__FN(tile) tile;
    size_t n;
    int i, j, p;
    PAW__FN(logits)(t, head, row, mr, s, scratch);
    PAW__FN(softmax)(s, mr, in->tokens, t->bias ? 1.0f : t->scale, t->math, sums);
    for (i = 0; i < mr; ++i) {
        sums[i] = 1.0f / sums[i];
        if (t->map)
            PAW__FN(map_row)(s + i * 16, (size_t)mr * 16, in->tokens, sums[i],
                             t->map + (head * in->tokens + row + (size_t)i) * in->tokens);
    }
    tile.to = t->out + row * in->heads * in->dh + head * in->dh * (size_t)mr;
    tile.ld = 16;
    tile.next = 16 * (size_t)mr;
    for (n = 0; n < in->dh / 16; n += PAW__NP) {
        const int np = in->dh / 16 - n < PAW__NP ? (int)(in->dh / 16 - n) : PAW__NP;
        PAW__FN(sum)(mr, np, 0, in->padded, s, in->v + head * in->padded * in->dh + n * step, step,
                     &tile, NULL, 0);
        for (p = 0; p < np; ++p)
            for (i = 0; i < mr; ++i, tile.to += 16)
                PAW__FOR(j, PAW__L) {
                    float *x = tile.to + j * PAW__VW;
                    PAW__V_STORE(x, PAW__V_MUL(PAW__V_LOAD(x), PAW__V_SET1(sums[i])));
                }
    }
}

/* ---- dense heads: rows of channels, n a multiple of 16 but of argmax ---- */

static void PAW__FN(blend)(const float *a, float wa, const float *b, float wb, size_t n, float *out)
{
    const PAW__V u = PAW__V_SET1(wa), v = PAW__V_SET1(wb);
    size_t i;
    for (i = 0; i < n; i += PAW__VW)
        PAW__V_STORE(out + i, PAW__V_FMA(PAW__V_LOAD(a + i), u, PAW__V_MUL(PAW__V_LOAD(b + i), v)));
}
static void PAW__FN(axpy)(float w, const float *x, size_t n, float *y)
{
    const PAW__V v = PAW__V_SET1(w);
    size_t i;
    for (i = 0; i < n; i += PAW__VW)
        PAW__V_STORE(y + i, PAW__V_FMA(PAW__V_LOAD(x + i), v, PAW__V_LOAD(y + i)));
}
static size_t PAW__FN(argmax)(float *x, size_t n)
{
    const float top = PAW__FN(top)(x, 16, n);
    size_t i = 0;
    while (i < n && !(x[i] >= top)) ++i;
    return i < n ? i : 0;
}

#endif /* PAW__BASE */

static const paw__ops PAW__FN(ops) = {
    PAW__ISA,           PAW__MR,            PAW__COLS,                PAW__PER - 1,
    PAW__BN(product),   PAW__FN(product16), PAW__FN(narrow),          PAW__BN(attention),
    PAW__BN(norm),      PAW__BN(gelu),      PAW__BN(softmax),         PAW__BN(dot),
    PAW__BN(xent),      PAW__BN(sgd),       PAW__BN(adamw),           PAW__BN(pool),
    PAW__BN(columns),   PAW__BN(batch_norm), PAW__BN(batch_norm_back), PAW__BN(norm_back),
    PAW__BN(cosine),    PAW__BN(bucket),
    PAW__BN(blend),     PAW__BN(axpy),      PAW__BN(argmax),
};

#undef PAW__L
#undef PAW__NP
#undef PAW__COLS
#undef PAW__PASS
#undef PAW__BASE
#undef PAW__PER
#undef PAW__BN
#undef PAW__ISA
#undef PAW__MR
#undef PAW__NV
#undef PAW__VW
#undef PAW__V
#undef PAW__FOR
#undef PAW__V_ZERO
#undef PAW__V_SET1
#undef PAW__V_LOAD
#undef PAW__V_STORE
#undef PAW__V_STREAM
#undef PAW__STREAMED
#undef PAW__V_ADD
#undef PAW__V_SUB
#undef PAW__V_MUL
#undef PAW__V_DIV
#undef PAW__V_SQRT
#undef PAW__V_FMA
#undef PAW__V_MAX
#undef PAW__V_IFGT
#undef PAW__V_POW2
#undef PAW__V_SPREAD
#undef PAW__V_DONE
#undef PAW__V_LO16
#undef PAW__V_HI16
#undef PAW__V_WIDE16
#undef PAW__V_HALF
#undef PAW__V_ROUND16
#undef PAW__V_SUMS
#undef PAW__V_TOP16
#undef PAW__V_SLEEF_EXP
#undef PAW__V_SLEEF_ERF
#endif /* PAW__PASS */

/*
MIT License

Copyright (c) 2026 partaware contributors

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
*/
