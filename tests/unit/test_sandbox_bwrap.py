from __future__ import annotations

from ralphd.sandbox.bwrap import NOBODY, Bind, Descriptors, Limits, RunPlan, bwrap_argv

PLAN = RunPlan(
    argv=("pytest", "-q"),
    cwd="/home/a/ws",
    links=(("usr/bin", "/bin"),),
    system=(Bind("/usr", "/usr"),),
    private=(("/home/a", 7), ("/tmp", 9)),
    binds=(Bind("/cache/tree", "/home/a/ws", True), Bind("/home/a/ws/.venv", "/home/a/ws/.venv")),
    env={"B": "2", "A": "1"},
    proc_read_only=("sys",),
    limits=Limits(memory_mb=100, processes=7, file_bytes=5),
)


def test_the_order_of_the_arguments_is_their_meaning() -> None:
    argv = bwrap_argv(PLAN, Descriptors(9, 10), nonce="NONCE", prlimit="/usr/bin/prlimit")
    text = " ".join(argv)
    order = ["--setenv A 1 --setenv B 2", "--symlink usr/bin /bin", "--ro-bind /usr /usr", "--proc /proc",
             "--ro-bind /proc/sys /proc/sys", "--size 7 --tmpfs /home/a", "--perms 1777 --size 9 --tmpfs /tmp",
             "--bind /cache/tree /home/a/ws", "--ro-bind /home/a/ws/.venv", "--remount-ro /", "--chdir /home/a/ws"]  # fmt: skip
    assert sorted(order, key=text.index) == order
    for words in ("--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--disable-userns", "--clearenv",
                  "--cap-drop ALL", "--seccomp 10", "--json-status-fd 9"):  # fmt: skip
        assert words in text
    assert "--share-net" not in argv and "--uid" not in argv and "--ro-bind / /" not in text
    assert argv[argv.index("--") + 1 :][:5] == ["/usr/bin/prlimit", "--fsize=5", "--core=0", "--nproc=7", "--"]
    assert argv[-3:] == ["NONCE", "pytest", "-q"]


def test_network_and_root() -> None:
    plan = RunPlan((), "/", network=True, as_nobody=True, disable_userns=False)
    text = " ".join(bwrap_argv(plan, Descriptors(1), nonce="N", prlimit="p", program="/other/bwrap"))
    assert text.startswith("/other/bwrap ") and "--share-net" in text
    assert f"--uid {NOBODY} --gid {NOBODY}" in text
    assert "--seccomp" not in text and "--disable-userns" not in text
