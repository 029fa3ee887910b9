#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image. The project lies in /autograder/source/project.
set -euo pipefail

apt-get update
apt-get install -y --no-install-recommends python3.11 python3.11-venv bubblewrap
python3.11 -m venv /opt/grader
/opt/grader/bin/pip install --no-cache-dir numpy==2.4.6 scipy==1.17.1 matplotlib==3.11.2 scikit-learn==1.9.1 \
    joblib==1.6.0 threadpoolctl==3.8.0 tqdm==4.70.1

# Where the container permits no sandbox, submissions run as a user without rights: Python is open to that user, the
# grader and its results are not.
chmod 755 /opt/grader
chmod 700 /autograder/source
