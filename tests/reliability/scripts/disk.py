#!/usr/bin/env python3
"""The example `fashion_mnist` where files and the terminal fail: full disks, limits, read-only and missing folders, links,
devices, signals, nobody who listens.

    disk.py PROGRAM DATA [full_disks|limits|folders|resumes|datasets|during|output ...]

PROGRAM is the built example, DATA a folder of some 1600 images (`reliability images`). As root: it mounts small file systems
and starts programs as nobody. A fault is a panic, an abort, a hang, a failure without a message, a temporary file that is
left after an error, and a run that does not go on afterwards to the same bits."""
import gzip
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

BASE = tempfile.mkdtemp()
# Copies, since nobody may see what is in somebody's home.
PROGRAM, DATA = shutil.copy(sys.argv[1], BASE), shutil.copytree(sys.argv[2], f"{BASE}/data")
NOBODY = 65534
MEMORY = {resource.RLIMIT_AS: 1 << 30}
LONG = 400

cases, faults = 0, []


def fault(text):
    faults.append(text)
    print("FAULT", text, flush=True)


def folder(path=None):
    """A new folder that anybody may write to."""
    path = path or tempfile.mkdtemp(dir=BASE)
    os.makedirs(path, exist_ok=True)
    os.chmod(path, 0o777)
    return path


def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def write(path, contents=b""):
    with open(path, "wb") as file:
        file.write(contents)


def start(*args, cwd=None, epochs=3, every=20, data=None, limits=None, nobody=False, env=None, **streams):
    """A run; its files are net.safetensors and net.ckpt in `cwd` unless `args` say otherwise."""

    def before():
        for which, value in {**(limits or {}), resource.RLIMIT_CORE: 0}.items():
            resource.setrlimit(which, (value, value))
        if nobody:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

    line = [PROGRAM, "--data", data or DATA, "--epochs", str(epochs), "--checkpoint-every", str(every), *args]
    if "--threads" not in args and not env:
        line += ["--threads", "2"]
    if "--save" not in args:
        line += ["--save", "net.safetensors"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    environment = {**os.environ, "RUST_BACKTRACE": "0", **(env or {})}
    return subprocess.Popen(line, preexec_fn=before, cwd=cwd or BASE, env=environment, **streams)


def shell(line, cwd):
    return subprocess.Popen(["bash", "-c", line], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process, name, succeeds=None, dies=False, panics=False, timeout=120):
    """Waits, and looks at the end. `succeeds`: whether it must; `dies`, `panics`: whether it may."""
    global cases
    cases += 1
    try:
        error = (process.communicate(timeout=timeout)[1] or b"").decode(errors="replace").strip()
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return fault(f"{name}: it hangs")
    code = process.returncode
    print(f"{name}: status {code} {error[:200]!r}", flush=True)
    if "panicked" in error and not panics:
        fault(f"{name}: a panic: {error[:300]}")
    if code < 0 and not dies:
        fault(f"{name}: {signal.Signals(-code).name}: {error[:200]}")
    if succeeds is True and code != 0:
        fault(f"{name}: it should have succeeded: {error[:300]}")
    if succeeds is False and code == 0:
        fault(f"{name}: it should have failed")
    if succeeds is False and code > 0 and not error.startswith("error:"):
        fault(f"{name}: no message: {error[:200]!r}")


def nothing_hidden(path, name):
    hidden = [file for file in os.listdir(path) if file.startswith(".")]
    if hidden:
        fault(f"{name}: left behind: {hidden}")


def goes_on(path, name):
    """A run that was disturbed ends, resumed, with the bits of an undisturbed one."""
    finish(start("--resume", cwd=path), f"{name}, resumed", succeeds=True)
    if read(path, "net.safetensors") != WHOLE:
        fault(f"{name}: other bits after the resume")
    nothing_hidden(path, name)


def wait_for_checkpoint(path, process):
    end = time.time() + 30
    while not os.path.exists(f"{path}/net.ckpt") and process.poll() is None and time.time() < end:
        time.sleep(0.002)


class Mounted:
    """A small file system in memory."""

    def __init__(self, size, options=""):
        self.path, self.options = folder(), f"size={size}{options}"

    def __enter__(self):
        subprocess.run(["mount", "-t", "tmpfs", "-o", self.options, "tmpfs", self.path], check=True)
        return self.path

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path], check=True)


def remount(path, options):
    subprocess.run(["mount", "-o", f"remount,{options}", path], check=True)


def full_disks():
    rooms = {"half a checkpoint": CKPT // 2, "one checkpoint": CKPT + 40_000, "nearly two checkpoints": 2 * CKPT - 4096}
    for what, size in rooms.items():
        with Mounted(size) as path:
            name = f"room for {what}"
            finish(start(cwd=path), name, succeeds=False)
            nothing_hidden(path, name)
            remount(path, "size=8m")
            goes_on(path, name)
    with Mounted("4m") as path:
        name = "a disk that another program fills"
        process = start(cwd=path, epochs=LONG)
        wait_for_checkpoint(path, process)
        with open(f"{path}/other", "wb", buffering=0) as other:
            try:
                while True:
                    other.write(bytes(4096))
            except OSError:
                pass
        finish(process, name, succeeds=False)
        nothing_hidden(path, name)
        os.unlink(f"{path}/other")
        finish(start("--resume", cwd=path, epochs=LONG), f"{name}, resumed", succeeds=True)
    with Mounted("8m", ",nr_inodes=2") as path:
        finish(start(cwd=path), "no more inodes", succeeds=False)
        nothing_hidden(path, "no more inodes")


def limits():
    path = folder()
    for size in (0, 1000, 100_000, MODEL + 1, CKPT - 1):
        finish(start(cwd=path, limits={resource.RLIMIT_FSIZE: size}), f"files of {size} bytes at most", dies=True)
    goes_on(path, "files of a limited size")
    for count in (3, 4, 5, 6, 8):
        finish(start(cwd=folder(), limits={resource.RLIMIT_NOFILE: count}), f"{count} open files at most")
    for mebibytes in (20, 40, 60, 100):
        finish(start(cwd=folder(), limits={resource.RLIMIT_AS: mebibytes << 20}), f"{mebibytes} MiB of memory", dies=True)
    one_process = {resource.RLIMIT_NPROC: 1}
    finish(start("--threads", "16", cwd=folder(), nobody=True, limits=one_process), "no more threads")
    for variable, values in {
        "GLULAM_NUM_THREADS": ("0", "-1", "abc", "", "4.0", "99999999999999999999"),
        "GLULAM_ISA": ("sse2", "", "AVX2"),
    }.items():
        for value in values:
            # The library has no other way to tell: it documents the panic.
            finish(start(cwd=folder(), epochs=1, env={variable: value}), f"{variable}={value!r}", panics=True)


def folders():
    path = folder()
    os.chmod(path, 0o555)
    finish(start(cwd=path, nobody=True), "a read-only folder", succeeds=False)
    with Mounted("8m") as path:
        remount(path, "ro")
        finish(start(cwd=path), "a read-only file system", succeeds=False)
    finish(start("--save", f"{BASE}/none/net.safetensors"), "a missing folder", succeeds=False)
    path = folder()
    for taken in ("a.safetensors", "b.ckpt", ".c.ckpt.tmp"):
        os.mkdir(f"{path}/{taken}")
        save = f"{path}/{taken.strip('.')[0]}.safetensors"
        finish(start("--save", save), f"a folder of the name {taken}", succeeds=False)
    os.symlink("/nowhere/at/all", f"{path}/d.safetensors")
    finish(start("--save", f"{path}/d.safetensors"), "a link to nowhere", succeeds=False)
    os.symlink(f"{path}/target.safetensors", f"{path}/e.safetensors")
    finish(start("--save", f"{path}/e.safetensors"), "a link to a new file", succeeds=True)
    if not os.path.islink(f"{path}/e.safetensors") or read(path, "target.safetensors") != WHOLE:
        fault("a link to a new file: the model is not where it points to")
    os.symlink("f.safetensors", f"{path}/f.safetensors")
    finish(start("--save", f"{path}/f.safetensors"), "a link to itself", succeeds=False)
    for save in ("/dev/null", "/dev/full", "", "."):
        finish(start("--save", save), f"--save {save!r}", succeeds=False)
    for length in (240, 243, 247, 251, 255, 256):
        save = "n" * (length - len(".safetensors")) + ".safetensors"
        finish(start("--save", save, cwd=path, epochs=1), f"a name of {length} bytes")
    save = os.fsdecode(path.encode() + b"/\xff\xfe.safetensors")
    finish(start("--save", save, epochs=1), "a name that is not UTF-8", succeeds=True)


def resumes():
    """What may be found where a checkpoint should be."""
    half, flipped = CHECKPOINT[: CKPT // 2], bytearray(CHECKPOINT)
    flipped[CKPT // 2] ^= 4
    for what, make in {
        "a folder": os.mkdir,
        "an empty file": write,
        "a text": lambda path: write(path, b"hello\n"),
        "a model": lambda path: write(path, WHOLE),
        "half a checkpoint": lambda path: write(path, half),
        "a checkpoint with a flipped bit": lambda path: write(path, flipped),
        "a link to /dev/zero": lambda path: os.symlink("/dev/zero", path),
        "a pipe": os.mkfifo,
        "a file that may not be read": lambda path: (write(path), os.chmod(path, 0)),
        "a link to nowhere": lambda path: os.symlink("/nowhere/x", path),
        "3 GiB of zeros": lambda path: (write(path), os.truncate(path, 3 << 30)),
    }.items():
        path = folder()
        make(f"{path}/net.ckpt")
        process = start("--resume", cwd=path, nobody="may not" in what, limits=MEMORY)
        finish(process, f"--resume finds {what}", succeeds=False, timeout=40)
        nothing_hidden(path, f"--resume finds {what}")


def datasets():
    """What may be found where the images should be."""
    for what, make in {
        "a folder": os.mkdir,
        "an empty file": write,
        "a pipe": os.mkfifo,
        "/dev/zero": lambda path: os.symlink("/dev/zero", path),
        "/dev/urandom": lambda path: os.symlink("/dev/urandom", path),
        "3 GB of zeros, compressed": compressed_zeros,
    }.items():
        data = folder()
        for file in os.listdir(DATA):
            if file != "train-images-idx3-ubyte":
                os.symlink(f"{DATA}/{file}", f"{data}/{file}")
        make(f"{data}/train-images-idx3-ubyte")
        process = start(cwd=folder(), data=data, limits=MEMORY)
        finish(process, f"the images are {what}", succeeds=False, timeout=60)


def compressed_zeros(path):
    count = (3 << 30) // 784
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(struct.pack(">4I", 0x803, count, 28, 28))
        for _ in range(count // 4096 + 1):
            file.write(bytes(784 * 4096))


def during():
    """Things that happen in the middle of a run."""
    ends = {}

    def long_run(name, act, succeeds=None, resumed=True):
        path = folder()
        process = start(cwd=path, epochs=LONG)
        wait_for_checkpoint(path, process)
        time.sleep(0.05)
        act(path, process)
        finish(process, name, succeeds=succeeds, dies=True)
        if resumed:
            finish(start("--resume", cwd=path, epochs=LONG), f"{name}, resumed", succeeds=True)
            ends[name] = read(path, "net.safetensors")
            nothing_hidden(path, name)

    def replaced_by_a_folder(path):
        os.unlink(path)
        os.mkdir(path)

    def stopped_for_a_while(process):
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        process.send_signal(signal.SIGCONT)

    def the_same_again(path):
        finish(start(cwd=path, epochs=LONG), "a second run with the same files", succeeds=True)

    long_run("nothing happens", lambda path, process: None, True)
    long_run("the checkpoint is deleted", lambda path, process: os.unlink(f"{path}/net.ckpt"), True)
    long_run("the checkpoint is overwritten", lambda path, process: write(f"{path}/net.ckpt", b"x"), True)
    long_run("the checkpoint becomes a folder", lambda path, process: replaced_by_a_folder(f"{path}/net.ckpt"), False, False)
    long_run("the model becomes a folder", lambda path, process: os.mkdir(f"{path}/net.safetensors"), False, False)
    long_run("the folder is deleted", lambda path, process: shutil.rmtree(path), False, False)
    long_run("the folder is moved", lambda path, process: os.rename(path, f"{path}-moved"), None, False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        long_run(number.name, lambda path, process: process.send_signal(number))
    long_run("stopped for a while", lambda path, process: stopped_for_a_while(process), True)
    long_run("two runs with the same files", lambda path, process: the_same_again(path), True)
    others = [name for name, model in ends.items() if model != ends["nothing happens"]]
    if others:
        fault(f"other bits at the end: {others}")


def output():
    """Nobody reads what is printed, or nobody can."""
    path = folder()
    process = start(cwd=path)
    process.stdout.close()
    process.stdout = None
    finish(process, "the output's pipe is closed", succeeds=True)
    with open("/dev/full", "w") as full:
        finish(start(cwd=path, stdout=full), "the output is /dev/full", succeeds=True)
    line = f"{PROGRAM} --data {DATA} --epochs 3 --save net.safetensors"
    for closed in (">&-", "2>&- >&-", "<&- >&- 2>&-"):
        finish(shell(f"exec {line} {closed}", path), f"started with {closed}", succeeds=True)
        if len(read(path, "net.safetensors")) != MODEL:
            fault(f"started with {closed}: something was printed into the model")
    finish(shell(f"{line} | head -n 1", path), "read by head", succeeds=True)
    finish(shell(f"{line} --help >&-", path), "--help without an output")
    nothing_hidden(path, "nobody reads")


try:
    os.chmod(BASE, 0o777)
    finish(start(cwd=folder(f"{BASE}/whole")), "undisturbed", succeeds=True)
    WHOLE, CHECKPOINT = read(BASE, "whole/net.safetensors"), read(BASE, "whole/net.ckpt")
    MODEL, CKPT = len(WHOLE), len(CHECKPOINT)
    for part in (full_disks, limits, folders, resumes, datasets, during, output):
        if len(sys.argv) < 4 or part.__name__ in sys.argv[3:]:
            print(f"-- {part.__name__}")
            part()
finally:
    shutil.rmtree(BASE, ignore_errors=True)
print(f"{cases} cases, {len(faults)} faults")
sys.exit(bool(faults))
