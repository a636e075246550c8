"""Windows weighted by what they hold: bilateral means, local means and variances."""
