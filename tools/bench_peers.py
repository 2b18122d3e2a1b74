#!/usr/bin/env python3
"""bench_peers.py - whole ViT encoders beside PyTorch, ONNX Runtime and OpenVINO.

Optional: needs numpy and torch, and takes onnxruntime (with onnx) and openvino where they are:
    python3 -m venv venv && venv/bin/pip install numpy torch onnx onnxruntime openvino
    make build/bench/encoder build/examples/embed
    venv/bin/python tools/bench_peers.py --model vitb --threads 1

Random weights in DeiT's layout go through one .pth file into all of them; the class features of the
same pixels are compared before anything is timed (above 1e-3 absolute nothing is). Then they take
turns, a repetition each: the others in this process, ours as build/bench/encoder, which reports its
own medians, on seeded weights of the same shape. bf16 is timed where a library offers it, its
features held against fp32 within 0.1. What is missing is named as skipped.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

MODELS = {"vitti": (192, 3), "vits": (384, 6), "vitb": (768, 12)}
FP32_LIMIT, BF16_LIMIT = 1e-3, 0.1


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--model", choices=MODELS, default="vitb")
    p.add_argument("--batch", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--repetitions", type=int, default=5)
    p.add_argument("--seconds", type=float, default=1.0, help="of a repetition, about")
    p.add_argument("--build", default="build", help="where encoder and embed were built")
    p.add_argument("--no-bf16", action="store_true")
    return p.parse_args()


def make_vit(torch, dim, heads):
    """A plain ViT: patches, class token, pre-norm blocks, final norm; names as in DeiT's files."""
    nn = torch.nn

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv = nn.Linear(dim, 3 * dim)
            self.proj = nn.Linear(dim, dim)

        def forward(self, x):
            b, t, _ = x.shape
            q, k, v = self.qkv(x).reshape(b, t, 3, heads, dim // heads).permute(2, 0, 3, 1, 4)
            y = nn.functional.scaled_dot_product_attention(q, k, v)
            return self.proj(y.transpose(1, 2).reshape(b, t, dim))

    class Mlp(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(dim, 4 * dim)
            self.fc2 = nn.Linear(4 * dim, dim)

        def forward(self, x):
            return self.fc2(nn.functional.gelu(self.fc1(x)))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1 = nn.LayerNorm(dim, eps=1e-6)
            self.attn = Attention()
            self.norm2 = nn.LayerNorm(dim, eps=1e-6)
            self.mlp = Mlp()

        def forward(self, x):
            x = x + self.attn(self.norm1(x))
            return x + self.mlp(self.norm2(x))

    class Patches(nn.Module):
        def __init__(self):
            super().__init__()
            self.proj = nn.Conv2d(3, dim, 16, 16)

        def forward(self, x):
            return self.proj(x).flatten(2).transpose(1, 2)

    class Vit(nn.Module):
        def __init__(self):
            super().__init__()
            self.cls_token = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
            self.pos_embed = nn.Parameter(torch.randn(1, 197, dim) * 0.02)
            self.patch_embed = Patches()
            self.blocks = nn.ModuleList([Block() for _ in range(12)])
            self.norm = nn.LayerNorm(dim, eps=1e-6)
            self.head = nn.Linear(dim, 1000)  # in the file only: it tells DeiT from the others

        def forward(self, x):
            x = self.patch_embed(x)
            x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1) + self.pos_embed
            for block in self.blocks:
                x = block(x)
            return self.norm(x)[:, 0]

    torch.manual_seed(1)
    return Vit().eval()


def ours(args, folder, pixels):
    """Class features of build/examples/embed from the same weights and pixels."""
    import numpy as np
    np.save(os.path.join(folder, "x.npy"), pixels)
    out = os.path.join(folder, "features")
    subprocess.run([os.path.join(args.build, "examples", "embed"), "--weights",
                    os.path.join(folder, "vit.pth"), "--recipe", "deit", "--tensor",
                    os.path.join(folder, "x.npy"), "--out", out, "--save", "cls", "--threads",
                    str(args.threads), "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return np.load(os.path.join(out, "cls.npy"))


def time_ours(args, dtype):
    """Seconds a batch, the median of five of build/bench/encoder, and its share of the FMA peak."""
    run = subprocess.run([os.path.join(args.build, "bench", "encoder"), "--case",
                          args.model + "_224", "--batch", str(args.batch), "--threads",
                          str(args.threads), "--dtype", dtype, "--repetitions", "5", "--min-time",
                          str(args.seconds / 10), "--json"], capture_output=True, text=True)
    if run.returncode:
        return None, run.stderr.strip()
    row = json.loads(run.stdout)["benchmarks"][0]
    return row["real_time"] * 1e-9, "%.1f" % row["percent_of_peak"]


def time_call(call, seconds):
    call()
    calls, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds or not calls:
        call()
        calls += 1
    return (time.perf_counter() - start) / calls


def open_torch(torch, model, pixels, peers, args):
    x = torch.from_numpy(pixels)

    def fp32():
        with torch.inference_mode():
            return model(x).numpy()

    peers["PyTorch " + torch.__version__] = (fp32, FP32_LIMIT)
    if args.no_bf16:
        return

    def bf16():
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            return model(x).float().numpy()

    peers["PyTorch " + torch.__version__ + ", bf16"] = (bf16, BF16_LIMIT)


def open_onnx(torch, model, pixels, peers, args, folder):
    path = os.path.join(folder, "vit.onnx")
    torch.onnx.export(model, (torch.from_numpy(pixels),), path, input_names=["x"],
                      output_names=["cls"], dynamo=False, opset_version=17)
    try:
        import onnxruntime as ort
        options = ort.SessionOptions()
        options.intra_op_num_threads = args.threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        peers["ONNX Runtime " + ort.__version__] = (
            lambda: session.run(None, {"x": pixels})[0], FP32_LIMIT)
    except ImportError:
        print("skipped: onnxruntime is not installed")
    try:
        import openvino as ov
        core = ov.Core()
        for name, precision, limit in (("", "f32", FP32_LIMIT), (", bf16", "bf16", BF16_LIMIT)):
            if precision == "bf16" and args.no_bf16:
                continue
            compiled = core.compile_model(path, "CPU", {
                "INFERENCE_NUM_THREADS": args.threads, "INFERENCE_PRECISION_HINT": precision,
                "NUM_STREAMS": "1"})
            got = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
            if got != precision:
                print("skipped: OpenVINO computes in %s here, not %s" % (got, precision))
                continue
            request = compiled.create_infer_request()
            peers["OpenVINO " + ov.__version__.split("-")[0] + name] = (
                lambda r=request: r.infer([pixels])[0].copy(), limit)
    except ImportError:
        print("skipped: openvino is not installed")


def main():
    args = arguments()
    warnings.simplefilter("ignore")
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    try:
        import numpy as np
        import torch
    except ImportError as e:
        print("skipped: %s" % e)
        return 0
    torch.set_num_threads(args.threads)
    dim, heads = MODELS[args.model]
    model = make_vit(torch, dim, heads)
    pixels = np.random.default_rng(1).uniform(-2, 2, (args.batch, 3, 224, 224)).astype("float32")
    peers = {}
    with tempfile.TemporaryDirectory() as folder:
        torch.save({"model": model.state_dict()}, os.path.join(folder, "vit.pth"))
        features = ours(args, folder, pixels)
        open_torch(torch, model, pixels, peers, args)
        try:
            open_onnx(torch, model, pixels, peers, args, folder)
        except Exception as e:  # the exporter needs onnx, and changes from version to version
            print("skipped: ONNX export: %s" % str(e).splitlines()[0])
        differs = {}
        for name, (call, limit) in list(peers.items()):
            differs[name] = float(np.abs(call() - features).max())
            print("%-28s largest difference of the class features %.3g" % (name, differs[name]))
            if not differs[name] <= limit:
                print("refused: %s differs by more than %g; nothing was timed" % (name, limit))
                return 1
        times = {name: [] for name in peers}
        percents = {}
        mine = {"partaware": ("f32", [])}
        if not args.no_bf16:
            mine["partaware, bf16"] = ("bf16", [])
        for _ in range(args.repetitions):
            for name, (dtype, seconds) in list(mine.items()):
                t, note = time_ours(args, dtype)
                if t is None:
                    print("skipped: %s: %s" % (name, note))
                    del mine[name]
                    continue
                seconds.append(t)
                percents.setdefault(name, []).append(float(note))
            for name, (call, _) in peers.items():
                times[name].append(time_call(call, args.seconds))
    times.update({name: seconds for name, (_, seconds) in mine.items()})
    if not times.get("partaware"):
        return 1
    base = statistics.median(times["partaware"])
    print("\n%s/16 224, batch %d, threads %d, medians of %d in turns\n" % (
        args.model, args.batch, args.threads, args.repetitions))
    print("| library | images/s | least | most | time over ours | largest difference |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, t in sorted(times.items(), key=lambda item: statistics.median(item[1])):
        m = statistics.median(t)
        print("| %s | %.2f | %.2f | %.2f | %.2f | %s |" % (
            name, args.batch / m, args.batch / max(t), args.batch / min(t), m / base,
            "%.2g" % differs[name] if name in differs else
            "(%.1f %% of FMA peak)" % statistics.median(percents[name])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
