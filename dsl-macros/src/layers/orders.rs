//! In which orders of axes a layer takes its inputs and gives its outputs.

use crate::ir::{Order, Shape, View};

/// In which order of axes a layer takes all its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    AsItComes,
    Logical,
    ChannelsLast,
}

/// What a layer answers to the question for orders.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    pub(crate) take: Take,
    /// The order of each output.
    pub(crate) give: Vec<Order>,
}

impl Orders {
    /// Of a layer that works with any order, as long as all inputs and the output have one.
    pub(super) fn any(inputs: &[View]) -> Orders {
        match inputs {
            [first, others @ ..] if others.iter().all(|other| other.order == first.order) => {
                Orders { take: Take::AsItComes, give: vec![first.order.clone()] }
            }
            _ => Orders::by_axes(inputs, &[inputs[0].shape.clone()]),
        }
    }

    /// Of a layer that works along axes, wherever they lie: all as the first input is.
    pub(super) fn by_axes(inputs: &[View], outputs: &[Shape]) -> Orders {
        if inputs[0].is_channels_last() { Orders::channels_last(outputs) } else { Orders::logical(outputs) }
    }

    /// Of a layer that wants PyTorch's order.
    pub(super) fn logical(outputs: &[Shape]) -> Orders {
        Orders { take: Take::Logical, give: vec![Order::Logical; outputs.len()] }
    }

    /// Of a layer that wants channels last.
    pub(super) fn channels_last(outputs: &[Shape]) -> Orders {
        Orders { take: Take::ChannelsLast, give: outputs.iter().map(Order::channels_last).collect() }
    }
}
