"""The rooms behind the scripts: data, sampling, pictures, checks."""
