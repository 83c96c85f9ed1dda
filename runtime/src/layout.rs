//! Between PyTorch's row-major tensors and the flat array: the door where weights are transposed.

use crate::network::{Layout, ParamSpec};

impl ParamSpec {
    /// Writes this parameter, found in the flat array `flat`, to `values` in PyTorch's order.
    ///
    /// # Panics
    /// If `values` has another length than the parameter, or `flat` ends before it.
    pub fn read<T: Copy>(&self, flat: &[T], values: &mut [T]) {
        self.check_len(values.len());
        let stored = &flat[self.offset..self.offset + self.len];
        match self.layout {
            Layout::Same => values.copy_from_slice(stored),
            Layout::Transposed => transpose(stored, self.outputs(), values),
        }
    }

    /// Writes `values`, in PyTorch's order, to this parameter's place in the flat array `flat`.
    ///
    /// # Panics
    /// If `values` has another length than the parameter, or `flat` ends before it.
    pub fn write<T: Copy>(&self, values: &[T], flat: &mut [T]) {
        self.check_len(values.len());
        let stored = &mut flat[self.offset..self.offset + self.len];
        match self.layout {
            Layout::Same => stored.copy_from_slice(values),
            Layout::Transposed => transpose(values, self.len / self.outputs().max(1), stored),
        }
    }

    fn check_len(&self, found: usize) {
        assert!(found == self.len, "{}: {found} values for shape {:?} of {}", self.name, self.shape, self.len);
    }

    /// The length of the first axis; all others are one axis to a transposition.
    fn outputs(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }
}

/// `from`, a row-major matrix with `columns` columns, transposed.
fn transpose<T: Copy>(from: &[T], columns: usize, to: &mut [T]) {
    if columns == 0 {
        return;
    }
    let rows = from.len() / columns;
    // Bands of rows: their cache lines are used whole before they are dropped.
    const BAND: usize = 16;
    for first in (0..rows).step_by(BAND) {
        for column in 0..columns {
            for row in first..rows.min(first + BAND) {
                to[column * rows + row] = from[row * columns + column];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Kind;

    fn spec(shape: &'static [usize], layout: Layout) -> ParamSpec {
        let len = shape.iter().product();
        ParamSpec { name: "w", shape, offset: 16, len, row: 1, cost: 1, kind: Kind::Weight, layout }
    }

    fn check(shape: &'static [usize], layout: Layout, stored: &[u32]) {
        let spec = spec(shape, layout);
        let values: Vec<u32> = (0..spec.len as u32).collect();
        let mut flat = vec![99; 16 + spec.len + 3];
        spec.write(&values, &mut flat);
        assert_eq!(&flat[16..16 + spec.len], stored);
        assert!(flat[..16].iter().chain(&flat[16 + spec.len..]).all(|&x| x == 99), "wrote beside the parameter");
        let mut read = vec![0; spec.len];
        spec.read(&flat, &mut read);
        assert_eq!(read, values);
    }

    #[test]
    fn a_parameter_of_the_same_layout_is_copied() {
        check(&[2, 3], Layout::Same, &[0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_transposed_parameter_is_stored_input_by_input() {
        check(&[2, 3], Layout::Transposed, &[0, 3, 1, 4, 2, 5]);
        check(&[2, 1, 3], Layout::Transposed, &[0, 3, 1, 4, 2, 5]);
        check(&[3], Layout::Transposed, &[0, 1, 2]);
        check(&[2, 0], Layout::Transposed, &[]);
    }

    #[test]
    fn a_transposition_larger_than_its_bands_keeps_every_value() {
        let stored: Vec<u32> = (0..37 * 41).map(|i| (i % 37) * 41 + i / 37).collect();
        check(&[37, 41], Layout::Transposed, &stored);
    }
}
