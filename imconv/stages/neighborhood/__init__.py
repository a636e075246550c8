"""Windows that are not kernels: bilateral means, local means and variances."""
