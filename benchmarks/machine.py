"""What the figures were measured on: processor, memory, system and versions, but no name of the machine."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "gradwise",
    "jax",
    "jaxlib",
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "torch",
    "scikit-learn",
    "numpy",
)


def _processor() -> str:
    if platform.system() == "Darwin":
        answer = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True)
        return answer.stdout.strip()
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def _versions() -> dict[str, str]:
    installed = {}
    for name in PACKAGES:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed


def describe() -> dict[str, object]:
    """Returns the processor, cores, memory, system, Python and package versions."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": cores,
        "memory_gib": round(memory / 2**30),
        "system": f"{platform.system()} {platform.release().split('-')[0]}, {platform.machine()}",
        "python": platform.python_version(),
        "packages": _versions(),
        "load_average_at_start": round(load, 2),
        "busy": load > 0.5 * cores,
    }
