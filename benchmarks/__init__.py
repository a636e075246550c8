"""Benchmarks of imconv beside other libraries: verify first, warm up, then time in turns.

    python -m benchmarks --quick                      a 1-megapixel look, a minute or two
    python -m benchmarks --json default               the default run, kept in benchmarks/results/default.json
    python -m benchmarks table default                the README's table from that file

A *case* (`cases`) is a picture and an operation; a *rival* (`rivals`) says how it does exactly that; `verification`
holds its answer against imconv's; `timing` takes the samples; `report` prints what `__main__` wrote down.
"""
