//! Values beside each other along an axis (`Concat`), or along a new one (`Stack`).
//!
//! The flat output of a sample is `[outer, pieces]`, each piece being a block of every input in turn: an input is
//! `[outer, its block]`, and its blocks begin at `offset` of the pieces.

use crate::Real;

/// y[o, offset ..] = x[o, ..] for each o: one input takes its place.
#[inline]
pub fn concat_forward<T: Real, const X: usize, const Y: usize>(
    outer: usize,
    offset: usize,
    x: &[[T; X]],
    y: &mut [[T; Y]],
) {
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    let (block, piece) = blocks::<X, Y>(outer, offset);
    let pieces = y.as_flattened_mut().chunks_exact_mut(piece);
    for (x, y) in x.as_flattened().chunks_exact(block).zip(pieces) {
        y[offset..offset + block].copy_from_slice(x);
    }
}

/// dx[o, ..] = dy[o, offset ..] for each o.
#[inline]
pub fn concat_backward<T: Real, const X: usize, const Y: usize>(
    outer: usize,
    offset: usize,
    dy: &[[T; Y]],
    dx: &mut [[T; X]],
) {
    assert_eq!(dx.len(), dy.len(), "batches of different lengths");
    let (block, piece) = blocks::<X, Y>(outer, offset);
    let pieces = dy.as_flattened().chunks_exact(piece);
    for (dx, dy) in dx.as_flattened_mut().chunks_exact_mut(block).zip(pieces) {
        dx.copy_from_slice(&dy[offset..offset + block]);
    }
}

/// The lengths of an input's block and of a piece of the output.
#[inline]
fn blocks<const X: usize, const Y: usize>(outer: usize, offset: usize) -> (usize, usize) {
    assert!(
        outer > 0 && X.is_multiple_of(outer) && Y.is_multiple_of(outer),
        "samples of {X} and {Y} in {outer} pieces"
    );
    let (block, piece) = (X / outer, Y / outer);
    assert!(block > 0 && offset + block <= piece, "{block} elements at {offset} of {piece}");
    (block, piece)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_input_takes_its_place_and_gets_its_gradient_back() {
        // [2, 1] beside [2, 2] along the last axis.
        let (a, b) = ([[1.0f32, 2.0], [3.0, 4.0]], [[5.0, 6.0, 7.0, 8.0], [9.0, 10.0, 11.0, 12.0]]);
        let mut y = [[0.0; 6]; 2];
        concat_forward(2, 0, &a, &mut y);
        concat_forward(2, 1, &b, &mut y);
        assert_eq!(y, [[1.0, 5.0, 6.0, 2.0, 7.0, 8.0], [3.0, 9.0, 10.0, 4.0, 11.0, 12.0]]);
        let (mut da, mut db) = ([[0.0; 2]; 2], [[0.0; 4]; 2]);
        concat_backward(2, 0, &y, &mut da);
        concat_backward(2, 1, &y, &mut db);
        assert_eq!((da, db), (a, b));
    }
}
