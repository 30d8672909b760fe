"""Runs cargo in the environment in which the core was built, so that nothing is compiled a second time."""

import os
import subprocess
import sys

from setup import ROOT, core_environment

os.chdir(ROOT)
sys.exit(subprocess.run(["cargo", *sys.argv[1:]], env=core_environment(), check=False).returncode)
