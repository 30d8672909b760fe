"""Runs cargo in the environment of the core's build, so that nothing is compiled twice."""

import os
import subprocess
import sys

from tools.setup import ROOT, core_environment

os.chdir(ROOT)
sys.exit(subprocess.run(["cargo", *sys.argv[1:]], env=core_environment(), check=False).returncode)
