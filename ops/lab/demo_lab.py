# SPDX-License-Identifier: Apache-2.0
"""What ops/lab/demo stands on: the screen, and the stack, the pool and the
command as programs that are started and, in any case, ended by their pid."""
import fcntl
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time

ROOT = os.path.realpath(__file__).rsplit("/ops/", 1)[0]
BUILD = os.path.join(ROOT, os.environ.get("DEMO_BUILD") or "build")
STACK = os.path.join(os.getcwd(), os.environ.get("DEMO_STACK") or ROOT + "/build/demo-stack")
NET = os.environ.get("DEMO_NET") or "127.55.0"
# ops/netns: its namespace lasts for as long as somebody holds this open.
KEPT_FDS = (9,) if os.environ.get("DEMO_NETNS") else ()
PATIENCE_S = 25  # for what is a matter of a few seconds
COLOUR = {"green": 32, "amber": 33, "red": 31, "grey": 90}


class Failed(Exception):
    """What did not turn out as expected, as a sentence."""


class Interrupted(BaseException):
    """INT, TERM or HUP came."""


# --- the screen ---------------------------------------------------------------

class Screen:
    """Lines, and on a terminal a table below them that stays in place."""

    def __init__(self):
        self.tty = sys.stdout.isatty()
        self.colours = self.tty and not os.environ.get("NO_COLOR")
        self.drawn = 0

    def hide(self):
        if self.drawn:
            sys.stdout.write("\033[%dA\033[J" % self.drawn)
            self.drawn = 0
        sys.stdout.flush()

    def say(self, text=""):
        try:
            self.hide()
            print(text, flush=True)
        except BrokenPipeError:  # nobody listens any more: end, and end quietly
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise Interrupted()

    def step(self, text):
        self.say("\n" + ("\033[1m%s\033[0m" % text if self.colours else text))

    def dot(self, shield):
        if not self.colours:
            return "●"
        return "\033[%dm●\033[0m" % COLOUR.get(shield, 0)

    def table(self, rows):
        """rows of (shield, text); only where it fits"""
        size = shutil.get_terminal_size()
        if not self.tty or len(rows) + 2 > size.lines:
            return
        out = "\033[%dA" % self.drawn if self.drawn else ""
        for shield, text in rows:
            text = text[:size.columns - 3].rstrip()
            out += "\033[K%s %s\n" % (self.dot(shield) if shield else " ", text)
        self.drawn = len(rows)
        sys.stdout.write(out)
        sys.stdout.flush()

    def wide(self):
        return shutil.get_terminal_size().columns >= 130

    def leave(self):
        """The table stays as it is; what follows goes below it"""
        self.drawn = 0


# --- programs -----------------------------------------------------------------

class Lab:
    """The stack, the pool and the command, with their environment."""

    def __init__(self, screen):
        self.screen = screen
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("DOMAINPROOF_")}
        self.env.update(DOMAINPROOF_STACK=STACK, DOMAINPROOF_NET=NET, DOMAINPROOF_BUILD=BUILD)
        self.log_path = STACK + "/domainproofd.log"
        self.pid_path = STACK + "/domainproofd.pid"
        self.daemon = None

    def run(self, args, text=None, to=subprocess.PIPE, grace_s=0):
        """(exit code, stdout, stderr). A group of its own: ^C does not tear a
        program of ours away in the middle. When we are to end it may go on
        for grace_s; then it is ended."""
        p = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=to,
                             stderr=subprocess.PIPE if to == subprocess.PIPE else None,
                             env=self.env, cwd=ROOT, start_new_session=True, pass_fds=KEPT_FDS)
        try:
            out, err = p.communicate((text or "").encode())
        except BaseException:
            end_group(p, grace_s)
            raise
        return p.returncode, (out or b"").decode(), (err or b"").decode()

    def must(self, args, text=None, grace_s=0):
        code, out, err = self.run(args, text, grace_s=grace_s)
        if code:
            raise Failed("%s ended with %d: %s" % (os.path.relpath(args[0], ROOT), code,
                                                   (err or out).strip()))
        return out

    def command(self, *args):
        return self.must([BUILD + "/domainproof", *args])

    def show(self, *args):
        """A command as a user gives it and sees it"""
        self.screen.say("$ domainproof " + " ".join(map(shlex.quote, args)))
        self.run([BUILD + "/domainproof", *args], to=None)

    def stack_up(self):
        self.stack_wipe()
        try:
            # Half of a stack could not be ended whole.
            self.must([ROOT + "/ops/stack", "up"], grace_s=60)
        except Failed as e:
            raise Failed(str(e).replace("DOMAINPROOF_", "DEMO_"))
        for line in self.must([ROOT + "/ops/stack", "env"]).splitlines():
            name, _, value = line[len("export "):].partition("=")
            self.env[name] = "".join(shlex.split(value))

    def lock(self):
        """Until this process ends"""
        os.makedirs(STACK, exist_ok=True)
        self.locked = open(STACK + "/demo.lock", "w")
        try:
            fcntl.flock(self.locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Failed("another demo runs with the data folder %s" % STACK)

    def stack_wipe(self):
        self.end_kept()
        self.must([ROOT + "/ops/stack", "wipe"])
        for path in self.log_path, self.pid_path:
            if os.path.exists(path):
                os.remove(path)

    # the pool

    def pool_up(self):
        self.note_seen = 0
        with open(self.log_path, "ab") as log:
            self.daemon = subprocess.Popen(
                shlex.split(os.environ.get("DEMO_WITH", "")) + [BUILD + "/domainproofd"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, cwd=ROOT,
                start_new_session=True, pass_fds=KEPT_FDS)
        with open(self.pid_path, "w") as f:
            f.write("%d %s\n" % (self.daemon.pid, start_time(self.daemon.pid)))
        self.until(lambda: any(n["event"] == "crew.ready" for n in self.notes()),
                   "domainproofd is ready")

    def notes(self):
        """What domainproofd has logged so far"""
        with open(self.log_path, errors="replace") as f:
            for line in f:
                if line.startswith("{") and line.endswith("}\n"):
                    yield json.loads(line)

    def until(self, condition, what):
        """Facts that no command tells: a child's pid, a line of the log"""
        end = time.monotonic() + PATIENCE_S
        while not condition():
            if self.daemon.poll() is not None:
                raise Failed("domainproofd has ended with code %d; its log: %s"
                             % (self.daemon.returncode, self.log_path))
            if time.monotonic() > end:
                raise Failed("waited %d s in vain: %s" % (PATIENCE_S, what))
            time.sleep(0.02)

    def child(self, name, but=0):
        """The pid of a child of our supervisor by its name, or 0"""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/stat" % pid) as f:
                    head, _, rest = f.read().rpartition(")")
            except OSError:
                continue
            state, parent = rest.split()[:2]
            if (int(parent) == self.daemon.pid and state != "Z" and int(pid) != but
                    and head.partition("(")[2] == name):
                return int(pid)
        return 0

    def kill_child(self, name):
        pid = self.child(name)
        if not pid:
            raise Failed("the supervisor has no child called " + name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def pool_down(self):
        """False: it did not end as it should"""
        if not self.daemon or self.daemon.poll() is not None:
            return self.daemon is None
        self.daemon.terminate()
        try:
            return self.daemon.wait(15) == 0
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
            return False

    def end_kept(self):
        """A pool that KEEP=1, or a demo that was killed, left running"""
        try:
            with open(self.pid_path) as f:
                pid, born = f.read().split()
        except (OSError, ValueError):
            return
        for sig, limit_s in (signal.SIGTERM, 15), (signal.SIGKILL, 5):
            end = time.monotonic() + limit_s
            if start_time(int(pid)) == born:
                os.kill(int(pid), sig)
            while start_time(int(pid)) == born and time.monotonic() < end:
                time.sleep(0.02)


def end_group(p, grace_s):
    """A program that we started as the first of a group, and its children"""
    for sig, limit_s in (0, grace_s), (signal.SIGTERM, 5), (signal.SIGKILL, None):
        try:
            os.killpg(p.pid, sig)
            p.wait(limit_s)
            return
        except ProcessLookupError:
            p.wait()
            return
        except subprocess.TimeoutExpired:
            continue


def start_time(pid):
    """In clock ticks since boot; None for a zombie or no process"""
    try:
        with open("/proc/%d/stat" % pid) as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]
