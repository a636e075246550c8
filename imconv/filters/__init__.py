"""What people ask for, in the field's words. Each filter is a kernel and a call of the correlation."""
