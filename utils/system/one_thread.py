"""Imported before NumPy, this gives matrix products one thread, whatever the environment says.

How many threads share a product decides how its sums are rounded: with several, the same seed would give other bytes on
a machine with other cores. Products as thin as those of the naive softmax gain little by a second thread, and lose much
where the cores are busy: the threads wait for each other.
"""

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[name] = "1"
