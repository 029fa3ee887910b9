#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image. The project lies in /autograder/source/project.
set -euo pipefail

apt-get update
apt-get install -y --no-install-recommends python3.11 python3.11-venv
python3.11 -m venv /opt/grader
/opt/grader/bin/pip install --no-cache-dir numpy==2.4.6 scipy==1.17.1 matplotlib==3.11.2 tqdm==4.70.1

# The grader runs submissions as another user, to whom its own files are then closed.
chmod 755 /opt/grader
chmod 700 /autograder/source
