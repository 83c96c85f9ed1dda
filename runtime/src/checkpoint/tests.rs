//! State dicts and files of a small network: names, shapes, exactness, and what is refused.

mod fixture;
mod state_dict;
