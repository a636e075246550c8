"""Benchmarks of imconv beside other libraries: verify first, warm up, then time in turns.

    python -m benchmarks --quick                      a 1-megapixel look, a minute or two
    python -m benchmarks --json default               the default run, kept in benchmarks/results/default.json
    python -m benchmarks table default                the README's table from that file
    python -m benchmarks plot default -o speed.png    the same as a drawing
    python -m benchmarks plan --quick                 every algorithm beside the one that the planner chooses
    python -m benchmarks limits                       what copying takes, and the cores' peak of multiply-adds

A *case* (`cases`) is a picture and an operation; a *rival* (`rivals`) says how it does exactly that; `verification`
holds its answer against imconv's; `timing` takes the samples; `report` prints and `plot` draws what `__main__` wrote
down. `algorithms` holds imconv's plans against each other, `limits` holds imconv against the machine.
"""
