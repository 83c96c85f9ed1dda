//! Every kernel, on every instruction set, against the plain chain of multiply-adds that it stands for: bit for bit.

use crate::kernels::linear::LinearKernels;
use crate::simd::{Isa, Level, MulAdd};
use crate::{ElementRule, Real, Rules, Update};

/// One link of a chain, as the instruction set computes it.
fn link<T: Real + MulAdd>(a: T, b: T, sum: T) -> T {
    let fused = Isa::current().level() != Level::Portable || cfg!(target_arch = "aarch64");
    if fused { a.mul_add(b, sum) } else { a * b + sum }
}

/// Numbers in [-0.5, 0.5).
fn data<T: Real + MulAdd>(len: usize, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        T::from_f64((state >> 40) as f64 / (1u64 << 24) as f64 - 0.5)
    };
    (0..len).map(|_| next()).collect()
}

fn forward<T: Real + MulAdd>(i: usize, o: usize, x: &[T], w: &[T], b: &[T]) -> Vec<T> {
    let mut y = Vec::new();
    for x in x.chunks_exact(i) {
        for c in 0..o {
            let start = if b.is_empty() { T::ZERO } else { b[c] };
            y.push((0..i).fold(start, |sum, p| link(x[p], w[p * o + c], sum)));
        }
    }
    y
}

fn backward_input<T: Real + MulAdd>(i: usize, o: usize, dy: &[T], w: &[T]) -> Vec<T> {
    let mut dx = Vec::new();
    for dy in dy.chunks_exact(o) {
        for c in 0..i {
            dx.push((0..o).fold(T::ZERO, |sum, p| link(dy[p], w[c * o + p], sum)));
        }
    }
    dx
}

fn backward_weight<T: Real + MulAdd>(i: usize, o: usize, x: &[T], dy: &[T]) -> Vec<T> {
    let n = x.len() / i;
    let mut dw = Vec::new();
    for r in 0..i {
        for c in 0..o {
            dw.push((0..n).fold(T::ZERO, |sum, p| link(x[p * i + r], dy[p * o + c], sum)));
        }
    }
    dw
}

/// Shapes (n, i, o) with every kind of remainder, and some that are cut into blocks and packed.
fn shapes() -> Vec<(usize, usize, usize)> {
    if cfg!(miri) {
        return vec![(1, 1, 1), (3, 5, 2), (7, 3, 9), (5, 17, 18)];
    }
    let sizes = [1, 2, 3, 5, 7, 10, 13, 16, 17, 31, 64, 65, 100];
    let batches = [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 16, 23, 33, 64, 70];
    let mut shapes = Vec::new();
    for (a, &i) in sizes.iter().enumerate() {
        for (b, &o) in sizes.iter().enumerate() {
            shapes.push((batches[(a * sizes.len() + b) % batches.len()], i, o));
            shapes.push((batches[(a + b * 5 + 3) % batches.len()], i, o));
        }
    }
    shapes.extend([(17, 784, 64), (64, 64, 10), (3, 784, 10)]);
    // Wide rows, below and above the size where B is cut as well; few rows and many.
    shapes.extend([(30, 40, 530), (2, 33, 700), (30, 601, 530), (3, 560, 600), (70, 530, 601), (30, 300, 1100)]);
    // No rows at all.
    shapes.extend([(0, 3, 9), (0, 40, 200)]);
    // Long sums over the batch: in pieces, unpacked and packed.
    shapes.extend([(1500, 20, 90), (1100, 513, 65), (600, 257, 260), (17_000, 8, 8), (6300, 16, 24)]);
    shapes
}

fn check_all<T: Real + MulAdd>() {
    for isa in Isa::all() {
        isa.force(|| shapes().into_iter().for_each(|shape| check::<T>(isa, shape)));
    }
}

fn check<T: Real + MulAdd>(isa: Isa, (n, i, o): (usize, usize, usize)) {
    let at = format!("{isa:?}, batch {n}, {i} inputs, {o} outputs");
    let (x, w, b, dy) = (data::<T>(n * i, 1), data::<T>(i * o, 2), data::<T>(o, 3), data::<T>(n * o, 4));
    // What is in the result's place beforehand, and behind it, must not matter.
    let mut y = vec![T::from_f64(f64::NAN); n * o];

    for b in [&b[..], &[]] {
        T::linear_forward(i, o, &x, &w, b, &mut y, &|_, _| ());
        assert!(y == forward(i, o, &x, &w, b), "forward: {at}, bias of {}", b.len());
    }

    // The epilogue sees each element once, with its place.
    T::linear_forward(i, o, &x, &w, &b, &mut y, &|place, rows| {
        assert!(rows.len() % o == 0 && place % o == 0);
        rows.iter_mut().enumerate().for_each(|(k, y)| *y += T::from_f64((place + k) as f64));
    });
    let expected: Vec<T> =
        forward(i, o, &x, &w, &b).iter().enumerate().map(|(k, &y)| y + T::from_f64(k as f64)).collect();
    assert!(y == expected, "epilogue: {at}");

    let mut dx = vec![T::from_f64(f64::NAN); n * i];
    T::linear_backward_input(i, o, &dy, &w, &mut dx, &|place, rows| {
        rows.iter_mut().enumerate().for_each(|(k, dx)| *dx += T::from_f64((place + k) as f64));
    });
    let expected: Vec<T> =
        backward_input(i, o, &dy, &w).iter().enumerate().map(|(k, &dx)| dx + T::from_f64(k as f64)).collect();
    assert!(dx == expected, "gradient of the input: {at}");

    let dw = backward_weight(i, o, &x, &dy);
    for cut in [0, 1, i / 2, i] {
        assert!(weight_in_two(i, o, &x, &dy, cut) == dw, "gradient of the weight, cut at row {cut}: {at}");
    }

    let db: Vec<T> = (0..o).map(|c| (0..n).fold(T::ZERO, |sum, r| sum + dy[r * o + c])).collect();
    for cut in [0, 1, o / 2, o] {
        assert!(bias_in_two(o, &dy, cut) == db, "gradient of the bias, cut at {cut}: {at}");
    }
}

/// The parameter of the tests lies in the middle of the flat array.
const OFFSET: usize = 32;

fn weight_in_two<T: Real + MulAdd>(i: usize, o: usize, x: &[T], dy: &[T], cut: usize) -> Vec<T> {
    let mut flat = vec![T::ZERO; OFFSET + i * o + 16];
    let (mut left, mut right) = Update::accumulate(&mut flat, None).split_at(OFFSET + cut * o);
    T::linear_backward_weight(i, o, x, dy, 0, OFFSET, &mut left);
    T::linear_backward_weight(i, o, x, dy, 0, OFFSET, &mut right);
    within(flat, i * o)
}

fn bias_in_two<T: Real + MulAdd>(o: usize, dy: &[T], cut: usize) -> Vec<T> {
    let mut flat = vec![T::ZERO; OFFSET + o + 16];
    let (mut left, mut right) = Update::accumulate(&mut flat, None).split_at(OFFSET + cut);
    T::linear_backward_bias(o, dy, 0, OFFSET, &mut left);
    T::linear_backward_bias(o, dy, 0, OFFSET, &mut right);
    within(flat, o)
}

/// The parameter's elements; all others must be untouched.
fn within<T: Real + MulAdd>(flat: Vec<T>, len: usize) -> Vec<T> {
    let (before, rest) = flat.split_at(OFFSET);
    let (parameter, after) = rest.split_at(len);
    assert!(before.iter().chain(after).all(|&x| x == T::ZERO), "wrote outside of the parameter");
    parameter.to_vec()
}

#[test]
fn f32_kernels_are_the_chains_they_stand_for() {
    check_all::<f32>();
}

#[test]
fn f64_kernels_are_the_chains_they_stand_for() {
    check_all::<f64>();
}

#[test]
fn a_row_has_the_same_bits_in_any_batch() {
    let (n, i, o) = if cfg!(miri) { (9, 5, 3) } else { (70, 100, 65) };
    let (x, w, dy) = (data::<f32>(n * i, 1), data::<f32>(i * o, 2), data::<f32>(n * o, 3));
    for isa in Isa::all() {
        isa.force(|| {
            let (mut y, mut dx) = (vec![0.0; n * o], vec![0.0; n * i]);
            f32::linear_forward(i, o, &x, &w, &[], &mut y, &|_, _| ());
            f32::linear_backward_input(i, o, &dy, &w, &mut dx, &|_, _| ());
            for rows in [1, 2, 5, 6, 13, n - 1] {
                let (mut part, mut dpart) = (vec![0.0; rows * o], vec![0.0; rows * i]);
                let from = n - rows;
                f32::linear_forward(i, o, &x[from * i..], &w, &[], &mut part, &|_, _| ());
                f32::linear_backward_input(i, o, &dy[from * o..], &w, &mut dpart, &|_, _| ());
                assert_eq!(part, y[from * o..], "{isa:?}, {rows} rows");
                assert_eq!(dpart, dx[from * i..], "{isa:?}, {rows} rows");
            }
        });
    }
}

/// p ← p − g/4, s ← s + 1.
#[derive(Debug)]
struct Descent;

impl<T: Real> ElementRule<T> for Descent {
    fn apply(&self, parameters: &mut [T], gradient: &[T], slots: &mut [&mut [T]]) {
        assert_eq!(slots.len(), 1);
        for ((p, g), s) in parameters.iter_mut().zip(gradient).zip(&mut *slots[0]) {
            *p -= T::from_f64(0.25) * *g;
            *s += T::ONE;
        }
    }
}

impl<T: Real> Rules<T> for Descent {
    fn rule(&self, index: usize) -> Option<&dyn ElementRule<T>> {
        (index == 0).then_some(self)
    }
}

#[test]
fn a_folded_update_equals_accumulating_and_then_updating() {
    // Tile by tile, and whole; what is gathered of the latter are all its elements.
    let shapes = if cfg!(miri) { [(3, 5, 4), (2, 3, 1)] } else { [(33, 100, 65), (7, 13, 10)] };
    for (isa, (n, i, o), gathering) in Isa::all()
        .flat_map(|isa| shapes.map(|shape| (isa, shape)))
        .flat_map(|(isa, s)| [(isa, s, false), (isa, s, true)])
    {
        let (x, dy) = (data::<f32>(n * i, 1), data::<f32>(n * o, 2));
        isa.force(|| {
            let before = data::<f32>(OFFSET + i * o, 3);
            let mut expected = before.clone();
            let dw = backward_weight(i, o, &x, &dy);
            Descent.apply(&mut expected[OFFSET..], &dw, &mut [&mut vec![0.0; i * o]]);

            let (mut parameters, mut state) = (before, vec![0.0; OFFSET + i * o]);
            let mut update = Update::apply(&mut parameters, [&mut state[..]].into_iter(), &Descent);
            let hand_over = |update: &mut Update<'_, f32>| {
                f32::linear_backward_weight(i, o, &x, &dy, 0, OFFSET, update);
            };
            if gathering {
                update.gathering(hand_over);
            } else {
                hand_over(&mut update);
            }
            assert_eq!(parameters, expected, "{isa:?}");
            // Each element was handed over just once.
            assert!(state[..OFFSET].iter().all(|&s| s == 0.0) && state[OFFSET..].iter().all(|&s| s == 1.0), "{isa:?}");
        });
    }
}
