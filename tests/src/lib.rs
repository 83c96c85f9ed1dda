//! The package exists for its tests.
