"""What is put at the end of a test file: it starts `outside.py`. `RALPH_GIVEN` and `RALPH_SCRIPT` are put in as texts."""


class RalphOutside(__import__("unittest").TestCase):
    def test_results(self):
        import json
        import os
        import subprocess
        import sys

        of_ours = [
            p
            for p in sys.path
            if all(os.path.exists(os.path.join(p, n)) for n in ("settings.json", "sitecustomize.py"))
        ]
        reading, writing = os.pipe()
        given = dict(
            json.loads(RALPH_GIVEN), path=[p for p in sys.path if p not in of_ours], file=__file__, out=writing
        )
        started = "import sys\nGIVEN = %r\nsys.path[:] = GIVEN['path']\n" % given
        gone = ("PYTEST", "RALPHD", "TOX", "PYTHONPATH", "NODE_OPTIONS")
        around = {k: v for k, v in os.environ.items() if not k.startswith(gone)}
        try:
            screen, keyboard = os.openpty()  # as where a person starts a program
        except (AttributeError, OSError):
            screen = keyboard = os.open(os.devnull, os.O_RDWR)
        try:
            subprocess.call(
                [sys.executable, "-c", started + RALPH_SCRIPT + "\nmain()\n"],
                stdin=keyboard,
                stdout=keyboard,
                stderr=keyboard,
                pass_fds=[writing],
                env=around,
                timeout=20,
            )
            os.close(writing)
            said = os.read(reading, 100000).decode()
        except subprocess.TimeoutExpired:
            said = ""
        os.close(screen)
        if any(json.loads(said or "{}").values()):
            self.fail("ralph" + " saw " + said)
