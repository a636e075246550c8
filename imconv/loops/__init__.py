"""Compiled code and nothing else. Plain functions over prepared arrays; `imconv.jit` compiles them."""
