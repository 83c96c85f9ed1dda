//! What a program that declares and trains networks names: `use glulam::prelude::*;`.

pub use crate::checkpoint::{Checkpoint, StateDict, StateDictExt};
pub use crate::data::{
    Batch, ConcatDataset, DataLoader, Dataset, FashionMnist, Mnist, RandomSampler, Sampler, SequentialSampler, Subset,
    SubsetRandomSampler, TensorDataset, WeightedRandomSampler, random_split,
};
pub use crate::loss::*;
pub use crate::lr_scheduler::*;
pub use crate::metrics::*;
pub use crate::optim::*;
pub use crate::rng::Generator;
pub use crate::train::{Epochs, Steps, Trainer};
pub use crate::{Mode, Network, Real, manual_seed, network, train};
