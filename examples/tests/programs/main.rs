//! The examples as a user runs them: processes with arguments, files, and what they print.

mod classifiers;
mod fashion_mnist;
mod optimizers;
mod pictures;
mod place;
