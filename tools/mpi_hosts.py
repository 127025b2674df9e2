#!/usr/bin/env python3
"""Runs a command under Open MPI on hosts that are network namespaces of this machine: each has a network, a name and addresses of its own, and
what they say to each other goes through virtual cables and TCP, as between machines. They share the files and the processors.

    mpi_hosts.py [--hosts N] [--ranks N] COMMAND...

As root, with iproute2 and openmpi-bin. Where that is not allowed it says so and ends with 77.
"""
import argparse, os, shutil, subprocess, sys, tempfile

NETWORK = "10.213.77"
MOST_HOSTS = 200
# Nothing but TCP over the cables: no memory that is shared, for hosts that share none.
MCA = {"btl": "self,tcp", "pml": "ob1", "btl_tcp_if_include": NETWORK + ".0/24", "oob_tcp_if_include": NETWORK + ".0/24",
       "hwloc_base_binding_policy": "none", "rmaps_base_oversubscribe": "1"}


def ip(*words):
    done = subprocess.run(["ip", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stdout.strip()}")


def why_not():
    for tool, package in (("ip", "iproute2"), ("mpirun", "openmpi-bin"), ("unshare", "util-linux")):
        if not shutil.which(tool):
            return f"{tool} is not there (package {package})"
    return "" if os.geteuid() == 0 else "network namespaces want root"


class Hosts:
    """A bridge, and a cable from it to each namespace."""

    def __init__(self, count):
        self.tag = f"csg{os.getpid()}"
        self.names = [f"{self.tag}h{i}" for i in range(count)]
        self.addresses = [f"{NETWORK}.{i + 1}" for i in range(count)]
        self.folder = tempfile.mkdtemp(prefix="clip-surgeon-hosts-")

    def __enter__(self):
        try:
            ip("link", "add", self.tag, "type", "bridge")
            ip("link", "set", self.tag, "up")
            for i, (name, address) in enumerate(zip(self.names, self.addresses)):
                ip("netns", "add", name)
                ip("link", "add", f"{self.tag}v{i}", "type", "veth", "peer", "name", "eth0", "netns", name)
                ip("link", "set", f"{self.tag}v{i}", "master", self.tag, "up")
                ip("-n", name, "address", "add", address + "/24", "dev", "eth0")
                ip("-n", name, "link", "set", "eth0", "up")
                ip("-n", name, "link", "set", "lo", "up")
        except OSError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "link", "del", self.tag], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def agent(self):
        """What Open MPI calls in the place of ssh: AGENT ADDRESS COMMAND..."""
        path = os.path.join(self.folder, "agent")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\nhost={self.tag}h$((${{1##*.}} - 1))\nshift\n"
                    'exec ip netns exec "$host" unshare --uts sh -c "hostname $host; $*"\n')
        os.chmod(path, 0o700)
        return path

    def run(self, ranks, command):
        """mpirun itself is on the first host."""
        slots = -(-ranks // len(self.names))
        words = ["mpirun", "--map-by", "node", "-n", str(ranks), "--host", ",".join(f"{a}:{slots}" for a in self.addresses)]
        for name, value in ({"plm_rsh_agent": self.agent()} | MCA).items():
            words += ["--mca", name, value]
        environment = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        for name in environment:
            if name.startswith(("CSG_", "OMP_", "POCL_", "OCL_", "XDG_", "ASAN_")) or name == "HOME":
                words += ["-x", name]
        start = ["ip", "netns", "exec", self.names[0], "unshare", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"', self.names[0]]
        return subprocess.run([*start, *words, *command], env=environment).returncode


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--hosts", type=int, default=2)
    ap.add_argument("--ranks", type=int, help="default: one a host")
    ap.add_argument("command", nargs=argparse.REMAINDER)
    a = ap.parse_args()
    if not a.command or not 1 <= a.hosts <= MOST_HOSTS:
        ap.error("a command is missing, or the number of hosts is none")
    why = why_not()
    try:
        if not why:
            with Hosts(a.hosts) as hosts:
                return hosts.run(a.ranks or a.hosts, a.command)
    except OSError as error:
        why = str(error)
    print("skipped: " + why, file=sys.stderr)
    return 77


if __name__ == "__main__":
    sys.exit(main())
