"""What is put at the end of a test file: it starts `outside.py`. `RALPH_GIVEN` and `RALPH_SCRIPT` are put in as texts."""


class RalphOutside(__import__("unittest").TestCase):
    def test_results(self):
        import json
        import os
        import subprocess
        import sys
        import tempfile

        ours = [
            p
            for p in sys.path
            if {"settings.json", "sitecustomize.py"} <= set(os.listdir(p) if os.path.isdir(p) else ())
        ]
        reading, writing = os.pipe()
        given = dict(json.loads(RALPH_GIVEN), path=[p for p in sys.path if p not in ours], file=__file__, out=writing)
        gone = ("PYTEST", "RALPHD", "TOX", "PYTHONPATH", "NODE_OPTIONS")
        around = {k: v for k, v in os.environ.items() if not k.startswith(gone)}
        try:
            screen, keyboard = os.openpty()  # as where a person starts a program
        except (AttributeError, OSError):
            screen = keyboard = os.open(os.devnull, os.O_RDWR)
        with tempfile.TemporaryFile("w+") as file:
            json.dump(given, file)
            file.seek(0)
            first = (
                "import json, sys\nwith open(%d) as f:\n    GIVEN = json.load(f)\nsys.path[:] = GIVEN['path']\n"
                % file.fileno()
            )
            command = [sys.executable, "-c", first + RALPH_SCRIPT + "\nmain()\n"]
            streams = dict.fromkeys(["stdin", "stdout", "stderr"], keyboard)
            try:
                subprocess.call(command, pass_fds=[file.fileno(), writing], env=around, timeout=20, **streams)
                os.close(writing)
                said = os.read(reading, 100000).decode()
            except subprocess.TimeoutExpired:
                said = ""
        os.close(screen)
        if any(json.loads(said or "{}").values()):
            self.fail("ralph" + " saw " + said)
