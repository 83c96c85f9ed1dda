//! Pooling over one, two and three axes: the largest cell of each window, averages, power averages.
//!
//! A value's channels lie side by side: a sample is `[L, C]`, `[H, W, C]` or `[D, H, W, C]`. Each channel is pooled for itself.
//!
//! | | forward | gradient |
//! |---|---|---|
//! | largest | y = max x, and its place in the window, as u8 where it has at most 256 cells | dx = dy at that place |
//! | average | y = Σ x / n: cells of a line in order, then lines | dx = Σ dy / n over the windows that have it, in order |
//! | power average | y = (k·Σ x^p / n)^(1/p) | dx = x^(p - 1)·Σ dy·y^(1 - p)·k/n |
//!
//! k is the number of cells of a window, n that of those that count. Windows of all kinds are one [`Pool`]: along each axis a
//! window has a first cell, a number of cells, and the place of the first among those that it would have without edges
//! (`window.rs`). Both backward kernels are one body. Windows of 2 × 2 cells, and gradients of windows that have no cell in
//! common, go through tiles of channels of one length (`tile.rs`), whatever the number of channels is.
//!
//! # References
//! `torch.nn.MaxPool1d` to `MaxPool3d`, `AvgPool`, `LPPool`, `AdaptiveAvgPool` and `AdaptiveMaxPool`.

mod average;
mod backward;
mod lp;
mod max;
mod tile;
mod window;

use window::Shape;
pub use window::{Divisor, Pool};

use super::Activation;
use super::gemm::Epilogue;
use crate::Real;
use crate::parallel::with_scratch;
use crate::simd::{Portable, multiversion};

/// The place of a cell in its window: `u8` of a small one, `u32`; nothing where nobody asks, or all cells are alike.
pub trait Mark: Copy + Default {
    /// It tells cells apart.
    const IS_PLACE: bool;
    /// What the cell at `tap` gets of the gradient `dy` of a window with this place; without places the share of each cell.
    fn gradient<T: Real>(self, tap: u32, dy: T, share: T) -> T;
}

macro_rules! places {
    ($($t:ident)*) => { $(
        impl Mark for $t {
            const IS_PLACE: bool = true;

            #[inline(always)]
            fn gradient<T: Real>(self, tap: u32, dy: T, _share: T) -> T {
                if u32::from(self) == tap { dy } else { T::ZERO }
            }
        }
    )* };
}
places!(u8 u32);

impl Mark for () {
    const IS_PLACE: bool = false;

    #[inline(always)]
    fn gradient<T: Real>(self, _tap: u32, dy: T, share: T) -> T {
        dy * share
    }
}

/// Places to be written.
#[derive(Debug)]
pub enum PlacesMut<'a> {
    /// Nobody asks.
    None,
    /// Of small windows.
    Small(&'a mut [u8]),
    /// Of larger ones.
    Large(&'a mut [u32]),
}

/// A type in which places are kept.
pub trait Place: Mark {
    /// The most cells of a window that it tells apart.
    const MOST: usize;
    /// The place of that number.
    fn of<T: PoolKernels>(number: T) -> Self;
    /// Places to be written.
    fn to_write(places: &mut [Self]) -> PlacesMut<'_>;
    /// The loops for it.
    fn max_pool_backward<T: PoolKernels>(shape: &Shape, dy: &[T], places: &[Self], dx: &mut [T], then: Epilogue<'_, T>);
}

macro_rules! kept_places {
    ($($t:ident $most:literal $places:ident $backward:ident)*) => { $(
        impl Place for $t {
            const MOST: usize = $most;

            #[inline(always)]
            fn of<T: PoolKernels>(number: T) -> $t {
                T::whole(number) as $t
            }
            fn to_write(places: &mut [$t]) -> PlacesMut<'_> {
                PlacesMut::$places(places)
            }
            fn max_pool_backward<T: PoolKernels>(
                shape: &Shape, dy: &[T], places: &[$t], dx: &mut [T], then: Epilogue<'_, T>,
            ) {
                T::$backward(shape, dy, places, dx, then);
            }
        }
    )* };
}
// Of a larger number, an f32 would not know the next one.
kept_places!(u8 0x100 Small max_pool_backward u32 0x80_0000 Large max_pool_backward_large);

/// The loops behind this file's functions, on flat slices.
pub trait PoolKernels: Sized + Copy + Default {
    /// A whole number below 2^23.
    fn whole(self) -> u32;
    /// The largest cells, and their places.
    fn max_pool(shape: &Shape, x: &[Self], places: PlacesMut<'_>, y: &mut [Self]);
    /// dx = dy at its places.
    fn max_pool_backward(shape: &Shape, dy: &[Self], places: &[u8], dx: &mut [Self], then: Epilogue<'_, Self>);
    /// The same of large windows.
    fn max_pool_backward_large(shape: &Shape, dy: &[Self], places: &[u32], dx: &mut [Self], then: Epilogue<'_, Self>);
    /// y = Σ x / n.
    fn average_pool(shape: &Shape, x: &[Self], y: &mut [Self]);
    /// dx = Σ dy / n.
    fn average_pool_backward(shape: &Shape, dy: &[Self], dx: &mut [Self], then: Epilogue<'_, Self>);
}

/// As many as there are elements: they take no memory.
fn nothing(len: usize) -> Vec<()> {
    vec![(); len]
}

macro_rules! pool_kernels {
    ($($t:ident $whole:literal)*) => { $(
        impl PoolKernels for $t {
            #[inline(always)]
            fn whole(self) -> u32 {
                // With so large a number before it, it stands in the lowest bits.
                (self + $whole).to_bits() as u32 & 0x7f_ffff
            }
            fn max_pool(shape: &Shape, x: &[$t], places: PlacesMut<'_>, y: &mut [$t]) {
                use max::forward_body;
                multiversion! {
                    fn run(
                        shape: &Shape, x: &[$t], line: &mut [$t], memory: &mut [$t], places: PlacesMut<'_>, y: &mut [$t],
                    ) = forward_body::<S, $t>;
                }
                with_scratch(shape.line() + shape.room(), |scratch: &mut [$t]| {
                    let (line, memory) = scratch.split_at_mut(shape.line());
                    run(shape, x, line, memory, places, y);
                });
            }
            fn max_pool_backward(shape: &Shape, dy: &[$t], places: &[u8], dx: &mut [$t], then: Epilogue<'_, $t>) {
                use backward::backward_body;
                multiversion! {
                    fn run(shape: &Shape, dy: &[$t], places: &[u8], dx: &mut [$t], then: Epilogue<'_, $t>)
                        = backward_body::<S, $t, u8>;
                }
                run(shape, dy, places, dx, then);
            }
            fn max_pool_backward_large(
                shape: &Shape, dy: &[$t], places: &[u32], dx: &mut [$t], then: Epilogue<'_, $t>,
            ) {
                backward::backward_body::<Portable, $t, u32>(shape, dy, places, dx, then);
            }
            fn average_pool(shape: &Shape, x: &[$t], y: &mut [$t]) {
                use average::forward_body;
                multiversion! {
                    fn run(shape: &Shape, x: &[$t], memory: &mut [$t], y: &mut [$t]) = forward_body::<S, $t>;
                }
                with_scratch(shape.room(), |memory: &mut [$t]| run(shape, x, memory, y));
            }
            fn average_pool_backward(shape: &Shape, dy: &[$t], dx: &mut [$t], then: Epilogue<'_, $t>) {
                use backward::backward_body;
                multiversion! {
                    fn run(shape: &Shape, dy: &[$t], places: &[()], dx: &mut [$t], then: Epilogue<'_, $t>)
                        = backward_body::<S, $t, ()>;
                }
                run(shape, dy, &nothing(dy.len()), dx, then);
            }
        }
    )* };
}
pool_kernels!(f32 8_388_608.0 f64 4_503_599_627_370_496.0);

/// The largest cell of each window, and its place among the window's cells. The first of equal cells has it; a NaN is larger
/// than any number, and the last of several has it.
///
/// # Shapes
/// `x`: [N, input…, C], `places` and `y`: [N, output…, C], where input and output are those of `pool`'s window.
///
/// # Panics
/// If shapes do not fit `pool`, the batches differ in length, a window has more cells than places can name, or its padding is
/// more than half of it.
///
/// # Example
/// ```
/// use glulam::kernels::{Pool, max_pool_forward};
/// let (mut places, mut y) = ([[0u8; 2]], [[0.0; 2]]);
/// max_pool_forward(Pool::new([5], [2]), &[[1.0f32, 3.0, 7.0, 7.0, 9.0]], &mut places, &mut y);
/// assert_eq!((y, places), ([[3.0, 7.0]], [[1, 0]]));
/// ```
#[inline]
pub fn max_pool_forward<T: Real, P: Place, const D: usize, const X: usize, const Y: usize>(
    pool: Pool<D>,
    x: &[[T; X]],
    places: &mut [[P; Y]],
    y: &mut [[T; Y]],
) {
    let shape = check::<P, T, D, X, Y>(pool, x, y, places.len());
    T::max_pool(&shape, x.as_flattened(), P::to_write(places.as_flattened_mut()), y.as_flattened_mut());
}

/// The largest cell of each window, for predictions. Shapes: see [`max_pool_forward`].
#[inline]
pub fn max_pool_predict<T: Real, const D: usize, const X: usize, const Y: usize>(
    pool: Pool<D>,
    x: &[[T; X]],
    y: &mut [[T; Y]],
) {
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    T::max_pool(&pool.shape(X, Y), x.as_flattened(), PlacesMut::None, y.as_flattened_mut());
}

/// dx = Σ dy of those windows whose largest cell it was.
///
/// # Shapes
/// `places` and `dy`: [N, output…, C], `dx`: [N, input…, C].
///
/// # Panics
/// As [`max_pool_forward`].
#[inline]
pub fn max_pool_backward<T: Real, P: Place, const D: usize, const X: usize, const Y: usize>(
    pool: Pool<D>,
    places: &[[P; Y]],
    dy: &[[T; Y]],
    dx: &mut [[T; X]],
) {
    let shape = check::<P, T, D, X, Y>(pool, dx, dy, places.len());
    P::max_pool_backward(&shape, dy.as_flattened(), places.as_flattened(), dx.as_flattened_mut(), &|_, _| ());
}

/// The same times a'(kept), where a is the activation that made this layer's input, and `kept`, which is like `dx`, what its
/// derivative is computed from.
#[inline]
pub fn max_pool_activation_backward<T: Real, P: Place, const D: usize, const X: usize, const Y: usize>(
    pool: Pool<D>,
    places: &[[P; Y]],
    dy: &[[T; Y]],
    activation: impl Activation<T>,
    kept: &[[T; X]],
    dx: &mut [[T; X]],
) {
    let shape = check::<P, T, D, X, Y>(pool, dx, dy, places.len());
    assert_eq!(kept.len(), dx.len(), "batches of different lengths");
    let kept = kept.as_flattened();
    let then = |at: usize, d: &mut [T]| activation.backward(&kept[at..at + d.len()], d);
    P::max_pool_backward(&shape, dy.as_flattened(), places.as_flattened(), dx.as_flattened_mut(), &then);
}

/// The average of each window.
///
/// # Shapes
/// `x`: [N, input…, C], `y`: [N, output…, C].
///
/// # Panics
/// As [`max_pool_forward`]; if the cells of windows do not lie side by side.
///
/// # Example
/// ```
/// use glulam::kernels::{Pool, average_pool_forward};
/// let mut y = [[0.0; 2]];
/// average_pool_forward(Pool::adaptive([5], [2]), &[[1.0f32, 2.0, 6.0, 7.0, 8.0]], &mut y);
/// assert_eq!(y, [[3.0, 7.0]]);
/// ```
#[inline]
pub fn average_pool_forward<T: Real, const D: usize, const X: usize, const Y: usize>(
    pool: Pool<D>,
    x: &[[T; X]],
    y: &mut [[T; Y]],
) {
    let shape = check_average(pool, x, y);
    T::average_pool(&shape, x.as_flattened(), y.as_flattened_mut());
}

/// dx = Σ dy / n over the windows that have it. Shapes: see [`average_pool_forward`].
#[inline]
pub fn average_pool_backward<T: Real, const D: usize, const X: usize, const Y: usize>(
    pool: Pool<D>,
    dy: &[[T; Y]],
    dx: &mut [[T; X]],
) {
    let shape = check_average(pool, dx, dy);
    T::average_pool_backward(&shape, dy.as_flattened(), dx.as_flattened_mut(), &|_, _| ());
}

/// The same times a'(kept), where a is the activation that made this layer's input, and `kept`, which is like `dx`, what its
/// derivative is computed from.
#[inline]
pub fn average_pool_activation_backward<T: Real, const D: usize, const X: usize, const Y: usize>(
    pool: Pool<D>,
    dy: &[[T; Y]],
    activation: impl Activation<T>,
    kept: &[[T; X]],
    dx: &mut [[T; X]],
) {
    let shape = check_average(pool, dx, dy);
    assert_eq!(kept.len(), dx.len(), "batches of different lengths");
    let kept = kept.as_flattened();
    let then = |at: usize, d: &mut [T]| activation.backward(&kept[at..at + d.len()], d);
    T::average_pool_backward(&shape, dy.as_flattened(), dx.as_flattened_mut(), &then);
}

/// y = (k·Σ x^p / n)^(1/p) of each window, where k is the number of its cells, and n that of those in the sample. Shapes: see
/// [`average_pool_forward`].
///
/// # Panics
/// As [`average_pool_forward`].
#[inline]
pub fn lp_pool_forward<T: Real, const D: usize, const X: usize, const Y: usize>(
    pool: Pool<D>,
    p: f64,
    x: &[[T; X]],
    y: &mut [[T; Y]],
) {
    let shape = check_average(pool.without_padding(), x, y);
    lp::forward(&shape, p, x.as_flattened(), y.as_flattened_mut());
}

/// dx = x^(p - 1)·Σ dy·y^(1 - p)·k/n over the windows that have it; windows whose y is 0 pass nothing on. Shapes: see
/// [`average_pool_forward`].
#[inline]
pub fn lp_pool_backward<T: Real, const D: usize, const X: usize, const Y: usize>(
    pool: Pool<D>,
    p: f64,
    x: &[[T; X]],
    y: &[[T; Y]],
    dy: &[[T; Y]],
    dx: &mut [[T; X]],
) {
    let shape = check_average(pool.without_padding(), dx, dy);
    assert!(x.len() == dx.len() && y.len() == dy.len(), "batches of different lengths");
    lp::backward(&shape, p, x.as_flattened(), y.as_flattened(), dy.as_flattened(), dx.as_flattened_mut());
}

/// The windows from x to y, checked.
#[inline]
fn check<P: Place, T: Real, const D: usize, const X: usize, const Y: usize>(
    pool: Pool<D>,
    x: &[[T; X]],
    y: &[[T; Y]],
    places: usize,
) -> Shape {
    assert!(x.len() == y.len() && places == y.len(), "batches of different lengths");
    let shape = pool.shape(X, Y);
    assert!(shape.window() <= P::MOST, "windows of {} cells, of which places name {}", shape.window(), P::MOST);
    shape
}

#[inline]
fn check_average<T: Real, const D: usize, const X: usize, const Y: usize>(
    pool: Pool<D>,
    x: &[[T; X]],
    y: &[[T; Y]],
) -> Shape {
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    let shape = pool.shape(X, Y);
    assert!(shape.lines.iter().all(|line| line.dilation() == 1), "an average of cells that do not lie side by side");
    shape
}

#[cfg(test)]
mod tests;
