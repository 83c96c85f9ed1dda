//! Windows beside each other as columns (`Unfold`), and columns added up where their windows lie (`Fold`).
//!
//! Samples are in PyTorch's order: `[C, H, W]`, and `[C·kernel, windows]`, of which row (c, i, j) has element (i, j) of each window
//! of channel c. Each is the other's gradient. A window reaches into zeros, and what is added there is lost.
//!
//! # References
//! `torch.nn.Unfold` and `torch.nn.Fold`.

use super::conv::Window;
use crate::Real;

/// The loops of this file, on flat slices.
pub trait UnfoldKernels: Sized {
    /// Columns of the windows of images.
    fn unfold(window: &Window<2>, images: &[Self], columns: &mut [Self]);
    /// Images of the sums of columns.
    fn fold(window: &Window<2>, columns: &[Self], images: &mut [Self]);
}

macro_rules! unfold_kernels {
    ($($t:ident)*) => { $(
        impl UnfoldKernels for $t {
            fn unfold(window: &Window<2>, images: &[$t], columns: &mut [$t]) {
                unfold_channels(window, images, columns);
            }
            fn fold(window: &Window<2>, columns: &[$t], images: &mut [$t]) {
                fold_channels(window, columns, images);
            }
        }
    )* };
}
unfold_kernels!(f32 f64);

/// y[(c, i, j), o] = element (i, j) of window o of channel c of x.
///
/// # Shapes
/// `x`: [N, C, input…], `y`: [N, C·kernel, output], of `window`.
///
/// # Panics
/// If shapes do not fit, or the batches differ in length.
///
/// # Example
/// ```
/// use glulam::kernels::{Window, unfold};
/// let mut y = [[0.0; 4]];
/// unfold(Window::new([1, 3], [1, 2]), &[[1.0f32, 2.0, 3.0]], &mut y);
/// assert_eq!(y, [[1.0, 2.0, 2.0, 3.0]]);
/// ```
#[inline]
pub fn unfold<T: Real, const X: usize, const Y: usize>(window: Window<2>, x: &[[T; X]], y: &mut [[T; Y]]) {
    check(&window, x, y);
    T::unfold(&window, x.as_flattened(), y.as_flattened_mut());
}

/// y = Σ of the columns x of all windows, where they lie: what [`unfold`] makes of y has the shape of x.
///
/// # Panics
/// As [`unfold`].
#[inline]
pub fn fold<T: Real, const X: usize, const Y: usize>(window: Window<2>, x: &[[T; X]], y: &mut [[T; Y]]) {
    check(&window, y, x);
    T::fold(&window, x.as_flattened(), y.as_flattened_mut());
}

#[inline]
fn check<T, const X: usize, const Y: usize>(window: &Window<2>, images: &[[T; X]], columns: &[[T; Y]]) {
    assert_eq!(images.len(), columns.len(), "batches of different lengths");
    let (image, column) = sizes(window);
    let fits = image > 0 && X.is_multiple_of(image) && Y == X / image * column;
    assert!(fits, "images of {X} elements and columns of {Y}, in channels of {image} and {column}");
}

/// The elements of a channel, and of its windows.
fn sizes(window: &Window<2>) -> (usize, usize) {
    let image: usize = window.input.iter().product();
    (image, window.kernel.iter().chain(&window.output).product())
}

/// What lies at element (i, j) of the windows of a line, in one channel.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// The first of the windows whose element lies in the image, and the first one behind them.
    first: usize,
    end: usize,
    /// Where that of the first lies.
    at: usize,
}

/// All lines of windows, in the order of the columns.
#[inline(always)]
fn parts(window: &Window<2>) -> impl Iterator<Item = Part> {
    let &Window { input: [height, width], output: [lines, windows], kernel, stride, padding, dilation } = window;
    (0..kernel[0]).flat_map(move |i| {
        (0..kernel[1]).flat_map(move |j| {
            // Window o has the element at o·stride + j·dilation - padding.
            let offset = j * dilation[1];
            let first = padding[1].saturating_sub(offset).div_ceil(stride[1]);
            let end = (width + padding[1]).saturating_sub(offset).div_ceil(stride[1]).min(windows);
            (0..lines).map(move |line| {
                let row = (line * stride[0] + i * dilation[0]).checked_sub(padding[0]).filter(|&row| row < height);
                match row {
                    Some(row) if first < end => {
                        Part { first, end, at: row * width + first * stride[1] + offset - padding[1] }
                    }
                    _ => Part { first: 0, end: 0, at: 0 },
                }
            })
        })
    })
}

fn unfold_channels<T: Real>(window: &Window<2>, images: &[T], columns: &mut [T]) {
    let (image, column) = sizes(window);
    let step = window.stride[1];
    for (image, columns) in images.chunks_exact(image).zip(columns.chunks_exact_mut(column)) {
        for (Part { first, end, at }, line) in parts(window).zip(columns.chunks_exact_mut(window.output[1])) {
            line[..first].fill(T::ZERO);
            line[end..].fill(T::ZERO);
            let line = &mut line[first..end];
            if step == 1 {
                line.copy_from_slice(&image[at..at + line.len()]);
            } else {
                for (y, &x) in line.iter_mut().zip(image[at..].iter().step_by(step)) {
                    *y = x;
                }
            }
        }
    }
}

fn fold_channels<T: Real>(window: &Window<2>, columns: &[T], images: &mut [T]) {
    let (image, column) = sizes(window);
    let step = window.stride[1];
    images.fill(T::ZERO);
    for (image, columns) in images.chunks_exact_mut(image).zip(columns.chunks_exact(column)) {
        for (Part { first, end, at }, line) in parts(window).zip(columns.chunks_exact(window.output[1])) {
            let line = &line[first..end];
            if step == 1 {
                for (y, &x) in image[at..].iter_mut().zip(line) {
                    *y += x;
                }
            } else {
                for (y, &x) in image[at..].iter_mut().step_by(step).zip(line) {
                    *y += x;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::numbers;

    /// PyTorch's trap 65.
    #[test]
    fn columns_are_channels_then_rows_of_the_kernel_and_overlaps_are_added() {
        let x: [f64; 8] = std::array::from_fn(|i| i as f64 + 1.0);
        let mut y = [[0.0; 16]];
        unfold(Window::new([2, 2], [2, 2]).padding([0, 1]).stride([1, 2]), &[x], &mut y);
        assert_eq!(y, [[0.0, 2.0, 1.0, 0.0, 0.0, 4.0, 3.0, 0.0, 0.0, 6.0, 5.0, 0.0, 0.0, 8.0, 7.0, 0.0]]);
        let mut sums = [[0.0; 9]];
        fold(Window::new([3, 3], [2, 2]), &[[1.0; 16]], &mut sums);
        assert_eq!(sums, [[1.0, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 1.0]]);
        let mut sums = [[7.0; 5]];
        fold(Window::new([1, 5], [1, 2]).stride([1, 2]), &[[1.0; 4]], &mut sums);
        assert_eq!(sums, [[1.0, 1.0, 1.0, 1.0, 0.0]]);
    }

    #[test]
    fn one_is_the_transpose_of_the_other() {
        const X: usize = 2 * 5 * 7;
        const Y: usize = 2 * 6 * 4 * 3;
        let window = Window::new([5, 7], [2, 3]).padding([2, 1]).stride([2, 3]).dilation([2, 1]);
        assert_eq!(window.output, [4, 3]);
        let x: [[f64; X]; 2] = [1, 2].map(|seed| numbers(X, seed).try_into().expect("its length"));
        let dy: [[f64; Y]; 2] = [3, 4].map(|seed| numbers(Y, seed).try_into().expect("its length"));
        let (mut y, mut dx) = ([[0.0; Y]; 2], [[0.0; X]; 2]);
        unfold(window, &x, &mut y);
        fold(window, &dy, &mut dx);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (forward, backward) = (dot(y.as_flattened(), dy.as_flattened()), dot(x.as_flattened(), dx.as_flattened()));
        assert!((forward - backward).abs() < 1e-9, "{forward} and {backward}");
    }
}
