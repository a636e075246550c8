"""Compiled code and nothing else: plain functions over prepared arrays, declared here, compiled by `imconv.jit`.

A declaration names a loop's arguments in order, with their types (`imconv/jit/signature.py`): S for samples of the
source, A for accumulators, O for what is written. This module is imported at every start and imports nothing itself.
"""

SOURCE = "src: S[:,:], samples: i8, channels: i8, rows: i8[:], columns: i8[:], lead: i8, fill: A[:], stride_y: i8, stride_x: i8"
RESULT = "first: i8, out: &O[:,:], bias: A, divisor: A, top: A"
MOMENTS = (
    "src: S[:,:], samples: i8, channels: i8, rows: i8[:], columns: i8[:], lead: i8, first: i8, out: &O[:,:], bias: f8, "
    "divisor: f8, top: f8, root: i8, height: i8, width: i8, missing: i8[:], inside: f8[:,:]"
)
COLUMNS = "src: S[:,:], rows: i8[:], first: i8, columns: i8[:], lead: i8, channels: i8, samples: i8, fill: S[:], out: &S[:,:], lines: &S[:,:]"

LOOPS = {
    "dense.correlate_dense": f"{SOURCE}, {RESULT}, step: i8, reuse: i8, tap_rows: i8[:], flushes: i8[:], flushing: i8, "
    "starts: i8[:], whole: i8[:], takers: i8[:], places: i8[:], weights: A[:,:], middles: i8[:], rule: A[:], "
    "ring: &A[:,:], held: &i8[:], slots: &i8[:], aside: &A[:,:]",
    "separable.correlate_separable": f"{SOURCE}, {RESULT}, step: i8, tap_rows: i8[:], takers: i8[:], flushes: i8[:], "
    "flushing: i8, weights: A[:,:,:], places: i8[:], row_weights: A[:,:], folds: i8[:], run: i8, group: i8, edges: A[:,:], "
    "middles: i8[:], rules: A[:,:], slots: &i8[:], coming: &i8[:], lines: &A[:,:], aside: &A[:,:]",
    "box.sum_box": f"{SOURCE}, {RESULT}, height: i8, width: i8, weight: A, edge: L[:], totals: &D[:,:], line: &L[:,:]",
    "float_box.sum_float_box": f"{SOURCE}, {RESULT}, height: i8, width: i8, weight: A, block: i8, edge: A[:], "
    "reaches: i8[:], places: i8[:,:], known: &i8[:], running: &f8[:,:], tails: &A[:,:], blocks: &A[:,:], "
    "line: &A[:,:], windows: &A[:,:]",
    "interpolate.interpolate": "grid: A[:,:], channels: i8, row_factor: i8, row_origin: i8, column_factor: i8, "
    f"{RESULT}, down: A[:,:], along: A[:,:], rules: A[:,:], phases: &A[:,:], lines: &A[:,:], held: &i8[:], slots: &i8[:], takers: &i8[:], "
    "weights: &A[:,:,:]",
    "alpha.weigh": "src: S[:,:], rows: i8[:], channels: i8, out: &O[:,:]",
    "alpha.unweigh": "sums: A[:,:], channels: i8, total: f8, offset: f8, divisor: f8, top: f8, out: &O[:,:], empty: &u1[:]",
    "alpha.fill_empty": "sums: A[:,:], plain: A[:,:], channels: i8, offset: f8, divisor: f8, top: f8, out: &O[:,:]",
    "combine.combine": "out: &O[:,:], sums: A[:,:], largest: i8, whole: i8, settings: N[:]",
    "bilateral.smooth_alike": "src: S[:,:], samples: i8, channels: i8, rows: i8[:], columns: i8[:], lead: i8, fill: A[:], "
    "first: i8, out: &O[:,:], bias: A, top: A, reaches: i8[:], spatial: A[:,:], steepness: A, lowest: A, lines: &A[:,:], "
    "held: &i8[:], sums: &A[:,:], results: &A[:,:]",
    "moments.sum_moments": f"{MOMENTS}, edges: A[:,:], totals: &A[:,:], sums: &A[:,:], squares: &A[:,:]",
    "moments.combine_moments": f"{MOMENTS}, fills: f8[:,:], cut: i8, known: &i8[:], counts: &i8[:], tails: &f8[:,:], "
    "head: &f8[:,:], line: &f8[:,:]",
    "unsharp.add_detail": "blurred: A[:,:], divisor: f8, src: S[:,:], first: i8, amount: f8, threshold: f8, top: f8, "
    "out: &O[:,:]",
    "columns.median_9": COLUMNS,
    "columns.median_25": COLUMNS,
    "columns.extreme_of_columns": f"{COLUMNS}, height: i8, width: i8, largest: i8",
    "extremes.extreme": "block: &S[:,:], height: i8, width: i8, channels: i8, largest: i8, out: &S[:,:], line: &S[:,:]",
    "extremes.extreme_of_taps": "block: S[:,:], places: i8[:], largest: i8, out: &S[:,:]",
    "sortable.to_keys": "src: S[:,:], rows: i8[:], columns: i8[:], lead: i8, channels: i8, samples: i8, fill: S[:], rule: S[:], "
    "out: &S[:,:]",
    "sortable.to_samples": "rule: S[:], out: &S[:,:]",
    "network.select": "block: S[:,:], steps: i8[:,:], tall: i8, reach: i8, length: i8, out: &S[:,:], lines: &S[:,:]",
    "bisection.bisect": "block: S[:,:], places: i8[:], bits: i8, ranks: S[:,:], kinds: i8[:], first: i8, out: &S[:,:]",
    "sliding.select": "numbers: u4[:,:], runs: i8[:,:], ranks: u4[:,:], kinds: i8[:], first: i8, out: &u4[:,:], "
    "fine: &i8[:], coarse: &i8[:]",
    "histogram.select": "block: u1[:,:], height: i8, width: i8, channels: i8, rank: i8, strip: i8, steps: C[:,:], "
    "out: &u1[:,:], coarse: &C[:,:], fine: &C[:,:], parts: &W[:,:], known: &i8[:], windows: &W[:,:], held: &i8[:]",
    "pool.extreme": "src: S[:,:], rows: i8[:,:], down: i8, start: S[:], largest: i8, step: i8, places: i8[:], taps: i8[:,:], "
    "out: &S[:,:], line: &S[:]",
    "pool.total": "src: S[:,:], rows: i8[:,:], down: i8, step: i8, places: i8[:], taps: i8[:,:], tall: f8[:], wide: f8[:], "
    "top: f8, out: &O[:,:], line: &A[:], sums: &A[:]",
    "deflate.pack_runs": "data: u1[:], last: i8, out: &i8[:], used: &i8[:], tokens: &u2[:], table: &i8[:], scratch: &i8[:,:]",
    "huffman.follow_scan": "data: u1[:], place: i8, scan: i8[:], tables: u2[:,:], units: i8[:,:], known: &u8[:], out: &i8[:]",
    "channels.sum_channels": "src: A[:,:], shift: i8, sums: &A[:,:], out: &A[:,:], first: i8, last: i8, bases: i8[:], "
    "pieces: i8[:,:], parts: i8[:,:], panels: i8[:,:], weights: A[:,:], bias: A[:,:], bounds: A[:]",
    "channels.sum_taps": "src: A[:,:], out: &A[:,:], bases: i8[:], taps: i8[:], weights: A[:,:], bias: A[:,:], "
    "bounds: A[:]",
    "matrix.multiply": "weights: A[:,:], values: A[:,:], bias: A[:], out: &A[:]",
    "activation.gelu": "out: &f4[:,:], coefficients: f8[:], shift: f8, end: f8, steepness: f8",
    "scanline.filter_rows": "src: u1[:,:], first: i8, back: i8, choice: i8, out: &u1[:,:]",
    "scanline.unfilter_rows": "src: u1[:,:], back: i8, first: i8, out: &u1[:,:], steps: &u1[:,:], kinds: &u1[:,:]",
    "scanline.look_up": "src: u1[:,:], start: i8, bits: i8, table: u1[:,:], first: i8, out: &u1[:,:], largest: &i8[:]",
    "scanline.add_alpha": "src: S[:,:], start: i8, key: S[:], first: i8, out: &S[:,:]",
}
