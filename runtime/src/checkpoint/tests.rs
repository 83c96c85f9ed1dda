//! State dicts and checkpoints of a small network: names, shapes, exactness, and what is refused.

mod fixture;
mod run;
mod state_dict;
