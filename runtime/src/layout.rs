//! Between PyTorch's row-major tensors and the flat array: the door where the axes of a parameter change their order.

use std::cmp::Reverse;

use crate::network::{MAX_AXES, ParamSpec};

impl ParamSpec {
    /// Writes this parameter, found in the flat array `flat`, to `values` in PyTorch's order.
    ///
    /// # Panics
    /// If `values` has another length than the parameter, or `flat` ends before it.
    pub fn read<T: Copy>(&self, flat: &[T], values: &mut [T]) {
        self.read_matrix(&flat[self.offset..self.offset + self.len], false, values);
    }

    /// Writes `values`, in PyTorch's order, to this parameter's place in the flat array `flat`.
    ///
    /// # Panics
    /// If `values` has another length than the parameter, or `flat` ends before it.
    pub fn write<T: Copy>(&self, values: &[T], flat: &mut [T]) {
        self.write_matrix(values, false, &mut flat[self.offset..self.offset + self.len]);
    }

    /// Writes the parameter's elements, `stored`, to `matrix`: PyTorch's first axis × all others, or its transpose.
    pub(crate) fn read_matrix<T: Copy>(&self, stored: &[T], transposed: bool, matrix: &mut [T]) {
        self.check_len(matrix.len());
        if !transposed && self.in_pytorchs_order() {
            return matrix.copy_from_slice(stored);
        }
        let (from, to) = (self.stored_strides(), self.matrix_strides(transposed));
        permute(self.dims, &from, &to, stored, matrix);
    }

    /// The way back.
    pub(crate) fn write_matrix<T: Copy>(&self, matrix: &[T], transposed: bool, stored: &mut [T]) {
        self.check_len(matrix.len());
        if !transposed && self.in_pytorchs_order() {
            return stored.copy_from_slice(matrix);
        }
        let (from, to) = (self.matrix_strides(transposed), self.stored_strides());
        permute(self.dims, &from, &to, matrix, stored);
    }

    /// Whether the elements lie in PyTorch's order.
    pub(crate) fn in_pytorchs_order(&self) -> bool {
        self.order.iter().enumerate().all(|(place, &axis)| place == axis)
    }

    fn check_len(&self, found: usize) {
        assert!(found == self.len, "{}: {found} values for shape {:?} of {}", self.name, self.shape, self.len);
    }

    fn stored_strides(&self) -> Strides {
        if self.order.is_empty() {
            strides(self.dims, 0..self.dims.len())
        } else {
            strides(self.dims, self.order.iter().copied())
        }
    }

    fn matrix_strides(&self, transposed: bool) -> Strides {
        let axes = self.dims.len();
        let rows = if transposed { self.axes_of_rows() } else { 0 };
        strides(self.dims, (rows..axes).chain(0..rows))
    }

    /// How many of `dims` PyTorch's first axis is.
    fn axes_of_rows(&self) -> usize {
        let (mut axes, mut product) = (0, 1);
        while axes < self.dims.len() && product < self.shape[0] {
            product *= self.dims[axes];
            axes += 1;
        }
        axes
    }
}

/// How far apart the neighbours along each axis lie.
type Strides = [usize; MAX_AXES];

/// The strides of a tensor whose axes lie in `order`, the last one contiguous.
fn strides(dims: &[usize], order: impl DoubleEndedIterator<Item = usize>) -> Strides {
    let (mut strides, mut stride) = ([0; MAX_AXES], 1);
    for axis in order.rev() {
        strides[axis] = stride;
        stride *= dims[axis];
    }
    strides
}

/// An axis of the tensor that is copied, with its strides on both sides.
#[derive(Clone, Copy, Default)]
struct Axis {
    len: usize,
    from: usize,
    to: usize,
}

/// Copies all elements of a tensor to another order of its axes.
fn permute<T: Copy>(dims: &[usize], from_strides: &Strides, to_strides: &Strides, from: &[T], to: &mut [T]) {
    let mut axes = [Axis::default(); MAX_AXES];
    for (axis, (&len, (&from, &to))) in axes.iter_mut().zip(dims.iter().zip(from_strides.iter().zip(to_strides))) {
        *axis = Axis { len, from, to };
    }
    let count = joined(&mut axes[..dims.len()]);
    if from.is_empty() || count <= 1 {
        return to.copy_from_slice(from);
    }
    // On either side one axis is contiguous: the last one of `to`, and of `from` …
    let (across, outer) = axes[..count].split_last_mut().expect("there are two axes at least");
    if across.from == 1 {
        return each(outer, 0, 0, &mut |f, t| to[t..t + across.len].copy_from_slice(&from[f..f + across.len]));
    }
    // … another one, which goes to the end.
    let place = outer.iter().position(|axis| axis.from == 1).expect("the axes have an order");
    outer[place..].rotate_left(1);
    let (along, outer) = outer.split_last().expect("it has just been found");
    // In blocks of both, so that each cache line is used whole, on both sides, before it is dropped.
    const BLOCK: usize = 16;
    for row in (0..across.len).step_by(BLOCK) {
        for column in (0..along.len).step_by(BLOCK) {
            let (rows, columns) = (BLOCK.min(across.len - row), BLOCK.min(along.len - column));
            each(outer, row * across.from + column, row + column * along.to, &mut |f, t| {
                for i in 0..columns {
                    let to = &mut to[t + i * along.to..][..rows];
                    match to.first_chunk_mut::<BLOCK>() {
                        // The same with a length that is known: a fifth faster.
                        Some(to) => (0..BLOCK).for_each(|j| to[j] = from[f + i + j * across.from]),
                        None => (0..rows).for_each(|j| to[j] = from[f + i + j * across.from]),
                    }
                }
            });
        }
    }
}

/// Brings the axes into the order of the tensor that is written, makes one of those that follow each other on both
/// sides, and leaves out those of one element; returns how many are left.
fn joined(axes: &mut [Axis]) -> usize {
    axes.sort_unstable_by_key(|axis| Reverse(axis.to));
    let mut count = 0;
    for i in 0..axes.len() {
        let axis = axes[i];
        if axis.len == 1 {
            continue;
        }
        match axes[..count].last_mut() {
            Some(last) if last.from == axis.from * axis.len => *last = Axis { len: last.len * axis.len, ..axis },
            _ => {
                axes[count] = axis;
                count += 1;
            }
        }
    }
    count
}

/// Calls `f` with each place on both sides that these axes lead to from `from` and `to`.
fn each(axes: &[Axis], from: usize, to: usize, f: &mut impl FnMut(usize, usize)) {
    match axes.split_first() {
        None => f(from, to),
        Some((axis, inner)) => (0..axis.len).for_each(|i| each(inner, from + i * axis.from, to + i * axis.to, f)),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;
    use crate::Real;
    use crate::network::Kind;
    use crate::rng::Generator;

    const OFFSET: usize = 16;

    fn check(shape: &'static [usize], order: &'static [usize], stored: &[u32]) {
        let spec = ParamSpec::new("w", shape, OFFSET, Kind::Weight).stored(order);
        let values: Vec<u32> = (0..spec.len as u32).collect();
        check_both_ways(&spec, &values, stored, 99);
    }

    /// In PyTorch's order the parameter has `values`, and they are `stored` so, with nothing written beside them.
    #[track_caller]
    fn check_both_ways<T: Copy + Debug + PartialEq>(spec: &ParamSpec, values: &[T], stored: &[T], beside: T) {
        let mut flat = vec![beside; OFFSET + spec.len + 3];
        spec.write(values, &mut flat);
        assert_eq!(&flat[OFFSET..OFFSET + spec.len], stored, "{spec:?}");
        assert!(flat[..OFFSET].iter().chain(&flat[OFFSET + spec.len..]).all(|&x| x == beside), "wrote beside {spec:?}");
        let mut read = vec![beside; spec.len];
        spec.read(&flat, &mut read);
        assert_eq!(read, values, "{spec:?}");
    }

    #[test]
    fn a_parameter_in_pytorchs_order_is_copied() {
        check(&[2, 3], &[], &[0, 1, 2, 3, 4, 5]);
        check(&[2, 3], &[0, 1], &[0, 1, 2, 3, 4, 5]);
        check(&[], &[], &[0]);
    }

    #[test]
    fn a_transposed_parameter_is_stored_input_by_input() {
        check(&[2, 3], &[1, 0], &[0, 3, 1, 4, 2, 5]);
        check(&[2, 1, 3], &[1, 2, 0], &[0, 3, 1, 4, 2, 5]);
        check(&[2, 0], &[1, 0], &[]);
    }

    #[test]
    fn a_kernel_is_stored_place_by_place() {
        // [out, in, kw], and all outputs of an input at a place stand together.
        check(&[2, 2, 3], &[2, 1, 0], &[0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11]);
    }

    #[test]
    fn an_order_that_is_none_is_refused() {
        const SPEC: ParamSpec = ParamSpec::new("w", &[2, 6], OFFSET, Kind::Weight);
        for order in [&[0, 0][..], &[1], &[0, 2], &[0, 1, 2]] {
            assert!(std::panic::catch_unwind(|| SPEC.stored(order)).is_err(), "{order:?}");
        }
        for dims in [&[2, 2, 2][..], &[3, 4], &[2, 6, 2], &[2], &[2, 6, 1, 1, 1, 1, 1, 1, 1]] {
            assert!(std::panic::catch_unwind(|| SPEC.split(dims)).is_err(), "{dims:?}");
        }
    }

    #[test]
    fn an_axis_may_be_several() {
        // [out, C · W] behind [C, W], of which the channels stand together.
        let spec = ParamSpec::new("w", &[2, 6], OFFSET, Kind::Weight).split(&[2, 2, 3]).stored(&[2, 1, 0]);
        let values: Vec<u32> = (0..12).collect();
        check_both_ways(&spec, &values, &[0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11], 99);
    }

    /// For each element in PyTorch's order its place as stored, by the definition.
    fn places(dims: &[usize], order: &[usize]) -> Vec<usize> {
        let place = |element: usize| {
            let (mut rest, mut index) = (element, vec![0; dims.len()]);
            for (index, len) in index.iter_mut().zip(dims).rev() {
                (*index, rest) = (rest % len, rest / len);
            }
            order.iter().fold(0, |place, &axis| place * dims[axis] + index[axis])
        };
        (0..dims.iter().product()).map(place).collect()
    }

    fn check_at_random<T: Real>() {
        let mut generator = Generator::seed_from(1);
        for round in 0..2000 {
            // Up to eight axes of a few elements; and few axes that are longer than a block, or just about as long.
            let (axes, longest) = [(generator.below(MAX_AXES + 1), 4), (generator.below(3) + 1, 40)][round % 2];
            let dims: Vec<usize> = (0..axes).map(|_| generator.below(longest) + usize::from(round % 50 > 0)).collect();
            let (dims, order): (&'static [usize], _) = (dims.leak(), generator.permutation(axes).leak());
            // PyTorch's axes are all of them, or the first few are one.
            let joint = generator.below(axes.max(1)) + 1;
            let shape = [&[dims.iter().take(joint).product()], dims.get(joint..).unwrap_or(&[])].concat().leak();
            let spec = ParamSpec::new("w", if round % 3 == 0 { shape } else { dims }, OFFSET, Kind::Weight);
            let spec = spec.split(dims).stored(order);

            let values: Vec<T> = (0..spec.len).map(|i| T::from_f64(i as f64)).collect();
            let mut stored = vec![T::ZERO; spec.len];
            for (&place, &value) in places(dims, order).iter().zip(&values) {
                stored[place] = value;
            }
            check_both_ways(&spec, &values, &stored, -T::ONE);

            let Some((&rows, _)) = spec.shape.split_first().filter(|_| spec.len > 0) else { continue };
            let columns = spec.len / rows;
            let transposed: Vec<T> = (0..spec.len).map(|i| values[i % rows * columns + i / rows]).collect();
            let (mut matrix, mut again) = (vec![-T::ONE; spec.len], vec![-T::ONE; spec.len]);
            spec.read_matrix(&stored, true, &mut matrix);
            assert_eq!(matrix, transposed, "{spec:?}");
            spec.write_matrix(&matrix, true, &mut again);
            assert_eq!(again, stored, "{spec:?}");
        }
    }

    #[test]
    fn any_order_of_any_axes_is_what_it_is_by_definition() {
        check_at_random::<f32>();
        check_at_random::<f64>();
    }
}
