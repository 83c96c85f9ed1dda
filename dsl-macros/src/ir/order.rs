//! How the axes of a sample lie in memory.

use std::fmt;

use super::{Dim, Shape};

/// The order in which the axes of a sample are stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Order {
    /// As PyTorch counts them, the last one contiguous.
    Logical,
    /// The first axis last: `[C, H, W]` as `[H, W, C]`. What a view makes of such a sample lies in memory as before, so this
    /// counts what was stored: element (c, p) of PyTorch's `[channels, positions]` is element (p, c).
    ChannelsLast { channels: Dim, positions: Dim },
}

impl Order {
    /// Channels last, of samples of this shape. With one channel, or one position, that is PyTorch's order too.
    pub(crate) fn channels_last(shape: &Shape) -> Order {
        let Some((channels, rest)) = shape.0.split_first() else { return Order::Logical };
        let positions = Dim::product(rest);
        if channels.known() == Some(1) || positions.known() == Some(1) {
            return Order::Logical;
        }
        Order::ChannelsLast { channels: channels.clone(), positions }
    }
}

/// A value as a layer sees it.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) shape: Shape,
    pub(crate) order: Order,
}

impl View {
    /// Whether the axes of this shape are stored with the first one last.
    pub(crate) fn is_channels_last(&self) -> bool {
        self.order != Order::Logical && self.order == Order::channels_last(&self.shape)
    }

    /// The stored axes before the one that PyTorch has at `place`, that axis, and those after it: the products of their
    /// dimensions.
    ///
    /// The order must be PyTorch's or channels last.
    pub(crate) fn around(&self, place: usize) -> (Dim, Dim, Dim) {
        let (mut dims, mut place) = (self.shape.0.clone(), place);
        if self.is_channels_last() {
            dims.rotate_left(1);
            place = (place + dims.len() - 1) % dims.len();
        }
        (Dim::product(&dims[..place]), dims[place].clone(), Dim::product(&dims[place + 1..]))
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Order::Logical => Ok(()),
            Order::ChannelsLast { channels, .. } => write!(f, ", {channels} channels last"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(dims: &[usize]) -> Shape {
        Shape(dims.iter().map(|&n| Dim::Known(n)).collect())
    }

    fn view(dims: &[usize]) -> View {
        View { shape: shape(dims), order: Order::channels_last(&shape(dims)) }
    }

    #[test]
    fn one_channel_or_one_position_is_pytorchs_order() {
        for dims in [&[][..], &[7], &[1, 28, 28], &[64, 1, 1]] {
            assert_eq!(Order::channels_last(&shape(dims)), Order::Logical, "{dims:?}");
        }
        assert!(view(&[3, 2]).is_channels_last());
    }

    #[test]
    fn what_is_flat_is_not_channels_last() {
        let flat = View { shape: shape(&[24]), order: Order::channels_last(&shape(&[2, 3, 4])) };
        assert!(!flat.is_channels_last());
    }

    #[test]
    fn axes_are_where_they_are_stored() {
        let around = |view: &View, place| {
            let (before, len, after) = view.around(place);
            [before, len, after].map(|dim| dim.known().expect("a number"))
        };
        let logical = View { shape: shape(&[5, 2, 3]), order: Order::Logical };
        assert_eq!([0, 1, 2].map(|place| around(&logical, place)), [[1, 5, 6], [5, 2, 3], [10, 3, 1]]);
        // [2, 3, 5]
        assert_eq!([0, 1, 2].map(|place| around(&view(&[5, 2, 3]), place)), [[6, 5, 1], [1, 2, 15], [2, 3, 5]]);
    }
}
